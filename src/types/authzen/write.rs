//! Writes questions and answers as canonical JSON (RFC 8785): names sorted, no white space, numbers as ECMAScript
//! writes them.
//!
//! **Why by hand.** Every question is written once for its record, so names are emitted in order, straight into a
//! buffer. Tests compare the result with that of a JSON canonicaliser.

use crate::types::{
    decision::{
        Answer, Deciding, Decision, Evaluated, EvaluationError, Explanation, Fault, Named, Obligation, Outcome,
        UnknownReference,
    },
    evaluation::{Action, Batch, Entity, Evaluation, Item, Map, Value},
    language::Language,
    trace::RecordIdentity,
};
use std::io::Write as _;

/// Writes a question as AuthZEN has it.
pub fn write_evaluation(out: &mut Vec<u8>, evaluation: &Evaluation) {
    let Evaluation { subject, action, resource, context } = evaluation;
    parts(out, Some(subject), Some(action), Some(resource), (!context.is_empty()).then_some(context), |_, _| {});
}

/// Writes a batch as AuthZEN has it.
pub fn write_batch(out: &mut Vec<u8>, batch: &Batch) {
    let Batch { defaults, items, semantic } = batch;
    let Item { subject, action, resource, context, fault: _ } = defaults;
    parts(out, subject.as_ref(), action.as_ref(), resource.as_ref(), context.as_ref(), |out, first| {
        name(out, first, "evaluations");
        write_list(out, items, |out, item| {
            let Item { subject, action, resource, context, fault: _ } = item;
            parts(out, subject.as_ref(), action.as_ref(), resource.as_ref(), context.as_ref(), |_, _| {});
        });
        name(out, first, "options");
        out.extend_from_slice(b"{\"evaluations_semantic\":");
        write_string(out, semantic.name());
        out.push(b'}');
    });
}

/// An object of the four parts of a question; `more` writes the members between `context` and `resource`.
fn parts(
    out: &mut Vec<u8>,
    subject: Option<&Entity>,
    action: Option<&Action>,
    resource: Option<&Entity>,
    context: Option<&Map>,
    more: impl FnOnce(&mut Vec<u8>, &mut bool),
) {
    let mut first = true;
    out.push(b'{');
    if let Some(Action { name: id, properties }) = action {
        name(out, &mut first, "action");
        out.extend_from_slice(b"{\"name\":");
        write_string(out, id);
        write_properties(out, properties);
        out.push(b'}');
    }
    if let Some(context) = context {
        name(out, &mut first, "context");
        write_map(out, context);
    }
    more(out, &mut first);
    for (role, entity) in [("resource", resource), ("subject", subject)] {
        if let Some(Entity { kind, id, properties }) = entity {
            name(out, &mut first, role);
            out.extend_from_slice(b"{\"id\":");
            write_string(out, id);
            write_properties(out, properties);
            out.extend_from_slice(b",\"type\":");
            write_string(out, kind);
            out.push(b'}');
        }
    }
    out.push(b'}');
}

fn write_properties(out: &mut Vec<u8>, properties: &Map) {
    if !properties.is_empty() {
        out.extend_from_slice(b",\"properties\":");
        write_map(out, properties);
    }
}

/// Writes an answer as AuthZEN has it. `record` names the answer's record; the record itself leaves that out, since its
/// envelope has it.
pub fn write_answer(out: &mut Vec<u8>, answer: &Answer, language: Language, record: Option<RecordIdentity>) {
    write_explained_answer(out, answer, language, record, None);
}

/// Writes an answer as [`write_answer`] does, with its explanation if it has one.
pub fn write_explained_answer(
    out: &mut Vec<u8>,
    answer: &Answer,
    language: Language,
    record: Option<RecordIdentity>,
    explanation: Option<&Explanation>,
) {
    answer_in(out, answer, language, record.map(|identity| Place { identity, index: None }), explanation);
}

