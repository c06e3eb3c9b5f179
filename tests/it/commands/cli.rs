//! The commands: results on standard output, messages on standard error, and exit codes for scripts.

use crate::support::{
    Sidecar, allowed, check, copied_policies, denied, folder, policies, repository, run, run_with_input,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// The place of the first occurrence as `line:column`.
fn place(file: &Path, part: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let (line, column) =
        text.lines().enumerate().find_map(|(line, text)| Some((line + 1, text.find(part)? + 1))).unwrap();
    format!("{line}:{column}")
}

// ---- validate ----

#[test]
fn validate_says_what_a_good_folder_holds() {
    let (out, told) = check(&run(["validate"]), 0);
    assert!(out.starts_with("valid: "), "{out}");
    assert!(out.contains(" policies, ") && out.contains(" entities in the directory"), "{out}");
    assert_eq!(out.matches("sha256:").count(), 2, "{out}");
    assert_eq!(told, "");
    let by_flag = run(["validate".as_ref(), "--policies".as_ref(), policies().as_os_str()]);
    assert_eq!(check(&by_flag, 0).0, out);
}

#[test]
fn validate_names_problems_with_line_and_caret() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    edit(&policies.join("bvh.cedar"), "permit (", "permitt (");
    edit(&policies.join("summit.cedar"), "principal in resource.team", "principal in resource.teem");
    edit(&policies.join("anpr.cedar"), "@id(", "@id(\"twice\") @id(");
    edit(&policies.join("never.cedar"), "principal.active", "principal.activ");
    let (out, told) = check(&run(["validate".as_ref(), policies.as_os_str()]), 3);
    assert_eq!(out, "");
    for (file, part) in [("bvh.cedar", "permitt ("), ("anpr.cedar", "@id(\"twice\")")] {
        let line = place(&policies.join(file), part).split_once(':').unwrap().0.to_owned();
        assert!(told.contains(&format!("{file}:{line}:")), "no {file}:{line} in\n{told}");
    }
    for file in ["summit.cedar", "never.cedar"] {
        assert!(told.contains(&format!("{file}:")), "no {file} in\n{told}");
    }
    assert!(told.contains("╰──") && told.contains("· ───────"), "{told}");
    assert!(told.contains("not valid: "), "{told}");
}

#[test]
fn validate_names_problems_of_directory_and_policies() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    edit(&policies.join("never.cedar"), "principal.active", "principal.activ");
    edit(&policies.join("directory/accounts.json"), "\"level\": 2", "\"level\": \"two\"");
    edit(&policies.join("directory/organisations.json"), "Politie::Role", "Politie::Roll");
    let (_, told) = check(&run(["validate".as_ref(), policies.as_os_str()]), 3);
    for file in ["never.cedar:", "accounts.json:", "organisations.json:"] {
        assert!(told.contains(file), "no {file} in\n{told}");
    }
}

#[test]
fn validate_points_at_the_value_that_does_not_fit() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let accounts = policies.join("directory/accounts.json");
    edit(&accounts, "\"active\": false", "\"active\": \"no\"");
    edit(&policies.join("directory/organisations.json"), "[\"16\"]", "16");
    let (_, told) = check(&run(["validate".as_ref(), policies.as_os_str()]), 3);
    let line = place(&accounts, "officer-0002").split_once(':').unwrap().0.to_owned();
    assert!(told.contains(&format!("accounts.json:{line}:")), "{told}");
    assert!(told.contains("organisations.json:5:"), "{told}");
    assert!(told.contains("officer-0002"), "{told}");
}

#[test]
fn validate_shows_the_place_of_broken_json_and_schemas() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    edit(&policies.join("directory/organisations.json"), "\"parents\": [],", "\"parents\": [,");
    let (_, told) = check(&run(["validate".as_ref(), policies.as_os_str()]), 3);
    assert!(told.contains("organisations.json:2:"), "{told}");
    edit(&policies.join("schema.cedarschema"), "namespace Politie {", "namespace Politie {{");
    edit(&policies.join("bvh.cedar"), "permit (", "permitt (");
    let (_, told) = check(&run(["validate".as_ref(), policies.as_os_str()]), 3);
    assert!(told.contains("schema.cedarschema:5:"), "{told}");
    assert!(told.contains("bvh.cedar:"), "{told}");
    let (_, told) = check(&run(["validate", "/nowhere"]), 3);
    assert!(told.contains("/nowhere"), "{told}");
}

