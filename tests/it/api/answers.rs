//! What a question gets: the repository's own policies, both bindings, and the record that is left.

use crate::support::{self, Reply, Sidecar, allowed, copied_policies, denied, folder, parts, run_with_input};
use hyper::Request;
use poort::api::pb;
use serde_json::{Value, json};

#[tokio::test]
async fn an_answer_names_its_policies_its_revisions_and_its_record() {
    let sidecar = Sidecar::builder().start();
    let answer = sidecar.evaluate(&allowed()).await;
    assert_eq!(answer["decision"], true);
    let context = &answer["context"];
    assert_eq!(context["policies"][0]["id"], "summit.team");
    assert!(context["policies"][0]["title"].as_str().unwrap().ends_with('.'));
    assert!(context["revision"].as_str().unwrap().starts_with("sha256:"));
    let records = sidecar.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["trace_id"], context["record"]["trace_id"]);
    assert_eq!(records[0]["span_id"], context["record"]["span_id"]);
    assert_eq!(records[0]["status"], "Unset");
    assert_eq!(records[0]["body"]["adl.core.request"], allowed());
}

#[tokio::test]
async fn a_deny_is_recorded_without_an_error() {
    let sidecar = Sidecar::builder().start();
    let answer = sidecar.evaluate(&denied()).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"]["reason"], "Denied: no policy permits this.");
    assert_eq!(sidecar.records()[0]["status"], "Unset");
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn the_longest_policy_that_is_taken_is_evaluated() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let permit = |conditions: String| {
        format!(
            "@id(\"long\")\npermit (principal, action, resource is Politie::Investigation) when {{ {conditions} }};\n"
        )
    };
    // `(`, `{` and `::` take a few of what is allowed.
    let sum = permit(format!("{}1 == 281", "1 + ".repeat(280)));
    std::fs::write(policies.join("long.cedar"), sum).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).start();
    let answer = sidecar.evaluate(&denied()).await;
    assert_eq!((&answer["decision"], &answer["context"]["errors"]), (&true.into(), &serde_json::json!([])), "{answer}");
    let arguments = ["evaluate".as_ref(), "--explain".as_ref(), "--policies".as_ref(), policies.as_os_str()];
    let output = run_with_input(arguments, denied().to_string().as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    std::fs::write(policies.join("long.cedar"), permit(format!("{}1 == 401", "1 + ".repeat(400)))).unwrap();
    let output = support::run(["validate".as_ref(), policies.as_os_str()]);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("policy::too-deep") && told.contains("long.cedar:2:"), "{told}");
}

/// A question that is allowed with an obligation.
fn disclosure() -> Value {
    json!({
        "subject": {"type": "Officer", "id": "officer-0015"},
        "action": {"name": "disclose", "properties": {"automated": false}},
        "resource": {"type": "Registration", "id": "2026-000123", "properties": {"unit": "station-north-1",
            "first_processed": "2026-08-14T09:30:00Z", "level": 1, "subjects_are_staff": false, "shielded": false}},
        "context": {"purpose": "8", "legal_basis": "16", "recipient": {"organisation": "om", "id": "desk-7"}},
    })
}

/// An answer without what a caller need not know: what it must do stays.
fn minimal(answer: &Value) -> Value {
    let context = &answer["context"];
    let mut kept = json!({"decision": answer["decision"]});
    if context["obligations"].as_array().is_some_and(|obligations| !obligations.is_empty()) {
        kept["context"] = json!({"obligations": context["obligations"]});
    }
    if context["error"].is_object() {
        kept["context"] = json!({"error": context["error"]});
    }
    kept
}

async fn preferring(sidecar: &Sidecar, path: &str, question: &Value, preference: &str) -> Reply {
    let request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
    let request = request.header("prefer", preference).body(question.to_string().into_bytes()).unwrap();
    let reply = support::request(sidecar.address, request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.headers["preference-applied"], preference);
    reply
}

