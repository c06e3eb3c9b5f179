//! Which policies a question meets: those whose scope leaves room for the types of its principal and resource, and for its
//! action.
//!
//! **Why the others can be left out.** A policy's condition is `principal scope && action scope && resource scope && the
//! rest`. A scope cannot fail: its variables are entities, and `==`, `is` and `in` are defined for all of them, `in` on an
//! entity that nobody knows too. So a policy whose scope is false is false and not an error: it is no reason, and without
//! it the decision, the reasons and the errors are the same. Here a policy is left out only where [`Scope::leaves_room`] is
//! sure of that: `is` and `==` name a type, which the request's types decide; `in` says nothing about the type below, so it
//! leaves room for all. (`tests/it/cedar.rs::verdicts_equal_those_of_the_authorizer_over_everything` holds this.)

use super::{Policies, scope::Scope};
use cedar_policy as cedar;
use cedar_policy_core::ast;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

/// A policy, ready to be evaluated.
pub struct Ready {
    /// Its id.
    pub id: cedar::PolicyId,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// Its scope and conditions, as one expression.
    pub condition: ast::Expr,
    /// The values of its slots.
    pub slots: ast::SlotEnv,
    scope: Scope,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("id", &self.id).field("permits", &self.permits).finish_non_exhaustive()
    }
}

/// The policies that some questions meet.
pub type Slice = Arc<[Arc<Ready>]>;

type Environment = (ast::EntityType, ast::EntityUID, ast::EntityType);

/// The policies by what they can apply to.
#[derive(Debug)]
pub struct Slices {
    all: Slice,
    /// Made when the first question of its kind comes: most policies have room for few of the many kinds.
    by_environment: HashMap<Environment, OnceLock<Slice>>,
}

impl Slices {
    pub(super) fn new(set: &cedar::PolicySet, schema: &cedar::Schema) -> Self {
        let ready = |policy: &cedar::Policy| {
            let inner: &ast::Policy = policy.as_ref();
            Arc::new(Ready {
                id: policy.id().clone(),
                permits: policy.effect() == cedar::Effect::Permit,
                condition: inner.condition(),
                slots: inner.env().clone(),
                scope: Scope::of(policy),
            })
        };
        let environments = schema.request_envs().map(|environment| {
            let kind = |name: &cedar::EntityTypeName| AsRef::<ast::EntityType>::as_ref(name).clone();
            let action = AsRef::<ast::EntityUID>::as_ref(environment.action()).clone();
            ((kind(environment.principal()), action, kind(environment.resource())), OnceLock::new())
        });
        Self { all: set.policies().map(ready).collect(), by_environment: environments.collect() }
    }

    fn of(
        &self,
        actions: &HashMap<ast::EntityUID, Arc<ast::Entity>>,
        principal: &ast::EntityType,
        action: &ast::EntityUID,
        resource: &ast::EntityType,
    ) -> Slice {
        let environment = (principal.clone(), action.clone(), resource.clone());
        let Some(slice) = self.by_environment.get(&environment) else { return self.all.clone() };
        let make = || {
            let meets = |ready: &&Arc<Ready>| ready.scope.leaves_room(principal, action, resource, actions);
            self.all.iter().filter(meets).cloned().collect()
        };
        slice.get_or_init(make).clone()
    }
}

impl Policies {
    /// The policies that a question with these types and this action meets. For a question that the schema does not have,
    /// all of them.
    #[must_use]
    pub fn slice(&self, principal: &ast::EntityType, action: &ast::EntityUID, resource: &ast::EntityType) -> Slice {
        self.slices.of(&self.action_entities, principal, action, resource)
    }
}
