//! Makes tags with listed names into attributes, for proofs: a solver works with attributes quickly, and with sets of names
//! hardly.
//!
//! Where the schema lists the names of tags (`@tags`), an entity has one optional attribute for each name. A name that
//! policies compute can be one of a record's constants, such as `resource.system`: in one environment it is a literal.
//! `hasTag` with another attribute of the resource is a choice among all names. `getTag` with one leaves the tags as they
//! are.

use super::{Environment, joined::any};
use crate::sources::policy::{
    EntityModel, Held, Limit, Model, Policies,
    cedar_core::ast::{BinaryOp, EntityType, Expr, ExprKind, Literal, UnaryOp, Var},
};
use cedar_policy as cedar;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What the names of these attributes begin with. No policy reads them: no person would write such a name.
const TAG: &str = "poort: tag ";

/// The attributes that stand for tags, and the constants of records.
#[derive(Debug, Clone, Default)]
pub(super) struct ListedTags {
    /// The values of attributes that have one, by type.
    constants: BTreeMap<EntityType, BTreeMap<SmolStr, SmolStr>>,
    /// The names of these attributes.
    names: BTreeSet<SmolStr>,
    /// The tags that policies name.
    named: BTreeSet<SmolStr>,
    /// The names that the schema lists.
    listed: BTreeSet<SmolStr>,
    /// The types of resources with an attribute that says which tag is looked for.
    choosing: BTreeSet<EntityType>,
    /// Whether tags are attributes.
    pub(super) are_attributes: bool,
}

impl ListedTags {
    pub(super) fn of(policies: &Policies) -> Self {
        let model = &policies.model;
        let mut tags = Self::default();
        for environment in Environment::all(model) {
            for kind in [&environment.principal, &environment.resource] {
                tags.constants.entry(kind.clone()).or_insert_with(|| constants(model, kind));
            }
        }
        tags.names = tags.constants.values().flat_map(BTreeMap::keys).cloned().collect();
        let tagged: Vec<_> = model.entity_types().filter(|entity| entity.tags.is_some()).collect();
        let are_listed = !tagged.is_empty() && tagged.iter().all(|entity| entity.tag_names.is_some());
        let lists = tagged.iter().filter_map(|entity| entity.tag_names.as_ref());
        tags.listed = lists.flat_map(Limit::names).map(SmolStr::new).collect();
        tags.are_attributes = are_listed;
        let mut chosen_by = BTreeSet::new();
        for policy in policies.set.policies() {
            let condition = AsRef::<crate::sources::policy::cedar_core::ast::Policy>::as_ref(policy).condition();
            for part in condition.subexpressions() {
                let ExprKind::BinaryApp { op: op @ (BinaryOp::HasTag | BinaryOp::GetTag), arg2, .. } = part.expr_kind()
                else {
                    continue;
                };
                match (arg2.expr_kind(), op) {
                    (ExprKind::Lit(Literal::String(name)), _) => _ = tags.named.insert(name.clone()),
                    (ExprKind::GetAttr { expr, attr }, _) if is_party(expr) && tags.names.contains(attr) => {}
                    (ExprKind::GetAttr { expr, attr }, BinaryOp::HasTag) if is_party(expr) => {
                        _ = chosen_by.insert(attr.clone());
                    }
                    _ => tags.are_attributes = false,
                }
            }
        }
        let chooses = |kind: &&EntityType| match model.entity_type(kind).map(|entity| &entity.held) {
            Some(Held::ByRequest { attributes, .. }) => attributes.keys().any(|name| chosen_by.contains(name)),
            _ => false,
        };
        tags.choosing = tags.constants.keys().filter(chooses).cloned().collect();
        tags
    }

    /// The tags that can be read about a resource of this type: the fewer an entity has, the faster is the solver.
    pub(super) fn about(&self, resource: &EntityType) -> BTreeSet<SmolStr> {
        if self.choosing.contains(resource) {
            return self.listed.clone();
        }
        let constants = self.constants.get(resource).into_iter().flat_map(BTreeMap::values);
        self.named.iter().chain(constants).cloned().collect()
    }

