//! Slices: the policies that can apply to a question. Their scopes match the types of its principal and resource, its
//! action, and the entities that these are and are in.
//!
//! **Why the others can be left out.** A policy's condition is `principal scope && action scope && resource scope &&
//! the rest`. A scope cannot fail: its variables are entities, and `==`, `is` and `in` are defined for all of them,
//! `in` for unknown entities too. So a policy whose scope is false is false and not an error: it is no reason, and
//! without it the decision, the reasons and the errors are the same. Here a policy is left out only where that is
//! certain:
//! - [`Scope::leaves_room`] is false: `is` and `==` name a type, which the request's types decide; `in` says nothing about
//!   the type below, so it leaves room for all.
//! - Its [`Scope::anchor`] is none of the entities of the question, nor above one. `==` and `in` hold only for the entity that
//!   they name and those below, and the ancestors that are asked here are those that the evaluation sees.
//!
//! - Its condition is false for every question of these types and this action ([`super::folding`]).
//!
//! (`tests/it/pdp/cedar.rs::verdicts_equal_those_of_the_authorizer_over_everything` holds this.)

use super::{
    ActionModel, EntityModel, Policies,
    folding::{Folding, truth},
    footprint::{Environment, Footprint, Profiles},
    prepared_policy::PreparedPolicy,
    scope::Scope,
};
use crate::{
    sources::per_thread::{self, PerThread},
    types::decision::PolicyFacts,
};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast,
    entities::{Dereference, Entities},
};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// Evaluating this many policies is faster than looking them up.
const FEW: usize = 4;

/// The policies that can apply to questions of one kind.
///
/// Each thread has its own ([`per_thread`]); their footprint is shared.
#[derive(Debug)]
pub struct Slice {
    /// What they can read by their whole conditions: a comparison of policies reasons about those.
    pub footprint: Arc<Footprint>,
    /// What these questions are about. `None` for a question that the schema does not have.
    pub types: Option<Types>,
    /// Those that can apply to each of these questions.
    free: Vec<Arc<PreparedPolicy>>,
    /// Those that can apply only to questions about an entity or one in it; each in one place.
    anchored: HashMap<ast::EntityUID, Vec<Arc<PreparedPolicy>>>,
}

/// What questions of one kind are about.
#[derive(Debug)]
pub struct Types {
    /// The type of the principal.
    pub principal: EntityModel,
    /// The action.
    pub action: ActionModel,
    /// The same, with its groups.
    pub action_entity: Arc<ast::Entity>,
    /// The type of the resource.
    pub resource: EntityModel,
}

impl Slice {
    fn of(policies: Vec<Arc<PreparedPolicy>>, few: usize, footprint: Arc<Footprint>, types: Option<Types>) -> Self {
        let mut slice = Self { footprint, types, free: policies, anchored: HashMap::new() };
        if slice.free.len() > few {
            for ready in std::mem::take(&mut slice.free) {
                match ready.scope.anchor().cloned() {
                    Some(anchor) => slice.anchored.entry(anchor).or_default().push(ready),
                    None => slice.free.push(ready),
                }
            }
        }
        slice
    }

    /// The policies that can apply to a question about these two, among these entities.
    pub fn met_by<'s>(
        &'s self,
        principal: &ast::EntityUID,
        resource: &ast::EntityUID,
        entities: &Entities,
    ) -> impl Iterator<Item = &'s PreparedPolicy> {
        // A policy is taken once, also where both are in its anchor.
        let mut met = HashMap::new();
        if !self.anchored.is_empty() {
            for uid in [principal, resource] {
                met.extend(self.anchored.get_key_value(uid));
                if let Dereference::Data(entity) = entities.entity(uid) {
                    met.extend(entity.ancestors().filter_map(|ancestor| self.anchored.get_key_value(ancestor)));
                }
            }
        }
        let anchored = met.into_values().flatten();
        self.free.iter().chain(anchored).map(Arc::as_ref)
    }
}

