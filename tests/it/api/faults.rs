//! What a program learns of a call that has no answer: every mistake at once, why, and whether to ask again.

use crate::support::{Reply, Sidecar, allowed, batch, parts, request};
use http::{Method, Request};
use poort::api::pb::{self, evaluate_stream_response::Result as Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio_stream::StreamExt as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const EVALUATION: &str = "/access/v1/evaluation";

/// Changes to a good question that do not hide each other, and the path of each.
fn changes() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/subject/id", json!(""), "subject.id"),
        ("/resource/id", json!(""), "resource.id"),
        ("/resource/properties/unit", json!(""), "resource.properties.unit"),
        ("/resource/properties/team", Value::Null, "resource.properties.team"),
        ("/resource/properties/level", json!("1"), "resource.properties.level"),
        ("/resource/properties/embargo", json!(0), "resource.properties.embargo"),
        ("/context/purpose", json!("nine"), "context.purpose"),
        ("/context/pdp", json!({}), "context.pdp"),
    ]
}

async fn problem(sidecar: &Sidecar, question: &Value) -> Reply {
    let asked = Request::post(EVALUATION)
        .header("content-type", "application/json")
        .header("accept", "application/json;q=0.5, application/problem+json")
        .body(question.to_string().into_bytes());
    request(sidecar.address, asked.unwrap()).await
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status}"));
    assert_eq!(info.domain, "poort");
    info.reason.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mistakes_of_a_question_are_told_at_once() {
    let sidecar = Sidecar::builder().start();
    let mut grpc = sidecar.grpc().await;
    let changes = changes();
    for chosen in 1_u32..1 << changes.len() {
        let mut question = allowed();
        let mut made = BTreeSet::new();
        for (number, (pointer, value, path)) in changes.iter().enumerate() {
            if chosen & 1 << number != 0 {
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                question.pointer_mut(parent).unwrap()[name] = value.clone();
                made.insert((*path).to_owned());
            }
        }
        let reply = problem(&sidecar, &question).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["content-type"]),
            (400, &"application/problem+json".parse().unwrap())
        );
        let problem = reply.json();
        assert_eq!((&problem["status"], &problem["reason"]), (&json!(400), &json!("INVALID_QUESTION")));
        let told: BTreeSet<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["path"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told, made, "{problem}");

        let status = grpc.evaluate(parts(&question)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_QUESTION"));
        assert_eq!(status.message(), problem["detail"]);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        let told: BTreeSet<_> = violations.iter().map(|violation| violation.field.clone()).collect();
        assert_eq!(told, made);
    }
    // A caller that asks for no problem gets the string that AuthZEN has.
    let mut question = allowed();
    question["subject"]["id"] = json!("");
    question["context"]["purpose"] = json!("nine");
    let reply = sidecar.post(EVALUATION, &question).await;
    assert_eq!(reply.headers["content-type"], "application/json");
    let text = reply.json();
    let text = text.as_str().unwrap();
    assert!(text.contains("subject.id: is empty") && text.contains("; context.purpose: is `nine`"), "{text}");
    assert!(sidecar.records().is_empty());
}

#[tokio::test]
async fn names_that_do_not_fit_are_told_together() {
    let sidecar = Sidecar::builder().start();
    let mut question = allowed();
    question["subject"]["type"] = json!("Oficer");
    question["action"]["name"] = json!("consul");
    question["resource"]["type"] = json!("Investigaton");
    let text = sidecar.post(EVALUATION, &question).await.json();
    for meant in ["did you mean `Officer`", "did you mean `consult`", "did you mean `Investigation`"] {
        assert!(text.as_str().unwrap().contains(meant), "{text}");
    }
}

