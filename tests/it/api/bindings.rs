//! JSON and gRPC give the same decision, the same error and the same record.

use crate::{
    pdp::cedar::tape::{Tape, cases, fixed, numbers},
    support::{self, Reply, Sidecar, allowed, parts},
};
use hyper::Request;
use poort::api::pb;
use proptest::prelude::*;
use serde_json::json;
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

fn json_entity(properties: serde_json::Value, tape: &mut Tape<'_>, kinds: &[&str], ids: &[&str]) -> serde_json::Value {
    let mut entity = json!({"type": tape.pick(kinds), "id": tape.pick(ids)});
    if tape.below(8) > 0 {
        entity["properties"] = properties;
    }
    entity
}

/// A value of no particular type.
fn any_json(tape: &mut Tape<'_>, depth: usize) -> serde_json::Value {
    match tape.below(if depth == 0 { 8 } else { 10 }) {
        0 => json!(null),
        1 => json!(true),
        2 => json!(tape.pick(&[0.0, -0.0, 1.5, 3.0, 1e300, 9_007_199_254_740_993.0, 1e-7])),
        3..=5 => json!(tape.pick(&["", "8", "2026-01-31", "é\u{0}\"\\\u{2028}👩‍👩‍👧", "desk"])),
        6 => json!({"type": "Unit", "id": "north"}),
        7 => json!({"__entity": {"type": "Politie::Unit", "id": "north"}}),
        8 => (0..tape.below(4)).map(|_| any_json(tape, depth - 1)).collect(),
        _ => {
            let names = ["a", "\u{e000}", "👻", "", "type", "__extn"];
            tape.some(&names)
                .into_iter()
                .map(|name| (name.to_owned(), any_json(tape, depth - 1)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
    }
}

/// A question under the repository's policies: often good, sometimes with a part that is wrong.
fn json_question(tape: &mut Tape<'_>) -> serde_json::Value {
    let subjects =
        ["Officer", "Officer", "Politie::Officer", "Partner", "System", "https://politie.example/id-types/officer"];
    let ids = [
        "officer-0007",
        "officer-0001",
        "officer-0002",
        "officer-0008",
        "partner-0003",
        "system-0001",
        "nobody",
        "é \"\\\n👩‍👩‍👧",
    ];
    let mut question = if tape.below(3) == 0 {
        allowed()
    } else if tape.below(2) == 0 {
        json!({
            "subject": json_entity(json!({"level": 4, "x": any_json(tape, 2)}), tape, &subjects, &ids),
            "action": {"name": tape.pick(&["consult", "combine", "erase", "alter", "Politie::Action::\"consult\""])},
            "resource": json_entity(json!({
                "unit": tape.pick(&["station-north-1", "detectives-north"]), "level": tape.pick(&[1, 2, 4]),
                "first_processed": tape.pick(&["2026-11-01", "2024-11-01T08:00:00Z", "1999-01-01"]),
                "subjects_are_staff": tape.below(4) == 3,
            }), tape, &["Registration", "Politie::Registration"], &["r-1", "é"]),
            "context": {"purpose": tape.pick(&["8", "9", "10"]), "justification": "why not"},
        })
    } else {
        json!({
            "subject": json_entity(json!({}), tape, &subjects, &ids),
            "action": {"name": tape.pick(&["consult", "disclose", "combine"]), "properties": {"automated": tape.below(2) == 1}},
            "resource": json_entity(json!({
                "unit": "detectives-north", "team": tape.pick(&["heron", "kestrel", "nobody"]), "level": tape.pick(&[3, 1]),
                "embargo": tape.one_in(4), "access_code": tape.pick(&["a", "b", "c"]),
            }), tape, &["Investigation"], &["inv-0042", ""]),
            "context": {"purpose": "9", "consent": tape.pick(&["", "consent-heron"]),
                "recipient": {"organisation": "om", "id": "x"}, "legal_basis": "16", "location": tape.pick(&["10.0.0.7", "::1"])},
        })
    };
    for _ in 0..[0, 0, 0, 1, 1, 2][tape.below(6)] {
        spoil(tape, &mut question);
    }
    if tape.one_in(12) {
        question.as_object_mut().unwrap().remove(tape.pick(&["subject", "action", "resource", "context"]));
    }
    question
}

fn spoil(tape: &mut Tape<'_>, question: &mut serde_json::Value) {
    let value = any_json(tape, 3);
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    match tape.below(16) {
        0 => question["subject"]["type"] = json!(tape.pick(&["Nobody", "Registration", "officer", "Action"])),
        1 => question["action"]["name"] = json!(tape.pick(&["read", "consul", "Action::\"consult\"", "ééé"])),
        2 => question["resource"]["type"] = json!(tape.pick(&["Unit", "Regstration", "Politie::Nothing"])),
        3 => question["context"]["pdp"] = json!({"hour": 3}),
        4 => question["context"]["action"] = json!({"automated": true}),
        5 => question["resource"]["properties"]["level"] = value,
        6 => question["resource"]["properties"]["unit"] = value,
        7 => question["context"]["consent"] = value,
        8 => question["context"]["location"] = value,
        9 => question["context"]["undeclared"] = value,
        10 => question["action"]["properties"] = json!({"automated": value}),
        11 => question["resource"]["properties"] = json!({}),
        12 => question["context"] = json!({}),
        13 => question["context"]["deep"] = deep,
        14 => question["resource"]["properties"]["first_processed"] = value,
        _ => question["context"]["purpose"] = value,
    }
}

fn json_of_value(value: &prost_types::Value) -> serde_json::Value {
    use prost_types::value::Kind;
    match value.kind.as_ref() {
        None | Some(Kind::NullValue(_)) => json!(null),
        Some(Kind::BoolValue(truth)) => json!(truth),
        Some(Kind::NumberValue(number)) => json!(number),
        Some(Kind::StringValue(text)) => json!(text),
        Some(Kind::ListValue(list)) => list.values.iter().map(json_of_value).collect(),
        Some(Kind::StructValue(fields)) => json_of_struct(fields),
    }
}

fn json_of_struct(fields: &prost_types::Struct) -> serde_json::Value {
    let fields = fields.fields.iter().map(|(name, value)| (name.clone(), json_of_value(value)));
    fields.collect::<serde_json::Map<_, _>>().into()
}

/// What gRPC answered, as JSON would say it, but for the record.
fn json_of_answer(answer: &pb::EvaluateResponse) -> serde_json::Value {
    if let Some(pb::ItemError { status, message }) = &answer.error {
        return json!({"decision": answer.decision, "context": {"error": {"status": status, "message": message}}});
    }
    let policies: Vec<_> =
        answer.policies.iter().map(|policy| json!({"id": policy.id, "title": policy.title})).collect();
    let errors: Vec<_> =
        answer.errors.iter().map(|error| json!({"policy": error.policy, "message": error.message})).collect();
    let obligations: Vec<_> = answer
        .obligations
        .iter()
        .map(|obligation| {
            let properties = obligation.properties.as_ref().map_or_else(|| json!({}), json_of_struct);
            json!({"id": obligation.id, "type": obligation.r#type, "properties": properties})
        })
        .collect();
    let mut json = json!({"decision": answer.decision, "context": {
        "policies": policies, "errors": errors, "obligations": obligations, "advice": answer.advice,
        "reason": answer.reason, "revision": answer.revision, "directory_revision": answer.directory_revision,
    }});
    if !answer.reason_user.is_empty() {
        json["context"]["reason_admin"] = json!({"403": answer.reason});
        // The number is that of the answer's own record.
        let reference = &answer.record.as_ref().unwrap().trace_id;
        json["context"]["reason_user"] = json!({"403": answer.reason_user.replace(reference.as_str(), "…")});
    }
    if !answer.undeclared.is_empty() {
        json["context"]["undeclared"] = json!(answer.undeclared);
    }
    if !answer.unknown.is_empty() {
        let unknown = answer.unknown.iter().map(|reference| {
            let pb::UnknownReference { path, r#type, id, nearest } = reference;
            let mut json = json!({"path": path, "type": r#type, "id": id});
            if !nearest.is_empty() {
                json["nearest"] = json!(nearest);
            }
            json
        });
        json["context"]["unknown"] = unknown.collect();
    }
    if let Some(subject) = &answer.subject {
        json["context"]["subject"] = json_of_struct(subject);
    }
    json
}

fn without_record(mut answer: serde_json::Value) -> serde_json::Value {
    let record = answer["context"].as_object_mut().unwrap().remove("record").unwrap();
    let reference = record["trace_id"].as_str().unwrap();
    if let Some(told) = answer.pointer_mut("/context/reason_user/403") {
        *told = told.as_str().unwrap().replace(reference, "…").into();
    }
    answer
}

/// Numbers as doubles, as JSON has them: `3` and `3.0` are the same.
fn doubles(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => json!(number.as_f64()),
        serde_json::Value::Array(values) => values.iter().map(doubles).collect(),
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), doubles(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

const fn code_of(status: u16) -> tonic::Code {
    match status {
        400 => tonic::Code::InvalidArgument,
        413 => tonic::Code::ResourceExhausted,
        _ => tonic::Code::Unknown,
    }
}

struct Both {
    sidecar: Sidecar,
    runtime: tokio::runtime::Runtime,
    client: RefCell<pb::access_evaluation_client::AccessEvaluationClient<tonic::transport::Channel>>,
    /// Trace ids that belong together, and what they asked.
    pairs: RefCell<Vec<(String, String, serde_json::Value)>>,
    seen: RefCell<BTreeMap<&'static str, usize>>,
}

impl Both {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sidecar = Sidecar::builder().start();
        let client = RefCell::new(runtime.block_on(sidecar.grpc()));
        Self { sidecar, runtime, client, pairs: RefCell::default(), seen: RefCell::default() }
    }

    fn saw(&self, what: &'static str) {
        *self.seen.borrow_mut().entry(what).or_default() += 1;
    }

    /// Trace ids for a question over JSON and over gRPC.
    fn traces(&self) -> (String, String) {
        let number = self.pairs.borrow().len();
        (format!("a{number:031x}"), format!("b{number:031x}"))
    }

    fn over_json(&self, path: &str, body: &serde_json::Value, trace: &str) -> Reply {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .body(body.to_string().into_bytes())
            .unwrap();
        self.runtime.block_on(support::request(self.sidecar.address, request))
    }

    fn one(&self, question: &serde_json::Value) -> Result<(), TestCaseError> {
        let (json_trace, grpc_trace) = self.traces();
        let reply = self.over_json("/access/v1/evaluation", question, &json_trace);
        let request = traced(parts(question), &grpc_trace);
        let answer = self.runtime.block_on(self.client.borrow_mut().evaluate(request));
        match answer {
            Ok(answer) => {
                let answer = json_of_answer(answer.get_ref());
                prop_assert_eq!(reply.status, 200, "{} {}", reply.text(), question);
                let reply = without_record(reply.json());
                prop_assert_eq!(doubles(&reply), doubles(&answer), "{}", question);
                self.saw(if answer["decision"] == true { "allow" } else { "deny" });
            }
            Err(status) => self.refused(&reply, &status, question)?,
        }
        self.pairs.borrow_mut().push((json_trace, grpc_trace, question.clone()));
        Ok(())
    }

    fn refused(&self, reply: &Reply, status: &tonic::Status, asked: &serde_json::Value) -> Result<(), TestCaseError> {
        prop_assert_eq!(status.code(), code_of(reply.status.as_u16()), "{} {} {}", reply.text(), status, asked);
        if reply.status == 400 {
            prop_assert_eq!(reply.json(), status.message(), "{}", asked);
            self.saw("invalid");
        } else {
            self.saw("above a limit");
        }
        Ok(())
    }

    fn batch(&self, batch: &serde_json::Value) -> Result<(), TestCaseError> {
        let (json_trace, grpc_trace) = self.traces();
        let reply = self.over_json("/access/v1/evaluations", batch, &json_trace);
        let answer =
            self.runtime.block_on(self.client.borrow_mut().evaluate_batch(traced(support::batch(batch), &grpc_trace)));
        match answer {
            Ok(answer) => {
                prop_assert_eq!(reply.status, 200, "{} {}", reply.text(), batch);
                let answers: Vec<_> = answer.get_ref().evaluations.iter().map(json_of_answer).collect();
                let reply: Vec<_> =
                    reply.json()["evaluations"].as_array().unwrap().iter().cloned().map(without_record).collect();
                prop_assert_eq!(doubles(&json!(reply)), doubles(&json!(answers)), "{}", batch);
                self.saw("batch");
                if answers.iter().any(|answer| answer["context"].get("error").is_some()) {
                    self.saw("batch with a fault");
                }
                if answers.len() < batch["evaluations"].as_array().unwrap().len() {
                    self.saw("batch that stopped");
                }
            }
            Err(status) => self.refused(&reply, &status, batch)?,
        }
        self.pairs.borrow_mut().push((json_trace, grpc_trace, batch.clone()));
        Ok(())
    }

    /// Compares the records of all pairs.
    #[track_caller]
    fn check_records(&self) {
        let records: HashMap<_, _> = self
            .sidecar
            .records()
            .into_iter()
            .map(|record| (record["trace_id"].as_str().unwrap().to_owned(), record))
            .collect();
        for (json_trace, grpc_trace, asked) in self.pairs.borrow().iter() {
            let (one, other) = (records.get(json_trace), records.get(grpc_trace));
            assert_eq!(one.map(|record| &record["body"]), other.map(|record| &record["body"]), "{asked}");
            assert_eq!(one.map(|record| &record["status"]), other.map(|record| &record["status"]), "{asked}");
            assert_eq!(one.map(|record| &record["event_name"]), other.map(|record| &record["event_name"]), "{asked}");
        }
    }
}

fn traced<T>(message: T, trace: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let parent = format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap();
    request.metadata_mut().insert("traceparent", parent);
    request
}

#[test]
fn json_and_grpc_give_equal_decisions_and_records() {
    let both = Both::start();
    fixed(cases(60).cases)
        .run(&numbers(400), |numbers| {
            let mut tape = numbers.tape();
            for _ in 0..3 {
                both.one(&json_question(&mut tape))?;
            }
            let mut batch = if tape.below(2) == 0 { json!({}) } else { json_question(&mut tape) };
            let items: Vec<_> = (0..=tape.below(5))
                .map(|_| {
                    let mut item = json_question(&mut tape);
                    let parts = item.as_object_mut().unwrap();
                    tape.some(&["subject", "action", "resource", "context"])
                        .iter()
                        .for_each(|part| drop(parts.remove(*part)));
                    item
                })
                .collect();
            batch["evaluations"] = json!(items);
            let name =
                tape.pick(&[None, Some("execute_all"), Some("deny_on_first_deny"), Some("permit_on_first_permit")]);
            if let Some(name) = name {
                batch["options"] = json!({"evaluations_semantic": name});
            }
            both.batch(&batch)
        })
        .unwrap_or_else(|error| panic!("{error}"));
    both.check_records();
    let seen = both.seen.borrow();
    for kind in ["allow", "deny", "invalid", "above a limit", "batch", "batch with a fault", "batch that stopped"] {
        assert!(seen.get(kind).is_some_and(|n| *n > 2), "{kind}: {seen:?}");
    }
}

/// Protobuf cannot tell an empty text from none, so JSON does not either where a name must be.
#[test]
fn an_empty_name_is_a_missing_one_in_both_bindings() {
    let both = Both::start();
    for (part, name) in [("subject", "type"), ("action", "name"), ("resource", "type")] {
        let mut question = allowed();
        question[part][name] = "".into();
        both.one(&question).unwrap_or_else(|error| panic!("{error}"));
        both.batch(&json!({"evaluations": [question, allowed()]})).unwrap_or_else(|error| panic!("{error}"));
    }
    both.check_records();
}
