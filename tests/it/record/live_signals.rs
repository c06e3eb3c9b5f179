//! Signals beside a sidecar that answers: each is on record once, soon after the decision that brought it.

use super::{
    packed::{SMALL, until_packed},
    signals::{Place, REASONS, SETTINGS, valid_findings},
};
use crate::support::{
    Exposition, Sidecar, Starting, allowed, check, copied_policies, folder, installed, repository, run, until,
};
use poort::record::spool::segment_files;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

pub(super) const ENABLED: &str = "[signals]\nenabled = true\n";

fn builder(place: &Place, data: &Path) -> Starting {
    Sidecar::builder().policies(&place.policies).data(data).config(ENABLED)
}

/// A question of this account; the file of this name is a decoy.
fn question(account: usize, file: &str) -> Value {
    json!({"subject": {"type": "Person", "id": format!("p{account}")}, "action": {"name": "open"},
        "resource": {"type": "File", "id": file, "properties": {"team": {"type": "Team", "id": format!("team-{}", account % 2)}}}})
}

pub(super) async fn ask(sidecar: &Sidecar, account: usize, file: &str) -> Value {
    let answer = sidecar.evaluate(&question(account, file)).await;
    assert_eq!(answer["decision"], true, "{answer}");
    answer["context"]["record"].clone()
}

fn poort(data: &Path, arguments: &[&str]) -> String {
    check(&run(["signals"].iter().chain(arguments).chain(&["--data", data.to_str().unwrap()])), 0).0
}

/// All records of signals and of their settings, in order.
pub(super) fn on_record(data: &Path) -> Vec<Value> {
    let (out, _) = check(&run(["log", "cat", "--all", "--data", data.to_str().unwrap()]), 0);
    let records = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["event_name"].as_str().unwrap().starts_with("poort.signal")).collect()
}

async fn recorded(data: &Path, count: usize) -> Vec<Value> {
    until("the record of the signals", async || {
        let signals: Vec<_> = on_record(data).into_iter().filter(|it| it["event_name"] == "poort.signal").collect();
        (signals.len() >= count).then_some(signals)
    })
    .await
}

