//! What is compared in one environment: the policies of both sides that can apply to it.

use crate::{
    review::proof::{Environment, MissingEntities, Rule},
    sources::snapshot::Snapshot,
};
use std::collections::BTreeSet;

/// What decides on each side; a side that does not have the environment refuses.
pub(super) struct Pair<'a> {
    pub(super) base: Option<(&'a Snapshot, &'a [Rule])>,
    pub(super) head: Option<(&'a Snapshot, &'a [Rule])>,
    /// The schema that counts: the head's, where it has the environment.
    pub(super) known: &'a MissingEntities,
    pub(super) note: Option<String>,
}

/// What is compared in one environment.
pub(super) struct Pairing<'a> {
    pub(super) environment: &'a Environment,
    pub(super) pair: &'a Pair<'a>,
    /// The policies whose texts differ between the sides.
    pub(super) changed: &'a BTreeSet<String>,
}

/// One side in one environment.
#[derive(Clone)]
pub(super) struct Half<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: Vec<&'a Rule>,
}

impl<'a> Pairing<'a> {
    /// One side.
    pub(super) fn half(&self, side: Option<(&'a Snapshot, &'a [Rule])>) -> Option<Half<'a>> {
        let (snapshot, rules) = side?;
        Some(Half { snapshot, rules: Rule::applicable(rules, self.environment, &snapshot.policies) })
    }
}
