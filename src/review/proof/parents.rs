//! Assumes the ancestors of an entity whose attributes come from the question: its parents, their ancestors, and no
//! others.
//!
//! Assumptions cover the targets that policies test. For a set of parents they are incomplete, since Cedar has no "one
//! of them is in". They are complete where the set is narrowed to few entities, which is enough to find an example, and
//! not to refute one.

use super::{
    Environment, Rule,
    cedar_text::{guarded, quoted},
};
use crate::sources::policy::{
    Attributes, EntityModel, Policies, Reference, Shape,
    cedar_core::ast::{self, Expr, ExprKind, Var},
};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// A party whose attributes come from the question, and the entities that it can be in.
pub(super) struct Parents<'a> {
    pub(super) policies: &'a Policies,
    pub(super) environment: &'a Environment,
    pub(super) variable: Var,
    pub(super) name: &'a str,
    pub(super) entity: &'a EntityModel,
    pub(super) attributes: &'a Attributes,
    pub(super) parents: &'a [SmolStr],
}

impl Parents<'_> {
    /// The assumptions about the party's ancestors, and those that narrow its parents to few, so that they are
    /// complete.
    pub(super) fn assume(&self, rules: &[&Rule], texts: &mut Vec<String>, narrow: &mut Vec<String>) {
        let Self { name, attributes, parents, .. } = self;
        let targets = self.asked(rules);
        // For each target: what must hold of the parents if the party is in it; and if the parents are few.
        let mut ways = vec![(Vec::new(), Vec::new()); targets.len()];
        let mut is_narrowed = false;
        for parent in *parents {
            let Some(attribute) = attributes.get(parent) else { continue };
            let path = format!("{name}[{}]", quoted(parent));
            let guard = if attribute.required { String::new() } else { format!("{name} has {}", quoted(parent)) };
            let there = |then: String| if attribute.required { then } else { format!("{guard} && ({then})") };
            let Shape::Set(element) = &attribute.shape else {
                texts.push(guarded(&guard, &format!("{name} in {path}")));
                for (Target { text, .. }, (ways, few)) in targets.iter().zip(&mut ways) {
                    let way = there(format!("{path} in {text}"));
                    few.push(way.clone());
                    ways.push(way);
                }
                continue;
            };
            let Shape::Entity(Reference { kind, .. }) = element.as_ref() else { continue };
            let candidates = candidates(kind, rules);
            is_narrowed = true;
            narrow.push(guarded(&guard, &format!("[{}].containsAll({path})", candidates.join(", "))));
            for candidate in &candidates {
                narrow.push(guarded(&guard, &format!("!{path}.contains({candidate}) || {name} in {candidate}")));
            }
            for (Target { text, guard: reached, kind: of }, (ways, few)) in targets.iter().zip(&mut ways) {
                ways.push(there(format!("!{path}.isEmpty()")));
                let lies = candidates.iter().map(|it| format!("({path}.contains({it}) && {it} in {text})"));
                few.push(there(lies.collect::<Vec<_>>().join(" || ")));
                if of == kind {
                    let is_in = format!("!{path}.contains({text}) || {name} in {text}");
                    texts.push(guarded(&guard, &guarded(reached.trim_end_matches(" && "), &is_in)));
                }
            }
        }
        for (Target { text, guard, kind }, (mut ways, mut few)) in targets.into_iter().zip(ways) {
            if kind == self.entity.name {
                let itself = format!("{name} == {text}");
                few.push(itself.clone());
                ways.push(itself);
            }
            let lies = |ways: Vec<String>| {
                let ways = ways.iter().map(|way| format!("({way})")).collect::<Vec<_>>().join(" || ");
                let ways = if ways.is_empty() { "false".to_owned() } else { ways };
                guarded(&format!("{guard}{name} in {text}"), &ways)
            };
            texts.push(lies(ways));
            if is_narrowed {
                narrow.push(lies(few));
            }
        }
    }

    /// The targets that policies test the party against with `in`.
    fn asked(&self, rules: &[&Rule]) -> BTreeSet<Target> {
        let mut asked = BTreeSet::new();
        for rule in rules {
            for part in rule.condition.subexpressions() {
                if let ExprKind::BinaryApp { op: ast::BinaryOp::In, arg1, arg2 } = part.expr_kind()
                    && matches!(arg1.expr_kind(), ExprKind::Var(variable) if *variable == self.variable)
                {
                    self.targets(arg2, &mut asked);
                }
            }
        }
        asked
    }

    /// The right side of an `in`: entities, and paths to entities.
    fn targets(&self, expression: &Expr, found: &mut BTreeSet<Target>) {
        match expression.expr_kind() {
            ExprKind::Lit(ast::Literal::EntityUID(uid)) => {
                found.insert(Target { text: uid.to_string(), guard: String::new(), kind: uid.entity_type().clone() });
            }
            ExprKind::Set(elements) => elements.iter().for_each(|element| self.targets(element, found)),
            ExprKind::GetAttr { .. } => {
                found.extend(self.path(expression));
            }
            ExprKind::Var(other @ (Var::Principal | Var::Resource)) if *other != self.variable => {
                found.extend(self.path(expression));
            }
            _ => {}
        }
    }

    /// A path from a variable to an entity.
    fn path(&self, expression: &Expr) -> Option<Target> {
        match self.walk(expression)? {
            (text, guard, End::Entity(kind)) => Some(Target { text, guard, kind }),
            (_, _, End::Record(_)) => None,
        }
    }

    /// The text of a path, the guards of its steps, and the shape at its end.
    fn walk(&self, expression: &Expr) -> Option<(String, String, End)> {
        match expression.expr_kind() {
            ExprKind::Var(Var::Principal) => {
                Some(("principal".to_owned(), String::new(), End::Entity(self.environment.principal.clone())))
            }
            ExprKind::Var(Var::Resource) => {
                Some(("resource".to_owned(), String::new(), End::Entity(self.environment.resource.clone())))
            }
            ExprKind::Var(Var::Context) => {
                let action = self.policies.model.action(&self.environment.action.to_string()).ok()?;
                let context = action.context.iter().map(|(name, attribute)| (name.clone(), attribute.shape.clone()));
                Some(("context".to_owned(), String::new(), End::Record(context.collect())))
            }
            ExprKind::GetAttr { expr, attr } => {
                let (path, guard, end) = self.walk(expr)?;
                // An entity that is reached through another may be missing.
                if matches!(end, End::Entity(_)) && !matches!(expr.expr_kind(), ExprKind::Var(_)) {
                    return None;
                }
                let name = quoted(attr);
                let shape = match end {
                    End::Record(fields) => fields.into_iter().find(|(field, _)| field == attr)?.1,
                    End::Entity(kind) => {
                        let declared = self.policies.schema.as_ref().get_entity_type(&kind)?;
                        Shape::of(&declared.attr(attr)?.attr_type, self.policies.schema.as_ref())?
                    }
                };
                let end = match shape {
                    Shape::Entity(Reference { kind, .. }) => End::Entity(kind),
                    Shape::Record(fields) => {
                        End::Record(fields.iter().map(|(name, field)| (name.clone(), field.shape.clone())).collect())
                    }
                    _ => return None,
                };
                let guard = format!("{guard}{path} has {name} && ");
                Some((format!("{path}[{name}]"), guard, end))
            }
            _ => None,
        }
    }
}

/// The entities of a type that the narrowed parents are: those that policies name, and two that none does.
fn candidates(kind: &ast::EntityType, rules: &[&Rule]) -> Vec<String> {
    let parts = rules.iter().flat_map(|rule| rule.condition.subexpressions());
    let named: BTreeSet<_> = parts
        .filter_map(|part| match part.expr_kind() {
            ExprKind::Lit(ast::Literal::EntityUID(uid)) if uid.entity_type() == kind => Some(uid.to_string()),
            _ => None,
        })
        .collect();
    let others = ["one", "other"].map(|name| format!("{kind}::\"{name}\""));
    named.into_iter().chain(others).collect()
}

/// A target that policies test a party against with `in`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    text: String,
    /// What must hold so that it is there: `… && `, or nothing.
    guard: String,
    kind: ast::EntityType,
}

enum End {
    Entity(ast::EntityType),
    Record(Vec<(SmolStr, Shape)>),
}
