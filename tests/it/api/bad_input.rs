//! Bad input over both bindings: refused with a message that names the field, never an allow, and no record is left.

use crate::support::{
    BareChannel, Exposition, Reply, Sidecar, allowed, batch, copied_policies, folder, grpc_bytes, key, message, parts,
    request,
};
use hyper::Request;
use poort::api::pb::{self, evaluate_stream_response::Result as Outcome};
use prost::Message as _;
use prost_types::{Struct, value::Kind};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};
use tokio_stream::StreamExt as _;
use tonic::{Code, Request as GrpcRequest};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

/// A question that names nothing wrong: disclosing a registration, with every kind of value in it.
fn disclosure() -> Value {
    json!({
        "subject": {"type": "Officer", "id": "officer-0015"},
        "action": {"name": "disclose", "properties": {"automated": false}},
        "resource": {"type": "Registration", "id": "2026-000123", "properties": {
            "unit": "station-north-1", "first_processed": "2026-08-14T09:30:00Z", "level": 1,
            "subjects_are_staff": false, "removed": "2026-08-15T09:30:00Z", "shielded": false, "labels": ["urgent"], "price": "12.50"}},
        "context": {
            "purpose": "8", "location": "10.20.30.40", "legal_basis": "16",
            "recipient": {"organisation": "om", "id": "desk-7"}},
    })
}

/// The repository's policies, with a set and a decimal in the schema.
fn with_more_types(folder: &Path) -> std::path::PathBuf {
    let copy = copied_policies(folder);
    let schema = copy.join("schema.cedarschema");
    let text = fs::read_to_string(&schema).unwrap();
    let more = text.replace("kind?: String,", "kind?: String, labels?: Set<String>, price?: decimal,");
    assert_ne!(text, more);
    fs::write(schema, more).unwrap();
    copy
}

/// A change to a good question, by JSON pointer, and what is then said.
type Mistake = (&'static str, Value, &'static str);