/// The place of an answer: its record, and its index if the record is that of a batch.
#[derive(Clone, Copy)]
struct Place {
    identity: RecordIdentity,
    index: Option<usize>,
}

fn answer_in(
    out: &mut Vec<u8>,
    answer: &Answer,
    language: Language,
    record: Option<Place>,
    explanation: Option<&Explanation>,
) {
    out.extend_from_slice(b"{\"context\":{");
    match answer {
        Answer::Evaluated(evaluated) => write_evaluated(out, evaluated, language, record, explanation),
        Answer::Fault(fault) => {
            write_fault(out, fault);
            write_record(out, record);
        }
    }
    out.extend_from_slice(b"},");
    write_decision(out, answer);
    out.push(b'}');
}

/// Writes the answers to a batch as AuthZEN has them. Each names its record and its place in it, so that the caller can join
/// the record to its own log decision by decision.
pub fn write_answers(out: &mut Vec<u8>, answers: &[Answer], language: Language, record: Option<RecordIdentity>) {
    write_explained_answers(out, answers, language, record, &[]);
}

/// Writes answers as [`write_answers`] does, each with its explanation if it has one.
pub fn write_explained_answers(
    out: &mut Vec<u8>,
    answers: &[Answer],
    language: Language,
    record: Option<RecordIdentity>,
    explanations: &[Option<Explanation>],
) {
    out.extend_from_slice(b"{\"evaluations\":");
    write_list(out, answers.iter().enumerate(), |out, (index, answer)| {
        let explanation = explanations.get(index).and_then(Option::as_ref);
        let place = record.map(|identity| Place { identity, index: Some(index) });
        answer_in(out, answer, language, place, explanation);
    });
    out.push(b'}');
}

/// Writes what a caller needs of an answer to act on it: the decision, and if there are any the obligations, the fault, or
/// the reason why the caller itself is in the way.
pub fn write_minimal_answer(out: &mut Vec<u8>, answer: &Answer, language: Language) {
    out.push(b'{');
    match answer {
        Answer::Evaluated(evaluated) => {
            let mut obligations = evaluated.verdict.policies.iter().flat_map(|policy| &policy.obligations).peekable();
            if let Some(reason) = answer.unsupported(language) {
                out.extend_from_slice(b"\"context\":{\"reason\":");
                write_string(out, &reason);
                out.extend_from_slice(b"},");
            } else if obligations.peek().is_some() {
                out.extend_from_slice(b"\"context\":{\"obligations\":");
                write_list(out, obligations, write_obligation);
                out.extend_from_slice(b"},");
            }
        }
        Answer::Fault(fault) => {
            out.extend_from_slice(b"\"context\":{");
            write_fault(out, fault);
            out.extend_from_slice(b"},");
        }
    }
    write_decision(out, answer);
    out.push(b'}');
}

/// Writes the answers to a batch, each as [`write_minimal_answer`] has it.
pub fn write_minimal_answers(out: &mut Vec<u8>, answers: &[Answer], language: Language) {
    out.extend_from_slice(b"{\"evaluations\":");
    write_list(out, answers, |out, answer| write_minimal_answer(out, answer, language));
    out.push(b'}');
}

fn write_decision(out: &mut Vec<u8>, answer: &Answer) {
    out.extend_from_slice(b"\"decision\":");
    out.extend_from_slice(if answer.decision() == Decision::Allow { b"true" } else { b"false" });
}

fn write_fault(out: &mut Vec<u8>, Fault { status, message }: &Fault) {
    out.extend_from_slice(b"\"error\":{\"message\":");
    write_string(out, message);
    // Writing to a Vec cannot fail.
    let _ = write!(out, ",\"status\":{status}}}");
}

fn write_obligation(out: &mut Vec<u8>, Obligation { id, kind, properties }: &Obligation) {
    out.extend_from_slice(b"{\"id\":");
    write_string(out, id);
    out.extend_from_slice(b",\"properties\":");
    write_map(out, properties);
    out.extend_from_slice(b",\"type\":");
    write_string(out, kind);
    out.push(b'}');
}