#[test]
fn validate_takes_accounts_from_elsewhere() {
    let folder = folder();
    let file = folder.path().join("accounts.json");
    fs::write(&file, "[]").unwrap();
    // Profiles are part of the directory, and refer to accounts.
    let policies = copied_policies(folder.path());
    fs::remove_dir_all(policies.join("profiles")).unwrap();
    let arguments = ["validate".as_ref(), policies.as_os_str(), "--directory".as_ref(), file.as_os_str()];
    let (out, _) = check(&run(arguments), 0);
    assert!(out.contains(" 0 entities in the directory"), "{out}");
}

// ---- evaluate ----

fn evaluate(question: &Value, more: &[&str]) -> Output {
    run_with_input(["evaluate"].iter().chain(more), question.to_string().as_bytes())
}

#[test]
fn the_exit_code_of_evaluate_is_the_decision() {
    let (out, told) = check(&evaluate(&allowed(), &[]), 0);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["decision"], true);
    assert_eq!(answer["context"]["policies"][0]["id"], "summit.team");
    assert!(answer["context"].get("record").is_none(), "nothing is recorded");
    assert_eq!(told, "");
    let (out, _) = check(&evaluate(&denied(), &["-"]), 2);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["decision"], false);
}

#[test]
fn evaluate_answers_from_a_file() {
    let folder = folder();
    let file = folder.path().join("question.json");
    fs::write(&file, allowed().to_string()).unwrap();
    check(&run(["evaluate".as_ref(), file.as_os_str()]), 0);
    let (_, told) = check(&run(["evaluate", "/nowhere/question.json"]), 1);
    assert!(told.contains("/nowhere/question.json"), "{told}");
}

#[test]
fn evaluate_denies_a_batch_with_one_deny() {
    let all = json!({"evaluations": [allowed(), allowed()]});
    let (out, _) = check(&evaluate(&all, &[]), 0);
    let answers: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answers["evaluations"].as_array().unwrap().len(), 2);
    let some = json!({"evaluations": [allowed(), denied(), {"subject": {"type": "Officer", "id": "x"}}]});
    let (out, _) = check(&evaluate(&some, &[]), 2);
    let answers: Value = serde_json::from_str(&out).unwrap();
    let decisions: Vec<_> = answers["evaluations"].as_array().unwrap().iter().map(|it| &it["decision"]).collect();
    assert_eq!(decisions, [true, false, false]);
    assert!(answers["evaluations"][2]["context"].to_string().contains("evaluations[2].action"), "{out}");
}

#[test]
fn evaluate_of_a_malformed_question_exits_with_1() {
    for (question, part) in [
        ("{\"subject\": ", "not JSON"),
        ("{}", "subject"),
        ("{\"subject\": {\"type\": \"Officer\", \"id\": 7}}", "subject.id"),
        ("", "not JSON"),
    ] {
        let (out, told) = check(&run_with_input(["evaluate"], question.as_bytes()), 1);
        assert_eq!(out, "");
        assert!(told.contains(part), "no {part} in {told}");
    }
    let mut question = allowed();
    question["resource"]["properties"]["level"] = "high".into();
    let (_, told) = check(&evaluate(&question, &[]), 1);
    assert!(told.contains("resource.properties.level"), "{told}");
}

#[test]
fn evaluate_on_invalid_policies_exits_with_3_and_the_place() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    edit(&policies.join("bvh.cedar"), "permit (", "permitt (");
    let (out, told) = check(&evaluate(&allowed(), &["--policies", policies.to_str().unwrap()]), 3);
    assert_eq!(out, "");
    assert!(told.contains("bvh.cedar:") && told.contains("╰──"), "{told}");
}

