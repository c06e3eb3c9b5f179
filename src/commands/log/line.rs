//! Formats a decision of a record as one line: for a person, and for a spreadsheet.

use crate::{
    record::decision_log::{EntityName, OneDecision, StoredRecord},
    review::report::inert,
    types::escape,
};
use jiff::{Timestamp, tz::TimeZone};

/// The columns of the CSV form.
pub(super) const COLUMNS: [&str; 14] = [
    "time",
    "seq",
    "trace_id",
    "span_id",
    "item",
    "subject_type",
    "subject",
    "action",
    "resource_type",
    "resource",
    "decision",
    "policies",
    "purpose",
    "outcome",
];

/// The sign for a value that is not known.
const NOTHING: &str = "-";

/// The heading of the lines for a person.
pub(super) fn heading(paint: &dyn Fn(u8, &str) -> String) -> String {
    let [when, subject, action, resource] = ["when", "subject", "action", "resource"];
    paint(1, &format!("{when:<30}  {subject:<28} {action:<12} {resource:<32} decision, policies, purpose"))
}

/// For a person: time, subject, action, resource, decision, policies, purpose.
pub(super) fn table(
    recorded: &StoredRecord<'_>,
    one: &OneDecision,
    zone: &TimeZone,
    paint: &dyn Fn(u8, &str) -> String,
) -> String {
    let named = |named: &Option<EntityName>| match named {
        Some(EntityName { kind, id }) => escape::line(&format!("{kind}::{id}")).into_owned(),
        None => NOTHING.to_owned(),
    };
    let (code, word) = match (one.decision, one.is_error) {
        (Some(decision), false) if decision.is_allow() => (32, decision.name()),
        (Some(decision), false) => (31, decision.name()),
        // A deny because of a fault differs from a deny by a policy.
        (Some(decision), true) => (33, decision.name()),
        (None, _) => (33, "none"),
    };
    let mut notes =
        if one.policies.is_empty() { NOTHING.to_owned() } else { escape::line(&one.policies.join(",")).into_owned() };
    if let Some(purpose) = &one.purpose {
        notes.push_str(&format!("  purpose {}", escape::line(purpose)));
    }
    if one.is_error {
        notes.push_str(&format!("  {}", paint(33, recorded.outcome().unwrap_or("error"))));
    }
    format!(
        "{}  {:<28} {:<12} {:<32} {} {notes}",
        local(recorded.timestamp, zone),
        named(&one.subject),
        one.action.as_deref().map_or_else(|| NOTHING.into(), escape::line),
        named(&one.resource),
        paint(code, &format!("{word:<5}")),
    )
}

/// For a spreadsheet, in the order of [`COLUMNS`].
pub(super) fn row(recorded: &StoredRecord<'_>, item: usize, one: &OneDecision) -> [String; 14] {
    let kind = |named: &Option<EntityName>| named.as_ref().map(|named| named.kind.clone()).unwrap_or_default();
    let id = |named: &Option<EntityName>| named.as_ref().map(|named| named.id.clone()).unwrap_or_default();
    let outcome = recorded.outcome().unwrap_or(if one.is_error { "error" } else { "" });
    [
        utc(recorded.timestamp),
        recorded.seq().to_string(),
        recorded.trace_id.to_string(),
        recorded.span_id.to_string(),
        if recorded.is_batch() { item.to_string() } else { String::new() },
        kind(&one.subject),
        id(&one.subject),
        one.action.clone().unwrap_or_default(),
        kind(&one.resource),
        id(&one.resource),
        one.decision.map(|decision| decision.name().to_owned()).unwrap_or_default(),
        one.policies.join(" "),
        one.purpose.clone().unwrap_or_default(),
        outcome.to_owned(),
    ]
    .map(|field| inert(&escape::lines(&field)))
}

/// A row of CSV (RFC 4180), without its line end.
pub(in crate::commands) fn csv<T: AsRef<[u8]>>(fields: &[T]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(512).from_writer(Vec::with_capacity(256));
    // Writing to a Vec cannot fail.
    let _ = writer.write_record(fields);
    let mut row = writer.into_inner().unwrap_or_default();
    row.pop();
    row
}

/// A moment in the organisation's time zone, with the distance of that from UTC.
pub(super) fn local(millis: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(moment) => moment.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string(),
        Err(_) => format!("{millis} ms"),
    }
}

/// A moment in RFC 3339.
pub(super) fn utc(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| format!("{millis} ms"), |moment| format!("{moment:.3}"))
}
