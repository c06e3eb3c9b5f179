//! The entities that a change of the directory affects: those of which the policies of an environment read something else.

use super::{Effects, sight::Sights};
use crate::{
    review::proof::Environment,
    sources::{
        directory::{Directory, references},
        policy::{
            Held, Policies,
            cedar_core::ast::{EntityType, EntityUID},
        },
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Entities of which policies read the same before, and the same now, but for their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alike {
    /// At least one, ordered.
    members: Vec<EntityUID>,
    first: EntityUID,
}

impl Alike {
    /// One by itself.
    pub(super) fn only(uid: EntityUID) -> Self {
        Self { members: vec![uid.clone()], first: uid }
    }

    /// The one that is worked out for all of them.
    pub(super) const fn first(&self) -> &EntityUID {
        &self.first
    }

    /// All of them.
    pub(super) fn members(&self) -> &[EntityUID] {
        &self.members
    }
}

/// What policies read of an entity before and now, but for its id; `None` where it is not there.
pub(super) type Likeness = [Option<Vec<u8>>; 2];

/// What changed, and what that can reach.
pub(super) struct Affected {
    /// The entities that the directories describe differently.
    changed: BTreeSet<EntityUID>,
    /// Those, and all that refer to them or are in them, directly or through others.
    touched: BTreeSet<EntityUID>,
}

impl Affected {
    pub(super) fn of(before: &Directory, after: &Directory) -> Self {
        let uids: BTreeSet<_> = before.uids().chain(after.uids()).collect();
        let differs = |uid: &EntityUID| match (before.get(uid), after.get(uid)) {
            (Some(before), Some(after)) => {
                // Cedar's equality of entities is that of their ids.
                !before.deep_eq(after)
            }
            (before, after) => before.is_some() != after.is_some(),
        };
        let changed: BTreeSet<EntityUID> = uids.iter().copied().filter(|uid| differs(uid)).cloned().collect();
        let mut refers_to: HashMap<EntityUID, BTreeSet<&EntityUID>> = HashMap::new();
        for uid in &uids {
            for entity in [before.get(uid), after.get(uid)].into_iter().flatten() {
                for other in references(entity).chain(entity.ancestors().cloned()) {
                    refers_to.entry(other).or_default().insert(uid);
                }
            }
        }
        let mut touched = changed.clone();
        let mut next: Vec<_> = changed.iter().cloned().collect();
        while let Some(uid) = next.pop() {
            for other in refers_to.get(&uid).into_iter().flatten() {
                if touched.insert((*other).clone()) {
                    next.push((*other).clone());
                }
            }
        }
        Self { changed, touched }
    }

    /// What policies see of it.
    pub(super) fn sights(&self, policies: &Policies, directories: [&Directory; 2]) -> Result<Sights, String> {
        Sights::of(policies, directories, &self.changed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// The entities of which the policies of an environment read something else, by type, and by what they read.
    pub(super) fn kinds(&self, effects: &Effects<'_>, environment: &Environment) -> BTreeMap<EntityType, Vec<Alike>> {
        let directories = effects.sides().map(|side| &side.directory);
        let alike = |members: Vec<EntityUID>| Some(Alike { first: members.first()?.clone(), members });
        self.read_otherwise(&effects.after.policies, directories, environment)
            .into_iter()
            .map(|(kind, groups)| (kind, groups.into_values().filter_map(alike).collect()))
            .collect()
    }

    /// The same under these policies.
    pub(super) fn read_otherwise(
        &self,
        policies: &Policies,
        sides: [&Directory; 2],
        environment: &Environment,
    ) -> BTreeMap<EntityType, BTreeMap<Likeness, Vec<EntityUID>>> {
        let Environment { principal, action, resource } = environment;
        let reads = policies.footprint(principal, action, resource).reads.as_ref();
        let mut found: BTreeMap<EntityType, BTreeMap<Likeness, Vec<EntityUID>>> = BTreeMap::new();
        for uid in &self.touched {
            let kind = uid.entity_type();
            if policies.model.entity_type(kind).is_none_or(|model| model.held != Held::ByDirectory) {
                continue;
            }
            let is_there = sides.map(|directory| directory.get(uid).is_some());
            let (differs, key) = match reads.map(|reads| reads.profile(kind)) {
                // All is read.
                None => (true, sides.map(|_| Some(uid.to_string().into_bytes()))),
                // Nothing is read but whether it is there.
                Some(None) => (is_there[0] != is_there[1], is_there.map(|is_there| is_there.then(Vec::new))),
                Some(Some(profile)) => {
                    let id = uid.eid().as_ref();
                    let digests = sides.map(|it| Some(it.contents(kind, id, profile)?.digest));
                    let alike = || sides.map(|it| Some(it.likeness(uid, profile)?.to_vec()));
                    if digests[0] == digests[1] { (false, [None, None]) } else { (true, alike()) }
                }
            };
            if differs {
                found.entry(kind.clone()).or_default().entry(key).or_default().push(uid.clone());
            }
        }
        found
    }

    /// The entities of [`Self::kinds`].
    pub(super) fn all(kinds: &BTreeMap<EntityType, Vec<Alike>>) -> BTreeSet<EntityUID> {
        kinds.values().flatten().flat_map(|alike| alike.members.iter().cloned()).collect()
    }

    /// The changed entities that these are, refer to or are in, directly or through others.
    pub(super) fn because(&self, effects: &Effects<'_>, uids: &[&EntityUID]) -> BTreeSet<EntityUID> {
        let mut seen: BTreeSet<EntityUID> = uids.iter().map(|uid| (*uid).clone()).collect();
        let mut next: Vec<_> = seen.iter().cloned().collect();
        while let Some(uid) = next.pop() {
            let entities = effects.sides().map(|side| side.directory.get(&uid).cloned());
            for entity in entities.into_iter().flatten() {
                for other in references(&entity).chain(entity.ancestors().cloned()) {
                    if self.touched.contains(&other) && seen.insert(other.clone()) {
                        next.push(other);
                    }
                }
            }
        }
        seen.into_iter().filter(|uid| self.changed.contains(uid)).collect()
    }
}
