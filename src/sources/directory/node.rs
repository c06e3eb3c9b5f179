//! An entity of the base, as numbers of the values that it shares with others (`pool`).

use super::pool::Number;
use crate::sources::policy::cedar_core::ast;
use std::sync::Arc;

/// An id, and what is known of the entity.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) uid: Arc<ast::EntityUID>,
    pub(super) kept: Option<Kept>,
    /// The entity, where Cedar read it.
    pub(super) whole: Option<Arc<ast::Entity>>,
    /// The hash of the text that it was read from.
    pub(super) text: u64,
    /// Whether another entity names it, as its parent or otherwise.
    pub(super) is_named: bool,
}

/// An entity as it is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) attributes: Box<[(Number, Number)]>,
    pub(super) tags: Box<[(Number, Number)]>,
    pub(super) parents: Box<[Number]>,
}

impl Node {
    pub(super) fn new(uid: Arc<ast::EntityUID>) -> Self {
        Self { uid, kept: None, whole: None, text: 0, is_named: false }
    }
}
