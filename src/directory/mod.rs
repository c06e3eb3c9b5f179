//! The directory: accounts, units, organisations and whatever else the schema leaves to it, in Cedar's entity JSON.
//!
//! What holds here: every entity conforms to the schema, none is of a type that questions speak for, and each carries all
//! its ancestors, so that an evaluation can take the few entities it needs and nothing else.
//!
//! A directory can hold all accounts of a large organisation, of which one process answers for few. So an entity is kept
//! small, as numbers of values that it shares with others, and is made as Cedar has it when the first question needs it.
//!
//! - `sources`: the files, as bytes that have a revision
//! - `load`: from files to a directory, with every mistake at its place
//! - `quick`, `json`, `forms`, `pool`: the usual entity, read without Cedar
//! - `hierarchy`: what lies above an entity
//! - `contents`: what policies read of an entity

mod contents;
mod forms;
mod hierarchy;
mod json;
mod load;
mod pool;
mod quick;
mod sources;

pub use contents::Contents;
pub use sources::Sources;

use crate::{policy::Schema, problem::Problem, revision::Revision};
use cedar_policy_core::ast;
use contents::Known;
use pool::{Number, Pool};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

/// The entities that poort knows of itself.
#[derive(Debug, Clone)]
pub struct Directory {
    numbers: HashMap<Arc<ast::EntityUID>, Number>,
    /// By number: the entities, and what they name that is not here.
    nodes: Vec<Node>,
    pool: Pool,
    held: usize,
    /// The version: the digest of the files.
    pub revision: Revision,
}

/// An id, and what is known of the entity.
#[derive(Debug, Clone)]
struct Node {
    uid: Arc<ast::EntityUID>,
    kept: Option<Kept>,
    /// Made when the first question needs it; most accounts ask nothing before the directory changes again.
    entity: OnceLock<Arc<ast::Entity>>,
    contents: Known,
}

/// An entity as it is kept.
#[derive(Debug, Clone, Default)]
struct Kept {
    attributes: Box<[(Number, Number)]>,
    tags: Box<[(Number, Number)]>,
    parents: Box<[Number]>,
}

impl Directory {
    /// The entity with this id, with all its ancestors.
    #[must_use]
    pub fn get(&self, uid: &ast::EntityUID) -> Option<&Arc<ast::Entity>> {
        self.entity(self.node(uid)?)
    }

    /// The entity with this id and all that references lead to from it, as far as they are here.
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

    fn find_node(&self, kind: &ast::EntityType, id: &str) -> Option<&Node> {
        self.node(&ast::EntityUID::from_components(kind.clone(), ast::Eid::new(id), None))
    }

    fn node(&self, uid: &ast::EntityUID) -> Option<&Node> {
        self.nodes.get(*self.numbers.get(uid)?)
    }

    fn entity<'a>(&'a self, node: &'a Node) -> Option<&'a Arc<ast::Entity>> {
        let kept = node.kept.as_ref()?;
        Some(node.entity.get_or_init(|| Arc::new(self.made(node, kept, self.above(kept)))))
    }

    /// What lies above the parents.
    fn above(&self, kept: &Kept) -> HashSet<ast::EntityUID> {
        hierarchy::above_parents(kept, &self.nodes).into_iter().filter_map(|number| self.uid(number)).collect()
    }

    fn made(&self, node: &Node, kept: &Kept, above: HashSet<ast::EntityUID>) -> ast::Entity {
        let known = |(name, value)| (name, ast::PartialValue::Value(value));
        ast::Entity::new_with_attr_partial_value(
            own(&node.uid),
            self.pool.fields(&kept.attributes).map(known),
            above,
            kept.parents.iter().filter_map(|number| self.uid(*number)).collect(),
            self.pool.fields(&kept.tags).map(known),
        )
    }

    fn uid(&self, number: Number) -> Option<ast::EntityUID> {
        self.nodes.get(number).map(|node| node.uid.as_ref().clone())
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

    /// All entities, in no order. Each is made and stays; who needs ids alone takes [`Directory::uids`].
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ast::Entity>> {
        self.nodes.iter().filter_map(|node| self.entity(node))
    }

    /// The ids of all entities, in no order.
    pub fn uids(&self) -> impl Iterator<Item = &ast::EntityUID> {
        self.nodes.iter().filter(|node| node.kept.is_some()).map(|node| node.uid.as_ref())
    }

    /// Checks the directory against the schema. All problems of all files come back; the directory comes back only if
    /// none of them is an error.
    #[must_use]
    pub fn from_sources(sources: &Sources, schema: &Schema) -> (Option<Self>, Vec<Problem>) {
        let (loaded, problems) = load::load(sources, schema);
        let directory = loaded.map(|load::Loaded { directory, read_by_cedar }| {
            tracing::debug!(entities = directory.len(), read_by_cedar, "The directory is read.");
            directory
        });
        (directory, problems)
    }
}

/// The same id with a type name of its own. A question copies the ids of the entities that it meets; where all accounts
/// share one name, the threads would fight over its reference count.
fn own(uid: &ast::EntityUID) -> ast::EntityUID {
    let name: &ast::InternalName = uid.entity_type().name().as_ref();
    let own = ast::InternalName::new(name.basename().clone(), name.namespace_components().cloned(), None);
    let kind = ast::Name::try_from(own).map_or_else(|_| uid.entity_type().clone(), ast::EntityType::from);
    ast::EntityUID::from_components(kind, uid.eid().clone(), None)
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