#[tokio::test]
async fn a_minimal_answer_keeps_obligations_and_faults() {
    const ONE: &str = "/access/v1/evaluation";
    const SEVERAL: &str = "/access/v1/evaluations";
    let full = Sidecar::builder().start();
    let none = Sidecar::builder().config("[answers]\ncontext = \"none\"\n").start();
    let mut typo = denied();
    typo["action"]["name"] = "cnsult".into();
    let questions = [allowed(), denied(), disclosure(), typo];
    let batch = json!({"evaluations": questions});
    let answers = full.post(SEVERAL, &batch).await.json();
    let answers = answers["evaluations"].as_array().unwrap();
    let decisions: Vec<_> = answers.iter().map(|answer| answer["decision"].as_bool().unwrap()).collect();
    assert_eq!(decisions, [true, false, true, false]);
    assert_eq!(answers[2]["context"]["obligations"][0]["id"], "bvh.disclose");
    assert_eq!(answers[3]["context"]["error"]["status"], 400);
    let expected = json!({"evaluations": answers.iter().map(minimal).collect::<Vec<_>>()});
    assert_eq!(none.post(SEVERAL, &batch).await.json(), expected);
    assert_eq!(preferring(&full, SEVERAL, &batch, "return=minimal").await.json(), expected);
    let asked = preferring(&none, SEVERAL, &batch, "return=representation").await.json();
    assert!(asked["evaluations"][0]["context"]["record"].is_object());

    for (question, answer) in questions.iter().zip(answers).take(3) {
        let expected = minimal(answer);
        assert_eq!(none.post(ONE, question).await.json(), expected);
        assert_eq!(preferring(&full, ONE, question, "return=minimal").await.json(), expected);
        // Over gRPC the same is left out.
        let by_configuration = none.grpc().await.evaluate(parts(question)).await.unwrap().into_inner();
        let mut request = tonic::Request::new(parts(question));
        request.metadata_mut().insert("prefer", "return=minimal".parse().unwrap());
        let by_preference = full.grpc().await.evaluate(request).await.unwrap().into_inner();
        for answer in [by_configuration, by_preference] {
            let pb::EvaluateResponse { decision, obligations, .. } = answer.clone();
            let kept = pb::EvaluateResponse { decision, obligations, ..Default::default() };
            assert_eq!(answer, kept);
            assert_eq!(decision, expected["decision"]);
            let ids: Vec<_> = answer.obligations.iter().map(|obligation| obligation.id.as_str()).collect();
            let expected = expected["context"]["obligations"].as_array().map_or(&[][..], Vec::as_slice);
            assert_eq!(ids, expected.iter().map(|it| it["id"].as_str().unwrap()).collect::<Vec<_>>());
        }
    }
    let mut grpc = full.grpc().await;
    let mut request = tonic::Request::new(support::batch(&batch));
    request.metadata_mut().insert("prefer", "return=minimal".parse().unwrap());
    let items = grpc.evaluate_batch(request).await.unwrap().into_inner().evaluations;
    assert!(items.iter().all(|item| item.record.is_none() && item.reason.is_empty()));
    assert_eq!(items[3].error.as_ref().unwrap().status, 400);
    let message = pb::EvaluateStreamRequest { evaluation: Some(parts(&disclosure())), ..Default::default() };
    let mut request = tonic::Request::new(tokio_stream::iter([message]));
    request.metadata_mut().insert("prefer", "return=minimal".parse().unwrap());
    let streamed = grpc.evaluate_stream(request).await.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(pb::evaluate_stream_response::Result::Evaluation(answer)) = streamed.result else { panic!("an error") };
    assert!(answer.record.is_none() && answer.obligations.len() == 1);
    // The records are whole.
    assert_eq!(
        full.records().last().unwrap()["body"]["adl.core.response"]["context"]["policies"][0]["id"],
        "bvh.disclose"
    );
}
