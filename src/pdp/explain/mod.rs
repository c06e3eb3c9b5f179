//! Explains a decision: which policies decide it, and what each of their conditions made of the question, with the values of
//! what it compares and its place.
//!
//! **Invariant:** each condition is *met* where Cedar evaluates it to true in the policy's order, and what Cedar does not come
//! to is *not looked at* (`tests/it/review/explain/engine.rs::each_condition_is_met_where_cedar_finds_it_true`).
//!
//! A wire caller sees no value that the schema keeps from records ([`Audience::Caller`]).
//!
//! - `parts`: a policy's clauses and conditions
//! - `values`: the values that a condition compares
//! - `served`: explanations for callers that may ask

mod parts;
mod served;
mod values;

pub use served::KnownConditions;

use super::{
    conditions::Conditioned,
    engine::{CedarRequest, World},
};
use crate::{
    sources::{policy::cedar_core::ast, snapshot::Snapshot},
    types::decision::{ClauseKind, Effect, ExplainedPolicy, Explanation, SourceLine, Verdict},
};
use cedar_policy as cedar;
use parts::Explainer;

/// Who reads an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person with the files, who could read all values there.
    Officer,
    /// A caller over the wire: what the schema keeps from records is concealed.
    Caller,
}

/// How much of a decision is explained.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Who reads it.
    pub audience: Audience,
    /// How many policies are told: those that decide, and where a permit is missing those that came nearest.
    pub policies: usize,
}

/// Explains the decision of a question. Empty if the question was denied because the directory does not know a party.
/// `goes_on` is asked before each policy; what is left is counted among the others.
///
/// # Errors
/// Entities that contradict each other.
pub fn explain(
    snapshot: &Snapshot,
    conditions: &[Conditioned],
    question: &CedarRequest<'_>,
    verdict: &Verdict,
    extent: Extent,
    goes_on: &dyn Fn() -> bool,
) -> Result<Explanation, String> {
    match World::of(snapshot, question)? {
        Some(world) => Ok(explain_in(snapshot, conditions, &world, verdict, extent, goes_on)),
        None => Ok(Explanation::default()),
    }
}

/// Explains the decision in a world.
#[must_use]
pub fn explain_in(
    snapshot: &Snapshot,
    conditions: &[Conditioned],
    world: &World,
    verdict: &Verdict,
    extent: Extent,
    goes_on: &dyn Fn() -> bool,
) -> Explanation {
    let explainer = Explainer { snapshot, world, evaluator: world.evaluator(), audience: extent.audience };
    let mut explained: Vec<_> = conditions
        .iter()
        .flat_map(|policy| policy.deciding.iter().map(move |deciding| (policy, deciding)))
        .filter(|(_, deciding)| leaves_room(snapshot, world, deciding))
        .map(|(policy, deciding)| (rank(verdict, policy, deciding), policy, deciding))
        .collect();
    let all = explained.len();
    explained.retain(|(rank, ..)| *rank < Rank::NoMatter);
    explained.sort_by_key(|(rank, ..)| *rank);
    let explained = explained.into_iter().take_while(|_| goes_on());
    let mut policies: Vec<_> =
        explained.map(|(rank, policy, deciding)| (rank, explainer.policy(policy, deciding))).collect();
    // Where a permit applies already, no other one is missing.
    if policies.iter().any(|(rank, policy)| *rank == Rank::Missing && policy.outcome.is_met()) {
        policies.retain(|(rank, policy)| *rank != Rank::Missing || policy.outcome.is_met());
    }
    // Of the permits that are missing, those first of which the least is missing.
    policies.sort_by_cached_key(|(rank, policy)| (*rank, missing(policy), policy.facts.id.clone()));
    policies.truncate(extent.policies);
    let others = all.saturating_sub(policies.len());
    Explanation { policies: policies.into_iter().map(|(_, policy)| policy).collect(), others }
}

/// How much a policy matters to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Decides,
    Failed,
    /// A permit of a question that is denied.
    Missing,
    NoMatter,
}

fn rank(verdict: &Verdict, policy: &Conditioned, deciding: &ast::Policy) -> Rank {
    let id: &str = deciding.id().as_ref();
    if verdict.policies.iter().any(|facts| facts.id == id) {
        Rank::Decides
    } else if verdict.errors.iter().any(|error| error.policy == id) {
        Rank::Failed
    } else if !verdict.decision.is_allow() && policy.effect == ast::Effect::Permit {
        Rank::Missing
    } else {
        Rank::NoMatter
    }
}

/// How far a policy is from applying: its scope comes first, since a rule for others is farther away than any for this one.
fn missing(policy: &ExplainedPolicy) -> (bool, usize) {
    let deciding = policy.deciding();
    let is_scope = deciding.iter().any(|one| one.clause == ClauseKind::Scope);
    (is_scope, if policy.outcome.is_met() { 0 } else { deciding.len() })
}

/// Whether the types and the action of the question leave room for a policy.
pub(crate) fn leaves_room(snapshot: &Snapshot, world: &World, policy: &ast::Policy) -> bool {
    let Some((principal, action, resource)) = world.parties() else { return false };
    let id = cedar::PolicyId::new(AsRef::<str>::as_ref(policy.id()));
    snapshot.policies.can_apply(principal.entity_type(), action, resource.entity_type(), &id)
}

fn effect(effect: ast::Effect) -> Effect {
    match effect {
        ast::Effect::Permit => Effect::Permit,
        ast::Effect::Forbid => Effect::Forbid,
    }
}