/// Mistakes that JSON and protobuf can both make, and that both are told in the same words.
fn mistakes() -> Vec<Mistake> {
    let properties = "/resource/properties";
    let at = |name: &'static str| -> &'static str { Box::leak(format!("{properties}/{name}").into_boxed_str()) };
    let (unit, level, first) = (at("unit"), at("level"), at("first_processed"));
    let text = |text: &str| Value::from(text);
    vec![
        // Names.
        ("/subject/type", text("Oficer"), "subject.type: unknown type `Oficer`; did you mean `Officer`?"),
        ("/subject/type", text("politie::officer"), "did you mean `Politie::Officer`?"),
        ("/subject/type", text("Spaceship"), "subject.type: unknown type `Spaceship`; the policy schema declares none"),
        (
            "/resource/type",
            text("Registratie"),
            "resource.type: unknown type `Registratie`; did you mean `Registration`?",
        ),
        ("/action/name", text("disclse"), "action.name: unknown action `disclse`; did you mean `disclose`?"),
        ("/action/name", text("fly"), "action.name: unknown action `fly`"),
        ("/action/name", text("read"), "action.name: `read` is a group of actions"),
        (
            "/subject/type",
            text("Unit"),
            "subject.type: `Politie::Unit` cannot `disclose`; the schema allows that for `Politie::Officer`",
        ),
        ("/resource/type", text("Officer"), "resource.type: `disclose` is not for `Politie::Officer`"),
        // Values of another kind.
        (level, text("1"), "resource.properties.level: is a string; the schema wants a whole number"),
        (level, json!(true), "resource.properties.level: is a boolean"),
        (
            at("subjects_are_staff"),
            json!(0),
            "resource.properties.subjects_are_staff: is a number; the schema wants a boolean",
        ),
        (at("labels"), text("urgent"), "resource.properties.labels: is a string"),
        (at("labels"), json!(["urgent", 7]), "resource.properties.labels[1]: is a number; the schema wants a string"),
        (at("labels"), json!(["urgent", null]), "resource.properties.labels[1]: is null"),
        ("/context/purpose", json!(8), "context.purpose: is a number; the schema wants a string"),
        ("/context/recipient", text("om"), "context.recipient: is a string"),
        ("/context/recipient/id", json!([]), "context.recipient.id: is a list"),
        (
            "/action/properties/automated",
            text("no"),
            "action.properties.automated: is a string; the schema wants a boolean",
        ),
        // Numbers.
        (level, json!(1.5), "resource.properties.level: 1.5 is not a whole number"),
        // The greatest that the wire carries is read as it is; the schema lists less.
        (level, json!(9_007_199_254_740_991_u64), "level: is 9007199254740991; the schema allows 1 to 4"),
        (level, json!(9_007_199_254_740_992_u64), "resource.properties.level: 9007199254740992 is out of range"),
        (level, json!(-9_007_199_254_740_992_i64), "resource.properties.level: -9007199254740992 is out of range"),
        (level, json!(u64::MAX), "resource.properties.level: 18446744073709552000 is out of range"),
        (level, json!(1e300), "is out of range; a whole number lies between"),
        // What is not there.
        (level, Value::Null, "resource.properties.level: is missing; the schema requires a whole number"),
        ("/context/purpose", Value::Null, "context.purpose: is missing"),
        ("/context/recipient/organisation", Value::Null, "context.recipient.organisation: is missing"),
        // Dates, addresses, decimals.
        (first, text("yesterday"), "resource.properties.first_processed: `yesterday` is no datetime"),
        (first, text("2026-02-30"), "resource.properties.first_processed: `2026-02-30` is no datetime"),
        (first, json!(1_790_000_000), "resource.properties.first_processed: is a number"),
        (
            first,
            json!({"__extn": {"fn": "ip", "arg": "10.0.0.1"}}),
            "resource.properties.first_processed: is made by `ip`; the schema wants `datetime`",
        ),
        (first, json!({"__extn": {"fn": "datetime", "arg": 3}}), "resource.properties.first_processed: is an object"),
        ("/context/location", text("300.1.1.1"), "context.location: `300.1.1.1` is no ipaddr"),
        ("/context/location", text(""), "context.location: `` is no ipaddr"),
        (at("price"), text("12.345678"), "resource.properties.price: `12.345678` is no decimal"),
        (at("price"), json!(12.5), "resource.properties.price: is a number"),
        // Entities.
        (unit, json!(7), "resource.properties.unit: is a number"),
        (unit, json!(["station-north-1"]), "resource.properties.unit: is a list"),
        (unit, json!({"id": "station-north-1"}), "resource.properties.unit: is an object"),
        (
            unit,
            json!({"__entity": {"type": "Politie::Team", "id": "heron"}}),
            "resource.properties.unit: is an entity of type `Politie::Team`; the schema wants `Politie::Unit`",
        ),
        (unit, json!({"type": "Team", "id": "heron"}), "resource.properties.unit: is an entity of type `Team`"),
        (unit, json!({"__entity": "station-north-1"}), "resource.properties.unit: is an object"),
        (unit, text(""), "resource.properties.unit: is empty; give the id of the entity"),
        ("/subject/id", text(""), "subject.id: is empty; give the id of the entity"),
        ("/resource/id", text(""), "resource.id: is empty"),
        // What only poort says.
        ("/context/pdp", json!({"now": "2020-01-01"}), "context.pdp: is set by poort alone"),
        ("/context/pdp", Value::Null, "context.pdp: is set by poort alone"),
        ("/context/action", json!({"automated": true}), "context.action: is made of the properties of the action"),
        // Parts.
        ("/subject", Value::Null, "subject: is missing"),
        ("/action", Value::Null, "action: is missing"),
        ("/resource", Value::Null, "resource: is missing"),
    ]
}

fn changed(mut question: Value, pointer: &str, value: &Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    question.pointer_mut(parent).unwrap()[name] = value.clone();
    question
}

async fn http(sidecar: &Sidecar, question: &Value) -> Reply {
    sidecar.post(EVALUATION, question).await
}

#[track_caller]
fn check_refused(reply: &Reply, status: u16, says: &str) {
    assert_eq!(reply.status, status, "{says}: {}", reply.text());
    assert_eq!(reply.headers["content-type"], "application/json");
    let message = reply.json();
    assert!(message.as_str().is_some_and(|message| message.contains(says)), "{says}: {message}");
}

#[track_caller]
fn check_status(status: &tonic::Status, code: Code, says: &str) {
    assert_eq!(status.code(), code, "{says}: {status}");
    assert!(status.message().contains(says), "{says}: {status}");
}

#[track_caller]
fn check_no_record(sidecar: &Sidecar) {
    assert_eq!(sidecar.records(), [Value::Null; 0]);
}

async fn refused_as(sidecar: &Sidecar, reason: &str) -> f64 {
    Exposition::of(sidecar).await.value("poort_calls_refused_total", &format!("reason=\"{reason}\""))
}

