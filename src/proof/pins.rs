//! What the solver is told about real accounts: their attributes, their groups, and which of them may be chosen. These are
//! wishes: a request that meets them is easier to read, and one that does not is as good a proof.

use super::{
    Environment, Rule,
    assumptions::quoted,
    known::KNOWN,
    meaning::{all, any},
};
use crate::{policy::Held, snapshot::Snapshot};
use cedar_policy_core::ast::{self, Expr, ExprKind};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many real accounts the solver may choose from, and how many entities are described to it.
const ACCOUNTS: usize = 6;
const ENTITIES: usize = 24;

/// The wishes; `None` if the directory has nothing to choose from.
pub(crate) fn pins(snapshot: &Snapshot, environment: &Environment, read: &[&Rule]) -> Option<Vec<Expr>> {
    let held = |kind: &ast::EntityType| {
        matches!(snapshot.policies.model.entity_type(kind).map(|model| &model.held), Some(Held::ByDirectory))
    };
    let mut chosen: BTreeMap<String, Arc<ast::Entity>> = BTreeMap::new();
    let mut wishes = Vec::new();
    for (name, kind) in [("principal", &environment.principal), ("resource", &environment.resource)] {
        if !held(kind) {
            continue;
        }
        let mut real: Vec<_> =
            snapshot.directory.iter().filter(|entity| entity.uid().entity_type() == kind).cloned().collect();
        real.sort_by_cached_key(|entity| entity.uid().to_string());
        real.truncate(ACCOUNTS);
        if real.is_empty() {
            return None;
        }
        let ways: Option<Vec<Expr>> =
            real.iter().map(|entity| format!("{name} == {}", entity.uid()).parse().ok()).collect();
        wishes.push(any(ways?));
        chosen.extend(real.into_iter().map(|entity| (entity.uid().to_string(), entity)));
    }
    // What they refer to, and what policies name.
    let mut next: Vec<ast::EntityUID> = Vec::new();
    for entity in chosen.values() {
        next.extend(references(entity));
    }
    for part in read.iter().flat_map(|rule| rule.condition().subexpressions()) {
        if let ExprKind::Lit(ast::Literal::EntityUID(uid)) = part.expr_kind() {
            next.push(uid.as_ref().clone());
        }
    }
    while let Some(uid) = next.pop() {
        if chosen.len() >= ENTITIES {
            break;
        }
        if let Some(entity) = snapshot.directory.get(&uid)
            && !chosen.contains_key(&uid.to_string())
        {
            next.extend(references(entity));
            chosen.insert(uid.to_string(), entity.clone());
        }
    }
    let attributes: BTreeSet<SmolStr> = read
        .iter()
        .flat_map(|rule| rule.condition().subexpressions())
        .filter_map(|part| match part.expr_kind() {
            ExprKind::GetAttr { attr, .. } | ExprKind::HasAttr { attr, .. } => Some(attr.clone()),
            _ => None,
        })
        .collect();
    for entity in chosen.values() {
        let uid = entity.uid();
        let declared = snapshot.policies.schema.as_ref().get_entity_type(uid.entity_type())?;
        wishes.push(format!("{uid}[{}]", quoted(KNOWN)).parse().ok()?);
        for (name, _) in declared.attributes().iter().filter(|(name, _)| attributes.contains(*name)) {
            let quoted = quoted(name);
            let fact = match entity.get(name) {
                None => format!("!({uid} has {quoted})"),
                Some(ast::PartialValue::Value(value)) => {
                    let is = match value.value_kind() {
                        ast::ValueKind::Set(set) if set.is_empty() => format!("{uid}[{quoted}].isEmpty()"),
                        _ => format!("{uid}[{quoted}] == {}", ast::RestrictedExpr::from(value.clone())),
                    };
                    format!("{uid} has {quoted} && {is}")
                }
                Some(ast::PartialValue::Residual(_)) => return None,
            };
            wishes.push(fact.parse().ok()?);
        }
        for other in chosen.values().filter(|other| other.uid() != uid) {
            let above = snapshot.policies.schema.as_ref().get_entity_type(other.uid().entity_type())?;
            if above.has_descendant_entity_type(uid.entity_type()) {
                let not = if entity.is_descendant_of(other.uid()) { "" } else { "!" };
                wishes.push(format!("{not}({uid} in {})", other.uid()).parse().ok()?);
            }
        }
    }
    wishes.extend(references_are_real(snapshot, environment, &chosen)?);
    Some(vec![all(wishes)])
}

/// That the entities that the question itself names are among the chosen.
fn references_are_real(
    snapshot: &Snapshot,
    environment: &Environment,
    chosen: &BTreeMap<String, Arc<ast::Entity>>,
) -> Option<Vec<Expr>> {
    let model = &snapshot.policies.model;
    let mut places = Vec::new();
    for (name, kind) in [("principal", &environment.principal), ("resource", &environment.resource)] {
        if let Some(Held::ByRequest { attributes, .. }) = model.entity_type(kind).map(|model| &model.held) {
            places.push((name, attributes.clone()));
        }
    }
    if let Ok(action) = model.action(&environment.action.to_string()) {
        places.push(("context", action.context.clone()));
    }
    let mut wishes = Vec::new();
    for (base, attributes) in places {
        for (name, attribute) in attributes.iter() {
            let crate::policy::Shape::Entity(kind) = &attribute.shape else { continue };
            let name = quoted(name);
            let real: Vec<_> = chosen
                .values()
                .filter(|entity| entity.uid().entity_type() == kind)
                .map(|entity| format!("{base}[{name}] == {}", entity.uid()))
                .collect();
            let text = match (real.is_empty(), attribute.required) {
                (true, true) => return None,
                (true, false) => format!("!({base} has {name})"),
                (false, true) => format!("({})", real.join(" || ")),
                (false, false) => format!("!({base} has {name}) || ({})", real.join(" || ")),
            };
            wishes.push(text.parse().ok()?);
        }
    }
    Some(wishes)
}

fn references(entity: &ast::Entity) -> Vec<ast::EntityUID> {
    let mut found: BTreeSet<ast::EntityUID> = entity.ancestors().cloned().collect();
    for (_, given) in entity.attrs() {
        if let ast::PartialValue::Value(value) = given {
            found.extend(value.all_literal_uids());
        }
    }
    found.into_iter().collect()
}
