//! Redaction: leaves out or replaces what the schema marks in a call, before a record is written or hashed.
//!
//! What holds here:
//! - The caller's answer is whole. Only the record is changed.
//! - What the schema marks ([`policy::annotations`](crate::sources::policy::annotations)) is in no part of the record in the clear. A batch is
//!   recorded also where an item does not fit the schema: what may be meant as something marked counts as that.
//! - Text that the engine makes of values (why a policy failed, what is wrong with an item) is replaced as a whole
//!   where there is anything to conceal: it cannot be told which words in it are values.
//! - Of members that the schema does not declare, those inside a property are named by the property alone then: a name inside
//!   can be a value, as that of a tag is.
//! - Values under names of secrets are never in a record, whatever the schema says.
//! - The record names each place where something was left out or replaced. One in the request means that the decision
//!   cannot be made again from the record alone.
//!
//! - `walk`: values, by what the schema says of them
//! - `plain`: questions in which there is nothing to conceal
//! - `secret_names`: names of secrets

mod plain;
mod secret_names;
#[cfg(test)]
mod tests;
mod walk;

pub use secret_names::is_secret;
pub(super) use walk::DataSubject;

use super::{Pseudonyms, RecordedRequest, RecordedResponse};
use crate::{
    sources::policy::Model,
    types::{
        decision::{Answer, Cause, Evaluated, Fault, Party, PolicyFacts, SESSION_TERMINATION, Verdict},
        evaluation::{Action, Batch, Entity, Evaluation, Item, Map, Value},
    },
};
use std::{borrow::Cow, collections::HashSet, sync::Arc};
use walk::{Pointer, Walk};

/// A call as its record has it.
#[derive(Debug)]
pub(super) struct Redacted<'a> {
    pub asked: RecordedRequest<'a>,
    pub decided: RecordedResponse<'a>,
    /// What was left out or replaced in the request: JSON pointers into the body, ordered.
    pub request_places: Vec<String>,
    /// The same of the response.
    pub response_places: Vec<String>,
    /// Each question, in the order of the request. What has a fault in its form is none.
    pub questions: Vec<QuestionFacts>,
    /// How many of them were answered: the first ones. A batch can end early.
    pub answered: usize,
    /// Not all of this is here: it is more than a record can hold.
    pub is_too_large: bool,
}

/// What the record says about one question of a call, beside the question.
#[derive(Debug)]
pub(super) struct QuestionFacts {
    /// Its place in the batch.
    pub index: usize,
    /// Whom it is about, each once: those of the resource first.
    pub subjects: Vec<DataSubject>,
    /// The network location that it was asked from.
    pub address: Option<String>,
    /// The device that it was asked from.
    pub device: Option<String>,
}

const REQUEST: Pointer<'_> = Pointer::root("adl.core.request");
const RESPONSE: Pointer<'_> = Pointer::root("adl.core.response");

/// The call as its record has it.
pub(super) fn conceal<'a>(
    asked: &'a RecordedRequest<'_>,
    decided: &'a RecordedResponse<'_>,
    model: &Model,
    pseudonyms: &Pseudonyms,
) -> Redacted<'a> {
    let mut walk = Walk::new(model, pseudonyms);
    let (concealed, questions) = match asked {
        RecordedRequest::One(evaluation) if plain::is_plain(evaluation, model) => {
            let (action, context) = (Some(evaluation.action.name.as_str()), Some(&evaluation.context));
            (RecordedRequest::One(Cow::Borrowed(evaluation.as_ref())), vec![walk.question(action, context, [&[]; 4])])
        }
        RecordedRequest::One(evaluation) => {
            let (evaluation, question) = walk.evaluation(evaluation);
            (RecordedRequest::One(Cow::Owned(evaluation)), vec![question])
        }
        RecordedRequest::Several(batch) => {
            let (batch, questions) = walk.batch(batch);
            (RecordedRequest::Several(Cow::Owned(batch)), questions)
        }
    };
    let mut request_places = std::mem::take(&mut walk.places);
    request_places.sort_unstable();
    let is_strict = model.marks.conceals() || !request_places.is_empty();
    let answered = match decided {
        RecordedResponse::Several(answers) => questions.partition_point(|question| question.index < answers.len()),
        RecordedResponse::One(_) | RecordedResponse::Nothing(_) => questions.len(),
    };
    let decided = match decided {
        RecordedResponse::One(answer) if plain::is_plain_answer(answer, is_strict) => {
            RecordedResponse::One(Cow::Borrowed(answer.as_ref()))
        }
        RecordedResponse::One(answer) => {
            RecordedResponse::One(Cow::Owned(walk.answer(answer, &asked.parties(0), is_strict, RESPONSE)))
        }
        RecordedResponse::Several(answers)
            if answers.iter().all(|answer| plain::is_plain_answer(answer, is_strict)) =>
        {
            RecordedResponse::Several(Cow::Borrowed(answers.as_ref()))
        }
        RecordedResponse::Several(answers) => {
            let all = RESPONSE.field("evaluations");
            let answers = answers.iter().enumerate();
            let answers =
                answers.map(|(index, answer)| walk.answer(answer, &asked.parties(index), is_strict, all.index(index)));
            RecordedResponse::Several(answers.collect())
        }
        RecordedResponse::Nothing(cause) => RecordedResponse::Nothing(*cause),
    };
    let is_too_large = walk.is_too_large();
    let mut response_places = walk.places;
    response_places.sort_unstable();
    Redacted { asked: concealed, decided, request_places, response_places, questions, answered, is_too_large }
}

