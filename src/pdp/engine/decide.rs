//! Evaluates a question, by Cedar's rule, over the few policies and entities that can matter to it.
//! (`tests/it/pdp/cedar.rs::verdicts_equal_those_of_the_authorizer_over_everything` holds that the others cannot.)

use super::{translate::CedarRequest, world::World};
use crate::{
    sources::{
        policy::{PreparedPolicy, Slice},
        snapshot::Snapshot,
    },
    types::{
        decision::{Cause, Decision, ErrorKind, EvaluationError, PolicyFacts, Verdict},
        escape,
    },
};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast::{self, ValueKind},
    evaluator::{EvaluationError as CedarError, Evaluator},
    extensions::Extensions,
};
use std::sync::Arc;

/// How much an answer has of an entity that it names, in characters: more than any id that a person could tell from another.
const UID: usize = 400;

/// How much an answer has of what Cedar says of a policy, which can quote values of the question, in characters.
const ERROR: usize = 4_000;

/// Decides a question that was translated under this snapshot.
#[must_use]
pub fn decide(snapshot: &Snapshot, question: &CedarRequest<'_>) -> Verdict {
    let denied = |cause| Verdict { decision: Decision::Deny, policies: Vec::new(), errors: Vec::new(), cause };
    if let Some((party, uid)) = question.unknown_party() {
        let uid = escape::cut_to(&uid.to_string(), UID).into_owned();
        return denied(Cause::Unknown { party, uid: Some(uid) });
    }
    match World::of_slice(snapshot, question) {
        Ok(world) => evaluate_slice(question.slice, &world),
        // The parties were checked to be consistent, and the directory has each entity once.
        Err(_) => denied(Cause::Contradiction),
    }
}

/// Decides in a world, with the policies of a snapshot.
#[must_use]
pub fn decide_in(snapshot: &Snapshot, world: &World) -> Verdict {
    let World { request, entities: _ } = world;
    let (principal, action, resource) = (request.principal().uid(), request.action().uid(), request.resource().uid());
    let (Some(principal), Some(action), Some(resource)) = (principal, action, resource) else {
        // A request of poort's has all three; without policies nothing is allowed.
        return verdict(snapshot, false, std::iter::empty(), Vec::new());
    };
    let slice = snapshot.policies.slice(principal.entity_type(), action, resource.entity_type());
    evaluate_slice(slice, world)
}

/// The policies that apply to a question, and those that failed.
#[derive(Debug, Default)]
pub struct Applying {
    /// The permits, ordered by id.
    pub permits: Vec<Arc<PolicyFacts>>,
    /// The forbids, ordered by id.
    pub forbids: Vec<Arc<PolicyFacts>>,
    /// Those that could not be evaluated.
    pub errors: Vec<EvaluationError>,
}

/// The policies of this snapshot that apply to a question which was translated under it; nothing is decided. `None`: the
/// directory does not know a party, or the entities contradict each other.
#[must_use]
pub fn applying(snapshot: &Snapshot, question: &CedarRequest<'_>) -> Option<Applying> {
    if question.unknown_party().is_some() {
        return None;
    }
    let mut found = applying_in(question.slice, &World::of_slice(snapshot, question).ok()?);
    found.permits.sort_by(|one, other| one.id.cmp(&other.id));
    found.forbids.sort_by(|one, other| one.id.cmp(&other.id));
    Some(found)
}

/// Decides by the policies that the question can meet, as `policy::slices` argues, by Cedar's rule (a forbid that applies
/// denies; else a permit that applies allows; what fails is neither).
fn evaluate_slice(slice: &Slice, world: &World) -> Verdict {
    let Applying { permits, forbids, errors } = applying_in(slice, world);
    let allowed = forbids.is_empty() && !permits.is_empty();
    verdict_of(allowed, if allowed { permits } else { forbids }, errors)
}

fn applying_in(slice: &Slice, World { request, entities }: &World) -> Applying {
    let mut found = Applying::default();
    let evaluator = Evaluator::new(request.clone(), entities, Extensions::all_available());
    // poort's own questions have both; without policies nothing is allowed.
    let (Some(principal), Some(resource)) = (request.principal().uid(), request.resource().uid()) else { return found };
    for ready in slice.met_by(principal, resource, entities) {
        match applies(&evaluator, ready) {
            Ok(true) if ready.permits => found.permits.push(ready.facts.clone()),
            Ok(true) => found.forbids.push(ready.facts.clone()),
            Ok(false) => {}
            Err((kind, message)) => {
                let policy = AsRef::<str>::as_ref(&ready.id).to_owned();
                found.errors.push(EvaluationError { policy, kind, message });
            }
        }
    }
    found
}

/// Whether a policy applies, or why that cannot be said.
fn applies(evaluator: &Evaluator<'_>, ready: &PreparedPolicy) -> Result<bool, (ErrorKind, String)> {
    let value = evaluator.interpret(&ready.condition, &ready.slots);
    let value = value.map_err(|error| (kind(&error), escape::cut_to(&error.to_string(), ERROR).into_owned()))?;
    match value.value_kind() {
        ValueKind::Lit(ast::Literal::Bool(truth)) => Ok(*truth),
        // A condition is a conjunction, which is a boolean or an error.
        _ => Err((ErrorKind::WrongType, "the condition is not a boolean".to_owned())),
    }
}

/// The verdict where the policies that are no errors allow or not, for these reasons.
pub fn verdict(
    snapshot: &Snapshot,
    allowed: bool,
    reasons: impl Iterator<Item = String>,
    errors: Vec<EvaluationError>,
) -> Verdict {
    let unsaid = |id| Arc::new(PolicyFacts { id, ..PolicyFacts::default() });
    let facts = |id: String| {
        let known = snapshot.policies.facts.get(&cedar::PolicyId::new(&id));
        known.cloned().unwrap_or_else(|| unsaid(id))
    };
    verdict_of(allowed, reasons.map(facts).collect(), errors)
}

fn verdict_of(allowed: bool, mut reasons: Vec<Arc<PolicyFacts>>, mut errors: Vec<EvaluationError>) -> Verdict {
    errors.sort();
    reasons.sort_by(|one, other| one.id.cmp(&other.id));
    // Cedar skips a policy that errors, and a forbid that is skipped does not forbid. So an error denies, and then no
    // permit determines the decision.
    let determining = if allowed && !errors.is_empty() { Vec::new() } else { reasons };
    let decision = if allowed && errors.is_empty() { Decision::Allow } else { Decision::Deny };
    Verdict { decision, policies: determining, errors, cause: Cause::Policies }
}

fn kind(error: &CedarError) -> ErrorKind {
    match error {
        CedarError::EntityDoesNotExist(_) => ErrorKind::MissingEntity,
        CedarError::EntityAttrDoesNotExist(_) | CedarError::RecordAttrDoesNotExist(_) => ErrorKind::MissingAttribute,
        CedarError::TypeError(_) => ErrorKind::WrongType,
        CedarError::IntegerOverflow(_) => ErrorKind::Overflow,
        CedarError::FailedExtensionFunctionExecution(_) => ErrorKind::Function,
        CedarError::RecursionLimit(_) => ErrorKind::TooDeep,
        _ => ErrorKind::Other,
    }
}