fn write_evaluated(
    out: &mut Vec<u8>,
    evaluated: &Evaluated,
    language: Language,
    record: Option<Place>,
    explanation: Option<&Explanation>,
) {
    let verdict = evaluated.verdict.as_ref();
    let policies = &verdict.policies;
    out.extend_from_slice(b"\"advice\":");
    let advice = policies.iter().filter_map(|policy| policy.advice.as_ref());
    write_list(out, advice, |out, advice| write_string(out, advice.in_language(language)));
    out.extend_from_slice(b",\"directory_revision\":");
    write_string(out, evaluated.directory_revision.as_str());
    out.extend_from_slice(b",\"errors\":");
    write_list(out, &verdict.errors, |out, EvaluationError { policy, message, kind: _ }| {
        out.extend_from_slice(b"{\"message\":");
        write_string(out, message);
        out.extend_from_slice(b",\"policy\":");
        write_string(out, policy);
        out.push(b'}');
    });
    if let Some(explanation) = explanation {
        out.extend_from_slice(b",\"explanation\":");
        write_explanation(out, explanation, language);
    }
    out.extend_from_slice(b",\"obligations\":");
    write_list(out, policies.iter().flat_map(|policy| &policy.obligations), write_obligation);
    out.extend_from_slice(b",\"policies\":");
    write_list(out, policies, |out, policy| {
        out.extend_from_slice(b"{\"id\":");
        write_string(out, &policy.id);
        out.extend_from_slice(b",\"title\":");
        write_string(out, policy.title.in_language(language));
        out.push(b'}');
    });
    out.extend_from_slice(b",\"reason\":");
    let reason = evaluated.reason(language);
    write_string(out, &reason);
    write_reasons(out, evaluated, &reason, language, record);
    write_record(out, record);
    out.extend_from_slice(b",\"revision\":");
    write_string(out, evaluated.revision.as_str());
    if let Some(subject) = &evaluated.subject {
        out.extend_from_slice(b",\"subject\":");
        write_map(out, subject);
    }
    if !evaluated.undeclared.is_empty() {
        out.extend_from_slice(b",\"undeclared\":");
        write_list(out, evaluated.undeclared.lines(language), |out, line| write_string(out, &line));
    }
    if !evaluated.unknown.is_empty() {
        out.extend_from_slice(b",\"unknown\":");
        write_list(out, &evaluated.unknown, |out, UnknownReference { path, kind, named }| {
            let mut first = true;
            out.push(b'{');
            let mut member = |member: &str, text: &str| {
                name(out, &mut first, member);
                write_string(out, text);
            };
            if let Some(Named { id, nearest }) = named {
                member("id", id);
                if let Some(nearest) = nearest {
                    member("nearest", nearest);
                }
            }
            member("path", path);
            member("type", kind);
            out.push(b'}');
        });
    }
}

/// AuthZEN's pair, on a deny. The record has no `reason_admin`, which is its `reason`, and no reference: it is what a
/// reference leads to.
fn write_reasons(out: &mut Vec<u8>, evaluated: &Evaluated, reason: &str, language: Language, record: Option<Place>) {
    let Some(told) = evaluated.reason_user(language, record.map(|place| place.identity.trace_id)) else { return };
    if record.is_some() {
        out.extend_from_slice(b",\"reason_admin\":{\"403\":");
        write_string(out, reason);
        out.push(b'}');
    }
    out.extend_from_slice(b",\"reason_user\":{\"403\":");
    write_string(out, &told);
    out.push(b'}');
}

/// Writes an explanation: each policy with the conditions that decided whether it applies.
pub fn write_explanation(out: &mut Vec<u8>, Explanation { policies, others }: &Explanation, language: Language) {
    let _ = write!(out, "{{\"others\":{others},\"policies\":");
    write_list(out, policies, |out, policy| {
        let _ = write!(out, "{{\"applies\":{},\"conditions\":", policy.outcome.is_met());
        write_list(out, policy.deciding(), write_condition);
        out.extend_from_slice(b",\"effect\":");
        write_string(out, policy.effect.name());
        let title = policy.facts.title.in_language(language);
        for (name, text) in [("id", policy.facts.id.as_str()), ("place", &policy.place.inside()), ("title", title)] {
            let _ = write!(out, ",\"{name}\":");
            write_string(out, text);
        }
        out.push(b'}');
    });
    out.push(b'}');
}

