//! A policy, ready to be evaluated.

use super::scope::Scope;
use crate::{sources::per_thread, types::decision::PolicyFacts};
use cedar_policy as cedar;
use cedar_policy_core::ast;
use std::{fmt, sync::Arc};

/// A policy with what its evaluation needs.
pub struct PreparedPolicy {
    /// Its id.
    pub id: cedar::PolicyId,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// Its scope and conditions, as one expression.
    pub condition: ast::Expr,
    /// The values of its slots.
    pub slots: ast::SlotEnv,
    /// What it says about itself.
    pub facts: Arc<PolicyFacts>,
    pub(super) scope: Scope,
}

impl PreparedPolicy {
    /// The same policy, with an equal condition.
    pub(super) fn with(&self, condition: ast::Expr) -> Self {
        Self {
            id: self.id.clone(),
            permits: self.permits,
            condition,
            slots: self.slots.clone(),
            facts: self.facts.clone(),
            scope: self.scope.clone(),
        }
    }

    /// The same policy, for one thread.
    pub(super) fn per_thread(&self) -> Self {
        Self {
            slots: per_thread::slots(&self.slots),
            facts: Arc::new(self.facts.as_ref().clone()),
            ..self.with(per_thread::expression(&self.condition))
        }
    }
}

impl fmt::Debug for PreparedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedPolicy").field("id", &self.id).field("permits", &self.permits).finish_non_exhaustive()
    }
}