/// Waits until the settings are on record: what is asked before that has no signal.
pub(super) async fn active(sidecar: &Sidecar, times: usize) {
    until("the record of the settings", async || {
        let settings = |it: &Value| it["event_name"] == "poort.signal.settings";
        (on_record(&sidecar.data).iter().filter(|it| settings(it)).count() >= times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_signal_is_on_record_once_whenever_poort_is_killed() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let data = folder.path().join("data");
    let mut keys = Vec::new();
    for round in 0..6 {
        let sidecar = builder(&place, &data).start();
        active(&sidecar, 1).await;
        // The second time brings nothing new; the third account of a round is killed with its signal wherever it is.
        for account in [3 * round, 3 * round + 1, 3 * round + 2] {
            keys.push(ask(&sidecar, account, "decoy").await);
            ask(&sidecar, account, "decoy").await;
        }
        if round % 2 == 0 {
            recorded(&data, 3 * round + 2).await;
        }
        if round == 3 {
            assert_eq!(sidecar.stop().code, Some(0));
            assert!(data.join("signals.state").exists());
        } else {
            sidecar.kill();
        }
        // Without a state, or with one that is none, the whole log is read again.
        if round == 4 {
            fs::write(data.join("signals.state"), b"no state").unwrap();
        }
    }
    let sidecar = builder(&place, &data).start();
    let signals = recorded(&data, 18).await;
    assert_eq!(signals.len(), 18);
    for (signal, key) in signals.iter().zip(&keys) {
        let shown = &signal["body"]["poort.signal"];
        assert_eq!(shown["evidence"][0]["trace_id"], key["trace_id"], "in the order of the decisions: {shown}");
        assert_eq!(shown["evidence"][0]["seq"], signal["attributes"]["poort.signal.cause"]);
        assert_eq!((&shown["change"], &shown["detector"]), (&json!("opened"), &json!("decoy")));
        assert!(!signal.to_string().contains("Person::"), "accounts are pseudonyms: {signal}");
    }
    let accounts: std::collections::BTreeSet<_> =
        signals.iter().map(|it| it["attributes"]["poort.signal.account"].as_str().unwrap()).collect();
    assert_eq!(accounts.len(), 18);
    // They are those that the decisions give, whoever makes them again.
    let policies = place.policies.to_str().unwrap();
    let again = poort(&data, &["replay", "--policies", policies, "--format", "json"]);
    let again: Vec<Value> = again.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(again.len(), 18);
    for (made, signal) in again.iter().zip(&signals) {
        let mut shown = signal["body"]["poort.signal"].clone();
        shown["account"] = made["account"].clone();
        assert_eq!(*made, shown);
    }
    drop(sidecar);
    check(&run(["log", "verify", "--data", data.to_str().unwrap()]), 0);
}

#[tokio::test]
async fn signals_are_listed_shown_and_explained() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let data = folder.path().join("data");
    let sidecar = builder(&place, &data).start();
    active(&sidecar, 1).await;
    let mut follow = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["signals", "follow", "--format", "json", "--data", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let key = ask(&sidecar, 3, "decoy").await;
    let mut line = String::new();
    BufReader::new(follow.stdout.take().unwrap()).read_line(&mut line).unwrap();
    follow.wait().unwrap();
    let followed: Value = serde_json::from_str(&line).unwrap();
    let id = followed["id"].as_str().unwrap();

    let (listed, told) = check(&run(["signals", "list", "--data", data.to_str().unwrap()]), 0);
    assert!(listed.contains(id) && listed.contains("A rule was met: The file exists for nobody."), "{listed}");
    assert_eq!(told.trim(), "1 signals; on record are 1 open, 0 followed, 0 closed, 0 faded, 0 superseded");
    assert_eq!(poort(&data, &["list", "--family", "volume", "--format", "json"]), "");
    let csv = poort(&data, &["list", "--status", "all", "--format", "csv", "--lang", "nl"]);
    assert!(csv.starts_with("id,status,opened") && csv.contains("Een regel is geraakt"), "{csv}");

    let shown = poort(&data, &["show", &id[..6]]);
    let trace = key["trace_id"].as_str().unwrap();
    let decision = format!("{trace}:{}", key["span_id"].as_str().unwrap());
    for part in [id, "decoy (exact)", "opened  score 8.0", &decision, "This does not say that the use was wrong."] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    let (_, told) = check(&run(["signals", "show", "none", "--data", data.to_str().unwrap()]), 1);
    assert!(told.contains("no signal on record has an id that begins with `none`"), "{told}");

    let policies = place.policies.to_str().unwrap();
    let explained = poort(&data, &["explain", trace, "--policies", policies]);
    assert!(explained.contains("✓ explains it, own-team") && explained.contains("! is met, decoy"), "{explained}");
    // What another team has is not explained, until it was once.
    let mut foreign = question(4, "a");
    foreign["resource"]["properties"]["team"]["id"] = "team-1".into();
    let of = async |question: &Value| {
        let answer = sidecar.evaluate(question).await;
        let trace = answer["context"]["record"]["trace_id"].as_str().unwrap().to_owned();
        poort(&data, &["explain", &trace, "--policies", policies])
    };
    let before = of(&foreign).await;
    assert!(before.contains("✗ does not apply, own-team") && !before.contains("earlier"), "{before}");
    let explains = ask(&sidecar, 4, "a").await;
    let after = of(&foreign).await;
    let earlier = format!("explained by an earlier access: {}", explains["trace_id"].as_str().unwrap());
    assert!(after.contains(&earlier), "{after}");
    let status = poort(&data, &["status", "--policies", policies]);
    assert!(status.contains("budget    0.3 signals") && status.contains("exact                1"), "{status}");
}

#[tokio::test]
async fn new_settings_signal_from_their_record_on() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let data = folder.path().join("data");
    let sidecar = builder(&place, &data).start();
    active(&sidecar, 1).await;
    ask(&sidecar, 3, "decoy").await;
    ask(&sidecar, 4, "trap").await;
    recorded(&data, 1).await;
    // What is not valid changes nothing.
    place.write("signals/detectors.toml", &SETTINGS.replace("days = 30", "days = 0"));
    sidecar.wait_for_line("The change of the settings of signals is refused");
    assert_eq!(Exposition::of(&sidecar).await.value("poort_signals_refused", ""), 1.0);
    ask(&sidecar, 5, "decoy").await;
    recorded(&data, 2).await;
    place.write("signals/detectors.toml", SETTINGS);
    place.write("signals/reasons.cedar", &REASONS.replace("decoy\");", "trap\");"));
    active(&sidecar, 2).await;
    assert_eq!(Exposition::of(&sidecar).await.value("poort_signals_refused", ""), 0.0);
    // The account that was there before is told when it comes again; nothing is told of the time before.
    ask(&sidecar, 6, "trap").await;
    let signals = recorded(&data, 3).await;
    assert_eq!(signals.len(), 3);
    assert_ne!(signals[2]["body"]["poort.signal"]["settings"], signals[1]["body"]["poort.signal"]["settings"]);
    let (_, told) = check(&run(["signals", "list", "--data", data.to_str().unwrap()]), 0);
    assert_eq!(told.trim(), "1 signals; on record are 1 open, 0 followed, 0 closed, 0 faded, 2 superseded");
    // A signal is on disk before its thread hears so.
    until("the signals in the metrics", async || {
        let exposition = Exposition::of(&sidecar).await;
        let recorded = exposition.value("poort_signals_recorded_total", "{change=\"opened\",family=\"exact\"}");
        (recorded == 3.0).then_some(())
    })
    .await;
    assert_eq!(sidecar.stop().code, Some(0));
    // After a restart the same settings stay as they are.
    let sidecar = builder(&place, &data).start();
    ask(&sidecar, 7, "trap").await;
    recorded(&data, 4).await;
    active(&sidecar, 2).await;
}

#[tokio::test]
async fn what_was_open_before_the_settings_is_told_when_it_goes_on() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let data = folder.path().join("data");
    let without = Sidecar::builder().policies(&place.policies).data(&data).start();
    ask(&without, 3, "decoy").await;
    assert_eq!(without.stop().code, Some(0));
    let sidecar = builder(&place, &data).start();
    active(&sidecar, 1).await;
    let key = ask(&sidecar, 3, "decoy").await;
    let signals = recorded(&data, 1).await;
    let shown = &signals[0]["body"]["poort.signal"];
    assert_eq!(
        (&shown["change"], &signals[0]["attributes"]["poort.signal.family"]),
        (&json!("opened"), &json!("exact"))
    );
    assert_eq!(shown["evidence"].as_array().unwrap().last().unwrap()["trace_id"], key["trace_id"]);
    let state = data.join("signals.state");
    let mode = fs::metadata(&state).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "it names accounts");
}

