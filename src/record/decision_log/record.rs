//! A decision record: Authorization Decision Log 1.0.0, section 3, in canonical JSON.
//!
//! `body` holds the request and the response in AuthZEN form; `attributes` hold references: the revisions of the policies,
//! the directory and the configuration. Poort's own attributes are `poort.<area>.<name>`:
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.basis` | the articles of law (`@basis`) that each determining policy rests on, ordered by policy |
//! | `poort.batch.data_subjects` | whom the questions of a batch are about, with the index of each |
//! | `poort.cache.hits` | how many answers of this call were found in the cache |
//! | `poort.callers.unrecorded` | of a refused call: how many before it left no record |
//! | `poort.data_subjects` | whom one question is about, if more than one |
//! | `poort.language` | the language of its sentences (`nl`), if that is not English |
//! | `poort.log.concealed` | what was left out or replaced: JSON pointers into `body`, ordered |
//! | `poort.log.origin` | the log that the record is in, as its checkpoints name it |
//! | `poort.log.seq` | the record's place in it |
//! | `poort.origin` | where the call came from: `address` and `device` as the question says, `caller` as the connection does; `credential` and `application`: what it proves |
//! | `poort.outcome` | only with status `Error`: why no decision was made |
//! | `poort.pdp` | `context.pdp` as the policies saw it, so that the decision can be made again; `policies`: `late` or `expired`, if they were |
//! | `poort.trace.flags` | the flags byte of the incoming `traceparent` |
//! | `poort.trace.state` | the incoming `tracestate`, if there was one |
//!
//! `dpl.core.data_subject_id` and `dpl.core.data_subject_id_type` name whom the call is about, by a pseudonym: the first
//! whom one question names, and for a batch the one whom all its questions name.
//!
//! The response in the record leaves out `context.record`, which is the record's own key, and with it the reference in
//! `reason_user`; and `reason_admin`, which is `reason`.

use super::{
    Caller, Identity, Pseudonyms, caller,
    producer::Producer,
    recorded_call::{RecordedRequest, RecordedResponse},
    redact::{DataSubject, QuestionFacts, Redacted, conceal},
};
use crate::{
    record::spool::{Edit, Payload},
    sources::policy::Model,
    types::{
        authzen,
        decision::Answer,
        language::Language,
        moment::{Moment, PolicyAge},
        revision::Revision,
        trace::{Parent, TraceContext},
    },
};
use std::{borrow::Cow, collections::BTreeMap, io::Write as _, slice};
use thiserror::Error;

/// A call has more to record than a record can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what is to be said of the call is more than a record can hold")]
pub struct TooLarge;

/// The parts of one decision record.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The key, and the caller's span.
    pub trace: &'a TraceContext,
    /// How the calling application is connected, if it is.
    pub caller: Option<Caller>,
    /// What its connection proves, if callers are recognised.
    pub identity: Option<&'a Identity>,
    /// When the decision was made, and what the policies saw of the time.
    pub moment: &'a Moment,
    /// The request.
    pub asked: RecordedRequest<'a>,
    /// The response.
    pub decided: RecordedResponse<'a>,
    /// The schema, which says what the record may carry.
    pub model: &'a Model,
    /// The revision of the policies.
    pub policies: &'a Revision,
    /// The revision of the directory.
    pub directory: &'a Revision,
}

impl Record<'_> {
    /// The record: canonical JSON, no line break. Its place in the log is written when it is known. Its late form is
    /// the record of the same call without an answer, because the deadline passed. The tests of `redact` check that for
    /// every record that they make.
    ///
    /// # Errors
    /// It would hold more than a record can.
    pub fn to_payload(&self, producer: &Producer, pseudonyms: &Pseudonyms) -> Result<Payload, TooLarge> {
        let Self { trace, caller, identity, moment, asked, decided, model, policies, directory } = self;
        let concealed = conceal(asked, decided, model, pseudonyms);
        let Redacted { asked, decided, request_places, response_places, questions, answered, is_too_large } =
            &concealed;
        if *is_too_large {
            return Err(TooLarge);
        }
        let answered = questions.get(..*answered).unwrap_or(questions);
        let is_batch = matches!(asked, RecordedRequest::Several(_));
        let mut draft = Draft { out: Vec::with_capacity(2048), late: Vec::with_capacity(6) };
        let out = &mut draft.out;
        push(out, &[b"{\"attributes\":{", producer.configuration()]);
        push(out, &[b",\"adl.core.information\":{\"directory\":{\"revision\":\"", directory.as_str().as_bytes()]);
        push(
            out,
            &[b"\"}},\"adl.core.policies\":{\"policies\":{\"revision\":\"", policies.as_str().as_bytes(), b"\"}}"],
        );
        draft.by_questions(answered, questions, |out, questions| {
            if let Some(DataSubject { id, kind }) = data_subject(questions) {
                out.extend_from_slice(b",\"dpl.core.data_subject_id\":");
                authzen::write_string(out, id);
                out.extend_from_slice(b",\"dpl.core.data_subject_id_type\":");
                authzen::write_string(out, kind);
            }
        });
        draft.or_late(b"", |out| write_basis(out, decided));
        if is_batch {
            draft.by_questions(answered, questions, |out, questions| {
                write_subjects(out, "poort.batch.data_subjects", questions);
            });
        }
        draft.out.extend_from_slice(b",\"poort.cache.hits\":");
        draft.or_late(b"0", |out| {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "{}", decided.cache_hits());
        });
        if decided.unrecorded() > 0 {
            let _ = write!(draft.out, ",\"poort.callers.unrecorded\":{}", decided.unrecorded());
        }
        if !is_batch && questions.iter().any(|question| question.subjects.len() > 1) {
            write_subjects(&mut draft.out, "poort.data_subjects", questions);
        }
        let language = producer.language();
        if language != Language::English {
            push(&mut draft.out, &[b",\"poort.language\":\"", language.tag().as_bytes(), b"\""]);
        }
        draft.concealed(request_places, response_places);
        push(&mut draft.out, &[b",", producer.place()]);
        let seq_at = draft.out.len();
        draft.by_questions(answered, questions, |out, questions| {
            caller::write_origin(out, questions, *caller, *identity);
        });
        draft.or_late(b",\"poort.outcome\":\"deadline_exceeded\"", |out| {
            if let Some(outcome) = decided.outcome() {
                push(out, &[b",\"poort.outcome\":\"", outcome.as_bytes(), b"\""]);
            }
        });
        let out = &mut draft.out;
        write_moment(out, moment);
        if let Some(Parent { flags, state, .. }) = &trace.parent {
            let _ = write!(out, ",\"poort.trace.flags\":\"{flags:02x}\"");
            if !state.is_empty() {
                out.extend_from_slice(b",\"poort.trace.state\":");
                authzen::write_string(out, state);
            }
        }
        out.extend_from_slice(b"},\"body\":{\"adl.core.request\":");
        match asked {
            RecordedRequest::One(evaluation) => authzen::write_evaluation(out, evaluation),
            RecordedRequest::Several(batch) => authzen::write_batch(out, batch),
        }
        draft.or_late(b"", |out| match decided {
            RecordedResponse::One(answer) => {
                out.extend_from_slice(b",\"adl.core.response\":");
                authzen::write_answer(out, answer, language, None);
            }
            RecordedResponse::Several(answers) => {
                out.extend_from_slice(b",\"adl.core.response\":");
                authzen::write_answers(out, answers, language, None);
            }
            RecordedResponse::Nothing(_) => {}
        });
        let out = &mut draft.out;
        push(out, &[b"},\"event_name\":\"", asked.event_name().as_bytes(), b"\""]);
        if let Some(Parent { span_id, .. }) = &trace.parent {
            push(out, &[b",\"parent_span_id\":\"", &span_id.digits(), b"\""]);
        }
        push(out, &[b",", producer.resource()]);
        push(out, &[b",\"span_id\":\"", &trace.identity.span_id.digits(), b"\",\"status\":\""]);
        draft.or_late(b"Error", |out| {
            out.extend_from_slice(if decided.outcome().is_some() { b"Error" } else { b"Unset" });
        });
        let out = &mut draft.out;
        let _ = write!(out, "\",\"timestamp\":{}", moment.now);
        push(out, &[b",\"trace_id\":\"", &trace.identity.trace_id.digits(), b"\"}"]);
        let Draft { out, late } = draft;
        let payload = Payload::numbered(out, seq_at);
        Ok(if matches!(decided, RecordedResponse::Nothing(_)) { payload } else { payload.or_late(late) })
    }
}

/// A record that is being written, with the edits of its late form.
struct Draft {
    out: Vec<u8>,
    late: Vec<Edit>,
}

impl Draft {
    /// A part that the late form replaces with these bytes.
    fn or_late(&mut self, with: &'static [u8], write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        write(&mut self.out);
        self.late.push(Edit { part: start..self.out.len(), with: Cow::Borrowed(with) });
    }

    /// A part that is about the questions that were answered. What comes after the end of a batch was asked, and not
    /// answered; in the late form none was.
    fn by_questions(
        &mut self,
        answered: &[QuestionFacts],
        all: &[QuestionFacts],
        write: impl Fn(&mut Vec<u8>, &[QuestionFacts]),
    ) {
        let start = self.out.len();
        write(&mut self.out, answered);
        if answered.len() < all.len() {
            let mut with = Vec::new();
            write(&mut with, all);
            self.late.push(Edit { part: start..self.out.len(), with: Cow::Owned(with) });
        }
    }

    /// What was left out or replaced. The late form has no response.
    fn concealed(&mut self, request: &[String], response: &[String]) {
        if request.is_empty() && response.is_empty() {
            return;
        }
        let start = self.out.len();
        self.out.extend_from_slice(b",\"poort.log.concealed\":[");
        for (index, place) in request.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            authzen::write_string(&mut self.out, place);
        }
        let start_of_response = self.out.len();
        for (index, place) in response.iter().enumerate() {
            if index > 0 || !request.is_empty() {
                self.out.push(b',');
            }
            authzen::write_string(&mut self.out, place);
        }
        let end = self.out.len();
        self.out.push(b']');
        if request.is_empty() {
            self.late.push(Edit { part: start..self.out.len(), with: Cow::Borrowed(b"") });
        } else if start_of_response < end {
            self.late.push(Edit { part: start_of_response..end, with: Cow::Borrowed(b"") });
        }
    }
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// The one data subject that a log line can name (Logboek Dataverwerkingen 1.0.0): the first of one question, and of a batch
/// the one that all its questions name first.
fn data_subject(questions: &[QuestionFacts]) -> Option<&DataSubject> {
    let (first, rest) = questions.split_first()?;
    let subject = first.subjects.first()?;
    rest.iter().all(|question| question.subjects.first() == Some(subject)).then_some(subject)
}

/// Writes the data subjects of all questions with a comma before them, if there are any; those of a batch with the index of
/// their question.
fn write_subjects(out: &mut Vec<u8>, name: &str, questions: &[QuestionFacts]) {
    let is_batch = name.starts_with("poort.batch.");
    let all =
        questions.iter().flat_map(|question| question.subjects.iter().map(move |subject| (question.index, subject)));
    let mut first = true;
    for (index, DataSubject { id, kind }) in all {
        if first {
            let _ = write!(out, ",\"{name}\":[");
        } else {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(b"{\"id\":");
        authzen::write_string(out, id);
        if is_batch {
            let _ = write!(out, ",\"index\":{index}");
        }
        out.extend_from_slice(b",\"type\":");
        authzen::write_string(out, kind);
        out.push(b'}');
    }
    if !first {
        out.push(b']');
    }
}

/// Writes what the determining policies rest on, with a comma before it, if they name anything.
fn write_basis(out: &mut Vec<u8>, decided: &RecordedResponse<'_>) {
    let answers = match decided {
        RecordedResponse::One(answer) => slice::from_ref(answer.as_ref()),
        RecordedResponse::Several(answers) => answers,
        RecordedResponse::Nothing(_) => return,
    };
    let evaluated = answers.iter().filter_map(|answer| match answer {
        Answer::Evaluated(evaluated) => Some(evaluated),
        Answer::Fault(_) => None,
    });
    let policies = evaluated.flat_map(|evaluated| &evaluated.verdict.policies);
    let with_basis = policies.filter(|policy| !policy.basis.is_empty());
    let bases: BTreeMap<_, _> = with_basis.map(|policy| (policy.id.as_str(), policy.basis.as_str())).collect();
    if bases.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"poort.basis\":");
    authzen::write_list(out, bases, |out, (policy, basis)| {
        out.extend_from_slice(b"{\"basis\":");
        authzen::write_string(out, basis);
        out.extend_from_slice(b",\"policy\":");
        authzen::write_string(out, policy);
        out.push(b'}');
    });
}

fn write_moment(out: &mut Vec<u8>, moment: &Moment) {
    let Moment { now: _, now_text, today, hour, application, token, policies } = moment;
    out.extend_from_slice(b",\"poort.pdp\":{");
    if let Some(application) = application {
        out.extend_from_slice(b"\"application\":");
        authzen::write_string(out, application);
        out.push(b',');
    }
    // Writing to a Vec cannot fail.
    let _ = write!(out, "\"hour\":{hour}");
    push(out, &[b",\"now\":\"", now_text.as_bytes()]);
    if *policies != PolicyAge::Live {
        push(out, &[b"\",\"policies\":\"", policies.name().as_bytes()]);
    }
    push(out, &[b"\",\"today\":\"", today.as_bytes(), b"\""]);
    if let Some(claims) = token {
        out.extend_from_slice(b",\"token\":");
        // Writing texts to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *out, claims.as_ref());
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::{super::recorded_call::Unanswered, *};
    use crate::types::{
        decision::{Cause, Decision, ErrorKind, Evaluated, EvaluationError, PolicyFacts, Undeclared, Verdict},
        evaluation::{Action, Batch, Entity, Evaluation, Item, Map, Value},
    };
    use std::sync::Arc;

    fn producer() -> Producer {
        let attributes = BTreeMap::from([("organisation.oin".to_owned(), "00000009999999999000".to_owned())]);
        Producer::new("9.9.9", &Revision::of([]), "here", &attributes).in_log("poort/here/1")
    }

    fn evaluation() -> Evaluation {
        Evaluation {
            subject: Entity { kind: "Officer".into(), id: "a\"b\n".into(), properties: Map::new() },
            action: Action { name: "consult".into(), properties: Map::from([("x".into(), Value::Bool(true))]) },
            resource: Entity { kind: "Registration".into(), id: String::new(), properties: Map::new() },
            context: Map::from([("purpose".into(), Value::String("8".into()))]),
        }
    }

    fn answer(errors: Vec<EvaluationError>) -> Answer {
        let verdict = Verdict { decision: Decision::Deny, policies: vec![], errors, cause: Cause::Policies };
        Answer::Evaluated(Evaluated {
            verdict: Arc::new(verdict),
            revision: Revision::of([]),
            directory_revision: Revision::of([]),
            cached: true,
            undeclared: Undeclared::default(),
            subject: None,
            unknown: Vec::new(),
        })
    }

    fn decided(answer: Answer) -> RecordedResponse<'static> {
        RecordedResponse::One(Cow::Owned(answer))
    }

    fn record(
        asked: RecordedRequest<'_>,
        decided: RecordedResponse<'_>,
        traceparent: Option<&str>,
    ) -> serde_json::Value {
        let moment = Moment {
            now: 1_790_000_000_123,
            now_text: "2026-09-21T14:13:20.123Z".into(),
            today: "2026-09-21".into(),
            hour: 16,
            application: Some("desk".into()),
            token: None,
            policies: PolicyAge::Live,
        };
        let record = Record {
            trace: &TraceContext::from_headers(traceparent, Some("vendor=1")),
            caller: None,
            identity: None,
            model: &Model::default(),
            moment: &moment,
            asked,
            decided,
            policies: &Revision::of([]),
            directory: &Revision::of([]),
        };
        let mut bytes = Vec::new();
        record.to_payload(&producer(), &Pseudonyms::from_keys(("k", [1; 32]), &[])).unwrap().write(&mut bytes, 42);
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let canonical = serde_json_canonicalizer::to_vec(&value).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(canonical).unwrap());
        value
    }

    #[test]
    fn a_deny_is_unset_and_the_parent_is_kept() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let record = record(RecordedRequest::One(Cow::Owned(evaluation())), decided(answer(vec![])), Some(parent));
        assert_eq!(record["status"], "Unset");
        assert_eq!(record["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(record["parent_span_id"], "00f067aa0ba902b7");
        assert_eq!(record["attributes"]["poort.trace.flags"], "01");
        assert_eq!(record["attributes"]["poort.trace.state"], "vendor=1");
        assert_eq!(record["attributes"]["poort.cache.hits"], 1);
        assert_eq!(record["attributes"]["poort.log.origin"], "poort/here/1");
        assert_eq!(record["attributes"]["poort.log.seq"], 42);
        assert_eq!(record["timestamp"], 1_790_000_000_123_u64);
        assert_eq!(record["resource"]["organisation.oin"], "00000009999999999000");
        assert_eq!(record["body"]["adl.core.request"]["subject"]["id"], "a\"b\n");
    }

    #[test]
    fn a_batch_names_each_determining_policy_with_its_basis_once() {
        let resting = |id: &str, basis: &str| {
            let facts = PolicyFacts { id: id.into(), basis: basis.into(), ..PolicyFacts::default() };
            let mut answer = answer(vec![]);
            if let Answer::Evaluated(evaluated) = &mut answer {
                Arc::make_mut(&mut evaluated.verdict).policies = vec![Arc::new(facts)];
            }
            answer
        };
        let answers = [resting("p", "wpg:8(1)"), resting("b", ""), resting("a", "wpg:9"), resting("p", "wpg:8(1)")];
        let batch = Batch { items: vec![Item { context: Some(Map::new()), ..Item::default() }; 4], ..Batch::default() };
        let several = RecordedResponse::Several(Cow::Borrowed(&answers));
        let record = record(RecordedRequest::Several(Cow::Owned(batch)), several, None);
        let expected = serde_json::json!([{"basis": "wpg:9", "policy": "a"}, {"basis": "wpg:8(1)", "policy": "p"}]);
        assert_eq!(record["attributes"]["poort.basis"], expected);
    }

    #[test]
    fn a_policy_that_errors_makes_the_status_error_but_keeps_the_response() {
        let errors =
            vec![EvaluationError { policy: "p".into(), kind: ErrorKind::Overflow, message: "overflow".into() }];
        let record = record(RecordedRequest::One(Cow::Owned(evaluation())), decided(answer(errors)), None);
        assert_eq!(record["status"], "Error");
        assert_eq!(record["attributes"]["poort.outcome"], "evaluation_error");
        assert_eq!(record["body"]["adl.core.response"]["decision"], false);
        assert!(record.get("parent_span_id").is_none());
    }

    #[test]
    fn a_late_call_has_no_response() {
        let nothing = RecordedResponse::Nothing(Unanswered::DeadlineExceeded);
        let record = record(RecordedRequest::One(Cow::Owned(evaluation())), nothing, None);
        assert_eq!(record["status"], "Error");
        assert!(record["body"].get("adl.core.response").is_none());
    }

    #[test]
    fn a_batch_is_one_record_with_all_answers() {
        let item = Item { context: Some(Map::new()), ..Item::default() };
        let batch = Batch { items: vec![item.clone(), item], ..Batch::default() };
        let answers = Cow::Owned(vec![answer(vec![]), answer(vec![])]);
        let record = record(RecordedRequest::Several(Cow::Owned(batch)), RecordedResponse::Several(answers), None);
        assert_eq!(record["event_name"], "adl.access_evaluations");
        assert_eq!(record["body"]["adl.core.response"]["evaluations"].as_array().unwrap().len(), 2);
        assert_eq!(record["attributes"]["poort.cache.hits"], 2);
    }
}
