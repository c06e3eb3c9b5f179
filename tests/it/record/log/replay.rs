//! `poort log replay`: decides records again with the same result, and reports exactly what other policies change.

use super::{SMALL, ask, damage, log, one_of, question};
use crate::support::{
    BareChannel, Exposition, Sidecar, allowed, copied_policies, folder, message, run_with_input, until,
};
use poort::{api::pb::access_evaluation_client::AccessEvaluationClient, types::build};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};
use tonic::Request;

/// The findings and the summary of a replay, and its exit code.
fn replay(data: &Path, more: &[&str]) -> (i32, Vec<Value>, Value) {
    let (code, out, told) = log("replay", data, &[more, &["--format", "json"]].concat());
    assert_eq!(told, "");
    let mut lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["kind"], "summary");
    (code, lines, summary)
}

#[tokio::test]
async fn every_record_is_decided_again_over_reloads_and_segments() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let data = folder.path().join("data");
    let config = format!("{SMALL}[decisions]\napplication = \"desk\"\n");
    let sidecar = Sidecar::builder().config(&config).policies(&policies).data(&data).start();
    ask(&sidecar, 80).await;
    let before = sidecar.evaluate(&allowed()).await;
    assert_eq!(before["decision"], true);
    // The same question is decided otherwise from here on.
    fs::write(policies.join("stop.cedar"), "@id(\"stop\")\nforbid (principal, action, resource);\n").unwrap();
    until("the change", async || (sidecar.evaluate(&allowed()).await["decision"] == false).then_some(())).await;
    ask(&sidecar, 40).await;
    sidecar.stop();
    let records = crate::support::records(&data);
    let is_concealed = |record: &&Value| {
        let places = record["attributes"]["poort.log.concealed"].as_array();
        places.is_some_and(|places| places.iter().any(|place| place.as_str().unwrap().starts_with("/adl.core.request")))
    };
    let concealed = records.iter().filter(is_concealed).count();
    let records = records.len();
    // Neither the present policies nor the present configuration count.
    fs::remove_dir_all(&policies).unwrap();
    let (code, found, summary) = replay(&data, &[]);
    // What is not in the record cannot be decided again, and each such record is reported.
    assert_eq!((code, found.len()), (if concealed > 0 { 5 } else { 0 }, concealed), "{summary}");
    assert!(found.iter().all(|finding| finding["reason"] == "concealed"), "{found:?}");
    assert_eq!((&summary["records"], &summary["same"]), (&records.into(), &(records - concealed).into()));
    let (_, shown, _) = log("replay", &data, &["--subject", "officer-0007"]);
    assert!(shown.contains(" 0 differ, "), "{shown}");
}

#[tokio::test]
async fn unanswered_and_malformed_questions_are_reported_and_not_skipped() {
    let sidecar = Sidecar::builder().start();
    let mut client = AccessEvaluationClient::new(BareChannel::to(&sidecar).await);
    let mut late = Request::new(message(&allowed()));
    late.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    client.evaluate(late).await.unwrap_err();
    sidecar.evaluate(&allowed()).await;
    let (code, found, summary) = replay(&sidecar.data, &[]);
    assert_eq!((code, found.len(), &summary["same"]), (0, 1, &1.into()), "{found:?}");
    assert_eq!(found[0]["reason"], "unanswered");

    let mut batch = allowed();
    batch["evaluations"] = json!([{}, {"subject": 7}]);
    assert_eq!(sidecar.post("/access/v1/evaluations", &batch).await.status, 200);
    let (code, found, summary) = replay(&sidecar.data, &[]);
    assert_eq!((code, found.len(), &summary["differ"]), (5, 2, &0.into()), "{found:?}");
    assert_eq!(found[1]["reason"], "faulty-item");
}

/// The answers of `poort evaluate` to all questions, under these policies.
fn evaluated(policies: &Path, questions: &[Value]) -> Vec<Value> {
    let batch = json!({"evaluations": questions});
    let arguments = ["evaluate".as_ref(), "--policies".as_ref(), policies.as_os_str()];
    let output = run_with_input(arguments, batch.to_string().as_bytes());
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    answers["evaluations"].as_array().unwrap().clone()
}

