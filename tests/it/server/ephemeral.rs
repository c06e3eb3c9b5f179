//! A sidecar for the tests of an application: `serve --ephemeral`.

use crate::support::{folder, policies, request, until};
use http::Request;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// It is killed with the test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

fn ephemeral() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poort"));
    command.args(["serve", "--policies"]).arg(policies());
    command
}

async fn answer(address: SocketAddr, question: &Value) -> Value {
    let asked = Request::post("/access/v1/evaluation").header("content-type", "application/json");
    request(address, asked.body(question.to_string().into_bytes()).unwrap()).await.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ephemeral_sidecar_answers_on_its_day_and_leaves_nothing() {
    let folder = folder();
    let [scratch, port] = ["scratch", "port"].map(|name| folder.path().join(name));
    fs::create_dir(&scratch).unwrap();
    let mut command = ephemeral();
    command.args(["--ephemeral", "--today", "2026-03-01", "--port-file"]).arg(&port);
    command.current_dir(folder.path()).env("TMPDIR", &scratch).stderr(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    let number = until("the port", async || fs::read_to_string(&port).ok()).await;
    let address = SocketAddr::from(([127, 0, 0, 1], number.trim().parse().unwrap()));
    // An account of the tests, and a registration that is less than a year old on that day alone.
    let mut question = json!({
        "subject": {"type": "Officer", "id": "officer-0100"}, "action": {"name": "consult"},
        "resource": {"type": "Registration", "id": "r", "properties": {
            "unit": "station-north-1", "first_processed": "2025-04-01", "level": 1, "subjects_are_staff": false}},
        "context": {"purpose": "8"},
    });
    let answered = answer(address, &question).await;
    assert_eq!(answered["decision"], true, "{answered}");
    question["resource"]["properties"]["first_processed"] = json!("2025-02-20");
    let answered = answer(address, &question).await;
    assert_eq!(answered["context"]["policies"][0]["id"], "never.after-one-year", "{answered}");
    // Less than a segment of a log that is kept. Files that poort renames meanwhile take nothing.
    let taken: u64 = walk(&scratch).iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum();
    assert!(taken > 0 && taken < 8 << 20, "{taken}");
    kill_process(Pid::from_child(&running.0), Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success());
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_day_or_a_port_file_needs_an_ephemeral_sidecar() {
    for arguments in [["--today", "2021-03-01"], ["--port-file", "port"]] {
        let output = ephemeral().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--ephemeral"));
    }
    let output = ephemeral().args(["--ephemeral", "--data", "kept"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}
