//! Profiles: what policies read of directory entities and of those that these refer to. Footprints that read the same
//! share one number, so that the directory can store contents under it.

use super::{EntityReads, Reads};
use cedar_policy_core::ast;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The next number of this process.
pub(super) fn next() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// What is read of entities of one type.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Different for any two profiles of this process that read different things.
    pub number: u64,
    /// How far references are followed, this entity included.
    pub steps: usize,
    of: Arc<BTreeMap<ast::EntityType, EntityReads>>,
}

impl Profile {
    /// What is read of an entity of this type that references lead to.
    #[must_use]
    pub fn entity(&self, kind: &ast::EntityType) -> Option<&EntityReads> {
        self.of.get(kind)
    }
}

/// A type to start from, how far to go, and what is read of all types on the way.
type Seen = (ast::EntityType, usize, BTreeMap<ast::EntityType, EntityReads>);

/// The profiles of one set of policies.
#[derive(Debug, Default)]
pub(in crate::sources::policy) struct Profiles(Mutex<BTreeMap<Arc<Seen>, Profile>>);

impl Profiles {
    /// The profiles of all types of which something is read.
    pub(super) fn of(&self, reads: &Reads) -> BTreeMap<ast::EntityType, Profile> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut profile = |kind: &ast::EntityType| {
            let mut of = BTreeMap::new();
            gather(reads, kind, &mut of);
            let seen = Arc::new((kind.clone(), steps(&of, kind, reads.hops.max(1)), of));
            let made = || Profile { number: next(), steps: seen.1, of: Arc::new(seen.2.clone()) };
            known.entry(seen.clone()).or_insert_with(made).clone()
        };
        reads.entities.keys().map(|kind| (kind.clone(), profile(kind))).collect()
    }
}

/// The types that references lead to from this one.
fn gather(reads: &Reads, kind: &ast::EntityType, found: &mut BTreeMap<ast::EntityType, EntityReads>) {
    if !found.contains_key(kind) {
        let entity = reads.entity(kind);
        found.insert(kind.clone(), entity.clone());
        entity.followed().for_each(|next| gather(reads, next, found));
    }
}

/// How many entities in a row there can be from one of this type, at most `left`: types can lead back to themselves.
fn steps(of: &BTreeMap<ast::EntityType, EntityReads>, kind: &ast::EntityType, left: usize) -> usize {
    let Some(left) = left.checked_sub(1) else { return 0 };
    let next = of.get(kind).into_iter().flat_map(EntityReads::followed).map(|next| steps(of, next, left)).max();
    next.unwrap_or(0) + 1
}
