//! The base of a directory: its entities as the last full read of all files gave them. It is never changed; later
//! changes go into the `overlay`.
//!
//! **Why.** A directory can hold all accounts of a large organisation, of which one process answers for few. So an
//! entity is stored small, as numbers of values in a shared `pool`. Each thread makes Cedar's form of it, with values
//! of its own, when its first question needs it.

use super::{
    contents::Known,
    entity_shapes::EntityShapes,
    hierarchy,
    node::{Kept, Node},
    pool::{Number, Numbers, Pool, Uids},
};
use crate::{
    sources::{
        per_thread::{self, PerThread},
        policy::cedar_core::ast,
    },
    types::evaluation::Map,
};
use std::{
    collections::HashSet,
    hash::RandomState,
    sync::{Arc, OnceLock},
};

/// Entities by id.
#[derive(Debug, Clone)]
pub(super) struct Base {
    numbers: Numbers,
    /// By number: the entities, and the ids that they name without an entity.
    pub(super) nodes: Vec<Node>,
    pub(super) pool: Pool,
    pub(super) held: usize,
    /// By number, for each thread.
    made: PerThread<Box<[Made]>>,
    /// How an entity is read, from the schema that these were read by.
    pub(super) forms: Arc<EntityShapes>,
    /// Hashes the texts of entities for comparison. Its key is random, so nobody can choose texts that collide.
    pub(super) hasher: RandomState,
}

/// An entity as Cedar has it, and what is known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// Made when the first question needs it: most accounts ask nothing before the directory changes again.
    pub(super) entity: OnceLock<Arc<ast::Entity>>,
    pub(super) contents: Known,
    /// Found with the first answer about it.
    pub(super) recorded: OnceLock<Option<Arc<Map>>>,
}

impl Base {
    /// Ids without entities.
    pub(super) fn new(uids: Uids, pool: Pool, forms: Arc<EntityShapes>) -> Self {
        let Uids { numbers, uids, named } = uids;
        let mut nodes: Vec<_> = uids.into_iter().map(Node::new).collect();
        for number in named {
            if let Some(node) = nodes.get_mut(number) {
                node.is_named = true;
            }
        }
        Self { numbers, nodes, pool, held: 0, made: PerThread::new(), forms, hasher: RandomState::new() }
    }

    pub(super) fn node(&self, uid: &ast::EntityUID) -> Option<&Node> {
        self.nodes.get(self.number(uid.entity_type(), uid.eid().as_ref())?)
    }

    /// The number of the entity with this type and id, or of the id that other entities name without it.
    pub(super) fn number(&self, kind: &ast::EntityType, id: &str) -> Option<Number> {
        self.numbers.get(kind, id)
    }

    /// What this thread made of the entity with this number. `None` if there is no such entity.
    pub(super) fn made(&self, number: Number) -> Option<&Made> {
        self.nodes.get(number)?.kept.as_ref()?;
        self.made.get_or_init(|| self.nodes.iter().map(|_| Made::default()).collect()).get(number)
    }

    /// How many entities were made, by all threads.
    #[cfg(test)]
    pub(super) fn n_made(&self) -> usize {
        self.made.iter().flatten().filter(|made| made.entity.get().is_some()).count()
    }

    /// The nodes that have an entity.
    pub(super) fn held(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.kept.is_some())
    }

    /// The entity with this number, of this thread.
    pub(super) fn entity(&self, number: Number) -> Option<&Arc<ast::Entity>> {
        let (node, made) = (self.nodes.get(number)?, self.made(number)?);
        let kept = node.kept.as_ref()?;
        Some(made.entity.get_or_init(|| {
            Arc::new(match &node.whole {
                Some(whole) => per_thread::entity(whole),
                None => per_thread::entity(&self.make(node, kept, self.above(kept))),
            })
        }))
    }

    /// The ancestors of the parents.
    fn above(&self, kept: &Kept) -> HashSet<ast::EntityUID> {
        hierarchy::above_parents(kept, &self.nodes).into_iter().filter_map(|number| self.uid(number)).collect()
    }

    pub(super) fn make(&self, node: &Node, kept: &Kept, above: HashSet<ast::EntityUID>) -> ast::Entity {
        let known = |(name, value)| (name, ast::PartialValue::Value(value));
        ast::Entity::new_with_attr_partial_value(
            node.uid.as_ref().clone(),
            self.pool.fields(&kept.attributes).map(known),
            above,
            kept.parents.iter().filter_map(|number| self.uid(*number)).collect(),
            self.pool.fields(&kept.tags).map(known),
        )
    }

    fn uid(&self, number: Number) -> Option<ast::EntityUID> {
        self.nodes.get(number).map(|node| node.uid.as_ref().clone())
    }
}
