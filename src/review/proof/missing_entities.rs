//! Models missing entities: those that something refers to and the directory does not know.
//!
//! A caller or the directory may name a missing entity. A policy that reads a declared attribute of it then fails,
//! `has` is false, and it is in no other entity; Cedar's analysis takes every entity to exist. So every type gets one
//! more attribute that says whether the directory knows the entity, and each expression that reads an entity through a
//! reference tests it. The principal and the resource always exist: poort denies otherwise. An entity of a type whose
//! attributes come from questions exists only if it is one of them: the directory holds none.

use super::{joined::any, listed_tags::ListedTags};
use crate::sources::policy::{
    Held, Policies,
    cedar_core::{
        ast::{self, Expr, ExprBuilder, ExprKind, Var},
        validator::{EntityKind, PolicyCheck, RequestEnv, Type, Typechecker, ValidationMode, ValidatorSchema},
    },
};
use cedar_policy as cedar;
use serde_json::json;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap};

/// The attribute. No policy reads it: its name is none that a person would write.
pub(crate) const KNOWN: &str = "poort: in the directory";

/// A schema in which every entity says whether the directory knows it.
#[derive(Debug, Clone)]
pub(crate) struct MissingEntities {
    plain: cedar::Schema,
    /// For each type of resource, where tags are attributes.
    by_resource: HashMap<ast::EntityType, cedar::Schema>,
    /// The types that questions speak for.
    asked: BTreeSet<ast::EntityType>,
    tags: ListedTags,
}

/// The schema in one environment.
struct Guard<'a> {
    schema: &'a ValidatorSchema,
    asked: &'a BTreeSet<ast::EntityType>,
    environment: &'a cedar::RequestEnv,
}

impl MissingEntities {
    /// The schema of these policies, extended.
    ///
    /// # Errors
    /// A declaration that cannot be extended.
    pub(crate) fn of(policies: &Policies) -> Result<Self, String> {
        let tags = ListedTags::of(policies);
        let mut resources: BTreeSet<_> = policies.model.actions().flat_map(|action| action.resources.clone()).collect();
        if !tags.are_attributes {
            resources.clear();
        }
        let plain = extended(policies, &tags, &BTreeSet::new())?;
        let mut schemas = HashMap::<_, cedar::Schema>::new();
        let mut by_resource = HashMap::new();
        for resource in resources {
            let about = tags.about(&resource);
            let schema = match schemas.get(&about) {
                Some(schema) => schema.clone(),
                None => schemas.entry(about.clone()).or_insert(extended(policies, &tags, &about)?).clone(),
            };
            by_resource.insert(resource, schema);
        }
        let declared: &ValidatorSchema = plain.as_ref();
        let is_asked = |kind: &&ast::EntityType| {
            let model = policies.model.entity_type(kind);
            model.is_some_and(|model| matches!(model.held, Held::ByRequest { .. }))
        };
        let asked = declared.entity_type_names().filter(is_asked).cloned().collect();
        Ok(Self { plain, by_resource, asked, tags })
    }

    /// The schema for questions about a type of resource.
    pub(crate) fn schema(&self, environment: &cedar::RequestEnv) -> &cedar::Schema {
        self.by_resource.get(AsRef::<ast::EntityType>::as_ref(environment.resource())).unwrap_or(&self.plain)
    }

