//! Compares a recorded answer with a new one: the decision, and all else that the answer holds.

use super::Reason;
use crate::record::decision_log::StoredRecord;
use serde_json::Value;

/// One decision that came out differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Which item of a batch.
    pub item: Option<usize>,
    /// What was answered.
    pub then: ResponseSummary,
    /// What would be answered now.
    pub now: ResponseSummary,
    /// The parts of the answer that are not the same: `decision`, `policies`, `obligations`, `reason` and so on.
    pub parts: Vec<String>,
}

/// An answer, in short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseSummary {
    /// `allow`, `deny`, `invalid` for a question that does not fit the schema, or `none` for an item that the batch did
    /// not reach.
    pub decision: &'static str,
    /// The policies that determine it.
    pub policies: Vec<String>,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether the item had a fault.
    pub is_fault: bool,
}

/// The differences between what was answered and what would be now; none where the recorded answer lacks what was new later.
/// `Err`: the question does not fit the schema now.
///
/// # Errors
/// The record's answer cannot be read.
pub(super) fn between(
    recorded: &StoredRecord<'_>,
    then: &str,
    now: Result<&[u8], &str>,
) -> Result<Vec<Difference>, Reason> {
    let unreadable = |error: serde_json::Error| Reason::Unreadable(format!("its response cannot be read: {error}"));
    let then: Value = serde_json::from_str(then).map_err(unreadable)?;
    let mut now: Value = match now {
        Ok(now) => serde_json::from_slice(now).map_err(unreadable)?,
        Err(invalid) => {
            let now = ResponseSummary { decision: "invalid", reason: invalid.to_owned(), ..ResponseSummary::default() };
            return Ok(vec![Difference {
                item: None,
                then: said(Some(&then)),
                now,
                parts: vec!["decision".to_owned()],
            }]);
        }
    };
    if without_new_parts(&then, &mut now) && then == now {
        return Ok(Vec::new());
    }
    if !recorded.is_batch() {
        return Ok(vec![one(None, Some(&then), Some(&now))]);
    }
    let items = |answers: &Value| answers.get("evaluations").and_then(Value::as_array).cloned().unwrap_or_default();
    let (then, now) = (items(&then), items(&now));
    let differing = (0..then.len().max(now.len())).filter(|index| then.get(*index) != now.get(*index));
    let found: Vec<_> = differing.map(|index| one(Some(index), then.get(index), now.get(index))).collect();
    // The bytes differ and their meaning does not: another program wrote them.
    Ok(if found.is_empty() { vec![one(None, None, None)] } else { found })
}

/// Takes `reason_user` out of the new answers to which the recorded one is a deny of a poort that had none; whether there
/// are any.
fn without_new_parts(then: &Value, now: &mut Value) -> bool {
    let take_out = |then: &Value, now: &mut Value| {
        let is_old =
            then.get("decision") == Some(&Value::Bool(false)) && then.pointer("/context/reason_user").is_none();
        let context = now.get_mut("context").filter(|_| is_old).and_then(Value::as_object_mut);
        context.is_some_and(|context| context.remove("reason_user").is_some())
    };
    let items = then.get("evaluations").and_then(Value::as_array).into_iter().flatten();
    let answers = now.get_mut("evaluations").and_then(Value::as_array_mut).into_iter().flatten();
    let in_items = items.zip(answers).fold(false, |any, (then, now)| take_out(then, now) || any);
    take_out(then, now) || in_items
}

fn one(item: Option<usize>, then: Option<&Value>, now: Option<&Value>) -> Difference {
    let mut parts = Vec::new();
    let field = |answer: Option<&Value>, name: &str| answer.and_then(|answer| answer.get(name)).cloned();
    if field(then, "decision") != field(now, "decision") {
        parts.push("decision".to_owned());
    }
    let context = |answer: Option<&Value>| {
        field(answer, "context").and_then(|context| context.as_object().cloned()).unwrap_or_default()
    };
    let (one, other) = (context(then), context(now));
    // Where one of them is no answer at all, its parts say nothing more.
    if then.is_some() && now.is_some() {
        let mut names: Vec<_> = one.keys().chain(other.keys()).collect();
        names.sort();
        names.dedup();
        parts.extend(names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned());
    }
    if parts.is_empty() {
        parts.push("form".to_owned());
    }
    Difference { item, then: said(then), now: said(now), parts }
}

fn said(answer: Option<&Value>) -> ResponseSummary {
    let Some(answer) = answer else { return ResponseSummary { decision: "none", ..ResponseSummary::default() } };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let decision = match answer.get("decision").and_then(Value::as_bool) {
        Some(true) => "allow",
        Some(false) => "deny",
        None => "none",
    };
    let policies = answer.pointer("/context/policies").and_then(Value::as_array).into_iter().flatten();
    let fault = answer.pointer("/context/error/message");
    ResponseSummary {
        decision,
        policies: policies.map(|policy| text(policy.get("id"))).collect(),
        reason: text(answer.pointer("/context/reason").or(fault)),
        is_fault: fault.is_some(),
    }
}