#[tokio::test]
async fn mistakes_beyond_a_handful_are_counted() {
    let sidecar = Sidecar::builder().start();
    let mut question = allowed();
    question["action"]["name"] = json!("disclose");
    question["resource"] = json!({"type": "Registration", "id": ""});
    question["subject"]["id"] = json!("");
    question["context"] =
        json!({"purpose": 8, "location": 1, "recipient": 2, "legal_basis": 3, "justification": 4, "pdp": 5});
    let problem = problem(&sidecar, &question).await.json();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 8);
    assert!(problem["detail"].as_str().unwrap().contains("; and "), "{problem}");
}

#[tokio::test]
async fn a_misspelt_required_attribute_is_named() {
    let sidecar = Sidecar::builder().start();
    let mut question = allowed();
    let properties = question["resource"]["properties"].as_object_mut().unwrap();
    let level = properties.remove("level").unwrap();
    properties.insert("Level".to_owned(), level);
    let text = sidecar.post(EVALUATION, &question).await.json();
    let says = "resource.properties.level: is missing; the schema requires a whole number; `Level` is not declared, is it that?";
    assert!(text.as_str().unwrap().contains(says), "{text}");
}

/// What is busy can be asked again (`availability::one_connection_takes_at_most_its_share`), what is too large never.
#[tokio::test]
async fn what_is_too_large_says_so_to_programs() {
    let sidecar = Sidecar::builder().config("[limits]\nbatch = 2\nmessage = \"64KiB\"\n").start();
    let mut grpc = sidecar.grpc().await;
    let mut three = allowed();
    three["evaluations"] = vec![json!({}); 3].into();
    let mut large = allowed();
    large["context"]["justification"] = "x".repeat(70_000).into();
    for status in
        [grpc.evaluate_batch(batch(&three)).await.unwrap_err(), grpc.evaluate(parts(&large)).await.unwrap_err()]
    {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "TOO_LARGE"), "{status}");
        assert!(status.get_error_details().retry_info().is_none(), "{status}");
    }
    let reply = sidecar.post("/access/v1/evaluations", &three).await;
    assert_eq!((reply.status.as_u16(), reply.headers.contains_key("retry-after")), (413, false));
    assert_eq!(problem(&sidecar, &large).await.json()["reason"], "TOO_LARGE");
}

#[tokio::test]
async fn a_question_of_a_stream_is_told_what_a_call_is() {
    let sidecar = Sidecar::builder().start();
    let mut question = allowed();
    question["subject"]["id"] = json!("");
    let asked = pb::EvaluateStreamRequest { evaluation: Some(parts(&question)), ..Default::default() };
    let mut answers = sidecar.grpc().await.evaluate_stream(tokio_stream::iter([asked])).await.unwrap().into_inner();
    let Some(Outcome::Error(error)) = answers.next().await.unwrap().unwrap().result else { panic!("an answer") };
    let alone = sidecar.grpc().await.evaluate(parts(&question)).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (alone.code() as i32, alone.message()));
    let kinds: Vec<_> = error.details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert_eq!(kinds, ["type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.BadRequest"]);
}

/// A gateway could take 200 without a body for a yes.
#[tokio::test]
async fn what_is_no_grpc_on_a_path_of_grpc_is_refused() {
    let sidecar = Sidecar::builder().start();
    for path in [
        "/poort.v1.AccessEvaluation/Evaluate",
        "/poort.v1.AccessEvaluation/Guess",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        for kind in [
            "application/json",
            "application/proto",
            "application/grpc-web+proto",
            "application/grpc+json",
            "text/plain",
        ] {
            for method in [Method::POST, Method::GET] {
                let asked = Request::builder().method(method).uri(path).header("content-type", kind);
                let reply = request(sidecar.address, asked.body(allowed().to_string().into_bytes()).unwrap()).await;
                assert_eq!(reply.status.as_u16(), 415, "{path} {kind}");
                assert!(reply.json().as_str().unwrap().contains("/access/v1/evaluation"), "{}", reply.text());
            }
        }
    }
    assert!(sidecar.records().is_empty());
}

