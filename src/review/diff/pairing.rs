//! What is compared in one environment: the policies of both sides that can apply to it.

use super::{Direction, Note, new_questions::NewQuestions};
use crate::{
    review::{
        partial,
        proof::{Environment, MissingEntities, Rule},
    },
    sources::{policy::cedar_core::ast::EntityUID, snapshot::Snapshot},
};
use cedar_policy as cedar;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// What decides on each side; a side that does not have the environment refuses.
pub(super) struct Pair<'a> {
    pub(super) base: Option<(&'a Snapshot, &'a [Rule])>,
    pub(super) head: Option<(&'a Snapshot, &'a [Rule])>,
    /// The schema that counts: the head's, where it has the environment.
    pub(super) known: &'a MissingEntities,
    pub(super) note: Option<Note>,
    pub(super) directories: &'a PartialDirectories,
    /// Only these questions are looked at, and the first that is decided otherwise is enough.
    pub(super) only: Option<NewQuestions>,
    /// What is looked at besides.
    pub(super) also: Option<Box<Pair<'a>>>,
}

/// What is compared in one environment, and in which direction.
pub(super) struct Pairing<'a> {
    pub(super) environment: &'a Environment,
    pub(super) direction: Direction,
    pub(super) pair: &'a Pair<'a>,
    /// The policies whose texts differ between the sides.
    pub(super) changed: &'a BTreeSet<String>,
    /// Accounts of which the policies read something else than before: what changed for them is no matter of the policies
    /// alone.
    pub(super) apart: &'a BTreeSet<EntityUID>,
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

/// The directories of snapshots, as partial evaluation takes them; each is made once.
#[derive(Debug, Default)]
pub(super) struct PartialDirectories(Mutex<BTreeMap<u64, Made>>);

type Made = Arc<Result<cedar::PartialEntities, String>>;

impl PartialDirectories {
    pub(super) fn of(&self, snapshot: &Snapshot) -> Made {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(snapshot.generation).or_insert_with(|| Arc::new(partial::entities(snapshot))).clone()
    }
}
