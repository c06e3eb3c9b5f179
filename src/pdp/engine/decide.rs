//! The evaluation of a question, over the few entities that can matter to it.
//!
//! **Why a few are enough.** `in` looks at the ancestors of the entity on its left, which each entity carries. An attribute
//! or a tag is looked up on the entity itself. So an evaluation touches only what it looks into: entities reached from the
//! principal, the resource, the context or a policy's literal by the references that the policies follow
//! (`policy::footprint`). Those are taken; leaving out the others cannot change the decision, the determining policies or
//! the errors. (`tests/it/pdp/cedar.rs::verdicts_equal_those_of_the_authorizer_over_everything` holds this.)

use super::{
    translate::{CedarRequest, Source},
    world::World,
};
use crate::{
    sources::{
        directory::references,
        policy::{PreparedPolicy, Reading, Slice},
        snapshot::Snapshot,
    },
    types::{
        decision::{Decision, ErrorKind, EvaluationError, Party, PolicyFacts, Verdict},
        escape,
    },
};
use cedar_policy as cedar;
use cedar_policy_core::{
    ast::{self, Value, ValueKind},
    entities::{Entities, NoEntitiesSchema, TCComputation},
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
pub fn decide(snapshot: &Snapshot, question: &CedarRequest) -> Verdict {
    let denied = |unknown, reason| Verdict {
        decision: Decision::Deny,
        policies: Vec::new(),
        errors: Vec::new(),
        unknown,
        reason,
    };
    if let Some((party, uid)) = unknown(question) {
        let uid = escape::cut_to(&uid.to_string(), UID).into_owned();
        return denied(Some(party), format!("Denied: the directory does not know the {} {uid}.", party.name()));
    }
    let slice = snapshot.policies.slice(
        question.principal.uid.entity_type(),
        &question.action,
        question.resource.uid.entity_type(),
    );
    match entities(snapshot, question, slice) {
        Ok(entities) => evaluate_slice(snapshot, slice, &World { request: request(question), entities }),
        // The parties were checked to be consistent, and the directory has each entity once.
        Err(_) => denied(None, "Denied: the entities of the question contradict each other.".to_owned()),
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
    evaluate_slice(snapshot, slice, world)
}

/// Decides by the policies that the question can meet, as `policy::slices` argues, by Cedar's rule (a forbid that applies
/// denies; else a permit that applies allows; what fails is neither).
fn evaluate_slice(snapshot: &Snapshot, slice: &Slice, world: &World) -> Verdict {
    let World { request, entities } = world;
    let (mut permits, mut forbids, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let evaluator = Evaluator::new(request.clone(), entities, Extensions::all_available());
    let (Some(principal), Some(resource)) = (request.principal().uid(), request.resource().uid()) else {
        return verdict(snapshot, false, std::iter::empty(), errors);
    };
    for ready in slice.met_by(principal, resource, entities) {
        match applies(&evaluator, ready) {
            Ok(true) if ready.permits => permits.push(ready.facts.clone()),
            Ok(true) => forbids.push(ready.facts.clone()),
            Ok(false) => {}
            Err((kind, message)) => {
                errors.push(EvaluationError { policy: AsRef::<str>::as_ref(&ready.id).to_owned(), kind, message });
            }
        }
    }
    let allowed = forbids.is_empty() && !permits.is_empty();
    verdict_of(allowed, if allowed { permits } else { forbids }, errors)
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
    let reason = reason(decision, &determining, &errors);
    Verdict { decision, policies: determining, errors, unknown: None, reason }
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

/// Whom the directory does not know, if the question is denied for that without an evaluation.
pub(super) fn unknown(question: &CedarRequest) -> Option<(Party, &ast::EntityUID)> {
    [(Party::Subject, &question.principal), (Party::Resource, &question.resource)]
        .into_iter()
        .find(|(_, named)| matches!(named.entity, Source::Unknown))
        .map(|(party, named)| (party, &named.uid))
}

fn reason(decision: Decision, determining: &[Arc<PolicyFacts>], errors: &[EvaluationError]) -> String {
    let titles = determining
        .iter()
        .map(|facts| {
            if facts.title.is_empty() {
                format!("policy `{}`", facts.id)
            } else {
                facts.title.trim_end_matches('.').to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("; ");
    match (decision, determining, errors) {
        (Decision::Allow, ..) => format!("Allowed: {titles}."),
        (Decision::Deny, [_, ..], _) => format!("Denied: {titles}."),
        (Decision::Deny, [], [first, ..]) => {
            format!("Denied: policy `{}` could not be evaluated, so nothing is allowed.", first.policy)
        }
        (Decision::Deny, [], []) => "Denied: no policy permits this.".to_owned(),
    }
}

pub(super) fn request(question: &CedarRequest) -> ast::Request {
    let known = |uid: &ast::EntityUID| ast::EntityUIDEntry::known(uid.clone(), None);
    ast::Request::new_unchecked(
        known(&question.principal.uid),
        known(&question.action),
        known(&question.resource.uid),
        Some(ast::Context::Value(question.context.clone())),
    )
}

/// The entities that the evaluation of policies with this footprint can look into.
pub(super) fn entities(snapshot: &Snapshot, question: &CedarRequest, slice: &Slice) -> Result<Entities, String> {
    let Snapshot { policies, directory, .. } = snapshot;
    let footprint = slice.footprint.as_ref();
    let reads = footprint.reads.as_ref();
    let mut found: Found = Vec::with_capacity(16);
    let follow = |found: &mut Found, uid: &ast::EntityUID| match reads {
        Some(reads) => {
            let profile = reads.profile(uid.entity_type());
            let contents =
                profile.and_then(|profile| directory.contents(uid.entity_type(), uid.eid().as_ref(), profile));
            found.extend(contents.iter().flat_map(|contents| contents.entities.iter()).cloned());
        }
        None => found.extend(directory.reach(uid)),
    };
    for party in [&question.principal, &question.resource] {
        match &party.entity {
            Source::Directory => follow(&mut found, &party.uid),
            Source::Request(entity) => {
                found.push(entity.clone());
                match reads {
                    Some(reads) => {
                        let read = Reading::of(&reads.entity(party.uid.entity_type()).attributes);
                        let values = entity.attrs().filter_map(|(name, value)| match value {
                            ast::PartialValue::Value(value) => Some((name, value)),
                            ast::PartialValue::Residual(_) => None,
                        });
                        values.for_each(|(name, value)| {
                            followed(value, read.field(name), &mut |uid| follow(&mut found, uid));
                        });
                    }
                    None => references(entity).for_each(|uid| follow(&mut found, &uid)),
                }
            }
            Source::Schema | Source::Unknown | Source::Bare => {}
        }
    }
    for uid in &footprint.named {
        // A policy can also name an action, other than the one that is asked types, and look at its groups.
        match policies.action_entities.get(uid) {
            Some(action) => found.push(action.clone()),
            None => follow(&mut found, uid),
        }
    }
    match &slice.types {
        Some(about) => found.push(about.action_entity.clone()),
        None => found.extend(policies.action_entities.get(&question.action).cloned()),
    }
    match reads {
        Some(reads) => {
            let read = Reading::of(&reads.context);
            for (name, value) in question.context.iter() {
                followed(value, read.field(name), &mut |uid| follow(&mut found, uid));
            }
        }
        None => {
            for uid in question.context.values().flat_map(Value::all_literal_uids) {
                follow(&mut found, &uid);
            }
        }
    }
    // Most are found more than once, as one and the same.
    found.sort_unstable_by_key(Arc::as_ptr);
    found.dedup_by(|one, other| Arc::ptr_eq(one, other));
    // Every entity comes from the directory, which closed its ancestors, or was given those of its parents.
    Entities::new()
        .add_entities(
            with_ancestors_of_parties(question, found),
            None::<&NoEntitiesSchema>,
            TCComputation::AssumeAlreadyComputed,
            Extensions::all_available(),
        )
        .map_err(|error| error.to_string())
}

type Found = Vec<Arc<ast::Entity>>;

/// The references in a value that are followed.
fn followed(value: &Value, read: Reading<'_>, follow: &mut impl FnMut(&ast::EntityUID)) {
    match value.value_kind() {
        ValueKind::Lit(ast::Literal::EntityUID(uid)) if read.followed().is_some() => follow(uid),
        ValueKind::Set(elements) => elements.iter().for_each(|element| followed(element, read, follow)),
        ValueKind::Record(fields) => {
            fields.iter().for_each(|(name, value)| followed(value, read.field(name), follow));
        }
        ValueKind::Lit(_) | ValueKind::ExtensionValue(_) => {}
    }
}

/// An entity of the question can itself be the parent of another: of the other party, or of an entity in the directory,
/// which does not know what lies above it. Those get its ancestors too.
fn with_ancestors_of_parties(question: &CedarRequest, mut found: Found) -> Found {
    // Twice, since the one party may lie below the other, and a third entity below both.
    for _ in 0..2 {
        let mut is_done = true;
        for party in [&question.principal, &question.resource] {
            let Source::Request(_) = &party.entity else { continue };
            let Some(above) = found.iter().find(|entity| *entity.uid() == party.uid).cloned() else { continue };
            for entity in found.iter_mut().filter(|entity| entity.is_descendant_of(&party.uid)) {
                let missing: Vec<_> = above
                    .ancestors()
                    .filter(|ancestor| !entity.is_descendant_of(ancestor) && *ancestor != entity.uid())
                    .cloned()
                    .collect();
                if !missing.is_empty() {
                    is_done = false;
                    let entity = Arc::make_mut(entity);
                    missing.into_iter().for_each(|ancestor| entity.add_indirect_ancestor(ancestor));
                }
            }
        }
        if is_done {
            break;
        }
    }
    found
}
