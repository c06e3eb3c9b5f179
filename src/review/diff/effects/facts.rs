//! What both directories say alike of the entities that are left in residual policies. The question can refer to them too,
//! and then the solver must not invent something else of them.

use super::Effects;
use crate::{
    review::proof::{Rule, all_facts, is_absent, read_attributes},
    sources::policy::{
        Held,
        cedar_core::ast::{Entity, EntityUID, Expr, ExprKind, Literal},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many entities are described: each is compared with each.
const MOST: usize = 32;

/// What is known of the entities that these policies name, and of which they read the same in both directories, or that neither has.
pub(super) fn facts(effects: &Effects<'_>, affected: &BTreeSet<EntityUID>, rules: &[&Rule]) -> Option<Vec<Expr>> {
    let mut named: BTreeSet<EntityUID> = BTreeSet::new();
    for part in rules.iter().flat_map(|rule| rule.condition().subexpressions()) {
        if let ExprKind::Lit(Literal::EntityUID(uid)) = part.expr_kind() {
            named.insert(uid.as_ref().clone());
        }
    }
    let directory = &effects.after.directory;
    let is_absent_in_both = |uid: &&EntityUID| {
        let held = effects.after.policies.model.entity_type(uid.entity_type()).map(|model| &model.held);
        matches!(held, Some(Held::ByDirectory)) && !affected.contains(uid) && directory.get(uid).is_none()
    };
    let absent = named.iter().filter(is_absent_in_both).map(is_absent);
    let mut known: BTreeMap<String, Arc<Entity>> = BTreeMap::new();
    for entity in named.iter().flat_map(|uid| directory.reach(uid)) {
        if known.len() < MOST && !affected.contains(entity.uid()) {
            known.insert(entity.uid().to_string(), entity);
        }
    }
    let mut facts = all_facts(effects.after, &known, &read_attributes(rules))?;
    facts.extend(absent);
    Some(facts)
}
