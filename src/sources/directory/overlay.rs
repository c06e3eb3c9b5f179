//! The overlay of a directory: the few entities that changed since the base was read.
//!
//! **Why that is enough.** An entity holds its own attributes and all its ancestors. Its `contents` depend on it, on
//! the ids of its ancestors, and on the entities that it refers to. So a change of an entity that no other names, as a
//! parent or in a reference, leaves all others as they are. Accounts are such entities. After a change of any other
//! entity, or of many, the whole directory is read again. (`tests/changes.rs` holds this: a changed directory equals
//! one that is read from the same files.)

use super::{
    Directory,
    base::{Base, Made},
    fast_reader,
    load::read_by_cedar,
    pool::Gathering,
    reading::{Item, Problems, each_entity},
    references,
    sources::{Files, Observer},
};
use crate::{
    sources::{
        per_thread::{self, PerThread},
        policy::{Schema, cedar_core::ast},
    },
    types::revision::Revision,
};
use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher as _,
    ops::ControlFlow,
    sync::Arc,
    time::Instant,
};

/// The most entities in an overlay: with more, too many questions look in two places, and each change copies too much.
const MOST: usize = 1_024;

/// What changed since all files were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    /// By id; `None` is gone.
    nodes: HashMap<Arc<ast::EntityUID>, Option<Arc<Newest>>>,
    /// What the entities here name.
    named: HashSet<ast::EntityUID>,
}

/// An entity as it is now.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    read: ast::Entity,
    /// For each thread.
    made: PerThread<Made>,
    text: u64,
}

/// What became of an entity since all files were read.
#[derive(Debug)]
pub(super) enum Since<'a> {
    /// Nothing: the base has it, or does not know it.
    Unchanged,
    /// It is gone.
    Gone,
    /// It is new, or other than it was.
    Changed(&'a Newest),
}

impl Since<'_> {
    pub(super) const fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged)
    }
}

impl Newest {
    pub(super) fn uid(&self) -> &ast::EntityUID {
        self.read.uid()
    }

    /// What this thread made of it.
    pub(super) fn made(&self) -> &Made {
        self.made.get_or_init(Made::default)
    }

    /// The entity, of this thread.
    pub(super) fn entity(&self) -> &Arc<ast::Entity> {
        self.made().entity.get_or_init(|| Arc::new(per_thread::entity(&self.read)))
    }
}

impl Overlay {
    /// Whether nothing changed since all files were read.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What became of an entity.
    pub(super) fn get(&self, uid: &ast::EntityUID) -> Since<'_> {
        match self.nodes.get(uid) {
            None => Since::Unchanged,
            Some(None) => Since::Gone,
            Some(Some(newest)) => Since::Changed(newest),
        }
    }

    pub(super) fn without_contents(&self) -> Self {
        let copy = |newest: &Arc<Newest>| Arc::new(newest.as_ref().clone());
        let nodes = self.nodes.iter().map(|(uid, newest)| (uid.clone(), newest.as_ref().map(copy)));
        Self { nodes: nodes.collect(), named: self.named.clone() }
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &Arc<Newest>> {
        self.nodes.values().flatten()
    }
}

/// Entities that are other than they were.
#[derive(Debug, Default)]
pub struct Change {
    /// Those that are new or have another text, as Cedar's JSON.
    pub put: Vec<String>,
    /// Those whose text is gone: also of those that are replaced.
    pub gone: Vec<ast::EntityUID>,
}

impl Directory {
    /// The directory of these files, if it differs from this one in few entities that no other names. `None` if it has
    /// to be read as a whole. The schema must be the one that this directory was checked against.
    #[must_use]
    pub fn after(&self, files: &dyn Files, schema: &Schema, observer: &mut dyn Observer) -> Option<Self> {
        let started = Instant::now();
        let (change, revision) = self.change_to(files, observer)?;
        if revision == self.revision {
            return Some(self.clone());
        }
        let found = started.elapsed();
        let directory = self.with(&change, schema, revision)?;
        tracing::debug!(
            put = change.put.len(),
            gone = change.gone.len(),
            found_in = ?found,
            applied_in = ?started.elapsed().saturating_sub(found),
            "Few entities of the directory changed."
        );
        Some(directory)
    }