#[tokio::test]
async fn damaged_records_stop_no_signals_after_them() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let data = folder.path().join("data");
    let start = || builder(&place, &data).config(SMALL).start();
    let sidecar = start();
    active(&sidecar, 1).await;
    for number in 0..300 {
        ask(&sidecar, 5, &number.to_string()).await;
    }
    until_packed(&data).await;
    assert_eq!(sidecar.stop().code, Some(0));
    fs::remove_file(data.join("signals.state")).unwrap();
    let damaged = segment_files(&data.join("records")).unwrap().remove(1);
    let mut bytes = fs::read(&damaged.path).unwrap();
    bytes[100] ^= 1;
    fs::write(&damaged.path, bytes).unwrap();
    let sidecar = start();
    ask(&sidecar, 3, "decoy").await;
    sidecar.wait_for_line("Records cannot be read, so signals are not looked for in them.");
    until("the record of the signal", async || {
        let exposition = Exposition::of(&sidecar).await;
        (exposition.value("poort_signals_recorded_total", "{change=\"opened\",family=\"exact\"}") == 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn security_operations_get_findings_without_names() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let path = folder.path().join("findings.jsonl");
    let config = format!(
        "{ENABLED}[ship.soc]\nkind = \"json-lines\"\npath = {:?}\nformat = \"ocsf\"\nrecords = \"signals\"\n",
        path.to_str().unwrap()
    );
    let sidecar = Sidecar::builder().policies(&place.policies).config(&config).start();
    active(&sidecar, 1).await;
    ask(&sidecar, 3, "a").await;
    ask(&sidecar, 3, "decoy").await;
    let findings =
        until("the finding", async || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))).await;
    let findings = valid_findings(&findings);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((&finding["class_uid"], &finding["is_alert"]), (&json!(2004), &json!(true)));
    assert_eq!(finding["metadata"]["correlation_uid"], finding["finding_info"]["uid"]);
    assert!(finding["metadata"]["sequence"].is_u64() && !finding.to_string().contains("Person"), "{finding}");
}