/// The policies by what they can apply to.
#[derive(Debug)]
pub struct Slices {
    all: Vec<Arc<PreparedPolicy>>,
    /// For a question that the schema does not have.
    whole: Slice,
    by_action: HashMap<ast::EntityUID, Vec<EnvironmentSlice>>,
    profiles: Profiles,
}

/// Questions about one action, and one type each of principal and resource.
#[derive(Debug)]
struct EnvironmentSlice {
    principal: ast::EntityType,
    resource: ast::EntityType,
    /// Made for the first question of its kind: most policies match few of the many kinds.
    met: OnceLock<Met>,
    slices: PerThread<Slice>,
}

/// What all threads know of a kind.
#[derive(Debug)]
struct Met {
    policies: Vec<Arc<PreparedPolicy>>,
    footprint: Arc<Footprint>,
}

impl Slices {
    pub(super) fn new(
        set: &cedar::PolicySet,
        schema: &cedar::Schema,
        facts: &HashMap<cedar::PolicyId, Arc<PolicyFacts>>,
    ) -> Self {
        let ready = |policy: &cedar::Policy| {
            let inner: &ast::Policy = policy.as_ref();
            let unsaid = || Arc::new(PolicyFacts { id: policy.id().to_string(), ..PolicyFacts::default() });
            Arc::new(PreparedPolicy {
                facts: facts.get(policy.id()).cloned().unwrap_or_else(unsaid),
                id: policy.id().clone(),
                permits: policy.effect() == cedar::Effect::Permit,
                condition: inner.condition(),
                slots: inner.env().clone(),
                scope: Scope::of(policy),
            })
        };
        let mut by_action = HashMap::<_, Vec<_>>::new();
        for environment in schema.request_envs() {
            let kind = |name: &cedar::EntityTypeName| AsRef::<ast::EntityType>::as_ref(name).clone();
            let action = AsRef::<ast::EntityUID>::as_ref(environment.action()).clone();
            let (principal, resource) = (kind(environment.principal()), kind(environment.resource()));
            by_action.entry(action).or_default().push(EnvironmentSlice {
                principal,
                resource,
                met: OnceLock::new(),
                slices: PerThread::new(),
            });
        }
        let all: Vec<_> = set.policies().map(ready).collect();
        let footprint = Arc::new(Footprint::everything(all.iter().map(AsRef::as_ref)));
        let whole = Slice::of(all.clone(), usize::MAX, footprint, None);
        Self { all, whole, by_action, profiles: Profiles::default() }
    }

    fn find(&self, environment: Environment<'_>) -> Option<&EnvironmentSlice> {
        let Environment { principal, action, resource } = environment;
        let kinds = self.by_action.get(action).map(Vec::as_slice).unwrap_or_default();
        kinds.iter().find(|kind| kind.resource == *resource && kind.principal == *principal)
    }
}

impl Policies {
    /// The policies that can apply to a question with these types and this action. For a question that the schema does
    /// not allow, all of them.
    #[must_use]
    pub fn slice(&self, principal: &ast::EntityType, action: &ast::EntityUID, resource: &ast::EntityType) -> &Slice {
        let environment = Environment { principal, action, resource };
        let Some(kind) = self.slices.find(environment) else { return &self.slices.whole };
        kind.slices.get_or_init(|| {
            let Met { policies, footprint } = self.met(kind, environment);
            let policies = policies.iter().map(|ready| Arc::new(ready.per_thread())).collect();
            Slice::of(policies, FEW, footprint.clone(), self.types(environment))
        })
    }

    /// What the policies that can apply to such a question can read.
    #[must_use]
    pub fn footprint(
        &self,
        principal: &ast::EntityType,
        action: &ast::EntityUID,
        resource: &ast::EntityType,
    ) -> &Footprint {
        let environment = Environment { principal, action, resource };
        let kind = self.slices.find(environment);
        kind.map_or(&self.slices.whole.footprint, |kind| &self.met(kind, environment).footprint)
    }