#[tokio::test]
async fn changed_policies_replay_exactly_as_evaluate_answers() {
    let sidecar = Sidecar::builder().start();
    let questions: Vec<_> = (0..120).map(|_| question()).collect();
    for question in &questions {
        sidecar.evaluate(question).await;
    }
    let folder = folder();
    let changed = copied_policies(folder.path());
    let text = fs::read_to_string(changed.join("summit.cedar")).unwrap();
    let text = text.replacen("@title(\"A member of the investigation team may", "@title(\"A team member may", 1);
    let more = "@id(\"more\")\npermit (principal == Politie::Officer::\"officer-0009\", action == Politie::Action::\"consult\", \
                resource is Politie::Investigation);\n@id(\"less\")\nforbid (principal == Politie::Officer::\"officer-0006\", \
                action, resource);\n";
    fs::write(changed.join("summit.cedar"), text + more).unwrap();
    let (then, now) = (evaluated(&crate::support::policies(), &questions), evaluated(&changed, &questions));
    let differing = |then: &Value, now: &Value| -> Vec<String> {
        let context = ["advice", "errors", "obligations", "policies", "reason", "reason_user"];
        let beside = context.iter().filter(|name| then["context"][*name] != now["context"][*name]);
        let decision = (then["decision"] != now["decision"]).then_some(&"decision");
        decision.into_iter().chain(beside).map(|name| (*name).to_owned()).collect()
    };
    let expected: Vec<_> = then
        .iter()
        .zip(&now)
        .zip(&questions)
        .filter(|((then, now), _)| !differing(then, now).is_empty())
        .map(|((then, now), question)| {
            (
                question["subject"]["id"].clone(),
                then["decision"] == true,
                now["decision"] == true,
                json!(differing(then, now)),
            )
        })
        .collect();
    let (code, found, summary) = replay(&sidecar.data, &["--against", changed.to_str().unwrap()]);
    let found: Vec<_> = found
        .iter()
        .map(|it| {
            assert_eq!(it["kind"], "difference");
            let allows = |when: &str| it[when]["decision"] == "allow";
            (it["subject"]["id"].clone(), allows("then"), allows("now"), it["differs_in"].clone())
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(code, if expected.is_empty() { 0 } else { 5 });
    assert_eq!(summary["differ"], expected.len());
    let newly = expected.iter().filter(|(_, then, now, _)| !then && *now).count();
    assert_eq!(summary["directions"]["newly allowed"].as_u64().unwrap_or(0), newly as u64, "{summary}");
    assert_eq!(replay(&sidecar.data, &["--against", crate::support::policies().to_str().unwrap()]).0, 0);
}

#[tokio::test]
async fn a_record_without_its_revision_is_not_replayable() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().data(&data).start();
    for _ in 0..3 {
        let body = json!({"evaluations": [question(), question()]});
        assert_eq!(sidecar.post("/access/v1/evaluations", &body).await.status, 200);
    }
    sidecar.evaluate(&one_of(&[allowed()])).await;
    sidecar.stop();
    let elsewhere = ["--policies", "/nowhere/policies"];
    assert_eq!(replay(&data, &elsewhere).0, 0);

    let digest = crate::support::records(&data)[0]["attributes"]["adl.core.policies"]["policies"]["revision"]
        .as_str()
        .unwrap()
        .replace("sha256:", "");
    let archived = data.join("revisions").join(digest);
    let schema = archived.join("schema.cedarschema");
    let text = fs::read_to_string(&schema).unwrap();
    fs::write(&schema, format!("{text} ")).unwrap();
    let (code, found, summary) = replay(&data, &elsewhere);
    assert_eq!((code, found.len(), &summary["same"]), (5, 4, &0.into()));
    assert!(found[0]["message"].as_str().unwrap().contains("other files than those"), "{found:?}");

    fs::remove_dir_all(&archived).unwrap();
    let (code, found, summary) = replay(&data, &elsewhere);
    assert_eq!((code, found.len()), (5, 4));
    assert!(found.iter().all(|it| it["kind"] == "not_replayable" && it["reason"] == "revision"), "{found:?}");
    assert_eq!(summary["not_replayable"][0]["count"], 4);
    let (code, shown, _) = log("replay", &data, &elsewhere);
    assert!(code == 5 && shown.contains("is not in the archive (seq "), "{shown}");
    let (code, csv, _) = log("replay", &data, &[&elsewhere[..], &["--format", "csv"]].concat());
    assert!(code == 5 && csv.lines().count() == 5 && csv.contains("is not in the archive"), "{csv}");
    // The files themselves serve where their digest is the recorded one.
    assert_eq!(replay(&data, &[]).0, 0);
}

#[tokio::test]
async fn a_configuration_is_archived_and_replayed_as_it_was() {
    let folder = folder();
    let data = folder.path().join("data");
    let config = "[directory]\nunknown = \"evaluate\"\n[decisions]\ntime_zone = \"Asia/Tokyo\"\n";
    let sidecar = Sidecar::builder().config(config).data(&data).start();
    let mut stranger = allowed();
    stranger["subject"]["id"] = "stranger".into();
    sidecar.evaluate(&stranger).await;
    sidecar.evaluate(&allowed()).await;
    sidecar.stop();
    let poort = &crate::support::records(&data)[0]["attributes"]["adl.core.configuration"]["poort"];
    let archived = data.join("revisions").join(poort["digest"].as_str().unwrap().replace("sha256:", ""));
    let fact = |name: &str| fs::read_to_string(archived.join(name)).unwrap();
    assert_eq!((fact("time_zone"), fact("unknown")), ("Asia/Tokyo".to_owned(), "evaluate".to_owned()));
    // Under the configuration of this command, Amsterdam and "deny", the stranger's answer would be another.
    let (code, found, summary) = replay(&data, &[]);
    assert_eq!((code, &summary["same"]), (0, &2.into()), "{found:?}");

    // Of a log that is older than the archive of configurations, the digest tells under the same time zone alone.
    fs::write(archived.join("unknown"), "deny").unwrap();
    let (code, found, summary) = replay(&data, &[]);
    assert_eq!((code, found.len(), &summary["same"]), (5, 1, &1.into()), "{found:?}");
    assert_eq!(found[0]["reason"], "configuration");
    let file = folder.path().join("zone.toml");
    fs::write(&file, "[decisions]\ntime_zone = \"Asia/Tokyo\"\n").unwrap();
    assert_eq!(replay(&data, &["--config", file.to_str().unwrap()]).0, 0);
}

#[tokio::test]
async fn a_record_names_version_commit_and_executable() {
    let sidecar = Sidecar::builder().start();
    sidecar.evaluate(&allowed()).await;
    let poort = &sidecar.records()[0]["attributes"]["adl.core.configuration"]["poort"];
    let executable = fs::read(env!("CARGO_BIN_EXE_poort")).unwrap();
    assert_eq!(poort["executable"], format!("sha256:{:x}", Sha256::digest(executable)));
    assert_eq!(poort["version"], build::VERSION);
    assert_eq!(poort["commit"].as_str().unwrap_or("unknown"), build::COMMIT);
    assert!(Exposition::of(&sidecar).await.value("poort_build_info", build::COMMIT) == 1.0);
}

/// Makes another revision of the policies, which decides alike.
fn change(policies: &Path, note: &str) {
    let policy = "permit (principal == Politie::Officer::\"officer-0001\", action, resource is Politie::Investigation) when \
                  { context.purpose == \"none\" };";
    fs::write(policies.join("note.cedar"), format!("// {note}\n@id(\"note\")\n{policy}\n")).unwrap();
}

#[tokio::test]
async fn each_active_revision_is_archived() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().policies(&policies).data(&data).start();
    let mut revisions = Vec::new();
    for round in 0..4 {
        let answer = sidecar.evaluate(&allowed()).await;
        revisions.push(answer["context"]["revision"].clone());
        change(&policies, &round.to_string());
        let active = async || sidecar.evaluate(&allowed()).await["context"]["revision"].clone();
        until("the change", async || (active().await != *revisions.last().unwrap()).then_some(())).await;
    }
    // A file in the way of the archive is reported, and answers go on.
    let archive = data.join("revisions");
    until("the archive", async || (fs::read_dir(&archive).ok()?.count() >= 6).then_some(())).await;
    fs::rename(&archive, data.join("elsewhere")).unwrap();
    fs::write(&archive, "").unwrap();
    change(&policies, "in the way");
    sidecar.wait_for_line("is not archived");
    revisions.push(sidecar.evaluate(&allowed()).await["context"]["revision"].clone());
    fs::remove_file(&archive).unwrap();
    fs::rename(data.join("elsewhere"), &archive).unwrap();
    assert_eq!(sidecar.stop().code, Some(0));
    for revision in &revisions {
        let digest = revision.as_str().unwrap().replace("sha256:", "");
        assert!(archive.join(&digest).join("summit.cedar").exists(), "{digest}");
    }
    assert_eq!(replay(&data, &["--policies", "/nowhere"]).0, 0);
}

#[tokio::test]
async fn broken_input_is_a_failure_and_never_nothing_differs() {
    let nowhere = Path::new("/nowhere");
    let (code, _, told) = log("replay", nowhere, &[]);
    assert!(code == 1 && told.contains("/nowhere/records"), "{told}");
    assert_eq!(log("replay", nowhere, &["--since", "whenever"]).0, 64);
    let (code, _, told) = log("replay", nowhere, &["--against", "git:no-such-revision"]);
    assert!(code == 64 && told.contains("no-such-revision"), "{told}");
    assert_eq!(log("replay", nowhere, &["--against", "/nowhere/policies"]).0, 3);
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().config(SMALL).data(&data).start();
    ask(&sidecar, 100).await;
    sidecar.stop();
    damage(&data);
    let (code, out, told) = log("replay", &data, &[]);
    assert!(code == 1 && told.contains("0000000000000000.seg") && !out.contains("records:"), "{out}{told}");
}
