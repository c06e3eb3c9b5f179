//! What answers and records name of a subject (`@recorded`): the profile of an account, with the version that the directory
//! has.

use crate::support::{Sidecar, batch, check, copied_policies, denied, folder, parts, run, run_with_input, until};
use serde_json::{Value, json};
use std::fs;

const EVALUATION: &str = "/access/v1/evaluation";

/// About an account with a profile (officer-0008), and about one without (officer-0007).
fn questions() -> (Value, Value) {
    (denied(), crate::support::allowed())
}

#[tokio::test]
async fn every_binding_names_the_profile_of_a_subject() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().data(&data).start();
    let (with, without) = questions();
    let named = json!({"profile": "detective@1"});
    let mut grpc = sidecar.grpc().await;
    let of_grpc = |subject: Option<prost_types::Struct>| {
        let kind = subject?.fields.get("profile")?.kind.clone();
        let Some(prost_types::value::Kind::StringValue(text)) = kind else { panic!("{kind:?}") };
        Some(text)
    };

    // The second time, the verdict is in the cache.
    for _ in 0..2 {
        assert_eq!(sidecar.post(EVALUATION, &with).await.json()["context"]["subject"], named);
        let answer = grpc.evaluate(parts(&with)).await.unwrap().into_inner();
        assert_eq!(of_grpc(answer.subject).as_deref(), Some("detective@1"));
    }
    assert!(sidecar.post(EVALUATION, &without).await.json()["context"].get("subject").is_none());
    assert_eq!(grpc.evaluate(parts(&without)).await.unwrap().into_inner().subject, None);
    let mut unknown = with.clone();
    unknown["subject"]["id"] = "nobody".into();
    assert!(sidecar.post(EVALUATION, &unknown).await.json()["context"].get("subject").is_none());

    let mut body = without.clone();
    body["evaluations"] = json!([{}, {"subject": with["subject"]}]);
    let over_http = sidecar.post("/access/v1/evaluations", &body).await.json();
    assert_eq!(over_http["evaluations"][1]["context"]["subject"], named);
    let over_grpc = grpc.evaluate_batch(batch(&body)).await.unwrap().into_inner().evaluations;
    let over_grpc: Vec<_> = over_grpc.into_iter().map(|answer| of_grpc(answer.subject)).collect();
    assert_eq!(over_grpc, [None, Some("detective@1".to_owned())]);

    let output = run_with_input(["evaluate", "-"], with.to_string().as_bytes());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["context"]["subject"], named);

    let records = sidecar.records();
    let in_record = records.iter().filter(|record| {
        let response = &record["body"]["adl.core.response"];
        response["context"]["subject"] == named || response["evaluations"][1]["context"]["subject"] == named
    });
    assert_eq!(in_record.count(), 6);
    // What it still archives is there when it has stopped.
    assert_eq!(sidecar.stop().code, Some(0));
    let (told, _) = check(&run(["log", "replay", "--data", data.to_str().unwrap()]), 0);
    assert!(told.contains(" 0 differ"), "{told}");
}

#[tokio::test]
async fn a_new_version_of_a_profile_is_named_after_a_reload() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().policies(&policies).data(&data).start();
    let (with, _) = questions();
    let named = async || sidecar.evaluate(&with).await["context"]["subject"]["profile"].clone();
    assert_eq!(named().await, "detective@1");
    let file = policies.join("profiles/detective.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"version\": 1,", "\"version\": 2,", 1)).unwrap();
    until("the new version", async || (named().await == "detective@2").then_some(())).await;

    // An account gets another profile: a small change, which does not read the directory again as a whole.
    let file = policies.join("directory/accounts.json");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|line| line.contains("\"id\": \"officer-0008\"}, \"parents\"")).unwrap();
    let profile = |id: &str| format!("\"profile\": {{\"type\": \"Politie::Profile\", \"id\": \"{id}\"}}");
    assert!(line.contains(&profile("detective")));
    fs::write(&file, text.replace(line, &line.replace(&profile("detective"), &profile("patrol")))).unwrap();
    until("the other profile", async || (named().await == "patrol@1").then_some(())).await;

    let in_record: Vec<_> = sidecar.records().iter().map(of_record).collect();
    for version in ["detective@1", "detective@2", "patrol@1"] {
        assert!(in_record.contains(&version.into()), "{version} is not in {in_record:?}");
    }
    // What it still archives is there when it has stopped.
    assert_eq!(sidecar.stop().code, Some(0));
    let (told, _) = check(&run(["log", "replay", "--data", data.to_str().unwrap()]), 0);
    assert!(told.contains(" 0 differ"), "{told}");
}

fn of_record(record: &Value) -> Value {
    record["body"]["adl.core.response"]["context"]["subject"]["profile"].clone()
}
