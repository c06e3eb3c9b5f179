//! OCSF events against golden files in `ocsf/`, which `UPDATE_EXPECT=1` writes anew, and against the schema.

use super::super::{
    config::{Format, Records},
    ocsf,
    outgoing::{Document, Outgoing},
};
use crate::record::{evidence::leaf, spool::reader::Frame};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The events of a record: as the golden file says, and as OCSF asks.
#[track_caller]
fn check(name: &str, record: &Value) -> Vec<Value> {
    let schema = serde_json::from_str(include_str!("../../../../tests/schemas/ocsf-1.8.0.schema.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let events = ocsf::events(&record.to_string(), 4711).unwrap();
    for event in &events {
        schema.validate(event).unwrap_or_else(|error| panic!("{error} at {}: {event:#}", error.instance_path()));
        assert_eq!(
            event["type_uid"],
            event["class_uid"].as_u64().unwrap() * 100 + event["activity_id"].as_u64().unwrap()
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record/shipping/tests/ocsf").join(name);
    let found = Value::from(events.clone());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{found:#}\n")).unwrap();
    }
    let golden: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(golden, found, "{name}");
    events
}

fn request() -> Value {
    json!({
        "subject": {"type": "Officer", "id": "officer-0007", "properties": {"organisation": "north"}},
        "action": {"name": "consult"},
        "resource": {"type": "Investigation", "id": "inv-0042", "properties": {"level": 3}},
        "context": {"purpose": "9", "justification": "case 26-4471", "location": "10.0.0.7", "device": "mob-5512"},
    })
}

fn answer(decision: bool) -> Value {
    json!({"decision": decision, "context": {
        "policies": [{"id": "summit.team", "title": "A member of the team may consult."}],
        "reason": "Because.", "obligations": [], "advice": [], "errors": [],
        "revision": "sha256:aa", "directory_revision": "sha256:bb",
    }})
}

fn record(event_name: &str, status: &str, body: &Value) -> Value {
    json!({
        "attributes": {
            "adl.core.configuration": {"poort": {"version": "9.9.9"}},
            "adl.core.information": {"directory": {"revision": "sha256:bb"}},
            "adl.core.policies": {"policies": {"revision": "sha256:aa"}},
            "poort.cache.hits": 0, "poort.log.origin": "poort/here/epoch", "poort.log.seq": 4711,
            "poort.pdp": {"application": "desk", "hour": 16, "now": "2026-09-21T14:13:20.123Z", "today": "2026-09-21"},
            "poort.trace.flags": "01",
        },
        "body": body,
        "event_name": event_name,
        "parent_span_id": "00f067aa0ba902b6",
        "resource": {"organisation.oin": "00000009999999999000", "service.instance.id": "here", "service.name": "poort",
                     "service.version": "9.9.9"},
        "span_id": "00f067aa0ba902b7", "status": status, "timestamp": 1_790_000_000_123_u64,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    })
}

#[test]
fn an_allow_is_a_read_that_was_allowed() {
    let body = json!({"adl.core.request": request(), "adl.core.response": answer(true)});
    let events = check("allow.json", &record("adl.access_evaluation", "Unset", &body));
    assert_eq!((&events[0]["action_id"], &events[0]["status_id"]), (&json!(1), &json!(1)));
}

#[test]
fn a_deny_is_a_successful_evaluation_also_of_the_smallest_question() {
    let bare = json!({
        "subject": {"type": "System", "id": "cjib"}, "action": {"name": "Politie::Action::\"disclose\""},
        "resource": {"type": "Registration", "id": "r"},
        "context": {"purpose": "8", "recipient": {"id": "x", "organisation": "CJIB"}, "legal_basis": "18"},
    });
    let mut record = record(
        "adl.access_evaluation",
        "Unset",
        &json!({"adl.core.request": bare, "adl.core.response": {"decision": false}}),
    );
    record["attributes"]["poort.pdp"].as_object_mut().unwrap().remove("application");
    record["attributes"].as_object_mut().unwrap().remove("poort.trace.flags");
    record.as_object_mut().unwrap().remove("parent_span_id");
    let events = check("deny.json", &record);
    assert_eq!((&events[0]["action_id"], &events[0]["status_id"]), (&json!(2), &json!(1)));
    assert_eq!(events[0]["activity_id"], 2);
}

#[test]
fn an_evaluation_that_failed_is_an_alert() {
    let mut response = answer(false);
    response["context"]["errors"] = json!([{"policy": "p", "message": "overflow"}]);
    let body = json!({"adl.core.request": request(), "adl.core.response": response});
    let mut record = record("adl.access_evaluation", "Error", &body);
    record["attributes"]["poort.outcome"] = "evaluation_error".into();
    let events = check("failed.json", &record);
    assert_eq!((&events[0]["disposition_id"], &events[0]["is_alert"]), (&json!(27), &json!(true)));
    // Too late: there is no answer at all.
    record["body"].as_object_mut().unwrap().remove("adl.core.response");
    record["attributes"]["poort.outcome"] = "deadline_exceeded".into();
    let events = check("late.json", &record);
    assert_eq!((&events[0]["action_id"], &events[0]["status_id"]), (&json!(0), &json!(2)));
}

#[test]
fn a_batch_is_an_event_a_decision() {
    let mut batch = request();
    batch["evaluations"] = json!([
        {},
        {"action": {"name": "alter"}, "context": {"purpose": "13"}},
        {"resource": {"type": "Investigation", "id": "never-decided"}},
    ]);
    let response = json!({"evaluations": [answer(true), answer(false)]});
    let body = json!({"adl.core.request": batch, "adl.core.response": response});
    let record = record("adl.access_evaluations", "Unset", &body);
    let events = check("batch.json", &record);
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["unmapped"]["purpose"], "13");
    let parcel = pack(&record);
    let keys: Vec<_> = parcel.documents().iter().map(|document| parcel.key(document)).collect();
    let hash: String = leaf(parcel.record.as_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(keys, [0, 1].map(|part| format!("poort/here/epoch:4711:{hash}:{part}")));
}

#[test]
fn a_gap_is_sent_and_a_checkpoint_is_not() {
    let gap = json!({
        "attributes": {"poort.log.origin": "poort/here/epoch", "poort.log.seq": 4711, "poort.gap.count": 3},
        "body": {}, "event_name": "poort.log.gap", "timestamp": 1_790_000_000_123_u64,
        "resource": {"service.name": "poort", "service.version": "9.9.9"},
    });
    assert_eq!(check("gap.json", &gap)[0]["severity_id"], 4);
    let mut checkpoint = gap;
    checkpoint["event_name"] = "poort.log.checkpoint".into();
    assert_eq!(pack(&checkpoint).documents, Ok(Vec::<Document>::new()));
    checkpoint["event_name"] = "poort.log.cosigned".into();
    assert_eq!(pack(&checkpoint).documents, Ok(Vec::<Document>::new()));
}

fn pack(record: &Value) -> Outgoing {
    Outgoing::pack(Frame { seq: 4711, base: 4711, payload: record.to_string().into() }, Format::Ocsf, Records::All)
}
