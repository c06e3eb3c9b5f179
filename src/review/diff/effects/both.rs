//! What policies of either side read otherwise, because the directory changed. Where policies changed too, neither change
//! alone says what an account could do before.

use super::{affected::Affected, place};
use crate::{
    review::{diff::Side, proof::Environment},
    sources::{
        directory::Directory,
        policy::{
            Policies,
            cedar_core::ast::{EntityType, EntityUID},
        },
    },
};
use std::collections::BTreeSet;

/// A change of the directory, under the policies of both sides.
pub(in crate::review::diff) struct Both<'a> {
    affected: Affected,
    directories: [&'a Directory; 2],
    policies: [&'a Policies; 2],
    /// What policies name.
    named: BTreeSet<EntityUID>,
}

impl<'a> Both<'a> {
    /// `None` if the directory is the same.
    pub(in crate::review::diff) fn of(base: &'a Side, head: &'a Side) -> Option<Self> {
        let sides = [base, head].map(|side| &side.snapshot);
        let [before, after] = sides.map(|side| &side.directory);
        if before.revision == after.revision {
            return None;
        }
        let affected = Affected::of(before, after);
        let policies = sides.map(|side| side.policies.as_ref());
        let all = policies.iter().flat_map(|policies| policies.set.policies());
        let named = all.flat_map(cedar_policy::Policy::entity_literals).map(EntityUID::from).collect();
        (!affected.is_empty()).then_some(Self { affected, directories: [before, after], policies, named })
    }

    /// The entities of which the policies of an environment read something else than before.
    pub(in crate::review::diff) fn read_otherwise(&self, environment: &Environment) -> BTreeSet<EntityUID> {
        let found = self.policies.iter().flat_map(|policies| {
            let found = self.affected.read_otherwise(policies, self.directories, environment);
            found.into_values().flat_map(|alike| alike.into_values().flatten())
        });
        found.collect()
    }

    /// Whether policies name one of these, or questions of an environment can, beside the account that asks.
    pub(in crate::review::diff) fn are_named(&self, uids: &BTreeSet<EntityUID>, environment: &Environment) -> bool {
        let kinds = self.policies.iter().flat_map(|policies| place::kinds(&policies.model, environment));
        let kinds: BTreeSet<EntityType> = kinds.collect();
        uids.iter().any(|uid| kinds.contains(uid.entity_type()) || self.named.contains(uid))
    }
}
