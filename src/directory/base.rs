//! The entities as one reading of all files found them. It does not change; what changed since lies beside it (`newer`).
//!
//! A directory can hold all accounts of a large organisation, of which one process answers for few. So an entity is kept
//! small, as numbers of values that it shares with others, and is made as Cedar has it when the first question needs it.

use super::{
    contents::Known,
    forms::Forms,
    hierarchy,
    pool::{Number, Pool, Uids},
};
use cedar_policy_core::ast;
use std::{
    collections::{HashMap, HashSet},
    hash::RandomState,
    sync::{Arc, OnceLock},
};

/// Entities by id.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) numbers: HashMap<Arc<ast::EntityUID>, Number>,
    /// By number: the entities, and what they name that is not here.
    pub(super) nodes: Vec<Node>,
    pub(super) pool: Pool,
    pub(super) held: usize,
    /// How an entity is read, from the schema that these were read by.
    pub(super) forms: Arc<Forms>,
    /// What the texts of the entities are compared by. No outsider knows its key.
    pub(super) hasher: RandomState,
}

/// An id, and what is known of the entity.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) uid: Arc<ast::EntityUID>,
    pub(super) kept: Option<Kept>,
    /// The hash of the text that it was read from.
    pub(super) text: u64,
    /// Whether another entity names it, as its parent or otherwise.
    pub(super) is_named: bool,
    /// Made when the first question needs it; most accounts ask nothing before the directory changes again.
    pub(super) entity: OnceLock<Arc<ast::Entity>>,
    pub(super) contents: Known,
}

/// An entity as it is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) attributes: Box<[(Number, Number)]>,
    pub(super) tags: Box<[(Number, Number)]>,
    pub(super) parents: Box<[Number]>,
}

impl Base {
    /// Ids without entities.
    pub(super) fn new(uids: Uids, pool: Pool, forms: Arc<Forms>) -> Self {
        let Uids { numbers, uids, named } = uids;
        let mut nodes: Vec<_> = uids.into_iter().map(Node::new).collect();
        for number in named {
            if let Some(node) = nodes.get_mut(number) {
                node.is_named = true;
            }
        }
        Self { numbers, nodes, pool, held: 0, forms, hasher: RandomState::new() }
    }

    pub(super) fn node(&self, uid: &ast::EntityUID) -> Option<&Node> {
        self.nodes.get(*self.numbers.get(uid)?)
    }

    /// The nodes of entities, without what they name that is not here.
    pub(super) fn held(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.kept.is_some())
    }

    pub(super) fn entity<'a>(&'a self, node: &'a Node) -> Option<&'a Arc<ast::Entity>> {
        let kept = node.kept.as_ref()?;
        Some(node.entity.get_or_init(|| Arc::new(self.made(node, kept, self.above(kept)))))
    }

    /// What lies above the parents.
    fn above(&self, kept: &Kept) -> HashSet<ast::EntityUID> {
        hierarchy::above_parents(kept, &self.nodes).into_iter().filter_map(|number| self.uid(number)).collect()
    }

    pub(super) fn made(&self, node: &Node, kept: &Kept, above: HashSet<ast::EntityUID>) -> ast::Entity {
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
}

impl Node {
    fn new(uid: Arc<ast::EntityUID>) -> Self {
        Self { uid, kept: None, text: 0, is_named: false, entity: OnceLock::new(), contents: Known::default() }
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
