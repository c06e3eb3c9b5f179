//! `poort log ship` and what `poort log status` says of a sink that waits.

use super::ask;
use crate::support::{Exposition, Sidecar, check, folder, run, until};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Output,
};

/// A command of `poort log` on the data of a sidecar, with its configuration.
fn log(data: &Path, config: &Path, arguments: &[&str]) -> Output {
    let place = ["--data", data.to_str().unwrap(), "--config", config.to_str().unwrap()];
    run(["log"].iter().chain(arguments).chain(&place))
}

/// How often each record is in a file of lines.
fn arrived(lines: &Path) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(lines).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        *counts.entry(record["attributes"]["poort.log.seq"].as_u64().unwrap()).or_default() += 1;
    }
    counts
}

async fn drained(sidecar: &Sidecar) -> u64 {
    until("all records at the sink", async || {
        let metrics = Exposition::of(sidecar).await;
        let taken = metrics.value("poort_ship_acknowledged", "");
        (taken > 0.0 && metrics.value("poort_ship_backlog", "") == 0.0).then_some(taken as u64)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_shipped_again_by_any_server() {
    let (folder, data) = (folder(), folder());
    let lines = folder.path().join("lines");
    // One checkpoint at the start, so that the numbers are known.
    let config = format!("[log]\ncheckpoint = \"1h\"\n[ship.test]\nkind = \"json-lines\"\npath = {lines:?}\n");
    let file: PathBuf = folder.path().join("poort.toml");
    fs::write(&file, &config).unwrap();
    let sidecar = Sidecar::builder().config(&config).data(data.path()).start();
    ask(&sidecar, 20).await;
    let had = drained(&sidecar).await;
    let (said, _) = check(&log(data.path(), &file, &["ship", "--sink", "test", "--from", "5"]), 0);
    assert!(said.contains("by the server") && said.contains(&format!("from 5 to {}", had - 1)), "{said}");
    sidecar.wait_for_line("All that was asked for was sent again.");
    let counts = arrived(&lines);
    assert!(counts.iter().all(|(seq, count)| *count == if *seq < 5 { 1 } else { 2 }), "{counts:?}");

    let refusals: [(&[&str], i32, &str); 4] = [
        (&["ship", "--sink", "other", "--from", "5"], 64, "no sink `other`; the configuration has test"),
        (&["ship", "--sink", "test", "--from", "9000"], 64, "has not had record 9000 yet"),
        (&["ship", "--sink", "test", "--quarantined"], 1, "nothing of `test` is in quarantine"),
        (&["ship", "--sink", "test"], 64, "--from"),
    ];
    for (arguments, code, expected) in refusals {
        let (_, told) = check(&log(data.path(), &file, arguments), code);
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(sidecar.stop().code, Some(0));

    // A record that was refused once, and is taken now.
    fs::create_dir(data.path().join("quarantine")).unwrap();
    let kept = r#"{"seq":3,"when":"2026-01-01T00:00:00Z","why":"no","record":{"attributes":{"poort.log.seq":3}}}"#;
    fs::write(data.path().join("quarantine/test.jsonl"), format!("{kept}\n{{\"seq\":")).unwrap();
    let (said, _) = check(&log(data.path(), &file, &["ship", "--sink", "test", "--quarantined"]), 0);
    assert!(said.contains("when `poort serve` starts: 1 records in quarantine"), "{said}");
    let sidecar = Sidecar::builder().config(&config).data(data.path()).start();
    sidecar.wait_for_line("All that was asked for was sent again.");
    assert_eq!(arrived(&lines)[&3], 2);
    assert!(!data.path().join("quarantine/test.jsonl").exists());
    assert_eq!(fs::read_dir(data.path().join("quarantine")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_says_why_a_sink_waits() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let folder = folder();
    let sink = |name: &str, kind: &str, scheme: &str| {
        format!("[ship.{name}]\nkind = \"{kind}\"\nendpoint = \"{scheme}://{address}\"\ntimeout = \"500ms\"\n")
    };
    let nats = sink("stream", "nats", "nats") + "subject = \"poort.records\"\n";
    let config = [sink("grpc", "otlp-grpc", "http"), sink("http", "otlp-http", "http"), nats].concat();
    let file = folder.path().join("poort.toml");
    fs::write(&file, &config).unwrap();
    let sidecar = Sidecar::builder().config(&config).start();
    ask(&sidecar, 5).await;
    let status = |data: &Path| -> Value {
        serde_json::from_str(&check(&log(data, &file, &["status", "--format", "json"]), 0).0).unwrap()
    };
    let waits = until("some attempts of each sink", async || {
        let found = status(&sidecar.data);
        let waits: Vec<_> = found["sinks"].as_array().unwrap().iter().map(|sink| sink["waiting"].clone()).collect();
        waits.iter().all(|waiting| waiting["attempts"].as_u64() >= Some(4)).then_some(waits)
    })
    .await;
    for waiting in waits {
        assert_eq!(waiting["reason"], "transport");
        assert!(waiting["why"].as_str().unwrap().contains("refused"), "{waiting}");
        let time = |name: &str| waiting[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(time("since") <= time("next"), "{waiting}");
    }
    let metrics = Exposition::of(&sidecar).await;
    for name in ["grpc", "http", "stream"] {
        let labels = format!("reason=\"transport\",sink=\"{name}\"");
        assert_eq!(metrics.value("poort_ship_waiting", &labels), 1.0);
    }
    let (shown, _) = check(&log(&sidecar.data, &file, &["status"]), 0);
    assert!(shown.contains("(transport): ") && shown.contains("; again at "), "{shown}");
    // A line a sink, and none of a library.
    let data = sidecar.data.clone();
    let log_lines = sidecar.log();
    let said: Vec<_> = log_lines.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said.iter().all(|line| line.contains("Records wait; sending is tried again.")), "{said:#?}");
    let _ended = sidecar.kill();
    let (shown, _) = check(&log(&data, &file, &["status"]), 0);
    assert!(shown.contains(", until the server ended"), "{shown}");
}