#[tokio::test]
async fn a_start_without_settings_of_signals_says_so() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    fs::remove_file(place.policies.join("signals/detectors.toml")).unwrap();
    let ended = builder(&place, &folder.path().join("data")).fail();
    assert_eq!(ended.code, Some(64));
    assert!(ended.log.contains("signals.enabled") && ended.log.contains("detectors.toml"), "{}", ended.log);
    place.write("signals/detectors.toml", SETTINGS);
    let keys = "[signals.pseudonyms]\nkeys = \"missing\"\n";
    let ended = builder(&place, &folder.path().join("data")).config(keys).fail();
    assert_eq!(ended.code, Some(64));
    assert!(ended.log.contains("signals.pseudonyms"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_close_a_signal_or_see_whose_it_is_the_policies_say() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let rule = "@id(\"rule.all\")\n@title(\"Every access.\")\n@score(\"5\")\nforbid (principal, action, resource)\nunless { resource is Politie::Signal };\n";
    fs::write(policies.join("signals/rules.cedar"), rule).unwrap();
    let sidecar = Sidecar::builder().policies(&policies).config(ENABLED).start();
    active(&sidecar, 1).await;
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    let id = recorded(&sidecar.data, 1).await[0]["body"]["poort.signal"]["id"].as_str().unwrap().to_owned();
    let url = format!("http://{}", sidecar.address);
    let does = |command: &str, subject: &str, more: &[&str]| {
        let of = ["signals", command, &id, "--subject", subject, "--url", &url, "--context", "purpose=32a"];
        let places = ["--data", sidecar.data.to_str().unwrap(), "--policies", policies.to_str().unwrap()];
        run(of.iter().chain(&places).chain(&["--property", "level=2"]).chain(more))
    };
    let case = ["--property", "integrity_case=IC-2026-12"];
    // Nobody sees whose it is before somebody answers for a case, and nobody closes a signal of the own account.
    let why = [&case[..], &["--note", "The case needs it."]].concat();
    check(&does("reveal", "officer-0240", &why), 2);
    let (_, told) = check(&does("close", "officer-0007", &["--verdict", "justified"]), 2);
    assert!(told.contains("poort: "), "{told}");
    check(&does("take", "officer-0054", &case), 0);
    let (_, told) = check(&run(["signals", "list", "--data", sidecar.data.to_str().unwrap()]), 0);
    assert!(told.contains("0 open, 1 followed"), "{told}");
    let (shown, told) = check(&does("reveal", "officer-0240", &why), 0);
    assert_eq!(shown, "Politie::Officer::\"officer-0007\"\n");
    assert!(told.contains("keep_number"), "{told}");
    let records = sidecar.records();
    let revealed = records.iter().find(|it| {
        it["body"]["adl.core.request"]["action"]["name"] == "unmask"
            && it["body"]["adl.core.response"]["decision"] == true
    });
    let revealed = revealed.expect("it is a decision like any other");
    assert!(told.contains(revealed["trace_id"].as_str().unwrap()));
    let note = ["--verdict", "mistake", "--note", "The wrong file of two with one name."];
    check(&does("close", "officer-0240", &[&case[..], &note].concat()), 0);
    let shown = poort(&sidecar.data, &["show", &id]);
    let closing = sidecar.records().pop().unwrap();
    let by = format!("closed  score 5.0  mistake  by the decision {}", closing["trace_id"].as_str().unwrap());
    assert!(shown.contains("status    closed") && shown.contains(&by), "{shown}");
    assert_eq!(closing["body"]["adl.core.request"]["context"]["justification"], note[3]);
    let (_, told) = check(&does("close", "officer-0240", &[&case[..], &note].concat()), 1);
    assert!(told.contains("is closed already"), "{told}");
    // The next one is another signal.
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    let signals = recorded(&sidecar.data, 4).await;
    let changes: Vec<_> = signals.iter().map(|it| it["attributes"]["poort.signal.change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["opened", "followed", "closed", "opened"]);
    assert_ne!(signals[3]["attributes"]["poort.signal.id"], id.as_str());
    assert_eq!(signals[2]["body"]["poort.signal"]["evidence"][0]["trace_id"], closing["trace_id"]);
    // Whoever makes them again has the same.
    let again = poort(&sidecar.data, &["replay", "--policies", policies.to_str().unwrap(), "--format", "json"]);
    assert_eq!(again.lines().count(), 4);
    let (_, told) = check(&does("close", "officer-0240", &["--verdict", "good"]), 64);
    assert!(told.contains("justified, mistake, misuse, unclear"), "{told}");
}

/// Ends with the test.
struct Receiver(std::process::Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ssf(arguments: &[&std::ffi::OsStr]) -> Command {
    let mut command = Command::new(installed("target/tests/python/bin/python"));
    command.arg(repository().join("tests/clients/python/ssf.py")).args(arguments);
    command
}

#[tokio::test]
async fn receivers_of_shared_signals_get_signed_tokens() {
    let folder = folder();
    let place = Place::new(folder.path(), 1);
    let [key, public, port] = ["key.pem", "public.pem", "port"].map(|name| folder.path().join(name));
    assert!(ssf(&["key".as_ref(), key.as_ref(), public.as_ref()]).status().unwrap().success());
    let receive = ["receive".as_ref(), public.as_os_str(), "https://receiver.example".as_ref(), port.as_os_str()];
    let mut receiver = Receiver(ssf(&receive).stdout(Stdio::piped()).spawn().unwrap());
    let number = until("the receiver", async || fs::read_to_string(&port).ok()).await;
    let to = |name: &str, audience: &str| {
        format!(
            "[ship.{name}]\nkind = \"ssf-push\"\nendpoint = \"http://127.0.0.1:{number}/events\"\nissuer = \
             \"https://poort.example\"\naudience = \"{audience}\"\nkey = {key:?}\n"
        )
    };
    let config = format!("{ENABLED}{}", to("risk", "https://receiver.example"));
    let sidecar = Sidecar::builder().policies(&place.policies).config(&config).start();
    active(&sidecar, 1).await;
    ask(&sidecar, 3, "a").await;
    ask(&sidecar, 3, "decoy").await;
    ask(&sidecar, 4, "decoy").await;
    let mut lines = BufReader::new(receiver.0.stdout.take().unwrap()).lines();
    let mut token = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let (first, second) = (token(), token());
    let recorded = recorded(&sidecar.data, 2).await;
    for (token, record) in [&first, &second].into_iter().zip(&recorded) {
        let (claims, signal) = (&token["claims"], &record["body"]["poort.signal"]);
        assert_eq!((&token["header"]["typ"], &token["header"]["alg"]), (&json!("secevent+jwt"), &json!("RS256")));
        assert_eq!((&claims["iss"], &claims["txn"]), (&json!("https://poort.example"), &signal["id"]));
        assert_eq!(claims["sub_id"], json!({"format": "opaque", "id": signal["account"]}));
        assert_eq!(claims["iat"], record["timestamp"].as_i64().unwrap() / 1_000);
        let event = &claims["events"]["https://schemas.openid.net/secevent/caep/event-type/risk-level-change"];
        assert_eq!((&event["principal"], &event["current_level"]), (&json!("USER"), &json!("HIGH")));
        assert_eq!((&event["previous_level"], &event["risk_reason"]), (&json!("LOW"), &json!("exact")));
        assert_eq!(event["reason_admin"], signal["sentence"]);
        assert!(!token.to_string().contains("Person"), "{token}");
    }
    assert_ne!(first["claims"]["jti"], second["claims"]["jti"]);
    drop(sidecar);
    // Tokens that are for somebody else wait for a person.
    let config = format!("{ENABLED}{}", to("risk", "https://other.example"));
    let sidecar = Sidecar::builder().policies(&place.policies).config(&config).start();
    active(&sidecar, 1).await;
    ask(&sidecar, 3, "decoy").await;
    sidecar.wait_for_line("invalid_audience: not for us");
    let held = async || (Exposition::of(&sidecar).await.value("poort_ship_held", "risk") == 1.0).then_some(());
    until("the hold", held).await;
    drop(sidecar);
    fs::write(&key, "no key").unwrap();
    let ended = Sidecar::builder()
        .policies(&place.policies)
        .config(&config)
        .config("records = \"all\"\nformat = \"adl\"\n")
        .fail();
    assert_eq!(ended.code, Some(64));
    assert!(ended.log.contains("ship.risk.records") && ended.log.contains("ship.risk.format"), "{}", ended.log);
    let ended = Sidecar::builder().policies(&place.policies).config(&config).fail();
    assert!(ended.log.contains("key.pem"), "{}", ended.log);
}