impl RecordedRequest<'_> {
    /// The subject and the resource of a question.
    fn parties(&self, index: usize) -> [(Party, Option<&Entity>); 2] {
        let (subject, resource) = match self {
            Self::One(evaluation) => (Some(&evaluation.subject), Some(&evaluation.resource)),
            Self::Several(batch) => {
                let Batch { defaults, items, semantic: _ } = batch.as_ref();
                let item = items.get(index);
                let own = |part: fn(&Item) -> Option<&Entity>| item.and_then(part).or_else(|| part(defaults));
                (own(|item| item.subject.as_ref()), own(|item| item.resource.as_ref()))
            }
        };
        [(Party::Subject, subject), (Party::Resource, resource)]
    }
}

/// The data subjects of each part of a question.
#[derive(Default)]
struct Parts {
    resource: Vec<DataSubject>,
    context: Vec<DataSubject>,
    action: Vec<DataSubject>,
    subject: Vec<DataSubject>,
}

impl Walk<'_> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> (Evaluation, QuestionFacts) {
        let mut evaluation = evaluation.clone();
        let Evaluation { subject, action, resource, context } = &mut evaluation;
        let name = action.name.clone();
        let parts = self.parts(Some(subject), Some(action), Some(resource), Some(context), Some(&name), REQUEST);
        let Parts { resource, context: in_context, action, subject } = &parts;
        let question = self.question(Some(&name), Some(context), [resource, in_context, action, subject]);
        (evaluation, question)
    }

    fn batch(&mut self, batch: &Batch) -> (Batch, Vec<QuestionFacts>) {
        let mut batch = batch.clone();
        let Batch { defaults, items, semantic: _ } = &mut batch;
        let usual = defaults.action.as_ref().map(|action| action.name.clone());
        // Items with an action of their own can have the context of the defaults.
        let default_parts = self.item(defaults, None, REQUEST);
        let all = REQUEST.field("evaluations");
        let mut questions = Vec::with_capacity(items.len());
        for (index, item) in items.iter_mut().enumerate() {
            let name = item.action.as_ref().map(|action| action.name.clone()).or_else(|| usual.clone());
            let parts = self.item(item, name.as_deref(), all.index(index));
            if item.fault.is_some() {
                continue;
            }
            let of = |own: bool, part: fn(&Parts) -> &[DataSubject]| {
                if own { part(&parts) } else { part(&default_parts) }
            };
            let subjects = [
                of(item.resource.is_some(), |parts| &parts.resource),
                of(item.context.is_some(), |parts| &parts.context),
                of(item.action.is_some(), |parts| &parts.action),
                of(item.subject.is_some(), |parts| &parts.subject),
            ];
            let context = item.context.as_ref().or(defaults.context.as_ref());
            questions.push(QuestionFacts { index, ..self.question(name.as_deref(), context, subjects) });
        }
        (batch, questions)
    }

    fn item(&mut self, item: &mut Item, action_name: Option<&str>, at: Pointer<'_>) -> Parts {
        let Item { subject, action, resource, context, fault: _ } = item;
        self.parts(subject.as_mut(), action.as_mut(), resource.as_mut(), context.as_mut(), action_name, at)
    }

    fn parts(
        &mut self,
        subject: Option<&mut Entity>,
        action: Option<&mut Action>,
        resource: Option<&mut Entity>,
        context: Option<&mut Map>,
        action_name: Option<&str>,
        at: Pointer<'_>,
    ) -> Parts {
        let mut parts = Parts::default();
        if let Some(resource) = resource {
            self.entity(resource, at.field("resource"));
            parts.resource = self.take_subjects();
        }
        if let Some(context) = context {
            self.context(action_name, context, at.field("context"));
            parts.context = self.take_subjects();
        }
        if let Some(action) = action {
            self.action(action, at.field("action"));
            parts.action = self.take_subjects();
        }
        if let Some(subject) = subject {
            self.entity(subject, at.field("subject"));
            parts.subject = self.take_subjects();
        }
        parts
    }

    /// What the record says about a question; the context is concealed already.
    fn question(
        &mut self,
        action: Option<&str>,
        context: Option<&Map>,
        subjects: [&[DataSubject]; 4],
    ) -> QuestionFacts {
        let (mut seen, mut each_once) = (HashSet::new(), Vec::new());
        for subject in subjects.into_iter().flatten() {
            if self.is_too_large() {
                break;
            }
            if seen.insert(subject) && self.has_room(subject.len()) {
                each_once.push(subject.clone());
            }
        }
        let marks = self.model.marks.context(self.declared_action(action).map(|action| &action.uid));
        let mut value = |name: Option<&str>| match context?.get(name?)? {
            _ if self.is_too_large() => None,
            Value::Null => None,
            value => Some(walk::text(value)).filter(|text| self.has_room(text.len())),
        };
        let (address, device) = (value(marks.address.as_deref()), value(marks.device.as_deref()));
        QuestionFacts { index: 0, subjects: each_once, address, device }
    }

    fn answer(
        &mut self,
        answer: &Answer,
        parties: &[(Party, Option<&Entity>)],
        is_strict: bool,
        at: Pointer<'_>,
    ) -> Answer {
        let context = at.field("context");
        match answer {
            Answer::Evaluated(evaluated) => {
                let verdict = self.verdict(&evaluated.verdict, parties, is_strict, context);
                let mut evaluated = Evaluated { verdict, ..evaluated.clone() };
                if let Some(subject) = &mut evaluated.subject
                    && !plain::is_plain_map(subject)
                {
                    self.map(None, Arc::make_mut(subject), context.field("subject"));
                }
                if is_strict {
                    let (undeclared, cut) = evaluated.undeclared.without_inner_names();
                    evaluated.undeclared = undeclared;
                    let all = context.field("undeclared");
                    cut.into_iter().for_each(|place| self.note(all.index(place)));
                    let all = context.field("unknown");
                    for (place, unknown) in evaluated.unknown.iter_mut().enumerate() {
                        unknown.named = None;
                        self.note(all.index(place).field("id"));
                    }
                }
                Answer::Evaluated(evaluated)
            }
            Answer::Fault(Fault { status, message: _ }) if is_strict => {
                self.note(context.field("error").field("message"));
                let message = "does not fit the schema; what does not is not on record, since that could quote values";
                Answer::Fault(Fault { status: *status, message: message.to_owned() })
            }
            Answer::Fault(_) => answer.clone(),
        }
    }

    fn verdict(
        &mut self,
        verdict: &Arc<Verdict>,
        parties: &[(Party, Option<&Entity>)],
        is_strict: bool,
        at: Pointer<'_>,
    ) -> Arc<Verdict> {
        let mut verdict = verdict.clone();
        if is_strict && !verdict.errors.is_empty() {
            let errors = at.field("errors");
            for (index, error) in Arc::make_mut(&mut verdict).errors.iter_mut().enumerate() {
                error.message = error.kind.describe().to_owned();
                self.note(errors.index(index).field("message"));
            }
        }
        let hides = |party| {
            let is_hidden =
                |(it, entity): &(_, Option<&Entity>)| *it == party && entity.is_some_and(|it| self.hides(it));
            parties.iter().any(is_hidden)
        };
        let hides_subject = hides(Party::Subject);
        if let Some(party) = verdict.unknown()
            && hides(party)
        {
            Arc::make_mut(&mut verdict).cause = Cause::Unknown { party, uid: None };
            self.note(at.field("reason"));
        }
        let mut index = 0;
        let all = at.field("obligations");
        for place in 0..verdict.policies.len() {
            let Some(policy) = verdict.policies.get(place) else { continue };
            if policy.obligations.iter().all(|obligation| plain::is_plain_obligation(obligation, is_strict)) {
                index += policy.obligations.len();
                continue;
            }
            let mut policy = PolicyFacts::clone(policy);
            let before = self.places.len();
            for obligation in &mut policy.obligations {
                let at = all.index(index);
                let at = at.field("properties");
                if hides_subject
                    && obligation.kind == SESSION_TERMINATION
                    && obligation.properties.remove("subject").is_some()
                {
                    self.note(at.field("subject"));
                }
                self.map(None, &mut obligation.properties, at);
                index += 1;
            }
            if self.places.len() > before
                && let Some(changed) = Arc::make_mut(&mut verdict).policies.get_mut(place)
            {
                *changed = Arc::new(policy);
            }
        }
        verdict
    }

    /// Whether the id of an entity is concealed.
    fn hides(&self, entity: &Entity) -> bool {
        let declared = self.model.entity(&entity.kind).ok();
        self.model.marks.entity(declared.map(|declared| &declared.name)).id.is_some()
    }
}
