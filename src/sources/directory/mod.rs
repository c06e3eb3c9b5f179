//! The directory (a policy information point): accounts, units, organisations and all else that the schema leaves to
//! it, read from Cedar's entity JSON.
//!
//! **Invariant:** every entity conforms to the schema, none is of a type whose attributes come from questions, and each
//! holds all its ancestors. So an evaluation takes the few entities that it needs and nothing else.
//!
//! - `sources`: the files, on disk or in memory
//! - `reading`: reads them once, entity by entity; `window`: a part of a file, with the place of each entity
//! - `load`: files into a directory, with the place of every mistake
//! - `fast_reader`, `json`, `entity_shapes`, `pool`: the usual entity, read without Cedar
//! - `strict`: refuses what Cedar ignores
//! - `base`: the entities as all files were read; `node`: one of them; `overlay`: what changed since
//! - `hierarchy`: ancestors and cycles
//! - `findings`: probable mistakes in a valid directory
//! - `contents`: what policies read of an entity
//! - `nearest`: the id that was probably meant
//! - `recorded`: what answers name of a subject

mod base;
mod contents;
mod entity_shapes;
mod fast_reader;
mod findings;
mod hierarchy;
mod json;
mod load;
mod nearest;
mod node;
mod overlay;
mod pool;
mod reading;
mod recorded;
mod sources;
mod strict;
mod window;

pub use contents::Contents;
pub use findings::findings;
pub use overlay::Change;
pub use sources::{Files, Folder, OF_TESTS, Observer, Opened, PROFILES, Sources, Unobserved};
pub use strict::check_entry;

use crate::{
    sources::policy::{Schema, cedar_core::ast},
    types::{problem::Problem, revision::Revision},
};
use base::{Base, Made};
use nearest::FewIds;
use node::Node;
use overlay::{Overlay, Since};
use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

/// The entities that poort knows of itself. A copy shares them.
#[derive(Debug, Clone)]
pub struct Directory {
    base: Arc<Base>,
    newer: Arc<Overlay>,
    few: Arc<OnceLock<FewIds>>,
    held: usize,
    /// The version: the digest of the files.
    pub revision: Revision,
}

impl Directory {
    fn of(base: Base, revision: Revision) -> Self {
        let held = base.held;
        Self { base: Arc::new(base), newer: Arc::default(), few: Arc::default(), held, revision }
    }

    /// The entity with this id, with all its ancestors. Each thread has its own.
    #[must_use]
    pub fn get(&self, uid: &ast::EntityUID) -> Option<&Arc<ast::Entity>> {
        match self.newer.get(uid) {
            Since::Changed(newest) => Some(newest.entity()),
            Since::Gone => None,
            Since::Unchanged => self.base.entity(self.base.number(uid.entity_type(), uid.eid().as_ref())?),
        }
    }