#[tokio::test]
async fn every_mistake_is_told_by_its_field_in_every_call() {
    let folder = folder();
    let sidecar = Sidecar::builder().policies(with_more_types(folder.path())).start();
    let mut grpc = sidecar.grpc().await;
    let mut stream = Vec::new();
    let mut items = Vec::new();
    let mut told = Vec::new();
    for (pointer, value, says) in mistakes() {
        let question = changed(disclosure(), pointer, &value);
        let reply = http(&sidecar, &question).await;
        check_refused(&reply, 400, says);
        let status = grpc.evaluate(parts(&question)).await.unwrap_err();
        check_status(&status, Code::InvalidArgument, says);
        assert_eq!(reply.json(), status.message(), "{pointer} {value}");
        let id = told.len().to_string();
        stream.push(pb::EvaluateStreamRequest { id, evaluation: Some(parts(&question)), ..Default::default() });
        items.push(question);
        told.push(status.message().to_owned());
    }
    check_no_record(&sidecar);

    let answers = grpc.evaluate_stream(tokio_stream::iter(stream)).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
    assert_eq!(answers.len(), told.len());
    for answer in answers {
        let Some(Outcome::Error(error)) = answer.result else { panic!("an answer") };
        assert_eq!((error.code, &error.message), (3, &told[answer.id.parse::<usize>().unwrap()]));
    }
    check_no_record(&sidecar);

    // As an item of a batch a mistake denies that item; the batch is answered, and so has its record.
    let body = json!({"evaluations": items});
    let over_http = sidecar.post(EVALUATIONS, &body).await.json();
    let over_grpc = grpc.evaluate_batch(batch(&body)).await.unwrap().into_inner().evaluations;
    for (index, told) in told.iter().enumerate() {
        let answer = &over_http["evaluations"][index];
        assert_eq!(answer["decision"], false);
        let error = &answer["context"]["error"];
        assert_eq!(error["status"], 400);
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("evaluations[{index}].")), "{message}");
        assert!(message.contains(told.as_str()), "{told}: {message}");
        let item = &over_grpc[index];
        assert_eq!((item.decision, item.error.as_ref().unwrap().message.as_str()), (false, message));
    }
    assert_eq!(sidecar.records().len(), 2);
}

#[tokio::test]
async fn an_empty_name_is_told_alike_in_both_bindings() {
    let sidecar = Sidecar::builder().start();
    for (pointer, says) in [
        ("/subject/type", "subject.type: is missing"),
        ("/resource/type", "resource.type: is missing"),
        ("/action/name", "action.name: is missing"),
    ] {
        let question = changed(allowed(), pointer, &"".into());
        let status = sidecar.grpc().await.evaluate(parts(&question)).await.unwrap_err();
        check_status(&status, Code::InvalidArgument, says);
        check_refused(&http(&sidecar, &question).await, 400, says);
    }
    check_no_record(&sidecar);
}

#[tokio::test]
async fn a_call_without_a_decision_is_counted_by_reason() {
    let sidecar = Sidecar::builder().start();
    let mut grpc = sidecar.grpc().await;
    // What does not fit the schema, and what is no question at all.
    for question in [changed(allowed(), "/action/name", &"fly".into()), json!({})] {
        let before = refused_as(&sidecar, "invalid").await;
        assert_eq!(http(&sidecar, &question).await.status, 400);
        assert!(grpc.evaluate(parts(&question)).await.is_err());
        let asked = pb::EvaluateStreamRequest { evaluation: Some(parts(&question)), ..Default::default() };
        let answers = grpc.evaluate_stream(tokio_stream::iter([asked])).await.unwrap().into_inner();
        assert_eq!(answers.map(Result::unwrap).collect::<Vec<_>>().await.len(), 1);
        assert_eq!(refused_as(&sidecar, "invalid").await, before + 3.0, "{question}");
    }
    let before = refused_as(&sidecar, "invalid").await;
    assert_eq!(sidecar.post_bytes(EVALUATION, b"{".to_vec()).await.status, 400);
    assert_eq!(refused_as(&sidecar, "invalid").await, before + 1.0);
    let mut many = allowed();
    many["evaluations"] = vec![json!({}); 1001].into();
    assert_eq!(sidecar.post(EVALUATIONS, &many).await.status, 413);
    assert!(grpc.evaluate_batch(batch(&many)).await.is_err());
    assert_eq!(refused_as(&sidecar, "too_large").await, 2.0);
}