    /// What these files change, and their revision. `None` if they have a mistake, or if too much changed.
    #[must_use]
    pub fn change_to(&self, files: &dyn Files, observer: &mut dyn Observer) -> Option<(Change, Revision)> {
        let mut left: HashMap<u64, &ast::EntityUID> = HashMap::with_capacity(self.len());
        left.extend(self.texts());
        let mut put = Vec::new();
        let mut take = |item: &mut Item<'_, '_>, _: &mut Problems| {
            if left.remove(&self.base.hasher.hash_one(item.text())).is_none() {
                if put.len() >= MOST {
                    return ControlFlow::Break(());
                }
                put.push(item.text().to_owned());
            }
            ControlFlow::Continue(())
        };
        let revision = each_entity(files, observer, &mut Problems::default(), &mut take)?;
        let gone = left.into_values().cloned().collect();
        Some((Change { put, gone }, revision))
    }

    /// The hash of each entity's text.
    fn texts(&self) -> impl Iterator<Item = (u64, &ast::EntityUID)> {
        let old = self.old().map(|node| (node.text, node.uid.as_ref()));
        old.chain(self.newer.held().map(|newest| (newest.text, newest.uid())))
    }

    /// The directory after a change of few entities that no other names, with the name of its new version. `None` if it has to
    /// be read as a whole: another names one of them, there are too many, or one has a mistake.
    #[must_use]
    pub fn with(&self, change: &Change, schema: &Schema, revision: Revision) -> Option<Self> {
        let mut newer = self.newer.as_ref().clone();
        let mut changed: Vec<(ast::EntityUID, Option<Arc<Newest>>)> = Vec::new();
        for text in &change.put {
            let read = self.read(text, schema)?;
            let newest = Newest { read, made: PerThread::new(), text: self.base.hasher.hash_one(text) };
            changed.push((newest.uid().clone(), Some(Arc::new(newest))));
        }
        let put: HashSet<_> = changed.iter().map(|(uid, _)| uid.clone()).collect();
        // An entity twice in the change, or one that is there already and not replaced.
        if put.len() < changed.len() || put.iter().any(|uid| self.get(uid).is_some() && !change.gone.contains(uid)) {
            return None;
        }
        changed.extend(change.gone.iter().filter(|uid| !put.contains(uid)).map(|uid| (uid.clone(), None)));
        for (_, newest) in &changed {
            let entity = newest.iter().map(|newest| &newest.read);
            newer.named.extend(entity.clone().flat_map(references));
            newer.named.extend(entity.flat_map(|entity| entity.parents().cloned()));
        }
        for (uid, newest) in changed {
            let is_named = newer.named.contains(&uid) || self.base.node(&uid).is_some_and(|node| node.is_named);
            if is_named || uid.is_action() {
                return None;
            }
            newer.nodes.insert(Arc::new(uid), newest);
        }
        (newer.nodes.len() <= MOST).then(|| self.over(newer, revision))
    }

    /// What the directory would be if these entities were so, each with all its ancestors. What policies read of entities that
    /// refer to them stays as it was, so that a question is to be decided in a whole world ([`Directory::reach`]).
    #[must_use]
    pub fn supposing(&self, entities: impl IntoIterator<Item = ast::Entity>) -> Self {
        let mut newer = self.newer.as_ref().clone();
        newer.nodes.extend(entities.into_iter().map(|read| {
            let uid = Arc::new(read.uid().clone());
            (uid, Some(Arc::new(Newest { read, made: PerThread::new(), text: 0 })))
        }));
        self.over(newer, self.revision.clone())
    }

    fn over(&self, newer: Overlay, revision: Revision) -> Self {
        let was = |uid: &ast::EntityUID| self.base.node(uid).is_some_and(|node| node.kept.is_some());
        let over = newer.nodes.keys().filter(|uid| was(uid)).count();
        let held = self.base.held + newer.held().count() - over;
        Self { base: self.base.clone(), newer: Arc::new(newer), few: Arc::default(), held, revision }
    }

    /// Reads one entity, with its ancestors.
    fn read(&self, text: &str, schema: &Schema) -> Option<ast::Entity> {
        let mut gathering = Gathering::new(&self.base.forms);
        let read = fast_reader::read(text, &mut gathering);
        let mut entity = match read {
            Some((number, kept)) => {
                let (uids, pool) = gathering.finish();
                let base = Base::new(uids, pool, self.base.forms.clone());
                base.make(base.nodes.get(number)?, &kept, HashSet::new())
            }
            None => read_by_cedar(text, schema).ok()?,
        };
        let parents: Vec<_> = entity.parents().cloned().collect();
        for above in parents.iter().filter_map(|parent| self.get(parent)).flat_map(|parent| parent.ancestors()) {
            if !parents.contains(above) {
                entity.add_indirect_ancestor(above.clone());
            }
        }
        Some(entity)
    }
}
