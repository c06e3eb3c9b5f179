//! Request environments: a type of principal, an action, and a type of resource. Each has its own proof.

use crate::sources::policy::{Model, cedar_core::ast};
use cedar_policy as cedar;
use std::fmt;

/// A type of principal, an action and a type of resource that the schema brings together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Environment {
    /// The type of the principal.
    pub principal: ast::EntityType,
    /// The action.
    pub action: ast::EntityUID,
    /// The type of the resource.
    pub resource: ast::EntityType,
}

impl Environment {
    /// All environments of a schema, in order.
    #[must_use]
    pub fn all(model: &Model) -> Vec<Self> {
        let mut all: Vec<_> = model
            .actions()
            .flat_map(|action| {
                action.subjects.iter().flat_map(|principal| {
                    action.resources.iter().map(|resource| Self {
                        principal: principal.clone(),
                        action: action.uid.clone(),
                        resource: resource.clone(),
                    })
                })
            })
            .collect();
        all.sort_by_cached_key(|environment| {
            (environment.action.to_string(), environment.principal.to_string(), environment.resource.to_string())
        });
        all.dedup();
        all
    }

    /// The same, as Cedar's analysis wants it.
    pub(crate) fn cedar(&self) -> cedar::RequestEnv {
        cedar::RequestEnv::new(self.principal.clone().into(), self.action.clone().into(), self.resource.clone().into())
    }

    /// The principal's type without its namespace.
    #[must_use]
    pub fn principal_name(&self) -> String {
        self.principal.name().basename().to_string()
    }

    /// The action's id.
    #[must_use]
    pub fn action_name(&self) -> &str {
        self.action.eid().as_ref()
    }

    /// The resource's type without its namespace.
    #[must_use]
    pub fn resource_name(&self) -> String {
        self.resource.name().basename().to_string()
    }
}

/// As people name it: `Officer × consult × Registration`.
impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} × {}", self.principal_name(), self.action_name(), self.resource_name())
    }
}