    /// Gives a declaration of the schema these attributes in place of its tags.
    pub(super) fn declare(
        &self,
        entity: Option<&EntityModel>,
        about: &BTreeSet<SmolStr>,
        declared: &mut Map<String, Value>,
    ) {
        if !self.are_attributes || entity.is_none_or(|entity| entity.tag_names.is_none()) {
            return;
        }
        let Some(ty) = declared.remove("tags") else { return };
        let shape = declared.entry("shape").or_insert_with(|| json!({ "type": "Record", "attributes": {} }));
        let Some(attributes) = shape.get_mut("attributes").and_then(Value::as_object_mut) else { return };
        for name in about {
            let mut attribute = ty.clone();
            if let Some(attribute) = attribute.as_object_mut() {
                attribute.insert("required".to_owned(), false.into());
            }
            attributes.insert(format!("{TAG}{name}"), attribute);
        }
    }

    /// The expression with attributes in place of tags, and with literals in place of constants.
    ///
    /// # Errors
    /// It computes the name of a tag.
    pub(super) fn replaced(&self, expression: &Expr, environment: &cedar::RequestEnv) -> Result<Expr, String> {
        let constant = |of: &Expr, attribute: &SmolStr| {
            let kind = match of.expr_kind() {
                ExprKind::Var(Var::Principal) => environment.principal(),
                ExprKind::Var(Var::Resource) => environment.resource(),
                _ => return None,
            };
            let constants = self.constants.get(AsRef::<EntityType>::as_ref(kind))?;
            self.names.contains(attribute).then(|| constants.get(attribute))
        };
        let go = |part: &Expr| self.replaced(part, environment);
        Ok(match expression.expr_kind() {
            ExprKind::GetAttr { expr, attr } => match constant(expr, attr) {
                Some(Some(value)) => Expr::val(value.clone()),
                _ => Expr::get_attr(go(expr)?, attr.clone()),
            },
            ExprKind::HasAttr { expr, attr } => match constant(expr, attr) {
                Some(Some(_)) => Expr::val(true),
                _ => Expr::has_attr(go(expr)?, attr.clone()),
            },
            ExprKind::And { left, right } => match go(left)? {
                left if truth(&left) == Some(true) => go(right)?,
                left if is_never(&left, self, environment) => Expr::val(false),
                left => Expr::and(left, go(right)?),
            },
            ExprKind::Or { left, right } => Expr::or(go(left)?, go(right)?),
            ExprKind::If { test_expr, then_expr, else_expr } => match go(test_expr)? {
                test if truth(&test) == Some(true) => go(then_expr)?,
                test if is_never(&test, self, environment) => go(else_expr)?,
                test => Expr::ite(test, go(then_expr)?, go(else_expr)?),
            },
            ExprKind::UnaryApp { op, arg } => match go(arg)? {
                arg if *op == UnaryOp::Not && truth(&arg).is_some() => Expr::val(truth(&arg) == Some(false)),
                arg => Expr::unary_app(*op, arg),
            },
            ExprKind::BinaryApp { op: op @ (BinaryOp::HasTag | BinaryOp::GetTag), arg1, arg2 } => {
                let key = go(arg2)?;
                let ExprKind::Lit(Literal::String(name)) = key.expr_kind() else {
                    // Elsewhere an entity does not have all tags here, and one that is left out would count as absent.
                    if *op == BinaryOp::HasTag && self.choosing.contains(environment.resource().as_ref()) {
                        let of = go(arg1)?;
                        return Ok(any(self.about(environment.resource().as_ref()).iter().map(|name| {
                            let has = Expr::has_attr(of.clone(), format!("{TAG}{name}").into());
                            Expr::and(Expr::is_eq(key.clone(), Expr::val(name.clone())), has)
                        })));
                    }
                    return Err("the name of a tag is computed, which proofs do not follow here".to_owned());
                };
                if !self.about(environment.resource().as_ref()).contains(name) {
                    return Err(format!("proofs do not follow the tag \"{name}\" here"));
                }
                let attribute = SmolStr::from(format!("{TAG}{name}"));
                if *op == BinaryOp::HasTag {
                    Expr::has_attr(go(arg1)?, attribute)
                } else {
                    Expr::get_attr(go(arg1)?, attribute)
                }
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => Expr::binary_app(*op, go(arg1)?, go(arg2)?),
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                Expr::call_extension_fn(fn_name.clone(), args.iter().map(go).collect::<Result<_, _>>()?)
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let mut from = go(expr)?;
                let mut steps = Vec::new();
                for attribute in attrs.iter() {
                    steps.push(Expr::has_attr(from.clone(), attribute.clone()));
                    from = Expr::get_attr(from, attribute.clone());
                }
                steps.into_iter().reduce(Expr::and).unwrap_or_else(|| Expr::val(true))
            }
            ExprKind::Like { expr, pattern } => Expr::like(go(expr)?, pattern.clone()),
            ExprKind::Is { expr, entity_type } => Expr::is_entity_type(go(expr)?, entity_type.clone()),
            ExprKind::Set(elements) => Expr::set(elements.iter().map(go).collect::<Result<Vec<_>, _>>()?),
            ExprKind::Record(fields) => {
                let fields = fields.iter().map(|(name, field)| Ok((name.clone(), go(field)?)));
                Expr::record_arc(Arc::new(fields.collect::<Result<_, String>>()?))
            }
            _ => expression.clone(),
        })
    }
}

