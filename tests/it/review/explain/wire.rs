//! Explanations over the wire: off by default, alike in both bindings, and with nothing that the schema keeps from records.

use super::{files, question};
use crate::support::{Sidecar, batch, folder, message};
use poort::api::pb;
use serde_json::{Value, json};

const ALLOWED: &str = "[answers]\nexplain = true\n";

fn asking(subject: &str) -> Value {
    let mut question = question(subject);
    question["explain"] = true.into();
    question
}

#[tokio::test]
async fn no_caller_is_told_why_by_default() {
    let folder = folder();
    let sidecar = Sidecar::builder().policies(files(folder.path())).start();
    let answer = sidecar.evaluate(&asking("low")).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"].get("explanation"), None);
    let answer = sidecar.grpc().await.evaluate(message(&asking("low"))).await.unwrap().into_inner();
    assert_eq!(answer.explanation, None);
}

#[tokio::test]
async fn both_bindings_tell_the_failing_condition_to_who_asks() {
    let folder = folder();
    let sidecar = Sidecar::builder().policies(files(folder.path())).config(ALLOWED).start();
    assert_eq!(sidecar.evaluate(&question("low")).await["context"].get("explanation"), None, "nobody asked");
    let answer = sidecar.evaluate(&asking("low")).await;
    let told = &answer["context"]["explanation"]["policies"];
    assert_eq!(told[0]["id"], "files.gate");
    let expected = json!({
        "clause": "unless", "condition": "resource.level <= principal.authorised.level", "met": false,
        "place": "files.cedar:6", "values": [
            {"expression": "resource.level", "value": "2"},
            {"expression": "principal.authorised.level", "value": "1"},
        ],
    });
    assert_eq!(told[0]["conditions"], json!([expected]));
    let mut grpc = sidecar.grpc().await;
    let explanation = grpc.evaluate(message(&asking("low"))).await.unwrap().into_inner().explanation.unwrap();
    let condition = &explanation.policies[0].conditions[0];
    assert_eq!(
        (condition.clause.as_str(), condition.met, condition.place.as_str()),
        ("unless", false, "files.cedar:6")
    );
    assert_eq!(
        condition.values[1],
        pb::ComparedValue { expression: "principal.authorised.level".into(), value: "1".into() }
    );
    let body = json!({"explain": true, "evaluations": [question("none"), question("nobody"), {"action": {"name": "read"}}, question("self")]});
    let several = sidecar.post("/access/v1/evaluations", &body).await.json();
    let several = several["evaluations"].as_array().unwrap().clone();
    let first = |answer: &Value| answer["context"]["explanation"]["policies"][0]["conditions"][0]["condition"].clone();
    assert_eq!(first(&several[0]), "principal has authorised");
    assert_eq!(first(&several[3]), "principal.authorised.approved_by != principal");
    assert_eq!(several[1]["context"]["explanation"], json!({"others": 0, "policies": []}));
    let over_grpc = grpc.evaluate_batch(batch(&body)).await.unwrap().into_inner().evaluations;
    let first = |answer: &pb::EvaluateResponse| {
        answer.explanation.as_ref().unwrap().policies[0].conditions[0].condition.clone()
    };
    assert_eq!(first(&over_grpc[3]), "principal.authorised.approved_by != principal");
    // The record has the answer, and no explanation.
    for record in sidecar.records() {
        assert!(!record.to_string().contains("explanation"), "{record}");
    }
}

#[tokio::test]
async fn a_minimal_answer_has_no_explanation() {
    let folder = folder();
    let config = format!("{ALLOWED}context = \"none\"\n");
    let sidecar = Sidecar::builder().policies(files(folder.path())).config(&config).start();
    assert_eq!(sidecar.evaluate(&asking("low")).await, json!({"decision": false}));
}

#[tokio::test]
async fn what_records_conceal_explanations_conceal() {
    let folder = folder();
    let policies = files(folder.path());
    let schema = super::SCHEMA
        .replace("active: Bool", "active: Bool, @log(\"pseudonym\") passport?: String, pin_token?: String");
    std::fs::write(folder.path().join("policies/schema.cedarschema"), schema).unwrap();
    let permit = "@id(\"p\") permit (principal, action, resource) when { principal has passport && principal has pin_token && \
                  principal.pin_token == \"t0p-secret\" && principal.passport == \"NL0000001\" && resource.level == 1 };\n\
                  @id(\"q\") permit (principal, action, resource) when { resource has note && resource.note == \"x\" };";
    std::fs::write(folder.path().join("policies/files.cedar"), permit).unwrap();
    let directory = super::DIRECTORY
        .replace("\"active\": true", "\"active\": true, \"passport\": \"NL7654321\", \"pin_token\": \"hidden-4711\"");
    std::fs::write(folder.path().join("policies/directory/all.json"), directory).unwrap();
    let sidecar = Sidecar::builder().policies(policies).config(ALLOWED).start();
    let mut asked = asking("low");
    asked["resource"]["properties"]["note"] = "a private note".into();
    let answer = sidecar.evaluate(&asked).await;
    let told = answer["context"]["explanation"].to_string();
    assert_eq!(answer["context"]["explanation"]["policies"].as_array().unwrap().len(), 2, "{told}");
    for hidden in ["NL7654321", "hidden-4711", "a private note"] {
        assert!(!told.contains(hidden), "{told}");
    }
    assert!(told.contains("(concealed)"), "{told}");
    let over_grpc = sidecar.grpc().await.evaluate(message(&asked)).await.unwrap().into_inner();
    let told = format!("{:?}", over_grpc.explanation);
    assert!(told.contains("(concealed)") && !told.contains("hidden-4711") && !told.contains("private"), "{told}");
}