    /// The expression with the failures that unknown entities cause.
    pub(crate) fn guarded(&self, expression: Expr, environment: &cedar::RequestEnv) -> Result<Expr, String> {
        let expression =
            if self.tags.are_attributes { self.tags.replaced(&expression, environment)? } else { expression };
        if !looks_further(&expression) && !asks_in_steps(&expression) {
            return Ok(expression);
        }
        let schema: &ValidatorSchema = self.schema(environment).as_ref();
        let request = schema.unlinked_request_envs(ValidationMode::Strict).find(|request| match request {
            RequestEnv::DeclaredAction { principal, action, resource, .. } => {
                *principal == AsRef::<ast::EntityType>::as_ref(environment.principal())
                    && *action == AsRef::<ast::EntityUID>::as_ref(environment.action())
                    && *resource == AsRef::<ast::EntityType>::as_ref(environment.resource())
            }
            RequestEnv::UndeclaredAction => false,
        });
        let request = request.ok_or("the schema does not have this environment")?;
        let policy = ast::Policy::from_when_clause(
            ast::Effect::Permit,
            expression,
            ast::PolicyID::from_string("question"),
            None,
        );
        let checker = Typechecker::new(schema, ValidationMode::Strict);
        let guard = Guard { schema, asked: &self.asked, environment };
        match checker.typecheck_by_single_request_env(policy.template(), &request) {
            PolicyCheck::Success(typed) => Ok(guard.guard(&typed)),
            PolicyCheck::Irrelevant(errors, typed) if errors.is_empty() => Ok(guard.guard(&typed)),
            PolicyCheck::Irrelevant(errors, _) | PolicyCheck::Fail(errors) => {
                Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
        }
    }
}

fn extended(policies: &Policies, tags: &ListedTags, about: &BTreeSet<SmolStr>) -> Result<cedar::Schema, String> {
    let fault = |error: &dyn std::fmt::Display| format!("the schema cannot be prepared for proofs: {error}");
    let (fragment, _) =
        cedar::SchemaFragment::from_cedarschema_str(&policies.schema_text).map_err(|error| fault(&error))?;
    let mut whole = fragment.to_json_value().map_err(|error| fault(&error))?;
    for (namespace, definition) in whole.as_object_mut().into_iter().flatten() {
        let types = definition.get_mut("entityTypes").and_then(|types| types.as_object_mut());
        for (name, declared) in types.into_iter().flatten() {
            let Some(declared) = declared.as_object_mut().filter(|declared| !declared.contains_key("enum")) else {
                continue;
            };
            let full = if namespace.is_empty() { name.clone() } else { format!("{namespace}::{name}") };
            tags.declare(policies.model.entity(&full).ok().map(AsRef::as_ref), about, declared);
            let shape = declared.entry("shape").or_insert_with(|| json!({ "type": "Record", "attributes": {} }));
            let attributes = shape.get_mut("attributes").and_then(|attributes| attributes.as_object_mut());
            let attributes = attributes
                .ok_or_else(|| fault(&format!("the attributes of `{name}` are a named type; write them out")))?;
            attributes.insert(KNOWN.to_owned(), json!({ "type": "Boolean", "required": true }));
        }
    }
    cedar::Schema::from_json_value(whole).map_err(|error| fault(&error))
}

impl Guard<'_> {
    fn guard(&self, typed: &Expr<Option<Type>>) -> Expr {
        let go = |part: &Expr<Option<Type>>| self.guard(part);
        match typed.expr_kind() {
            ExprKind::If { test_expr, then_expr, else_expr } => Expr::ite(go(test_expr), go(then_expr), go(else_expr)),
            ExprKind::And { left, right } => Expr::and(go(left), go(right)),
            ExprKind::Or { left, right } => Expr::or(go(left), go(right)),
            ExprKind::UnaryApp { op, arg } => Expr::unary_app(*op, go(arg)),
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                let asked = Expr::binary_app(*op, go(arg1), go(arg2));
                match op {
                    ast::BinaryOp::HasTag if self.is_led_to(arg1) => Expr::and(self.known(arg1), asked),
                    // A missing entity is in itself and in nothing else.
                    ast::BinaryOp::In if self.is_led_to(arg1) => match (entity_type(arg1), arg2.data()) {
                        (Some(kind), _) if entity_type(arg2) == Some(kind) => {
                            Expr::ite(self.known(arg1), asked, Expr::is_eq(go(arg1), go(arg2)))
                        }
                        (Some(kind), Some(Type::Set { element_type: Some(element) }))
                            if single(element) == Some(kind) =>
                        {
                            let among = Expr::binary_app(ast::BinaryOp::Contains, go(arg2), go(arg1));
                            Expr::ite(self.known(arg1), asked, among)
                        }
                        _ => Expr::and(self.known(arg1), asked),
                    },
                    _ => asked,
                }
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                Expr::call_extension_fn(fn_name.clone(), args.iter().map(go).collect())
            }
            ExprKind::GetAttr { expr, attr } => {
                let from = go(expr);
                if self.is_led_to(expr) && self.requires(expr, attr) {
                    let nowhere = Expr::ite(fails(), from.clone(), from.clone());
                    Expr::get_attr(Expr::ite(self.known(expr), from, nowhere), attr.clone())
                } else {
                    // An optional attribute is read only where `has` said that it is there.
                    Expr::get_attr(from, attr.clone())
                }
            }
            ExprKind::HasAttr { expr, attr } => {
                let from = go(expr);
                let asked = Expr::has_attr(from, attr.clone());
                if self.is_led_to(expr) { Expr::and(self.known(expr), asked) } else { asked }
            }
            ExprKind::ExtHasAttr { expr, attrs } => self.has_all(expr, attrs.iter()),
            ExprKind::Like { expr, pattern } => Expr::like(go(expr), pattern.clone()),
            ExprKind::Is { expr, entity_type } => Expr::is_entity_type(go(expr), entity_type.clone()),
            ExprKind::Set(elements) => Expr::set(elements.iter().map(go)),
            ExprKind::Record(fields) => Expr::record_arc(std::sync::Arc::new(
                fields.iter().map(|(name, field)| (name.clone(), go(field))).collect(),
            )),
            _ => typed.clone().into_expr::<ExprBuilder<()>>(),
        }
    }

    /// `from has a.b.c` as separate steps: each may lead to a missing entity.
    fn has_all<'a>(&self, typed: &Expr<Option<Type>>, attributes: impl Iterator<Item = &'a SmolStr>) -> Expr {
        let mut from = self.guard(typed);
        let mut kind = typed.data().clone();
        let mut may_be_nowhere = self.is_led_to(typed);
        let mut steps = Vec::new();
        for attribute in attributes {
            let asked = Expr::has_attr(from.clone(), attribute.clone());
            steps.push(match kind.as_ref().and_then(single).filter(|_| may_be_nowhere) {
                Some(kind) => Expr::and(self.known_as(from.clone(), kind), asked),
                None => asked,
            });
            from = Expr::get_attr(from, attribute.clone());
            kind = kind.and_then(|kind| self.attribute_type(&kind, attribute));
            may_be_nowhere = kind.as_ref().and_then(single).is_some_and(|kind| self.is_extended(kind));
        }
        steps.into_iter().reduce(Expr::and).unwrap_or_else(|| Expr::val(true))
    }

    fn attribute_type(&self, kind: &Type, attribute: &str) -> Option<Type> {
        let found = match kind {
            Type::Record { attrs, .. } => attrs.get_attr(attribute)?,
            kind => self.schema.get_entity_type(single(kind)?)?.attr(attribute)?,
        };
        Some(found.attr_type.as_ref().clone())
    }

    /// Holds where the entity that is the value of an expression exists.
    fn known(&self, typed: &Expr<Option<Type>>) -> Expr {
        let entity = self.guard(typed);
        match entity_type(typed) {
            Some(kind) => self.known_as(entity, kind),
            None => Expr::get_attr(entity, KNOWN.into()),
        }
    }

    fn known_as(&self, entity: Expr, kind: &ast::EntityType) -> Expr {
        if !self.asked.contains(kind) {
            return Expr::get_attr(entity, KNOWN.into());
        }
        let parties = [(Var::Principal, self.environment.principal()), (Var::Resource, self.environment.resource())];
        let is_it = |(party, of): (Var, &cedar::EntityTypeName)| {
            (AsRef::<ast::EntityType>::as_ref(of) == kind).then(|| Expr::is_eq(entity.clone(), Expr::var(party)))
        };
        any(parties.into_iter().filter_map(is_it))
    }

    /// Whether entities of this type say whether they are known.
    fn is_extended(&self, kind: &ast::EntityType) -> bool {
        self.schema.get_entity_type(kind).is_some_and(|declared| declared.attr(KNOWN).is_some())
    }

    /// Whether an expression is an entity that may be missing.
    fn is_led_to(&self, typed: &Expr<Option<Type>>) -> bool {
        !matches!(typed.expr_kind(), ExprKind::Var(Var::Principal | Var::Resource | Var::Action))
            && self.declares(typed, KNOWN).is_some()
    }

    fn requires(&self, typed: &Expr<Option<Type>>, attribute: &str) -> bool {
        self.declares(typed, attribute).unwrap_or(true)
    }

    /// Whether the entity type of an expression requires an attribute; `None` if it is no entity or has none such.
    fn declares(&self, typed: &Expr<Option<Type>>, attribute: &str) -> Option<bool> {
        Some(self.schema.get_entity_type(entity_type(typed)?)?.attr(attribute)?.is_required)
    }
}

