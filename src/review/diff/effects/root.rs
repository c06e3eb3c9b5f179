//! Where a place in a question begins: a party, or the context.

use crate::{review::proof::Environment, sources::policy::cedar_core::ast::EntityType};

/// Where a place begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Principal,
    Resource,
    Context,
}

impl Root {
    /// The type of the party; the context has none.
    pub(super) const fn kind(self, environment: &Environment) -> Option<&EntityType> {
        match self {
            Self::Principal => Some(&environment.principal),
            Self::Resource => Some(&environment.resource),
            Self::Context => None,
        }
    }

    /// As policies write it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Resource => "resource",
            Self::Context => "context",
        }
    }
}