    /// Whether a policy can apply to such a question. `false` is certain.
    #[must_use]
    pub fn can_apply(
        &self,
        principal: &ast::EntityType,
        action: &ast::EntityUID,
        resource: &ast::EntityType,
        policy: &cedar::PolicyId,
    ) -> bool {
        let environment = Environment { principal, action, resource };
        let met = self.slices.find(environment).map(|kind| self.met(kind, environment));
        met.is_none_or(|met| met.policies.iter().any(|ready| ready.id == *policy))
    }

    /// The policies with obligations whose scopes leave room for a question of these types and this action.
    pub fn with_obligations<'s>(
        &'s self,
        principal: &'s ast::EntityType,
        action: &'s ast::EntityUID,
        resource: &'s ast::EntityType,
    ) -> impl Iterator<Item = &'s PreparedPolicy> {
        let obliging = self.slices.all.iter().map(AsRef::as_ref).filter(|ready| !ready.facts.obligations.is_empty());
        obliging.filter(move |ready: &&PreparedPolicy| {
            ready.scope.leaves_room(principal, action, resource, &self.action_entities)
        })
    }

    fn met<'s>(&self, kind: &'s EnvironmentSlice, environment: Environment<'_>) -> &'s Met {
        let Self { schema, slices, action_entities, .. } = self;
        let Environment { principal, action, resource } = environment;
        kind.met.get_or_init(|| {
            let meets =
                |ready: &&Arc<PreparedPolicy>| ready.scope.leaves_room(principal, action, resource, action_entities);
            let whole: Vec<_> = slices.all.iter().filter(meets).collect();
            let read = whole.iter().map(|ready| ready.as_ref());
            let footprint = Footprint::of(read, environment, schema.as_ref(), &self.model, &slices.profiles);
            let folding = self.folding(environment);
            let folded = whole.iter().map(|ready| Arc::new(ready.with(folding.fold(&ready.condition))));
            let policies = folded.filter(|ready| truth(&ready.condition) != Some(false)).collect();
            Met { policies, footprint: Arc::new(footprint) }
        })
    }

    /// A condition of a policy without what these types and this action fix. `None` if it is false for all such questions.
    #[must_use]
    pub fn folded(
        &self,
        principal: &ast::EntityType,
        action: &ast::EntityUID,
        resource: &ast::EntityType,
        condition: &ast::Expr,
    ) -> Option<ast::Expr> {
        let folded = self.folding(Environment { principal, action, resource }).fold(condition);
        (truth(&folded) != Some(false)).then_some(folded)
    }

    fn folding<'a>(&'a self, environment: Environment<'a>) -> Folding<'a> {
        let action = self.action_entities.get(environment.action).map(AsRef::as_ref);
        Folding { environment, schema: self.schema.as_ref(), model: &self.model, action }
    }

    fn types(&self, environment: Environment<'_>) -> Option<Types> {
        let Environment { principal, action, resource } = environment;
        Some(Types {
            principal: self.model.entity_type(principal)?.per_thread(),
            action: self.model.action_of(action)?.per_thread(),
            action_entity: Arc::new(per_thread::entity(self.action_entities.get(action)?)),
            resource: self.model.entity_type(resource)?.per_thread(),
        })
    }

    /// All policies, as the slice of a question that the schema does not have.
    #[must_use]
    pub const fn whole(&self) -> &Slice {
        &self.slices.whole
    }

    /// What the policies can read, for all kinds of questions.
    pub fn footprints(&self) -> impl Iterator<Item = &Footprint> {
        let kinds =
            self.slices.by_action.iter().flat_map(|(action, kinds)| kinds.iter().map(move |kind| (action, kind)));
        kinds.map(|(action, kind)| self.footprint(&kind.principal, action, &kind.resource))
    }
}
