//! Restarts under load: no call fails, for a client that waits for a connection or asks once more, or asks as the page for
//! developers says.
//!
//! `POORT_RESTARTS=10` asks 1 000 questions a restart, ten times; the short form has 2 restarts.

use crate::support::{Sidecar, folder, free_address, repository};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn restarts_fail_no_call_that_waits_for_a_connection() {
    let address = free_address();
    restarts(&address, "wait", |data| {
        Sidecar::builder().without_listen().argument("--listen").argument(&address).data(data).start()
    });
}

#[test]
fn restarts_on_a_held_socket_fail_no_retried_call() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    restarts(&socket.local_addr().unwrap().to_string(), "retry", |data| {
        Sidecar::builder().without_listen().socket(socket.try_clone().unwrap(), "callers").data(data).start()
    });
}

#[test]
fn a_stop_fails_calls_of_a_default_channel_alone() {
    let failed = outage(|poort| assert_eq!(poort.stop().code, Some(0)));
    assert!(failed["default"] > 0, "{failed:?}");
    assert_eq!((failed["wait"], failed["config"], failed["json"]), (0, 0, 0), "{failed:?}");
}

#[test]
fn a_kill_fails_no_call_that_is_asked_again() {
    let failed = outage(|poort| drop(poort.kill()));
    assert!(failed["default"] > 0, "{failed:?}");
    assert_eq!((failed["config"], failed["json"]), (0, 0), "{failed:?}");
}

/// Ends poort and starts it again under the callers of `outage.py`: how many calls of each failed.
#[track_caller]
fn outage(end: impl Fn(Sidecar)) -> BTreeMap<String, u64> {
    let (address, folder) = (free_address(), folder());
    let start = || {
        let poort = Sidecar::builder().policies(repository().join("clients/policies")).data(folder.path().join("data"));
        poort.without_listen().argument("--listen").argument(&address).start()
    };
    let poort = start();
    let mut callers = client(folder.path(), "outage.py")
        .arg(&address)
        .arg(repository().join("docs/applications.md"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commands = callers.stdin.take().unwrap();
    let mut lines = BufReader::new(callers.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut tell = |command: &str| {
        writeln!(commands, "{command}").unwrap();
        assert_eq!(lines.next().as_deref(), Some("ok"), "{command}");
    };
    tell("answered");
    end(poort);
    tell("failed");
    let _again = start();
    tell("answered");
    drop(commands);
    let facts = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let failed = facts.map(|it| (it["caller"].as_str().unwrap().to_owned(), it["failed"].as_u64().unwrap())).collect();
    assert!(callers.wait().unwrap().success());
    failed
}

/// Restarts poort while the Python client asks, and checks that every call of it was answered.
#[track_caller]
fn restarts(address: &str, mode: &str, start: impl Fn(&Path) -> Sidecar) {
    let restarts = std::env::var("POORT_RESTARTS").map_or(2, |count| count.parse::<u64>().unwrap());
    let calls_of_each = if restarts < 10 { 400 } else { 1000 };
    let folder = folder();
    let mut poort = start(folder.path());
    let mut client = client(folder.path(), "restarts.py")
        .args([address, &(calls_of_each * restarts).to_string(), mode])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ended = Value::Null;
    for line in BufReader::new(client.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match line["calls"].as_u64() {
            Some(calls) if calls % calls_of_each == calls_of_each / 2 => {
                let stopped = poort.stop();
                assert_eq!(stopped.code, Some(0), "{}", stopped.log);
                poort = start(folder.path());
            }
            Some(_) => {}
            None => ended = line["ended"].clone(),
        }
    }
    assert!(client.wait().unwrap().success());
    assert_eq!(ended, json!({"allow": calls_of_each * restarts}));
}

/// A Python client, with the stubs that are made from `proto/` and the client to copy.
#[track_caller]
fn client(folder: &Path, script: &str) -> Command {
    let python = repository().join("target/tests/python/bin/python");
    assert!(python.exists(), "{} is not there; tests/run installs it", python.display());
    let stubs = folder.join("stubs");
    std::fs::create_dir(&stubs).unwrap();
    let mut generate = Command::new(&python);
    generate.args(["-m", "grpc_tools.protoc", "-I"]).arg(repository().join("proto"));
    for out in ["--python_out", "--grpc_python_out"] {
        generate.arg(format!("{out}={}", stubs.display()));
    }
    assert!(generate.arg("poort/v1/access_evaluation.proto").status().unwrap().success());
    let mut client = Command::new(python);
    let path = [stubs, repository().join("clients/python")];
    client.env("PYTHONPATH", std::env::join_paths(path).unwrap()).env("no_proxy", "127.0.0.1");
    client.arg(repository().join("tests/clients/python").join(script));
    client
}