/// Datetimes as Java, .NET, Go, Python, JavaScript and protobuf write them.
#[tokio::test]
async fn a_datetime_is_taken_as_standard_libraries_write_it() {
    let sidecar = Sidecar::builder().start();
    let question = |written: &str| {
        json!({
            "subject": {"type": "Officer", "id": "officer-0001"}, "action": {"name": "consult"},
            "resource": {"type": "Registration", "id": "r", "properties": {
                "unit": "station-north-1", "first_processed": written, "level": 1, "subjects_are_staff": false}},
            "context": {"purpose": "8", "justification": "x"},
        })
    };
    let written = [
        "2026-10-01T12:00:00Z",
        "2026-10-01T12:00:00.123Z",
        "2026-10-01T14:00:00+02:00",
        "2026-10-01T12:00:00+00:00",
        "2026-10-01T12:00:00.123456Z",
        "2026-10-01T12:00:00.1Z",
        "2026-10-01T12:00:00.1234567Z",
        "2026-10-01T14:00:00.123456789+02:00",
    ];
    for text in written {
        assert_eq!(sidecar.evaluate(&question(text)).await["decision"], true, "{text}");
        assert!(sidecar.grpc().await.evaluate(parts(&question(text))).await.unwrap().into_inner().decision, "{text}");
    }
    let records = sidecar.records();
    let recorded = records[2 * (written.len() - 1)].to_string();
    assert!(recorded.contains(written[7]), "as it was sent: {recorded}");
    // The last nanosecond of a day, not the next day.
    let aged = |text| question(text);
    let late = sidecar.evaluate(&aged("2021-01-01T00:00:00.000000001+14:00")).await;
    let earlier = sidecar.evaluate(&aged("2020-12-31T10:00:00Z")).await;
    assert_eq!(late["decision"], earlier["decision"]);
}

#[tokio::test]
async fn a_reference_that_the_directory_lacks_is_named() {
    let sidecar = Sidecar::builder().start();
    let question = |unit: &str| {
        json!({
            "subject": {"type": "Officer", "id": "officer-0001"}, "action": {"name": "consult"},
            "resource": {"type": "Registration", "id": "r", "properties": {
                "unit": unit, "first_processed": "2026-10-01", "level": 1, "subjects_are_staff": false}},
            "context": {"purpose": "8"},
        })
    };
    assert_eq!(sidecar.evaluate(&question("station-north-1")).await["context"].get("unknown"), None);
    let long = "x".repeat(5_000);
    for (unit, nearest) in [("station-nord-1", Some("station-north-1")), ("qqqqqqqqqqqq", None), (&long, None)] {
        // The second answer is found in the cache.
        for _ in 0..2 {
            let answer = sidecar.evaluate(&question(unit)).await;
            assert_eq!(answer["decision"], false);
            let unknown = &answer["context"]["unknown"][0];
            assert_eq!(unknown["path"], "resource.properties.unit");
            assert_eq!(unknown["type"], "Politie::Unit");
            assert_eq!(unknown.get("nearest").and_then(Value::as_str), nearest);
            assert!(unit.starts_with(unknown["id"].as_str().unwrap().trim_end_matches('…')), "{unknown}");
            let reason = answer["context"]["reason"].as_str().unwrap();
            let says = nearest.map_or(".".to_owned(), |nearest| format!("; did you mean `{nearest}`?"));
            assert!(reason.ends_with(&format!("of resource.properties.unit{says}")), "{reason}");
            assert!(answer.to_string().len() < 3_000);
        }
    }
    // Where a record conceals something, it has the place alone.
    let record = &sidecar.records()[1];
    assert_eq!(record["attributes"]["poort.log.concealed"][0], "/adl.core.response/context/unknown/0/id");
    let context = &record["body"]["adl.core.response"]["context"];
    assert_eq!(context["unknown"], json!([{"path": "resource.properties.unit", "type": "Politie::Unit"}]));
    assert!(!context.to_string().contains("station-nord-1"), "{context}");
}