#[test]
fn evaluate_explains_what_each_policy_made_of_the_question() {
    let (out, told) = check(&evaluate(&allowed(), &["--explain"]), 0);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["decision"], true);
    for part in [
        "allow  ",
        "permit summit.team applies",
        "✓ principal in resource.team — met",
        "resource.team = Politie::Team::\"heron\"",
        "other policies about such questions are not told: they do not decide",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let (_, told) = check(&evaluate(&denied(), &["--explain"]), 2);
    for part in [
        "deny  Denied: no policy permits this.",
        "permit summit.team does not apply",
        "✗ principal in resource.team — not met",
        "account Politie::Officer::\"officer-0008\": also in Politie::Team::\"heron\"",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn evaluate_records_nothing() {
    let folder = folder();
    let data = folder.path().join("data");
    check(&evaluate(&allowed(), &["--data", data.to_str().unwrap()]), 0);
    assert!(!data.exists());
}

// ---- log ----

#[tokio::test]
async fn log_cat_prints_one_record_a_line() {
    let sidecar = Sidecar::builder().start();
    for question in [allowed(), denied(), allowed()] {
        sidecar.evaluate(&question).await;
    }
    let (out, told) = check(&run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), sidecar.data.as_os_str()]), 0);
    let decisions: Vec<_> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"]["adl.core.response"]["decision"].clone())
        .collect();
    assert_eq!(decisions, [true, false, true]);
    assert_eq!(told, "");
}

#[tokio::test]
async fn log_cat_ends_silently_when_its_reader_stops() {
    let sidecar = Sidecar::builder().start();
    let batch = json!({"evaluations": vec![allowed(); 200]});
    for _ in 0..10 {
        assert_eq!(sidecar.post("/access/v1/evaluations", &batch).await.status, 200);
    }
    // More than a pipe holds.
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["log", "cat", "--data"])
        .arg(&sidecar.data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(process.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with('{'));
    drop(reader);
    let ended = process.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn log_cat_without_a_log_exits_with_1() {
    let (_, told) = check(&run(["log", "cat", "--data", "/nowhere/data"]), 1);
    assert!(told.contains("/nowhere/data/records"), "{told}");
    assert!(told.contains("No such file"), "{told}");
}

// ---- Usage ----

#[test]
fn the_help_of_every_command_has_examples() {
    let of_log = [&["log", "cat"][..], &["log", "status"], &["log", "replay"]];
    for command in [&["serve"][..], &["validate"], &["evaluate"]].into_iter().chain(of_log) {
        let (out, told) = check(&run(command.iter().chain(&["--help"])), 0);
        assert!(out.contains("Examples:"), "{command:?}: {out}");
        assert!(out.contains(&format!("poort {}", command.join(" "))), "{out}");
        assert_eq!(told, "");
    }
    let (out, _) = check(&run(["--help"]), 0);
    for part in ["serve", "validate", "evaluate", "log", "Exit codes", "poort.example.toml"] {
        assert!(out.contains(part), "no {part} in {out}");
    }
    let (out, _) = check(&run(["--version"]), 0);
    assert_eq!(out.trim(), format!("poort {}", poort::types::build::LONG_VERSION));
}

#[test]
fn wrong_usage_exits_with_64() {
    for arguments in [
        &["serve", "--unknown"][..],
        &["validate", "--unknown"],
        &["evaluate", "a", "b"],
        &["log"],
        &["log", "dog"],
        &["guess"],
        &[],
        &["validate", "policies", "--policies", "policies"],
        &["validate", "--config", "/nowhere/poort.toml"],
        &["serve", "--listen", "localhost"],
    ] {
        let (out, told) = check(&run(arguments), 64);
        assert_eq!(out, "", "{arguments:?}");
        assert!(!told.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_example_configuration_is_accepted_and_changes_nothing() {
    let example = fs::read_to_string(repository().join("poort.example.toml")).unwrap();
    let sidecar = Sidecar::builder().config(&example).start();
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    // A busy machine reads the policies for longer than the five seconds after which poort says so.
    let warned = |line: &str| line.contains("WARN") && !line.contains("still being read");
    assert!(!sidecar.log().lines().any(warned), "{}", sidecar.log());
    let file = repository().join("poort.example.toml");
    check(&run(["validate".as_ref(), "--config".as_ref(), file.as_os_str()]), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_beats_the_environment() {
    let folder = folder();
    let path = folder.path().join("poort.sock");
    let listen = format!("127.0.0.1:0,unix:{}", path.display());
    let sidecar = Sidecar::builder().without_listen().variable("POORT_LISTEN", &listen).start();
    assert!(path.exists());
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert_eq!(sidecar.stop().code, Some(0));
    let sidecar = Sidecar::builder().variable("POORT_LISTEN", &listen).start();
    assert!(!path.exists());
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
}

#[tokio::test]
async fn an_unknown_poort_variable_is_reported() {
    let sidecar = Sidecar::builder().variable("POORT_SERVICE_HOST", "10.0.0.1").start();
    sidecar.wait_for_line("environment variable POORT_SERVICE_HOST is not one of poort's");
}
