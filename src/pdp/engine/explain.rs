//! Explains a verdict to a person: each policy's scope and conditions, one by one, on one question.
//!
//! Cedar's authorizer evaluates each part, in a policy that has only that part. So what is shown is what Cedar does; it costs
//! accordingly.

use super::{translate::CedarRequest, world::World};
use crate::{sources::snapshot::Snapshot, types::decision::PolicyFacts};
use cedar_policy::{self as cedar, pst};
use cedar_policy_core::{ast, authorizer::Authorizer};
use std::sync::Arc;

/// What one policy made of a question.
#[derive(Debug)]
pub struct Explained {
    /// The policy.
    pub policy: Arc<PolicyFacts>,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Whether its scope (principal, action, resource) fits the question.
    pub in_scope: bool,
    /// Its conditions, in order; empty if the scope does not fit.
    pub clauses: Vec<Clause>,
}

/// One `when` or `unless`.
#[derive(Debug)]
pub struct Clause {
    /// Its text in Cedar.
    pub text: String,
    /// Whether it holds. For an `unless`: whether it lets the policy apply.
    pub outcome: ClauseOutcome,
}

/// What evaluation made of a part of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClauseOutcome {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It could not be evaluated.
    Error(String),
}

impl Explained {
    /// Whether the whole policy applies.
    #[must_use]
    pub fn applies(&self) -> bool {
        self.in_scope && self.clauses.iter().all(|clause| clause.outcome == ClauseOutcome::Holds)
    }
}

/// Explains a question, policy by policy, ordered by id. Empty if it is denied before any policy is evaluated, because the
/// directory does not know the subject or the resource.
///
/// # Errors
/// A policy that has no syntax tree, or entities that contradict each other.
pub fn explain(snapshot: &Snapshot, question: &CedarRequest<'_>) -> Result<Vec<Explained>, String> {
    match World::of(snapshot, question)? {
        Some(world) => explain_in(snapshot, &world),
        None => Ok(Vec::new()),
    }
}

/// Explains what the policies make of a world, ordered by id.
///
/// # Errors
/// A policy that has no syntax tree.
pub fn explain_in(snapshot: &Snapshot, world: &World) -> Result<Vec<Explained>, String> {
    let mut policies: Vec<_> = snapshot.policies.set.policies().collect();
    policies.sort_by(|one, other| AsRef::<str>::as_ref(one.id()).cmp(AsRef::<str>::as_ref(other.id())));
    policies.into_iter().map(|policy| one(snapshot, world, policy)).collect()
}

fn one(snapshot: &Snapshot, world: &World, policy: &cedar::Policy) -> Result<Explained, String> {
    let facts = snapshot.policies.facts.get(policy.id()).cloned().unwrap_or_else(|| {
        Arc::new(PolicyFacts { id: AsRef::<str>::as_ref(policy.id()).to_owned(), ..PolicyFacts::default() })
    });
    let body = match policy.to_pst().map_err(|error| error.to_string())? {
        pst::Policy::Static(policy) => policy.body().clone(),
        pst::Policy::Linked(link) => link.into_static_policy().map_err(|error| error.to_string())?.body().clone(),
    };
    let part = |clauses: Vec<pst::Clause>| -> Result<ClauseOutcome, String> {
        let part = body.clone().try_with_clauses(clauses).map_err(|error| error.to_string())?;
        let part = pst::StaticPolicy::try_from(part).map_err(|error| error.to_string())?;
        let part = cedar::Policy::from_pst(pst::Policy::Static(part)).map_err(|error| error.to_string())?;
        let set = cedar::PolicySet::from_policies([part]).map_err(|error| error.to_string())?;
        let World { request, entities } = world;
        let response =
            Authorizer::new().is_authorized(request.clone(), AsRef::<ast::PolicySet>::as_ref(&set), entities);
        Ok(match response.diagnostics.errors.first() {
            Some(cedar_policy_core::authorizer::AuthorizationError::PolicyEvaluationError { error, .. }) => {
                ClauseOutcome::Error(error.to_string())
            }
            None if response.diagnostics.reason.is_empty() => ClauseOutcome::Fails,
            None => ClauseOutcome::Holds,
        })
    };
    let in_scope = part(Vec::new())? == ClauseOutcome::Holds;
    let mut clauses = Vec::new();
    if in_scope {
        for clause in body.clauses() {
            clauses.push(Clause { text: clause.to_string(), outcome: part(vec![clause.clone()])? });
        }
    }
    let effect = match policy.effect() {
        cedar::Effect::Permit => "permit",
        cedar::Effect::Forbid => "forbid",
    };
    Ok(Explained { policy: facts, effect, in_scope, clauses })
}
