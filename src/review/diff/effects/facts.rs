//! What both directories say alike of the entities that are left in residual policies. The question can refer to them too,
//! and then the solver must not invent something else of them.

use super::Effects;
use crate::{
    review::proof::{Rule, all_facts, read_attributes},
    sources::policy::cedar_core::ast::{Entity, EntityUID, Expr, ExprKind, Literal},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many entities are described: each is compared with each.
const MOST: usize = 32;

/// What is known of the entities that these policies name, and of which they read the same in both directories.
pub(super) fn facts(effects: &Effects<'_>, affected: &BTreeSet<EntityUID>, rules: &[&Rule]) -> Option<Vec<Expr>> {
    let mut named: BTreeSet<EntityUID> = BTreeSet::new();
    for part in rules.iter().flat_map(|rule| rule.condition().subexpressions()) {
        if let ExprKind::Lit(Literal::EntityUID(uid)) = part.expr_kind() {
            named.insert(uid.as_ref().clone());
        }
    }
    let mut known: BTreeMap<String, Arc<Entity>> = BTreeMap::new();
    for entity in named.iter().flat_map(|uid| effects.after.directory.reach(uid)) {
        if known.len() < MOST && !affected.contains(entity.uid()) {
            known.insert(entity.uid().to_string(), entity);
        }
    }
    all_facts(effects.after, &known, &read_attributes(rules))
}
