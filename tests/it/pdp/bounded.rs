//! What is said of a question does not grow with what the question says: not refusals, not reasons, not errors.

use crate::support::{allowed, policies};
use poort::{
    pdp::{
        Clock,
        engine::{UnknownEntities, check_question, decide},
    },
    sources::snapshot::{Snapshot, Sources},
    types::{
        authzen::{Limits, read_batch, read_evaluation},
        language::Language,
    },
};
use serde_json::{Value, json};

const LIMITS: Limits = Limits { depth: 16, batch: 10 };

/// The longest text that a person reads to the end.
const MOST: usize = 3_000;

fn long() -> String {
    "é".repeat(500_000)
}

#[track_caller]
fn check(text: &str, says: &str) {
    assert!(text.len() < MOST, "{} bytes", text.len());
    assert!(text.contains(says) && text.contains('…'), "{text}");
}

#[test]
fn what_quotes_a_question_quotes_its_beginning() {
    let sources = Sources::read(&policies(), &policies().join("directory")).unwrap();
    let snapshot = Snapshot::from_sources(&sources).0.unwrap();
    let moment = Clock::new(jiff::tz::TimeZone::UTC, None).now();
    let unit = "/resource/properties/unit";
    let mistakes: &[(&str, Value, &str)] = &[
        ("/subject/type", long().into(), "subject.type: unknown type `ééé"),
        ("/resource/type", long().into(), "resource.type: unknown type `ééé"),
        ("/action/name", long().into(), "action.name: unknown action `ééé"),
        (unit, json!({"type": long(), "id": "x"}), "resource.properties.unit: is an entity of type `ééé"),
        ("/context/location", json!({"__extn": {"fn": long(), "arg": "x"}}), "context.location: is made by `ééé"),
        ("/context/location", long().into(), "context.location: `ééé"),
        (&format!("/context/{}", long()), json!(1), "ééé…: is not declared"),
    ];
    for (pointer, value, says) in mistakes {
        let mut question = allowed();
        let (holder, name) = pointer.rsplit_once('/').unwrap();
        question.pointer_mut(holder).unwrap()[name] = value.clone();
        let evaluation = read_evaluation(question.to_string().as_bytes(), LIMITS).unwrap();
        let found = check_question(&snapshot, &evaluation, &moment, UnknownEntities::Deny);
        let error = match found.and_then(|checked| checked.question()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{says}"),
        };
        check(&error, says);
    }
    let mut unknown = allowed();
    unknown["subject"]["id"] = long().into();
    let evaluation = read_evaluation(unknown.to_string().as_bytes(), LIMITS).unwrap();
    let checked = check_question(&snapshot, &evaluation, &moment, UnknownEntities::Deny).unwrap();
    check(
        &decide(&snapshot, &checked.question().unwrap()).reason(Language::English),
        "does not know the subject Politie::Officer::",
    );

    let twice = format!(r#"{{"{0}": 1, "{0}": 2}}"#, long());
    check(&read_evaluation(twice.as_bytes(), LIMITS).unwrap_err().to_string(), "is given twice");
    let semantic = json!({"evaluations": [{}], "options": {"evaluations_semantic": long()}}).to_string();
    check(&read_batch(semantic.as_bytes(), LIMITS).unwrap_err().to_string(), "is unknown; there are execute_all");
}
