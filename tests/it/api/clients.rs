//! Clients that others wrote: Python's grpcio, Node's grpc-js and curl, over TCP and over a Unix socket. The scripts are in
//! `tests/clients`, and are examples for application developers too. `tests/run` installs what they need.

use crate::support::{Sidecar, allowed, denied, installed, repository};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

#[test]
fn python_is_answered_over_tcp() {
    let sidecar = started();
    check(&sidecar, &python_script(&sidecar, &sidecar.address.to_string()), Script::Python);
}

#[test]
fn python_is_answered_over_a_unix_socket() {
    let sidecar = started();
    check(&sidecar, &python_script(&sidecar, &format!("unix:{}", socket(&sidecar).display())), Script::Python);
}

#[test]
fn the_documented_python_client_prints_the_documented_answer() {
    let page = std::fs::read_to_string(repository().join("docs/applications.md")).unwrap();
    let (_, rest) = page.split_once("<<'PYTHON'\n").unwrap();
    let (script, rest) = rest.split_once("PYTHON\n").unwrap();
    let (_, rest) = rest.split_once("```\n\n```\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let sidecar = Sidecar::builder().start();
    let here = script.replace("127.0.0.1:50051", &sidecar.address.to_string());
    assert_ne!(here, script);
    let mut client = python(&sidecar);
    assert_eq!(output(client.arg("-").env("no_proxy", "127.0.0.1"), &here), shown);
}

#[test]
fn node_is_answered_over_tcp() {
    let sidecar = started();
    check(&sidecar, &node(&sidecar.address.to_string()), Script::Node);
}

#[test]
fn node_is_answered_over_a_unix_socket() {
    let sidecar = started();
    check(&sidecar, &node(&format!("unix:{}", socket(&sidecar).display())), Script::Node);
}

#[test]
fn node_measures_both_bindings() {
    let sidecar = Sidecar::builder().policies(repository().join("clients/policies")).start();
    installed("tests/clients/node/node_modules");
    let mut measure = Command::new("node");
    measure.arg(repository().join("tests/clients/node/speed.js")).args([&sidecar.address.to_string(), "32"]);
    let measured: Vec<_> = lines(&mut measure).iter().map(|it| (it["way"].clone(), it["at_once"].clone())).collect();
    let both = |at_once: u8| [(json!("grpc"), json!(at_once)), (json!("json"), json!(at_once))];
    assert_eq!(measured, [both(1), both(32)].concat());
}

#[test]
fn curl_is_answered_over_tcp_and_over_a_unix_socket() {
    let sidecar = started();
    let tcp = format!("http://{}", sidecar.address);
    let unix = socket(&sidecar);
    let unix = ["--unix-socket", unix.to_str().unwrap()];
    let answers = [
        (curl(&[], &format!("{tcp}/access/v1/evaluation"), &allowed()), true),
        (curl(&["--http2-prior-knowledge"], &format!("{tcp}/access/v1/evaluation"), &denied()), false),
        (curl(&unix, "http://localhost/access/v1/evaluation", &allowed()), true),
    ];
    let identities: BTreeSet<_> = answers.iter().map(|(answer, _)| key(&answer["context"]["record"])).collect();
    for (answer, decision) in &answers {
        assert_eq!(answer["decision"], *decision, "{answer}");
    }
    assert_eq!(sidecar.records().iter().map(key).collect::<BTreeSet<_>>(), identities);
}

/// A poort that is heard over TCP and over a Unix socket.
fn started() -> Sidecar {
    let sidecar = Sidecar::builder().argument("--listen").argument("unix:poort.sock").start();
    sidecar.wait_for_line("Listening for callers. address=unix:");
    sidecar
}

fn socket(sidecar: &Sidecar) -> PathBuf {
    sidecar.folder.path().join("poort.sock")
}

/// Python with the stubs that are made from `proto/`.
#[track_caller]
fn python(sidecar: &Sidecar) -> Command {
    let python = installed("target/tests/python/bin/python");
    let stubs = sidecar.folder.path().join("stubs");
    std::fs::create_dir(&stubs).unwrap();
    let mut generate = Command::new(&python);
    generate.args(["-m", "grpc_tools.protoc", "-I"]).arg(repository().join("proto"));
    for out in ["--python_out", "--grpc_python_out"] {
        generate.arg(format!("{out}={}", stubs.display()));
    }
    output(generate.arg("poort/v1/access_evaluation.proto"), "");
    let mut command = Command::new(&python);
    command.env("PYTHONPATH", stubs);
    command
}

#[track_caller]
fn python_script(sidecar: &Sidecar, address: &str) -> Vec<Value> {
    lines(python(sidecar).arg(repository().join("tests/clients/python/client.py")).arg(address))
}

#[track_caller]
fn node(address: &str) -> Vec<Value> {
    installed("tests/clients/node/node_modules");
    lines(Command::new("node").arg(repository().join("tests/clients/node/client.js")).arg(address))
}

#[track_caller]
fn curl(options: &[&str], url: &str, question: &Value) -> Value {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail-with-body", "--noproxy", "*"]).args(options);
    command.args(["--header", "content-type: application/json", "--data-binary", "@-", url]);
    serde_json::from_str(&output(&mut command, &question.to_string())).unwrap()
}

/// The lines of JSON that a client prints.
#[track_caller]
fn lines(command: &mut Command) -> Vec<Value> {
    let printed = output(command.env("no_proxy", "127.0.0.1,localhost"), "");
    printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[track_caller]
fn output(command: &mut Command, input: &str) -> String {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = Path::new(piped.get_program()).display().to_string();
    let mut process = piped.spawn().unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = process.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8_lossy(&ended.stderr).into_owned());
    assert!(ended.status.success(), "{program}: {}\n{out}\n{err}", ended.status);
    out
}

#[derive(Clone, Copy)]
enum Script {
    Python,
    Node,
}

/// Checks what a script printed, and that each question it had answered left its record.
#[track_caller]
fn check(sidecar: &Sidecar, lines: &[Value], script: Script) {
    let step = |name: &str| lines.iter().filter(|line| line["step"] == name).cloned().collect::<Vec<_>>();
    let one = |name: &str| {
        let found = step(name);
        assert_eq!(found.len(), 1, "{name}: {lines:?}");
        found[0].clone()
    };

    assert_eq!(one("health")["status"], "SERVING");
    if let Script::Python = script {
        let services: Vec<String> = serde_json::from_value(one("reflection")["services"].clone()).unwrap();
        for service in ["grpc.health.v1.Health", "poort.v1.AccessEvaluation"] {
            assert!(services.iter().any(|served| served == service), "{services:?}");
        }
    }

    let evaluated: Vec<_> =
        step("evaluate").iter().map(|line| (line["officer"].clone(), line["decision"].clone())).collect();
    assert_eq!(evaluated, [(json!("officer-0007"), json!(true)), (json!("officer-0008"), json!(false))]);
    assert_eq!(step("evaluate")[0]["policies"], json!(["summit.team"]));
    assert_eq!(step("evaluate")[1]["reason"], "Denied: no policy permits this.");
    let may = one("may");
    assert_eq!((&may["allowed"], &may["refused"]), (&json!(true), &json!(false)));

    let batches: BTreeMap<_, _> =
        step("batch").iter().map(|line| (line["semantic"].to_string(), line["decisions"].clone())).collect();
    let expected = [
        ("UNSPECIFIED", json!([true, false, true, false])),
        ("EXECUTE_ALL", json!([true, false, true, false])),
        ("DENY_ON_FIRST_DENY", json!([true, false])),
        ("PERMIT_ON_FIRST_PERMIT", json!([true])),
    ];
    assert_eq!(
        batches,
        expected.map(|(name, decisions)| (format!("\"EVALUATIONS_SEMANTIC_{name}\""), decisions)).into()
    );

    let streamed: BTreeMap<_, _> =
        step("stream").iter().map(|line| (line["id"].as_str().unwrap().to_owned(), line.clone())).collect();
    assert_eq!(streamed.len(), 201);
    for number in 0..200 {
        let line = &streamed[&number.to_string()];
        assert_eq!(line["decision"], number % 2 == 0, "{line}");
    }
    assert_eq!(
        (&streamed["faulty"]["code"], &streamed["faulty"]["message"]),
        (&json!(3), &json!("subject: is missing"))
    );

    let mistake = one("mistake");
    assert_eq!(mistake["code"], "INVALID_ARGUMENT");
    assert_eq!(mistake["message"], "resource.properties.level: is a string; the schema wants a whole number");
    assert_eq!(one("deadline")["code"], "DEADLINE_EXCEEDED");
    assert_eq!(one("trace")["record"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");

    let mut records: BTreeMap<_, _> = sidecar.records().into_iter().map(|record| (key(&record), record)).collect();
    for line in lines.iter().filter(|line| line.get("record").is_some()) {
        let record = records.remove(&key(&line["record"])).unwrap_or_else(|| panic!("no record: {line}"));
        let response = &record["body"]["adl.core.response"];
        if let Some(decision) = line.get("decision") {
            assert_eq!(response["decision"], *decision);
        } else {
            assert_eq!(response["evaluations"].as_array().unwrap().len(), line["decisions"].as_array().unwrap().len());
        }
        if line["step"] == "trace" {
            assert_eq!(record["parent_span_id"], "00f067aa0ba902b7");
        }
        if let Some(number) = line["id"].as_str() {
            assert_eq!(record["body"]["adl.core.request"]["resource"]["id"], format!("inv-{number:0>4}"));
        }
    }
    // What `may` asked, and perhaps the question that the client gave up on.
    let asked = |record: &Value| record["body"]["adl.core.request"]["resource"]["id"].as_str().unwrap().to_owned();
    let mut left: Vec<_> = records.values().map(asked).collect();
    left.retain(|id| id != "inv-late");
    assert_eq!(left, ["inv-0042"]);
}

fn key(record: &Value) -> (String, String) {
    let text = |name: &str| record[name].as_str().unwrap().to_owned();
    (text("trace_id"), text("span_id"))
}
