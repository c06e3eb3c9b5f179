//! `@reason_user`: what a person at a desk is told of a deny, and what nobody is told there.
//!
//! On a forbid it is the sentence that an answer has for the user of the application; without a text it is the `@title`. In
//! the schema `@reason_user("never")` on an entity type or an attribute says that no such sentence rests on it.
//!
//! **Invariant:** what a user is told does not depend on what is marked. A policy with `@reason_user` that reads it is
//! refused (`tests/it/pdp/reason_user.rs::what_is_never_told_changes_no_sentence`). It is enough to look at the names: the
//! sentences of a deny are those of the forbids that apply, whatever else applies beside them.

use super::{
    facts::REASON_USER as NAME,
    parse::Parsed,
    written::{self, value},
};
use crate::types::problem::{Problem, SourceFile};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast::{self, Effect, ExprKind, InternalName, Literal},
    est::Annotations,
    validator::json_schema::{EntityTypeKind, Fragment, RecordType, Type, TypeVariant},
};
use smol_str::SmolStr;
use std::collections::BTreeSet;

const CODE: &str = "schema::reason-user";

/// What the schema marks with `@reason_user("never")`: names of entity types, and of attributes wherever they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NeverTold {
    types: BTreeSet<String>,
    attributes: BTreeSet<SmolStr>,
}

/// Reads the marks of a schema.
pub(super) fn read(file: &SourceFile, fragment: &Fragment<InternalName>, problems: &mut Vec<Problem>) -> NeverTold {
    let mut found = NeverTold::default();
    let mut marked = |annotations: &Annotations, on: Option<&str>| {
        let Some(text) = value(annotations, NAME) else { return false };
        let message = match on {
            Some(on) => format!("@{NAME} has no effect on {on}"),
            None if text != "never" => format!("@{NAME}(\"{text}\") is not known in a schema"),
            None => return true,
        };
        let place = written::place(file, annotations, NAME);
        let help = "write @reason_user(\"never\") on the attribute or the entity type of which users are told nothing";
        let problem = Problem::error(CODE, file, message).help(help);
        problems.push(if place.is_empty() { problem } else { problem.at(place, "here") });
        false
    };
    for (namespace, definition) in &fragment.0 {
        marked(&definition.annotations, Some("a namespace"));
        let mut shapes = Vec::new();
        for declared in definition.common_types.values() {
            marked(&declared.annotations, Some("a type with a name"));
            shapes.push(&declared.ty);
        }
        for (name, declared) in &definition.entity_types {
            if marked(&declared.annotations, None) {
                let whole = |namespace: &ast::Name| format!("{namespace}::{name}");
                found.types.insert(namespace.as_ref().map_or_else(|| name.to_string(), whole));
            }
            if let EntityTypeKind::Standard(standard) = &declared.kind {
                shapes.push(&standard.shape.0);
            }
        }
        for declared in definition.actions.values() {
            marked(&declared.annotations, Some("an action"));
            shapes.extend(declared.applies_to.iter().map(|applies| &applies.context.0));
        }
        while let Some(shape) = shapes.pop() {
            match shape {
                Type::Type { ty: TypeVariant::Record(RecordType { attributes, .. }), .. } => {
                    for (name, attribute) in attributes {
                        if marked(&attribute.annotations, None) {
                            found.attributes.insert(name.clone());
                        }
                        shapes.push(&attribute.ty);
                    }
                }
                Type::Type { ty: TypeVariant::Set { element }, .. } => shapes.push(element),
                Type::Type { .. } | Type::CommonTypeRef { .. } => {}
            }
        }
    }
    found
}

/// Refuses `@reason_user` on a permit, without a sentence, and on a policy that reads what users are told nothing of.
pub(super) fn check(parsed: &Parsed, never: &NeverTold, problems: &mut Vec<Problem>) {
    let policies = parsed.set.policies().map(|policy| {
        let policy: &ast::Policy = policy.as_ref();
        (
            policy.id(),
            policy.effect(),
            policy.condition(),
            policy.env().values().map(ast::EntityUID::entity_type).collect(),
        )
    });
    let templates = parsed.set.templates().map(|template| {
        let template: &ast::Template = template.as_ref();
        (template.id(), template.effect(), template.condition(), Vec::new())
    });
    let mut found: Vec<Problem> = Vec::new();
    for (id, effect, condition, slots) in policies.chain(templates) {
        let id = cedar::PolicyId::new(id);
        let Some((facts, place)) = parsed.facts.get(&id).zip(parsed.places.get(&id)) else { continue };
        let Some(sentence) = &facts.reason_user else { continue };
        let (message, help) = if let Some(read) = never.read_by(&condition, &slots) {
            let message = format!("@{NAME} on `{id}`, which reads {read}: users are told nothing of that");
            (message, "leave it out; the user gets a general sentence and a reference number")
        } else if effect == Effect::Permit {
            (
                format!("@{NAME} has no effect on a permit"),
                "write it on a forbid: a user is told why something is denied",
            )
        } else if sentence.is_empty() {
            (format!("@{NAME} on `{id}` has no text, and there is no @title"), "write @reason_user(\"One sentence.\")")
        } else {
            continue;
        };
        let problem = Problem::error("policy::reason-user", &place.file, message);
        found.push(problem.at(place.annotation(NAME), "here").help(help));
    }
    found.sort_by_key(|problem| (problem.file().to_owned(), problem.position()));
    problems.extend(found);
}

impl NeverTold {
    /// What of it is read, if anything is.
    fn read_by(&self, condition: &ast::Expr, slots: &[&ast::EntityType]) -> Option<String> {
        let of_type = |kind: &ast::EntityType| {
            let name = kind.to_string();
            self.types.contains(&name).then(|| format!("the type `{name}`"))
        };
        let of_attribute = |name: &SmolStr| self.attributes.contains(name).then(|| format!("the attribute `{name}`"));
        let in_condition = condition.subexpressions().find_map(|part| match part.expr_kind() {
            ExprKind::GetAttr { attr, .. } | ExprKind::HasAttr { attr, .. } => of_attribute(attr),
            ExprKind::ExtHasAttr { attrs, .. } => attrs.iter().find_map(of_attribute),
            ExprKind::Is { entity_type, .. } => of_type(entity_type),
            ExprKind::Lit(Literal::EntityUID(uid)) => of_type(uid.entity_type()),
            _ => None,
        });
        in_condition.or_else(|| slots.iter().find_map(|kind| of_type(kind)))
    }
}