fn write_condition(out: &mut Vec<u8>, Deciding { clause, condition, outcome }: Deciding<'_>) {
    out.extend_from_slice(b"{\"clause\":");
    write_string(out, clause.name());
    out.extend_from_slice(b",\"condition\":");
    write_string(out, &condition.text);
    if let Outcome::Failed(message) = outcome {
        out.extend_from_slice(b",\"error\":");
        write_string(out, message);
    }
    let _ = write!(out, ",\"met\":{},\"place\":", outcome.is_met());
    write_string(out, &condition.place.inside());
    out.extend_from_slice(b",\"values\":");
    write_list(out, &condition.values, |out, (expression, value)| {
        out.extend_from_slice(b"{\"expression\":");
        write_string(out, expression);
        out.extend_from_slice(b",\"value\":");
        write_string(out, value);
        out.push(b'}');
    });
    out.push(b'}');
}

fn write_record(out: &mut Vec<u8>, record: Option<Place>) {
    let Some(Place { identity: RecordIdentity { trace_id, span_id }, index }) = record else { return };
    out.extend_from_slice(b",\"record\":{");
    if let Some(index) = index {
        let _ = write!(out, "\"index\":{index},");
    }
    let _ = write!(out, "\"span_id\":\"{span_id}\",\"trace_id\":\"{trace_id}\"}}");
}

/// Writes named values.
pub fn write_map(out: &mut Vec<u8>, map: &Map) {
    let mut first = true;
    out.push(b'{');
    let mut write = |(key, value): (&String, &Value)| {
        name(out, &mut first, key);
        write_value(out, value);
    };
    // Names are sorted by UTF-16 code units (RFC 8785, section 3.2.3). The map is sorted by code points, which differs
    // only when characters above U+FFFF meet those from U+E000 on.
    if map.keys().any(|key| key.chars().any(|character| character >= '\u{e000}')) {
        let mut sorted: Vec<_> = map.iter().collect();
        sorted.sort_by(|one, other| one.0.encode_utf16().cmp(other.0.encode_utf16()));
        sorted.into_iter().for_each(&mut write);
    } else {
        map.iter().for_each(&mut write);
    }
    out.push(b'}');
}

/// Writes a value.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(ryu_js::Buffer::new().format(*number).as_bytes()),
        Value::String(text) => write_string(out, text),
        Value::List(elements) => write_list(out, elements, write_value),
        Value::Map(map) => write_map(out, map),
    }
}

/// Writes a string with its quotation marks; the escapes are those of RFC 8785, section 3.2.2.2.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a list of strings.
pub fn write_strings(out: &mut Vec<u8>, texts: &[String]) {
    write_list(out, texts, |out, text| write_string(out, text));
}

fn name(out: &mut Vec<u8>, first: &mut bool, name: &str) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
    write_string(out, name);
    out.push(b':');
}

/// Writes a list.
pub fn write_list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::Number),
            (-1_000_000_i32..1_000_000).prop_map(|number| Value::Number(number.into())),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_canonical_and_reads_back(map in prop::collection::btree_map(any::<String>(), values(), 0..6)) {
            let mut out = Vec::new();
            write_map(&mut out, &map);
            let canonical = serde_json_canonicalizer::to_vec(&serde_json::from_slice::<serde_json::Value>(&out).unwrap());
            prop_assert_eq!(String::from_utf8(canonical.unwrap()).unwrap(), String::from_utf8(out.clone()).unwrap());
            prop_assert_eq!(super::super::read_value(&out), Ok(Value::Map(map)));
        }
    }
}
