//! Redaction: values that the schema marks are found by pseudonym and never in the clear, and a record has the origin
//! of the call.

use crate::support::{Sidecar, allowed, batch, folder, key, message, request_over, run};
use hyper::Request;
use poort::record::decision_log::Pseudonyms;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::net::UnixStream;

const PERSON: &str = "https://politie.example/id-types/person-entry";

/// A question about a person of the core register, from a device.
fn about(person: &str) -> Value {
    let mut question = allowed();
    question["resource"] = json!({"type": "PersonEntry", "id": person, "properties":
        {"unit": "station-north-1", "level": 1, "subjects_are_staff": false, "secret_address": false}});
    question["context"] = json!({"purpose": "8", "justification": "case 26-4471", "location": "10.1.2.3",
        "device": "mob-5512", "Authorization": "Bearer sesame",
        "hit": "hit-1", "consent": "consent-1", "place": "home"});
    question
}

fn log(data: &Path) -> String {
    let output = run(["log".as_ref(), "cat".as_ref(), "--all".as_ref(), "--data".as_ref(), data.as_os_str()]);
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_person_is_found_by_pseudonym_only() {
    let sidecar = Sidecar::builder().start();
    let heard = sidecar.evaluate(&about("person-884411")).await;
    let over_grpc = sidecar.grpc().await.evaluate(message(&about("person-884411"))).await.unwrap().into_inner();
    assert_eq!(heard["decision"], over_grpc.decision);

    let pseudonyms = Pseudonyms::read(&sidecar.data.join("pseudonym-keys")).unwrap();
    let expected = pseudonyms.of(PERSON, "person-884411");
    let records = sidecar.records();
    assert_eq!(records.len(), 2);
    for record in &records {
        let (attributes, request) = (&record["attributes"], &record["body"]["adl.core.request"]);
        assert_eq!(request["resource"]["id"], json!(expected));
        assert_eq!(attributes["dpl.core.data_subject_id"], json!(expected));
        assert_eq!(attributes["dpl.core.data_subject_id_type"], PERSON);
        assert_eq!(attributes["poort.origin"]["address"], "10.1.2.3");
        assert_eq!(attributes["poort.origin"]["device"], "mob-5512");
        assert!(attributes["poort.origin"]["caller"].as_str().unwrap().starts_with("127.0.0.1:"), "{attributes}");
        // The consent and the device are not in the directory, and a record that conceals something names neither again.
        let unknown = |place: usize| format!("/adl.core.response/context/unknown/{place}/id");
        let places =
            json!(["/adl.core.request/context/Authorization", "/adl.core.request/resource/id", unknown(0), unknown(1)]);
        assert_eq!(attributes["poort.log.concealed"], places);
        assert_eq!(request["context"]["justification"], "case 26-4471");
        assert_eq!(request["resource"]["properties"]["secret_address"], false, "a flag about a secret is none");
    }
    let everything = log(&sidecar.data) + &sidecar.log();
    for hidden in ["person-884411", "sesame"] {
        assert!(!everything.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn nothing_of_an_informant_is_on_record_whatever_the_answer() {
    let sidecar = Sidecar::builder().start();
    let mut question = allowed();
    question["resource"] = json!({"type": "Informant", "id": "inf-884411", "properties":
        {"unit": "detectives-north", "team": "heron", "level": 3, "identifying": true,
            "reported": "2026-11-01", "last_needed": "2026-11-01"}});
    sidecar.evaluate(&question).await;
    let mut unknown = allowed();
    unknown["subject"] = json!({"type": "Officer", "id": "officer-884411"});
    sidecar.evaluate(&unknown).await;
    let mut faults = question.clone();
    faults["evaluations"] = json!([
        {"resource": {"type": "Informnat", "id": "inf-884411"}},
        {"resource": {"type": "Informant", "id": "inf-884411", "properties": {"reported": "yesterday"}}},
    ]);
    let reply = sidecar.post("/access/v1/evaluations", &faults).await.json();
    assert!(reply.to_string().contains("Informnat"), "the caller hears what is wrong: {reply}");

    let log = log(&sidecar.data);
    assert!(!log.contains("inf-884411"), "{log}");
    assert!(log.contains("does not know the subject Politie::Officer::\\\"officer-884411\\\""), "{log}");
}

#[tokio::test]
async fn a_batch_record_names_its_data_subjects() {
    let sidecar = Sidecar::builder().start();
    let mut body = about("person-1");
    let other = about("person-2")["resource"].clone();
    body["evaluations"] = json!([{}, {"resource": other}, {"resource": allowed()["resource"]}, {"resource": 5}]);
    let reply = sidecar.post("/access/v1/evaluations", &body).await.json();
    let answers = reply["evaluations"].as_array().unwrap();
    let indices: Vec<_> = answers.iter().map(|answer| answer["context"]["record"]["index"].as_u64()).collect();
    assert_eq!(indices, [Some(0), Some(1), Some(2), Some(3)]);

    body["evaluations"].as_array_mut().unwrap().pop();
    let over_grpc = sidecar.grpc().await.evaluate_batch(batch(&body)).await.unwrap().into_inner();
    let index = |answer: &poort::api::pb::EvaluateResponse| answer.record.as_ref().unwrap().index;
    assert_eq!(over_grpc.evaluations.iter().map(index).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    assert_eq!(over_grpc.record.unwrap().index, None);

    let single = sidecar.evaluate(&about("person-1")).await;
    assert!(single["context"]["record"].get("index").is_none(), "{single}");
    let over_grpc = sidecar.grpc().await.evaluate(message(&about("person-1"))).await.unwrap().into_inner();
    assert_eq!(index(&over_grpc), None);
    assert!(!key(&over_grpc).0.is_empty());

    let pseudonyms = Pseudonyms::read(&sidecar.data.join("pseudonym-keys")).unwrap();
    let subject =
        |index: usize, person: &str| json!({"id": pseudonyms.of(PERSON, person), "index": index, "type": PERSON});
    let records = sidecar.records();
    for record in &records[..2] {
        let attributes = &record["attributes"];
        assert_eq!(attributes["poort.batch.data_subjects"], json!([subject(0, "person-1"), subject(1, "person-2")]));
        assert!(attributes.get("dpl.core.data_subject_id").is_none());
    }
}

#[tokio::test]
async fn a_rotation_hides_no_record_from_its_value() {
    let files = folder();
    let keys = files.path().join("keys");
    let config = format!("[log.pseudonyms]\nkeys = \"{}\"\n", keys.display());
    let data = files.path().join("data");
    let start = || Sidecar::builder().data(&data).config(&config).start();
    let write = |text: &str| {
        fs::write(&keys, text).unwrap();
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let old = "2025 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let new = "2026 AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    write(old);
    let sidecar = start();
    sidecar.evaluate(&about("person-884411")).await;
    assert_eq!(sidecar.stop().code, Some(0));
    write(&format!("{new}\n{old}\n"));
    let sidecar = start();
    sidecar.evaluate(&about("person-884411")).await;

    let wanted = Pseudonyms::read(&keys).unwrap().of_all_keys(PERSON, "person-884411");
    assert_eq!(wanted.iter().map(|wanted| &wanted[..5]).collect::<Vec<_>>(), ["2026:", "2025:"]);
    let found: Vec<_> =
        sidecar.records().iter().map(|record| record["attributes"]["dpl.core.data_subject_id"].clone()).collect();
    assert_eq!(found, [json!(wanted[1]), json!(wanted[0])]);
    assert!(!data.join("pseudonym-keys").exists(), "no key is made beside the one that is named");
    for secret in ["AQEBAQEB", "AgICAgIC"] {
        assert!(!(log(&data) + &sidecar.log()).contains(secret));
    }
}

#[test]
fn unusable_keys_are_refused_and_not_shown() {
    let files = folder();
    let keys = files.path().join("keys");
    let config = format!("[log.pseudonyms]\nkeys = \"{}\"\n", keys.display());
    let refused = |expected: &str| {
        let ended = Sidecar::builder().config(&config).fail();
        assert_eq!(ended.code, Some(1), "{}", ended.log);
        assert!(ended.log.contains(expected) && ended.log.contains("keys"), "{}", ended.log);
        assert!(!ended.log.contains("AQEBAQEB"), "{}", ended.log);
    };
    refused("cannot read the keys of pseudonyms");
    fs::write(&keys, "2025 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    refused("chmod o-rwx");
    fs::write(&keys, "2025 AQEBAQEB").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    refused("line 1");
}

#[tokio::test]
async fn a_caller_on_a_unix_socket_is_recorded_as_such() {
    let files = folder();
    let path = files.path().join("poort.sock");
    let sidecar = Sidecar::builder().argument("--listen").argument(format!("unix:{}", path.display())).start();
    let body = allowed().to_string().into_bytes();
    let request = Request::post("/access/v1/evaluation").header("content-type", "application/json").body(body).unwrap();
    let reply = request_over(UnixStream::connect(&path).await.unwrap(), request).await;
    assert_eq!(reply.status, 200);
    assert_eq!(sidecar.records()[0]["attributes"]["poort.origin"], json!({"caller": "unix"}));
}
