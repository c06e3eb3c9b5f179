//! An auditor reads an export and a copied archive when the log, its host and its configuration are gone.

use super::{SMALL, ask};
use crate::support::{Sidecar, allowed, copied_policies, folder, run, until};
use serde_json::{Value, json};
use std::{fs, io::Write as _, path::Path, process::Output};

/// Runs a command of `poort log` in a folder that holds nothing but what the auditor was given.
fn log(given: &Path, arguments: &[&str]) -> (i32, String, String) {
    let data = given.join("no-data");
    let policies = given.join("no-policies");
    let place = ["--data", data.to_str().unwrap(), "--policies", policies.to_str().unwrap()];
    let output: Output = run([&["log"][..], arguments, &place].concat());
    let [out, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), out, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_replayed_without_its_data_folder() {
    let folder = folder();
    let (host, given) = (folder.path().join("host"), folder.path().join("given"));
    for folder in [&host, &given] {
        fs::create_dir(folder).unwrap();
    }
    let (policies, data) = (copied_policies(&host), host.join("data"));
    let config = format!("{SMALL}[directory]\nunknown = \"evaluate\"\n[decisions]\ntime_zone = \"Asia/Tokyo\"\n");
    let sidecar = Sidecar::builder().config(&config).policies(&policies).data(&data).start();
    ask(&sidecar, 30).await;
    fs::write(policies.join("stop.cedar"), "@id(\"stop\")\nforbid (principal, action, resource);\n").unwrap();
    until("the change", async || (sidecar.evaluate(&allowed()).await["decision"] == false).then_some(())).await;
    let mut stranger = allowed();
    stranger["subject"]["id"] = "newcomer".into();
    sidecar.evaluate(&stranger).await;
    sidecar.stop();

    // What is handed over: the export, the archive, the public key. Then the host is gone.
    let on_host = |arguments: &[&str]| {
        let output = run([&["log"][..], arguments, &["--data", data.to_str().unwrap()]].concat());
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let export = on_host(&["cat", "--all"]);
    let key = on_host(&["key"]);
    let decisions = on_host(&["cat"]);
    let record = |line: &str| poort::types::escape::from_json(line).into_owned();
    let body = |line: &str| json!({"body": {"stringValue": record(line)}});
    let bodies: Vec<_> = export.lines().map(body).collect();
    let otlp = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": bodies}]}]}).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(export.as_bytes()).unwrap();
    let forms = [
        ("export.jsonl", export.clone().into_bytes()),
        ("export.jsonl.gz", gzip.finish().unwrap()),
        ("export.jsonl.zst", zstd::bulk::compress(export.as_bytes(), 3).unwrap()),
        ("otlp.json", otlp.into_bytes()),
    ];
    for (name, bytes) in &forms {
        fs::write(given.join(name), bytes).unwrap();
    }
    fs::write(given.join("log.key"), key).unwrap();
    fs::rename(data.join("revisions"), given.join("revisions")).unwrap();
    fs::remove_dir_all(&host).unwrap();

    let path = |name: &str| given.join(name).to_str().unwrap().to_owned();
    let (key, revisions) = (path("log.key"), path("revisions"));
    for (name, _) in &forms {
        let stored = path(name);
        let (code, out, told) = log(&given, &["verify", "--received", &stored, "--key", &key]);
        assert!(code == 0 && out.contains("nothing is missing or altered"), "{name}: {out}{told}");
        let (code, out, told) = log(&given, &["cat", "--received", &stored]);
        assert!(code == 0 && out == decisions, "{name}: {told}");
        let (code, out, told) =
            log(&given, &["replay", "--received", &stored, "--archive", &revisions, "--format", "json"]);
        let found: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (summary, rest) = found.split_last().unwrap();
        assert_eq!((&summary["records"], &summary["differ"]), (&decisions.lines().count().into(), &0.into()), "{told}");
        assert!(rest.iter().all(|finding| finding["reason"] == "concealed"), "{name}: {rest:?}");
        assert_eq!(code, if rest.is_empty() { 0 } else { 5 });
    }
    let (code, out, _) =
        log(&given, &["cat", "--received", &path("otlp.json"), "--subject", "newcomer", "--last", "9"]);
    assert_eq!((code, out.lines().count()), (0, 1));

    // What is no record is said, and what is altered is found.
    fs::write(given.join("stray.jsonl"), format!("{decisions}nothing\n")).unwrap();
    let (code, out, told) = log(&given, &["cat", "--received", &path("stray.jsonl")]);
    assert!(code == 1 && out == decisions && told.contains("is neither a record nor"), "{told}");
    let (code, out, told) =
        log(&given, &["replay", "--archive", &path("revisions"), "--received", &path("stray.jsonl")]);
    assert!(code == 1 && told.contains("is neither a record nor") && !out.contains("seq 0"), "{out}{told}");
    let altered = export.replacen("\"decision\":false", "\"decision\":true", 1);
    fs::write(given.join("altered.jsonl"), altered).unwrap();
    let (code, out, _) = log(&given, &["verify", "--received", &path("altered.jsonl"), "--key", &key]);
    assert!(code == 3 && out.contains("altered"), "{out}");
    let (code, _, told) = log(&given, &["cat", "--received", &path("nowhere.jsonl")]);
    assert!(code == 1 && told.contains("nowhere.jsonl"), "{told}");
}