/// The type of the entity that an expression is.
fn entity_type(typed: &Expr<Option<Type>>) -> Option<&ast::EntityType> {
    single(typed.data().as_ref()?)
}

fn single(ty: &Type) -> Option<&ast::EntityType> {
    match ty {
        Type::Entity(EntityKind::Entity(types)) => types.get_single_entity(),
        _ => None,
    }
}

/// Cannot be evaluated.
fn fails() -> Expr {
    let sum = Expr::binary_app(ast::BinaryOp::Add, Expr::val(i64::MAX), Expr::val(1));
    Expr::binary_app(ast::BinaryOp::Less, sum, Expr::val(0))
}

/// Whether an expression tests an attribute through another, as `resource has owner.level` does. That never fails, and
/// its value differs if the entity in between is missing.
fn asks_in_steps(expression: &Expr) -> bool {
    expression.subexpressions().any(|part| matches!(part.expr_kind(), ExprKind::ExtHasAttr { .. }))
}

/// Whether an expression may read an entity through a reference. `false` is certain.
pub(crate) fn looks_further(expression: &Expr) -> bool {
    expression.subexpressions().any(|part| match part.expr_kind() {
        ExprKind::GetAttr { expr, .. } | ExprKind::HasAttr { expr, .. } | ExprKind::ExtHasAttr { expr, .. } => {
            !matches!(expr.expr_kind(), ExprKind::Var(_))
        }
        ExprKind::BinaryApp { op: ast::BinaryOp::HasTag | ast::BinaryOp::GetTag | ast::BinaryOp::In, arg1, .. } => {
            !matches!(arg1.expr_kind(), ExprKind::Var(_))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::policy::Sources;

    #[track_caller]
    fn knows(schema: &str, entity: &str) {
        let (_, policies, problems) =
            Policies::from_sources(&Sources::from_texts("p", [("schema.cedarschema", schema)]));
        let policies = policies.unwrap_or_else(|| panic!("{problems:?}"));
        let known = MissingEntities::of(&policies).unwrap();
        let schema: &ValidatorSchema = known.plain.as_ref();
        let declared = schema.get_entity_type(&entity.parse().unwrap()).unwrap();
        assert!(declared.attr(KNOWN).is_some(), "{entity}");
        assert!(declared.attr("level").is_some(), "{entity}");
    }

    #[test]
    fn attributes_of_named_types_stay_as_they_are() {
        let uses = "action read appliesTo { principal: [A::Officer], resource: [A::Officer], context: {} };";
        for schema in [
            "namespace A { type Level = Long; entity Officer { level: Level }; }",
            "type Facts = { level: Long }; namespace A { entity Officer { level: Facts } tags Facts; }",
            "namespace B { type Facts = Set<Long>; } namespace A { entity Officer { level?: B::Facts }; }",
        ] {
            knows(&format!("{schema} {uses}"), "A::Officer");
        }
    }
}