/// The name of the tag that an attribute stands for.
pub(super) fn tag(attribute: &str) -> Option<&str> {
    attribute.strip_prefix(TAG)
}

fn constants(model: &Model, kind: &EntityType) -> BTreeMap<SmolStr, SmolStr> {
    let held = model.entity_type(kind).map(|entity| &entity.held);
    let Some(Held::ByRequest { attributes, .. }) = held else { return BTreeMap::new() };
    let constants = attributes.iter().filter_map(|(name, attribute)| Some((name.clone(), attribute.constant.clone()?)));
    constants.collect()
}

fn is_party(expression: &Expr) -> bool {
    matches!(expression.expr_kind(), ExprKind::Var(Var::Resource | Var::Principal))
}

fn truth(expression: &Expr) -> Option<bool> {
    match expression.expr_kind() {
        ExprKind::Lit(Literal::Bool(truth)) => Some(*truth),
        _ => None,
    }
}

/// Whether it is false: a literal, or the question for a constant that this type of record does not have.
fn is_never(expression: &Expr, tags: &ListedTags, environment: &cedar::RequestEnv) -> bool {
    match expression.expr_kind() {
        ExprKind::HasAttr { expr, attr } if matches!(expr.expr_kind(), ExprKind::Var(Var::Resource)) => {
            let kind: &EntityType = environment.resource().as_ref();
            tags.names.contains(attr) && tags.constants.get(kind).is_some_and(|constants| !constants.contains_key(attr))
        }
        _ => truth(expression) == Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::super::MissingEntities;
    use super::*;
    use crate::sources::policy::Sources;

    const SCHEMA: &str = "@tags(\"a, b\") entity User { pick: String } tags Bool;
        @source(\"request\") entity Doc { target: String };
        action read appliesTo { principal: [User], resource: [Doc], context: {} };";
    const POLICY: &str = "@id(\"p\") @title(\"Some read.\") permit (principal, action, resource) when";

    fn guarded(policy: &str, asked: &str) -> Result<String, String> {
        let policy = format!("{POLICY} {{ {policy} }};");
        let texts = [("schema.cedarschema", SCHEMA), ("p.cedar", policy.as_str())];
        let (_, policies, problems) = Policies::from_sources(&Sources::from_texts("p", texts));
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let environment = Environment::all(&policies.model)[0].cedar();
        let known = MissingEntities::of(&policies).unwrap();
        known.guarded(asked.parse().unwrap(), &environment).map(|guarded| guarded.to_string())
    }

    #[test]
    fn a_name_that_the_record_gives_is_a_choice_among_all() {
        let chosen = "principal.hasTag(resource.target)";
        let found = guarded(chosen, chosen).unwrap();
        assert!(found.contains("poort: tag a") && found.contains("poort: tag b"), "{found}");
    }

    /// Else it would count as absent whatever the account has, and what it allows would be missed.
    #[test]
    fn a_name_that_no_policy_takes_from_the_record_is_undecided() {
        let named = "principal.hasTag(\"a\")";
        assert!(guarded(named, "principal.hasTag(resource.target)").is_err());
        assert!(guarded(named, "principal.hasTag(principal.pick)").is_err());
        assert!(guarded(named, "principal.hasTag(\"b\")").is_err());
        assert!(guarded(named, named).is_ok());
    }
}
