//! Bounds: what a record says of a question beside itself does not grow with its bytes times the number of its parts.

use super::*;
use crate::record::decision_log::redact::conceal;

fn concealed<T>(asked: &RecordedRequest<'_>, look: impl FnOnce(&Redacted<'_>) -> T) -> T {
    look(&conceal(asked, &RecordedResponse::Nothing(Unanswered::DeadlineExceeded), &model(), &keys(1)))
}

fn people(count: usize) -> serde_json::Value {
    (0..count).map(|number| json!({"bsn": number.to_string()})).collect()
}

/// A batch of a thousand questions, all with this context.
fn thousand(context: serde_json::Value) -> RecordedRequest<'static> {
    let mut batch = question(json!({}), context);
    batch["evaluations"] = vec![json!({}); 1_000].into();
    several(&batch)
}

#[test]
fn places_below_a_long_name_are_too_much_for_a_record() {
    let secrets = |count: usize| (0..count).map(|number| (format!("password {number}"), json!("x"))).collect();
    let asked = |name: &str, count| one(&question(json!({}), json!({name: serde_json::Value::Object(secrets(count))})));
    let long = "n".repeat(1 << 20);
    assert!(!concealed(&asked(&long, 4), |it| it.is_too_large));
    assert!(!concealed(&asked("short", 4_000), |it| it.is_too_large));
    let (is_too_large, bytes) =
        concealed(&asked(&long, 400), |it| (it.is_too_large, it.request_places.iter().map(String::len).sum::<usize>()));
    assert!(is_too_large && bytes <= 1 << 25, "{bytes}");
}

#[test]
fn the_defaults_of_a_batch_are_not_recorded_a_thousand_times() {
    let few = thousand(json!({"people": people(10), "device": "d-1"}));
    let subjects = |it: &Redacted<'_>| {
        (it.is_too_large, it.questions.iter().map(|question| question.subjects.len()).sum::<usize>())
    };
    assert_eq!(concealed(&few, subjects), (false, 10_000));
    let (is_too_large, count) = concealed(&thousand(json!({"people": people(5_000)})), subjects);
    assert!(is_too_large && count < 1_000_000, "{count}");
    let (is_too_large, bytes) = concealed(&thousand(json!({"device": "d".repeat(1 << 20)})), |it| {
        let devices = it.questions.iter().filter_map(|question| question.device.as_ref());
        (it.is_too_large, devices.map(String::len).sum::<usize>())
    });
    assert!(is_too_large && bytes <= 1 << 25, "{bytes}");
}

#[test]
fn a_record_that_would_be_too_large_is_none() {
    let asked = thousand(json!({"people": people(5_000)}));
    let moment = Moment {
        now: 0,
        now_text: String::new(),
        today: String::new(),
        hour: 0,
        application: None,
        token: None,
        policies: PolicyAge::Live,
    };
    let record = Record {
        trace: &TraceContext::from_headers(None, None),
        caller: None,
        identity: None,
        moment: &moment,
        asked,
        decided: RecordedResponse::Nothing(Unanswered::DeadlineExceeded),
        model: &model(),
        policies: &Revision::of([]),
        directory: &Revision::of([]),
    };
    let producer = Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new());
    assert_eq!(record.to_payload(&producer, &keys(1)).err(), Some(TooLarge));
}