    /// What is made of the entity with this type and id, for this thread. `None` if the directory does not know it.
    fn made(&self, kind: &ast::EntityType, id: &str) -> Option<&Made> {
        if !self.newer.is_empty() {
            let uid = ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None);
            match self.newer.get(&uid) {
                Since::Changed(newest) => return Some(newest.made()),
                Since::Gone => return None,
                Since::Unchanged => {}
            }
        }
        self.base.made(self.base.number(kind, id)?)
    }

    /// The id of what an attribute of the entity with this type and id refers to.
    #[must_use]
    pub fn reference(&self, kind: &ast::EntityType, id: &str, attribute: &str) -> Option<&str> {
        let entity = if self.newer.is_empty() {
            self.base.entity(self.base.number(kind, id)?)?
        } else {
            self.get(&ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None))?
        };
        reference_of(entity, attribute)
    }

    /// The entity with this id and all that it refers to, directly or through others, as far as the directory knows
    /// them.
    #[must_use]
    pub fn reach(&self, uid: &ast::EntityUID) -> Vec<Arc<ast::Entity>> {
        let mut seen = HashSet::new();
        let mut found: Vec<Arc<ast::Entity>> = Vec::new();
        let mut waiting = vec![uid.clone()];
        while let Some(uid) = waiting.pop() {
            if let Some(entity) = self.get(&uid)
                && seen.insert(uid)
            {
                waiting.extend(references(entity));
                found.push(entity.clone());
            }
        }
        found
    }

    /// How many entities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// All entities, in no order. Each is made and stays in memory; a caller that needs ids alone takes
    /// [`Directory::uids`].
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ast::Entity>> {
        let old = self.old().filter_map(|node| self.get(&node.uid));
        old.chain(self.newer.held().map(|newest| newest.entity()))
    }

    /// The ids of all entities, in no order.
    pub fn uids(&self) -> impl Iterator<Item = &ast::EntityUID> {
        let old = self.old().map(|node| node.uid.as_ref());
        old.chain(self.newer.held().map(|newest| newest.uid()))
    }

    /// Those that did not change since all files were read.
    fn old(&self) -> impl Iterator<Item = &Node> {
        self.base.held().filter(|node| self.newer.get(&node.uid).is_unchanged())
    }

    /// The same entities without their contents, for new policies: contents under the old policies' profiles would
    /// never be read again, and never be freed.
    #[must_use]
    pub fn for_other_policies(&self) -> Self {
        Self {
            base: Arc::new(self.base.as_ref().clone()),
            newer: Arc::new(self.newer.without_contents()),
            ..self.clone()
        }
    }

    /// Checks the directory against the schema. Returns all problems of all files, and the directory only if none of
    /// them is an error.
    #[must_use]
    pub fn from_sources(sources: &Sources, schema: &Schema) -> (Option<Self>, Vec<Problem>) {
        Self::from_files(sources, schema, &mut Unobserved)
    }

    /// The same for files that are read as a stream. `observer` sees their bytes.
    #[must_use]
    pub fn from_files(files: &dyn Files, schema: &Schema, observer: &mut dyn Observer) -> (Option<Self>, Vec<Problem>) {
        let (loaded, problems) = load::load(files, schema, observer);
        let directory = loaded.map(|load::Loaded { directory, read_by_cedar }| {
            tracing::debug!(entities = directory.len(), read_by_cedar, "The directory is read.");
            directory
        });
        (directory, problems)
    }
}

fn literal_of<'e>(entity: &'e ast::Entity, attribute: &str) -> Option<&'e ast::Literal> {
    match entity.get(attribute)? {
        ast::PartialValue::Value(value) => match value.value_kind() {
            ast::ValueKind::Lit(literal) => Some(literal),
            _ => None,
        },
        ast::PartialValue::Residual(_) => None,
    }
}

/// The text in an attribute of an entity, if it is one.
#[must_use]
pub fn text_of<'e>(entity: &'e ast::Entity, attribute: &str) -> Option<&'e str> {
    match literal_of(entity, attribute)? {
        ast::Literal::String(text) => Some(text),
        _ => None,
    }
}

/// The id of what an attribute of an entity refers to.
#[must_use]
pub fn reference_of<'e>(entity: &'e ast::Entity, attribute: &str) -> Option<&'e str> {
    match literal_of(entity, attribute)? {
        ast::Literal::EntityUID(uid) => Some(uid.eid().as_ref()),
        _ => None,
    }
}

/// The attribute `name` of an entity, if it is a text.
#[must_use]
pub fn name_of(entity: &ast::Entity) -> Option<String> {
    text_of(entity, "name").map(str::to_owned)
}

/// The entities that an entity refers to in attributes and tags, as often as it does.
pub fn references(entity: &ast::Entity) -> impl Iterator<Item = ast::EntityUID> {
    let values = entity.attrs().chain(entity.tags()).filter_map(|(_, value)| match value {
        ast::PartialValue::Value(value) => Some(value),
        ast::PartialValue::Residual(_) => None,
    });
    values.flat_map(ast::Value::all_literal_uids)
}

#[cfg(test)]
mod tests;
