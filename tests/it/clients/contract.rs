//! The contract of the clients: each runs every case of `clients/contract/cases.json`, against the real sidecar and against
//! one that is killed, slow, full, or answers garbage.

use super::{Language, installed};
use crate::support::{Sidecar, folder, free_address, repository};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

#[test]
fn the_python_client_keeps_the_contract() {
    keeps_the_contract(Language::Python);
}

#[test]
fn the_node_client_keeps_the_contract() {
    keeps_the_contract(Language::Node);
}

#[test]
fn the_java_client_keeps_the_contract() {
    keeps_the_contract(Language::Java);
}

#[test]
fn the_go_client_keeps_the_contract() {
    keeps_the_contract(Language::Go);
}

#[test]
fn the_csharp_client_keeps_the_contract() {
    keeps_the_contract(Language::CSharp);
}

#[track_caller]
fn keeps_the_contract(language: Language) {
    let cases = repository().join("clients/contract/cases.json");
    let contract: Value = serde_json::from_str(&std::fs::read_to_string(&cases).unwrap()).unwrap();
    let sidecar = Sidecar::builder()
        .policies(repository().join("clients/policies"))
        .argument("--listen")
        .argument("unix:poort.sock")
        .start();
    sidecar.wait_for_line("Listening for callers. address=unix:");
    let real = match language {
        // Their clients know no Unix sockets by themselves.
        Language::Java | Language::CSharp => format!("http://{}", sidecar.address),
        _ => format!("unix:{}", sidecar.folder.path().join("poort.sock").display()),
    };
    let fake = Fake::start(&cases);
    let nowhere = format!("http://{}", free_address());
    let copy = folder();
    let mut run = language.contract(copy.path());
    run.arg(&cases).args([&real, &fake.address, &nowhere]);
    let output = run.output().unwrap_or_else(|error| panic!("{run:?}: {error}; tests/run installs it"));
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{out}\n{err}");

    let mut outcomes: BTreeMap<String, Value> = BTreeMap::new();
    for line in out.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let again = outcomes.insert(text(&line["case"]), line["outcome"].clone());
        assert!(again.is_none(), "{line}");
    }
    let cases = contract["cases"].as_array().unwrap();
    let names: BTreeSet<_> = cases.iter().map(|case| text(&case["name"])).collect();
    assert_eq!((names.len(), outcomes.keys().cloned().collect()), (cases.len(), names));
    let mut wrong = Vec::new();
    for case in cases {
        let outcome = outcomes.get_mut(case["name"].as_str().unwrap()).unwrap();
        let recorded = decision_records(outcome);
        if *outcome != case["expected"] {
            wrong.push(format!("{}\n  expected {}\n  got      {outcome}", case["name"], case["expected"]));
        }
        if case["sidecar"] == "real" {
            check_records(&sidecar, &contract, &recorded);
        }
    }
    assert!(wrong.is_empty(), "{}\n{err}", wrong.join("\n"));
    check_calls(&contract, &fake.end());
}

/// Takes the keys of the decision records out of an outcome.
fn decision_records(outcome: &mut Value) -> Vec<Value> {
    let outcomes = match outcome {
        Value::Array(rows) => rows.iter_mut().collect(),
        one => vec![one],
    };
    let keys = outcomes.into_iter().map(|it| it.as_object_mut().unwrap().remove("decision_record").unwrap());
    keys.filter(|key| !key.is_null()).collect()
}

/// Each decision record that a client names is in the log, in the caller's trace.
#[track_caller]
fn check_records(sidecar: &Sidecar, contract: &Value, named: &[Value]) {
    let parent = text(&contract["headers"]["traceparent"]);
    let (trace, span) = parent.split('-').skip(1).take(2).fold(("", ""), |(_, last), part| (last, part));
    let records = sidecar.records();
    for key in named {
        assert_eq!(key["trace_id"], trace);
        let is_named = |record: &&Value| record["span_id"] == key["span_id"] && record["trace_id"] == trace;
        let record = records.iter().find(is_named).unwrap_or_else(|| panic!("no record: {key}"));
        assert_eq!(record["parent_span_id"], span);
    }
}

/// Each call carried the trace and no cookie; a page was one call; what is no passing trouble was asked once, and nothing was
/// asked again before `Retry-After` said.
#[track_caller]
fn check_calls(contract: &Value, calls: &[Value]) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for call in calls {
        assert_eq!(call["headers"]["traceparent"], contract["headers"]["traceparent"], "{call}");
        assert_eq!(call["headers"].get("cookie"), None, "{call}");
        assert_eq!(call["early"], false, "{call}");
        *count.entry(text(&call["case"])).or_default() += 1;
        let case = contract["cases"].as_array().unwrap().iter().find(|it| it["name"] == call["case"]).unwrap();
        let (path, questions) = match case["questions"].as_array() {
            Some(rows) => ("access/v1/evaluations", rows.len()),
            None => ("access/v1/evaluation", 1),
        };
        assert_eq!((&call["path"], &call["questions"]), (&path.into(), &questions.into()), "{call}");
    }
    for case in contract["cases"].as_array().unwrap() {
        let Some(steps) = case["sidecar"].as_array() else { continue };
        let count = count.get(case["name"].as_str().unwrap()).copied().unwrap_or_default();
        let is_passing = case.get("deadline_ms").is_some();
        assert!(count == steps.len() || (is_passing && count > 0), "{}: {count} calls", case["name"]);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The sidecar that does what a case says.
struct Fake {
    process: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Fake {
    #[track_caller]
    fn start(cases: &Path) -> Self {
        let mut start = Command::new(installed("target/tests/python/bin/python"));
        start.arg(repository().join("clients/contract/sidecar.py")).arg(cases);
        let mut process = start.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut address = String::new();
        out.read_line(&mut address).unwrap();
        Self { process, out, address: address.trim().to_owned() }
    }

    /// Ends it and returns the calls that it saw.
    #[track_caller]
    fn end(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let mut calls = String::new();
        self.out.read_to_string(&mut calls).unwrap();
        calls.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