#[tokio::test]
async fn the_question_that_the_mistakes_are_made_in_is_answered() {
    let folder = folder();
    let sidecar = Sidecar::builder().policies(with_more_types(folder.path())).start();
    for question in [
        disclosure(),
        changed(disclosure(), "/resource/properties/level", &json!(1.0)),
        changed(disclosure(), "/resource/properties/unit", &json!({"__entity": {"type": "Politie::Unit", "id": "x"}})),
        changed(disclosure(), "/resource/properties/unit", &json!({"type": "Unit", "id": "x"})),
        changed(
            disclosure(),
            "/resource/properties/first_processed",
            &json!({"__extn": {"fn": "datetime", "arg": "2026-08-14"}}),
        ),
        changed(disclosure(), "/resource/properties/undeclared", &json!({"may": ["hold", 1e300]})),
        changed(disclosure(), "/subject/type", &json!("Politie::Officer")),
        changed(disclosure(), "/subject/type", &json!("https://politie.example/id-types/officer")),
        changed(disclosure(), "/later", &json!("unknown names are for later versions")),
    ] {
        let answer = sidecar.evaluate(&question).await;
        assert_eq!(answer["context"]["errors"], json!([]), "{question}");
        sidecar.grpc().await.evaluate(message(&question)).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_question_in_json_is_refused() {
    let sidecar = Sidecar::builder().start();
    let good = allowed().to_string();
    let replaced = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let id = r#""id":"officer-0007""#;
    let cases: Vec<(&str, String, &str)> = vec![
        (EVALUATION, String::new(), "the body is not JSON"),
        (EVALUATION, "{".to_owned(), "the body is not JSON"),
        (EVALUATION, format!("{good}}}"), "the body is not JSON: trailing"),
        (EVALUATION, format!("\u{feff}{good}"), "the body is not JSON"),
        (EVALUATION, good.replace('"', "'"), "the body is not JSON"),
        (EVALUATION, replaced("\"level\":3", "\"level\":NaN"), "the body is not JSON"),
        (EVALUATION, replaced("\"level\":3", "\"level\":1e400"), "the body is not JSON: number out of range"),
        (EVALUATION, replaced("\"level\":3", "\"level\":03"), "the body is not JSON"),
        (EVALUATION, replaced("officer-0007", "\\ud800"), "the body is not JSON"),
        (EVALUATION, replaced("officer-0007", "a\nb"), "the body is not JSON"),
        (
            EVALUATION,
            replaced(id, &format!(r#"{id},"id":"officer-0008""#)),
            "the name `id` is given twice in one object",
        ),
        (
            EVALUATION,
            replaced("\"level\":3", "\"level\":3,\"level\":1"),
            "the name `level` is given twice in one object",
        ),
        (EVALUATION, good.replacen('{', r#"{"context":{},"#, 1), "the name `context` is given twice in one object"),
        (EVALUATION, "[]".to_owned(), "body: is a list; it must be an object"),
        (EVALUATION, "\"question\"".to_owned(), "body: is a string"),
        (EVALUATION, "{}".to_owned(), "subject: is missing"),
        (EVALUATION, replaced(id, "\"id\":7"), "subject.id: is a number; it must be a string"),
        (EVALUATION, replaced(id, "\"id\":null"), "subject.id: is missing"),
        (EVALUATION, replaced("\"name\":\"consult\"", ""), "action.name: is missing"),
        (EVALUATION, replaced("{\"name\":\"consult\"}", "\"consult\""), "action: is a string; it must be an object"),
        (EVALUATION, replaced("{\"purpose\":\"9\"}", "[]"), "context: is a list; it must be an object"),
        (EVALUATIONS, "{\"evaluations\":{}}".to_owned(), "evaluations: is an object; it must be a list"),
        (EVALUATIONS, "{\"options\":7}".to_owned(), "options: is a number; it must be an object"),
        (
            EVALUATIONS,
            "{\"options\":{\"evaluations_semantic\":1}}".to_owned(),
            "options.evaluations_semantic: is a number",
        ),
        (EVALUATIONS, "{\"evaluations\":[{}],\"subject\":1}".to_owned(), "subject: is a number; it must be an object"),
    ];
    for (path, body, says) in cases {
        check_refused(&sidecar.post_bytes(path, body.into_bytes()).await, 400, says);
    }
    let mut bytes = good.into_bytes();
    let place = bytes.windows(7).position(|window| window == b"officer").unwrap();
    bytes[place] = 0xff;
    check_refused(&sidecar.post_bytes(EVALUATION, bytes).await, 400, "the body is not JSON");
    check_no_record(&sidecar);
}

#[tokio::test]
async fn only_json_is_taken_and_only_by_post() {
    let sidecar = Sidecar::builder().start();
    let send = async |method: &str, path: &str, kinds: &[&str]| {
        let mut head = Request::builder().method(method).uri(path).header("x-request-id", "odd-1");
        for kind in kinds {
            head = head.header("content-type", *kind);
        }
        request(sidecar.address, head.body(allowed().to_string().into_bytes()).unwrap()).await
    };
    for kinds in [&[][..], &["text/plain"], &["application/x-www-form-urlencoded"], &["application/json", "text/plain"]]
    {
        let reply = send("POST", EVALUATION, kinds).await;
        check_refused(&reply, 400, "Content-Type: must be application/json");
        assert_eq!(reply.headers["x-request-id"], "odd-1");
    }
    check_refused(&send("GET", EVALUATION, &["application/json"]).await, 405, "POST");
    check_refused(&send("PUT", EVALUATIONS, &["application/json"]).await, 405, "POST");
    check_refused(&send("POST", "/access/v1/evaluate", &["application/json"]).await, 404, EVALUATION);
    check_no_record(&sidecar);
    let kind = "Application/JSON; charset=utf-8";
    assert_eq!(send("POST", EVALUATION, &[kind]).await.status, 200);
    assert_eq!(sidecar.records().len(), 1);
}

#[tokio::test]
async fn what_is_no_message_in_protobuf_is_refused() {
    let sidecar = Sidecar::builder().start();
    let good = message(&allowed()).encode_to_vec();
    // Field 1, length 4: a subject whose field 1, of length 2, is no UTF-8.
    let bad_utf8 = vec![0x0a, 4, 0x0a, 2, 0xff, 0xfe];
    let cut_off = good[..good.len() - 1].to_vec();
    let wrong_wire_type = vec![0x08, 1];
    let no_field = vec![0x00];
    let calls = [
        (bad_utf8, "EvaluateRequest.subject: invalid string value"),
        (cut_off, ""),
        (wrong_wire_type, "subject"),
        (no_field, ""),
    ];
    let n_calls = calls.len();
    for (bytes, says) in calls {
        let status = grpc_bytes(&sidecar, "Evaluate", bytes.clone()).await.unwrap_err();
        check_status(&status, Code::InvalidArgument, says);
        let ended = sidecar.grpc().await.evaluate_batch(pb::EvaluateBatchRequest::default()).await;
        assert!(ended.is_ok(), "the server goes on");
    }
    assert_eq!(sidecar.records().len(), n_calls, "the batches alone");
    let status = grpc_bytes(&sidecar, "Evaluat", good).await.unwrap_err();
    check_status(&status, Code::Unimplemented, "");
}

#[tokio::test]
async fn numbers_that_json_does_not_have_are_refused() {
    let sidecar = Sidecar::builder().start();
    let mut grpc = sidecar.grpc().await;
    for (number, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        // Also where no policy looks: the record would not be JSON.
        for name in ["level", "undeclared"] {
            let mut question = message(&allowed());
            let fields = &mut question.resource.as_mut().unwrap().properties.as_mut().unwrap().fields;
            let value = prost_types::Value { kind: Some(Kind::NumberValue(number)) };
            fields.insert(name.to_owned(), value.clone());
            let status = grpc.evaluate(question.clone()).await.unwrap_err();
            let says = format!("resource.properties.{name}: {shown} is not a number that JSON has");
            check_status(&status, Code::InvalidArgument, &says);
            let inside = Struct { fields: [(name.to_owned(), value)].into() };
            question
                .context
                .as_mut()
                .unwrap()
                .fields
                .insert("deep".to_owned(), prost_types::Value { kind: Some(Kind::StructValue(inside)) });
            question.resource = message(&allowed()).resource;
            let status = grpc.evaluate(question).await.unwrap_err();
            check_status(&status, Code::InvalidArgument, &format!("context.deep.{name}: {shown}"));
        }
    }
    check_no_record(&sidecar);
}

/// The question with this many objects in each other, itself included.
fn nested(depth: usize) -> Value {
    let mut inner = json!({});
    for _ in 0..depth - 3 {
        inner = json!({"a": inner});
    }
    changed(allowed(), "/context/deep", &inner)
}

#[tokio::test]
async fn both_bindings_refuse_nesting_at_the_same_depth() {
    // What is nested is not declared, and would be refused for that.
    let sidecar = Sidecar::builder().variable("POORT_DECISIONS_UNDECLARED", "ignore").start();
    let mut grpc = sidecar.grpc().await;
    assert_eq!(http(&sidecar, &nested(16)).await.status, 200);
    assert!(grpc.evaluate(message(&nested(16))).await.is_ok());
    let mut batch_of = json!({"evaluations": [nested(14)]});
    assert_eq!(sidecar.post(EVALUATIONS, &batch_of).await.status, 200);
    assert!(grpc.evaluate_batch(batch(&batch_of)).await.is_ok());
    let answered = sidecar.records().len();
    assert_eq!(answered, 4);

    for depth in [17, 18, 40, 90] {
        check_refused(&http(&sidecar, &nested(depth)).await, 413, "lists and objects are nested more than 16 deep");
        let status = grpc.evaluate(message(&nested(depth))).await.unwrap_err();
        check_status(&status, Code::ResourceExhausted, "nested");
    }
    batch_of = json!({"evaluations": [nested(15)]});
    check_refused(&sidecar.post(EVALUATIONS, &batch_of).await, 413, "nested more than 16 deep");
    let status = grpc.evaluate_batch(batch(&batch_of)).await.unwrap_err();
    check_status(&status, Code::ResourceExhausted, "nested more than 16 deep");
    // Far deeper than any reader can go.
    let brackets = |count: usize| [vec![b'['; count], vec![b']'; count]].concat();
    check_refused(&sidecar.post_bytes(EVALUATION, brackets(100_000)).await, 413, "nested more than 16 deep");
    assert_eq!(sidecar.records().len(), answered);
}

/// A question of 5 MiB.
fn too_large() -> Value {
    changed(allowed(), "/context/justification", &"a".repeat(5 << 20).into())
}

#[tokio::test]
async fn a_too_large_body_is_refused_while_it_arrives() {
    let sidecar = Sidecar::builder().start();
    let body = too_large().to_string().into_bytes();
    for _ in 0..10 {
        let reply = sidecar.post_bytes(EVALUATION, body.clone()).await;
        check_refused(&reply, 413, "the body is larger than 4194304 bytes");
        let head = Request::post(EVALUATION).header("content-type", "application/json");
        let chunked = head.header("transfer-encoding", "chunked").body(body.clone()).unwrap();
        check_refused(&request(sidecar.address, chunked).await, 413, "the body is larger than 4194304 bytes");
    }
    check_no_record(&sidecar);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let sidecar = Sidecar::builder().start();
    let large = too_large();
    let mut grpc = sidecar.grpc().await;
    let status = grpc.evaluate(message(&large)).await.unwrap_err();
    check_status(&status, Code::ResourceExhausted, "too large");
    let question = pb::EvaluateStreamRequest { evaluation: Some(message(&large)), ..Default::default() };
    let mut stream = grpc.evaluate_stream(tokio_stream::iter([question])).await.unwrap().into_inner();
    check_status(&stream.message().await.unwrap_err(), Code::ResourceExhausted, "too large");

    for items in [1_001, 10_001] {
        let mut many = allowed();
        many["evaluations"] = vec![json!({}); items].into();
        let says = format!("evaluations: has {items} items; the limit is 1000");
        check_refused(&sidecar.post(EVALUATIONS, &many).await, 413, &says);
        let status = grpc.evaluate_batch(batch(&many)).await.unwrap_err();
        check_status(&status, Code::ResourceExhausted, &says);
    }
    check_no_record(&sidecar);
}

#[tokio::test]
async fn an_invalid_traceparent_begins_a_new_trace() {
    let sidecar = Sidecar::builder().start();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let bad = [
        "".to_owned(),
        "garbage".to_owned(),
        format!("00-{trace}-00f067aa0ba902b7"),
        format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
        format!("00-{trace}-0000000000000000-01"),
        format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        format!("ff-{trace}-00f067aa0ba902b7-01"),
        format!("00-{trace}-00f067aa0ba902b7-01-more"),
    ];
    for parent in &bad {
        let head = Request::post(EVALUATION).header("content-type", "application/json").header("traceparent", parent);
        let reply = request(sidecar.address, head.body(allowed().to_string().into_bytes()).unwrap()).await;
        assert_eq!(reply.status, 200, "{parent}");
        assert_ne!(reply.json()["context"]["record"]["trace_id"], trace, "{parent}");
        let mut question = GrpcRequest::new(message(&allowed()));
        question.metadata_mut().insert("traceparent", parent.parse().unwrap());
        let answer = sidecar.grpc().await.evaluate(question).await.unwrap().into_inner();
        assert_ne!(key(&answer).0, trace, "{parent}");
    }
    let records = sidecar.records();
    assert_eq!(records.len(), 2 * bad.len());
    let traces: BTreeSet<_> = records.iter().map(|record| record["trace_id"].as_str().unwrap()).collect();
    assert_eq!(traces.len(), records.len());
    for record in &records {
        assert_eq!(record.get("parent_span_id"), None);
        assert_eq!(record["attributes"].get("poort.trace.flags"), None);
    }
}

#[tokio::test]
async fn a_timeout_that_cannot_be_read_is_refused() {
    let sidecar = Sidecar::builder().start();
    let channel = BareChannel::to(&sidecar).await;
    for timeout in ["soon", "1", "S", "-1S", "1.5S", "123456789S", "1s", "1 S"] {
        let mut question = GrpcRequest::new(message(&allowed()));
        question.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        let status = channel.clone().client().evaluate(question).await.unwrap_err();
        check_status(&status, Code::InvalidArgument, "grpc-timeout: ");
        let mut questions = GrpcRequest::new(tokio_stream::empty());
        questions.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        let status = channel.clone().client().evaluate_stream(questions).await.unwrap_err();
        check_status(&status, Code::InvalidArgument, "grpc-timeout: ");
    }
    check_no_record(&sidecar);
}

#[tokio::test]
async fn claims_about_an_account_of_the_directory_change_nothing() {
    let sidecar = Sidecar::builder().start();
    let registration = json!({"type": "Registration", "id": "2026-000123", "properties":
        {"unit": "station-north-1", "first_processed": "2015-03-01", "level": 1, "subjects_are_staff": false}});
    let claims = json!({
        "active": true, "unit": "station-north-1", "placed_from": "2020-01-01", "level": 4,
        "organisation": "politie", "authorisations": ["bvh.consult", "bvh.erase", "bvh.write"], "tasks": ["8", "9"],
        "parents": [{"type": "Unit", "id": "station-north-1"}], "name": {"of": ["another", "type"]},
    });
    // Has left; has no authorisation; is of too low a level or of another unit; and one who may.
    for id in ["officer-0002", "officer-0004", "officer-0013", "officer-0015"] {
        let question = json!({"subject": {"type": "Officer", "id": id}, "action": {"name": "erase"},
            "resource": registration, "context": {"purpose": "8"}});
        let honest = sidecar.evaluate(&question).await;
        let claimed = sidecar.evaluate(&changed(question.clone(), "/subject/properties", &claims)).await;
        assert_eq!(honest["decision"], id == "officer-0015", "{honest}");
        for part in ["policies", "reason", "errors"] {
            assert_eq!(honest["context"][part], claimed["context"][part], "{id}");
        }
        assert_eq!(honest["decision"], claimed["decision"]);
        let over_grpc = message(&changed(question, "/subject/properties", &claims));
        assert_eq!(sidecar.grpc().await.evaluate(over_grpc).await.unwrap().into_inner().decision, id == "officer-0015");
    }
    // They are in the record, as they were asked.
    let last = sidecar.records().pop().unwrap();
    assert_eq!(last["body"]["adl.core.request"]["subject"]["properties"], claims);
}

/// Policies that permit everyone everything, and a directory that knows one account and one door.
fn open_doors(folder: &Path) -> std::path::PathBuf {
    let policies = folder.join("policies");
    fs::create_dir_all(policies.join("directory")).unwrap();
    let schema = "entity Account { name: String };\nentity Door;\n\
                  action open appliesTo { principal: [Account], resource: [Door], context: {} };\n";
    fs::write(policies.join("schema.cedarschema"), schema).unwrap();
    let policy = "@id(\"open\")\n@title(\"Everyone may open every door.\")\npermit (principal, action, resource);\n";
    fs::write(policies.join("open.cedar"), policy).unwrap();
    let directory = json!([
        {"uid": {"type": "Account", "id": "known"}, "parents": [], "attrs": {"name": "K. Nown"}},
        {"uid": {"type": "Door", "id": "known"}, "parents": [], "attrs": {}},
    ]);
    fs::write(policies.join("directory/all.json"), directory.to_string()).unwrap();
    policies
}

fn opening(account: &str, door: &str) -> Value {
    json!({"subject": {"type": "Account", "id": account}, "action": {"name": "open"},
        "resource": {"type": "Door", "id": door}})
}

#[tokio::test]
async fn who_or_what_the_directory_does_not_know_is_denied() {
    let folder = folder();
    let sidecar = Sidecar::builder().policies(open_doors(folder.path())).start();
    let cases = [
        ("known", "known", "Allowed: Everyone may open every door."),
        ("stranger", "known", "Denied: the directory does not know the subject Account::\"stranger\"."),
        ("known", "elsewhere", "Denied: the directory does not know the resource Door::\"elsewhere\"."),
        ("stranger", "elsewhere", "Denied: the directory does not know the subject Account::\"stranger\"."),
    ];
    for (account, door, reason) in cases {
        let question = opening(account, door);
        let answer = sidecar.evaluate(&question).await;
        let allowed = (account, door) == ("known", "known");
        assert_eq!((&answer["decision"], &answer["context"]["reason"]), (&allowed.into(), &reason.into()));
        let answer = sidecar.grpc().await.evaluate(message(&question)).await.unwrap().into_inner();
        assert_eq!((answer.decision, answer.reason.as_str()), (allowed, reason));
    }
    assert_eq!(sidecar.records().len(), 2 * cases.len());
}

#[tokio::test]
async fn configuration_can_have_unknown_entities_evaluated() {
    let folder = folder();
    let config = "[directory]\nunknown = \"evaluate\"\n";
    let sidecar = Sidecar::builder().policies(open_doors(folder.path())).config(config).start();
    assert_eq!(sidecar.evaluate(&opening("stranger", "elsewhere")).await["decision"], true);
    // Where a policy needs what nobody knows, it cannot be evaluated, and nothing is allowed.
    let sidecar = Sidecar::builder().config(config).start();
    let answer = sidecar.evaluate(&changed(allowed(), "/subject/id", &"officer-9999".into())).await;
    assert_eq!(answer["decision"], false);
    assert!(!answer["context"]["errors"].as_array().unwrap().is_empty(), "{answer}");
    let record = sidecar.records().pop().unwrap();
    assert_eq!(
        (&record["status"], &record["attributes"]["poort.outcome"]),
        (&json!("Error"), &json!("evaluation_error"))
    );
}

#[tokio::test]
async fn configuration_can_have_unknown_records_alone_evaluated() {
    let folder = folder();
    let config = "[directory]\nunknown = \"evaluate-resources\"\n";
    let sidecar = Sidecar::builder().policies(open_doors(folder.path())).config(config).start();
    // In either order: an answer from the cache is that of its own question.
    for _ in 0..2 {
        let answer = sidecar.evaluate(&opening("stranger", "elsewhere")).await;
        assert_eq!(answer["decision"], false);
        assert!(answer["context"]["reason"].as_str().unwrap().contains("stranger"), "{answer}");
        assert_eq!(sidecar.evaluate(&opening("known", "elsewhere")).await["decision"], true);
    }
}

#[tokio::test]
async fn every_answer_beyond_the_limit_has_its_record() {
    let sidecar = Sidecar::builder().config("[limits]\nconcurrent = 1\nbatch = 1\n").start();
    let grpc = sidecar.grpc().await;
    let over_grpc = (0..64).map(|_| {
        let mut grpc = grpc.clone();
        async move { grpc.evaluate(message(&allowed())).await }
    });
    let question = allowed();
    let over_http = (0..64).map(|_| sidecar.post(EVALUATION, &question));
    let (over_grpc, over_http) =
        tokio::join!(futures_util::future::join_all(over_grpc), futures_util::future::join_all(over_http));
    let mut answered = BTreeSet::new();
    let mut busy = 0;
    for reply in over_grpc {
        match reply {
            Ok(answer) => {
                let answer = answer.into_inner();
                assert!(answer.decision);
                assert!(answered.insert(key(&answer)));
            }
            Err(status) => {
                check_status(&status, Code::ResourceExhausted, "too many questions are under way");
                busy += 1;
            }
        }
    }
    for reply in over_http {
        if reply.status == 200 {
            let record = &reply.json()["context"]["record"];
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            assert!(answered.insert((text("trace_id"), text("span_id"))));
        } else {
            check_refused(&reply, 429, "too many questions are under way");
            assert_eq!(reply.headers["retry-after"], "1");
            busy += 1;
        }
    }
    let records = sidecar.records();
    let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let recorded: BTreeSet<_> =
        records.iter().map(|record| (text(record, "trace_id"), text(record, "span_id"))).collect();
    assert_eq!((records.len(), recorded), (answered.len(), answered));
    assert_eq!(refused_as(&sidecar, "busy").await, f64::from(busy));
    // A batch of two can never be answered here, and is told so.
    let two = json!({"evaluations": [allowed(), allowed()]});
    check_refused(&sidecar.post(EVALUATIONS, &two).await, 413, "evaluations: has 2 items; the limit is 1");
}
