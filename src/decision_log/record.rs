//! A decision record: Authorization Decision Log 1.0.0, section 3, in canonical JSON.
//!
//! `body` holds the request and the response in AuthZEN form; `attributes` hold references: the revisions of the policies,
//! the directory and the configuration. Poort's own attributes are `poort.<area>.<name>`:
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.batch.data_subjects` | whom the questions of a batch are about, with the index of each |
//! | `poort.cache.hits` | how many answers of this call were found in the cache |
//! | `poort.data_subjects` | whom one question is about, if more than one |
//! | `poort.log.concealed` | what was left out or replaced: JSON pointers into `body`, ordered |
//! | `poort.log.origin` | the log that the record is in, as its checkpoints name it |
//! | `poort.log.seq` | the record's place in it |
//! | `poort.origin` | where the call came from: `address` and `device` as the question says, `caller` as the connection does |
//! | `poort.outcome` | only with status `Error`: why no decision was made |
//! | `poort.pdp` | `context.pdp` as the policies saw it, so that the decision can be made again |
//! | `poort.trace.flags` | the flags byte of the incoming `traceparent` |
//! | `poort.trace.state` | the incoming `tracestate`, if there was one |
//!
//! `dpl.core.data_subject_id` and `dpl.core.data_subject_id_type` name whom the call is about, by a pseudonym: the first
//! whom one question names, and for a batch the one whom all its questions name.
//!
//! The response in the record leaves out `context.record`, which is the record's own key.

use super::{
    Caller, Pseudonyms, caller,
    concealed::{Concealed, DataSubject, QuestionFacts, conceal},
    producer::Producer,
};
use crate::{
    authzen,
    decision::Answer,
    evaluation::{Batch, Evaluation},
    moment::Moment,
    policy::Model,
    revision::Revision,
    spool::Payload,
    trace::{Parent, TraceContext},
};
use std::{io::Write as _, sync::Arc};

/// What a call asked.
#[derive(Debug, Clone)]
pub enum Asked {
    /// One question: `adl.access_evaluation`.
    One(Arc<Evaluation>),
    /// A batch: `adl.access_evaluations`.
    Several(Arc<Batch>),
}

impl Asked {
    /// The `event_name` of the record, and the name of the span.
    #[must_use]
    pub const fn event_name(&self) -> &'static str {
        match self {
            Self::One(_) => "adl.access_evaluation",
            Self::Several(_) => "adl.access_evaluations",
        }
    }
}

/// What a call came to.
#[derive(Debug, Clone)]
pub enum Decided {
    /// The answer to one question.
    One(Answer),
    /// The answers to a batch.
    Several(Arc<[Answer]>),
    /// No decision left.
    Nothing(Cause),
}

/// Why no decision left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The caller's deadline passed first.
    DeadlineExceeded,
}

/// One decision record.
#[derive(Debug, Clone)]
pub struct Record {
    /// The key, and the caller's span.
    pub trace: TraceContext,
    /// How the calling application is connected, if it is.
    pub caller: Option<Caller>,
    /// When the decision was made, and what the policies saw of the time.
    pub moment: Arc<Moment>,
    /// The request.
    pub asked: Asked,
    /// The response.
    pub decided: Decided,
    /// The schema, which says what the record may carry.
    pub model: Arc<Model>,
    /// The revision of the policies.
    pub policies: Revision,
    /// The revision of the directory.
    pub directory: Revision,
}

impl Record {
    /// The record of the same call when its deadline passed before it could be answered.
    #[must_use]
    pub fn into_late(self) -> Self {
        Self { decided: Decided::Nothing(Cause::DeadlineExceeded), ..self }
    }

    /// The record: canonical JSON, no line break. Its place in the log is put in when it is known.
    #[must_use]
    pub fn to_payload(&self, producer: &Producer, pseudonyms: &Pseudonyms) -> Payload {
        let Self { trace, caller, moment, asked, decided, model, policies, directory } = self;
        let Concealed { asked, decided, places, questions } = conceal(asked, decided, model, pseudonyms);
        let is_batch = matches!(asked, Asked::Several(_));
        let mut out = Vec::with_capacity(1536);
        out.extend_from_slice(b"{\"attributes\":{");
        out.extend_from_slice(producer.configuration());
        // Writing to a Vec cannot fail.
        let _ = write!(out, ",\"adl.core.information\":{{\"directory\":{{\"revision\":\"{directory}\"}}}}");
        let _ = write!(out, ",\"adl.core.policies\":{{\"policies\":{{\"revision\":\"{policies}\"}}}}");
        if let Some(DataSubject { id, kind }) = data_subject(&questions) {
            out.extend_from_slice(b",\"dpl.core.data_subject_id\":");
            authzen::write_string(&mut out, id);
            out.extend_from_slice(b",\"dpl.core.data_subject_id_type\":");
            authzen::write_string(&mut out, kind);
        }
        if is_batch {
            write_subjects(&mut out, "poort.batch.data_subjects", &questions);
        }
        let _ = write!(out, ",\"poort.cache.hits\":{}", decided.cache_hits());
        if !is_batch && questions.iter().any(|question| question.subjects.len() > 1) {
            write_subjects(&mut out, "poort.data_subjects", &questions);
        }
        if !places.is_empty() {
            out.extend_from_slice(b",\"poort.log.concealed\":");
            authzen::write_strings(&mut out, &places);
        }
        out.push(b',');
        out.extend_from_slice(producer.place());
        let seq_at = out.len();
        caller::write_origin(&mut out, &questions, *caller);
        if let Some(outcome) = decided.outcome() {
            let _ = write!(out, ",\"poort.outcome\":\"{outcome}\"");
        }
        write_moment(&mut out, moment);
        if let Some(Parent { flags, state, .. }) = &trace.parent {
            let _ = write!(out, ",\"poort.trace.flags\":\"{flags:02x}\"");
            if !state.is_empty() {
                out.extend_from_slice(b",\"poort.trace.state\":");
                authzen::write_string(&mut out, state);
            }
        }
        out.extend_from_slice(b"},\"body\":{\"adl.core.request\":");
        match &asked {
            Asked::One(evaluation) => authzen::write_evaluation(&mut out, evaluation),
            Asked::Several(batch) => authzen::write_batch(&mut out, batch),
        }
        match &decided {
            Decided::One(answer) => {
                out.extend_from_slice(b",\"adl.core.response\":");
                authzen::write_answer(&mut out, answer, None);
            }
            Decided::Several(answers) => {
                out.extend_from_slice(b",\"adl.core.response\":");
                authzen::write_answers(&mut out, answers, None);
            }
            Decided::Nothing(_) => {}
        }
        let _ = write!(out, "}},\"event_name\":\"{}\"", asked.event_name());
        if let Some(Parent { span_id, .. }) = &trace.parent {
            let _ = write!(out, ",\"parent_span_id\":\"{span_id}\"");
        }
        out.push(b',');
        out.extend_from_slice(producer.resource());
        let status = if decided.outcome().is_some() { "Error" } else { "Unset" };
        let _ = write!(
            out,
            ",\"span_id\":\"{}\",\"status\":\"{status}\",\"timestamp\":{},\"trace_id\":\"{}\"}}",
            trace.identity.span_id, moment.now, trace.identity.trace_id
        );
        Payload::numbered(out, seq_at)
    }
}

impl Decided {
    fn cache_hits(&self) -> usize {
        let hit = |answer: &Answer| usize::from(matches!(answer, Answer::Evaluated(evaluated) if evaluated.cached));
        match self {
            Self::One(answer) => hit(answer),
            Self::Several(answers) => answers.iter().map(hit).sum(),
            Self::Nothing(_) => 0,
        }
    }

    /// Why the status is `Error`, if it is: no decision left, or a policy could not be evaluated (ADL 1.0.0, section 3:
    /// missing attributes and faults of the engine). A batch is a completed call, whatever became of its items.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        match self {
            Self::One(Answer::Evaluated(evaluated)) if !evaluated.verdict.errors.is_empty() => Some("evaluation_error"),
            Self::One(_) | Self::Several(_) => None,
            Self::Nothing(Cause::DeadlineExceeded) => Some("deadline_exceeded"),
        }
    }
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

fn write_moment(out: &mut Vec<u8>, moment: &Moment) {
    let Moment { now: _, now_text, today, hour, application } = moment;
    out.extend_from_slice(b",\"poort.pdp\":{");
    if let Some(application) = application {
        out.extend_from_slice(b"\"application\":");
        authzen::write_string(out, application);
        out.push(b',');
    }
    let _ = write!(out, "\"hour\":{hour},\"now\":\"{now_text}\",\"today\":\"{today}\"}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::{
        decision::{Decision, ErrorKind, Evaluated, EvaluationError, Verdict},
        evaluation::{Action, Entity, Item, Map, Value},
    };

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
        let verdict =
            Verdict { decision: Decision::Deny, policies: vec![], errors, unknown: None, reason: "No.".into() };
        Answer::Evaluated(Evaluated {
            verdict: Arc::new(verdict),
            revision: Revision::of([]),
            directory_revision: Revision::of([]),
            cached: true,
        })
    }

    fn record(asked: Asked, decided: Decided, traceparent: Option<&str>) -> serde_json::Value {
        let moment = Moment {
            now: 1_790_000_000_123,
            now_text: "2026-09-21T14:13:20.123Z".into(),
            today: "2026-09-21".into(),
            hour: 16,
            application: Some("desk".into()),
        };
        let record = Record {
            trace: TraceContext::from_headers(traceparent, Some("vendor=1")),
            caller: None,
            model: Arc::default(),
            moment: Arc::new(moment),
            asked,
            decided,
            policies: Revision::of([]),
            directory: Revision::of([]),
        };
        let mut bytes = Vec::new();
        record.to_payload(&producer(), &Pseudonyms::from_keys(("k", [1; 32]), &[])).write(&mut bytes, 42);
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let canonical = serde_json_canonicalizer::to_vec(&value).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(canonical).unwrap());
        value
    }

    #[test]
    fn a_deny_is_unset_and_the_parent_is_kept() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let record = record(Asked::One(Arc::new(evaluation())), Decided::One(answer(vec![])), Some(parent));
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
    fn a_policy_that_errors_makes_the_status_error_but_keeps_the_response() {
        let errors =
            vec![EvaluationError { policy: "p".into(), kind: ErrorKind::Overflow, message: "overflow".into() }];
        let record = record(Asked::One(Arc::new(evaluation())), Decided::One(answer(errors)), None);
        assert_eq!(record["status"], "Error");
        assert_eq!(record["attributes"]["poort.outcome"], "evaluation_error");
        assert_eq!(record["body"]["adl.core.response"]["decision"], false);
        assert!(record.get("parent_span_id").is_none());
    }

    #[test]
    fn a_late_call_has_no_response() {
        let nothing = Decided::Nothing(Cause::DeadlineExceeded);
        let record = record(Asked::One(Arc::new(evaluation())), nothing, None);
        assert_eq!(record["status"], "Error");
        assert!(record["body"].get("adl.core.response").is_none());
    }

    #[test]
    fn a_batch_is_one_record_with_all_answers() {
        let item = Item { context: Some(Map::new()), ..Item::default() };
        let batch = Batch { items: vec![item.clone(), item], ..Batch::default() };
        let answers = Arc::from(vec![answer(vec![]), answer(vec![])]);
        let record = record(Asked::Several(Arc::new(batch)), Decided::Several(answers), None);
        assert_eq!(record["event_name"], "adl.access_evaluations");
        assert_eq!(record["body"]["adl.core.response"]["evaluations"].as_array().unwrap().len(), 2);
        assert_eq!(record["attributes"]["poort.cache.hits"], 2);
    }
}
