//! `poort log status`: reports what the records say.

use super::{SMALL, ask, log, log_well};
use crate::support::{Sidecar, folder};
use poort::record::spool::Cursor;
use serde_json::Value;
use std::{fs, path::Path};

fn status(data: &Path) -> Value {
    serde_json::from_str(&log_well("status", data, &["--format", "json"])).unwrap()
}

/// All records, checkpoints too.
fn all(data: &Path) -> Vec<Value> {
    log_well("cat", data, &["--all"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check(data: &Path, server: bool) {
    let (status, all) = (status(data), all(data));
    let seq = |record: &Value| record["attributes"]["poort.log.seq"].clone();
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(status["server"], server);
    assert_eq!(status["records"], all.len());
    assert_eq!(status["first_seq"], seq(&all[0]));
    assert_eq!(status["last_seq"], seq(all.last().unwrap()));
    assert_eq!(status["segments"], poort::record::spool::segments(&data.join("records")).unwrap().len());
    assert_eq!(time(&status["oldest"]), all[0]["timestamp"]);
    assert_eq!(time(&status["newest"]), all.last().unwrap()["timestamp"]);
    let checkpoint = all.iter().rfind(|record| record["event_name"] == "poort.log.checkpoint").unwrap();
    assert_eq!(status["origin"], checkpoint["attributes"]["poort.log.origin"]);
    assert_eq!(status["checkpoint"]["seq"], seq(checkpoint));
    assert_eq!(time(&status["checkpoint"]["time"]), checkpoint["timestamp"]);
}

#[tokio::test]
async fn the_status_shows_both_ends_of_the_log() {
    let folder = folder();
    let data = folder.path().join("data");
    let config = "[log]\nsegment = \"64KiB\"\ncheckpoint = \"1h\"\nmax = \"1GiB\"\n";
    let sidecar = Sidecar::builder().config(config).data(&data).start();
    ask(&sidecar, 150).await;
    check(&data, true);
    sidecar.stop();
    check(&data, false);
    let status = status(&data);
    let bytes: u64 =
        poort::record::spool::segment_files(&data.join("records")).unwrap().iter().map(|it| it.bytes).sum();
    assert_eq!(status["bytes"], bytes);
    assert_eq!(status["room"]["log_max"], 64_u64 << 30);
    assert!(status["room"]["disk"].as_u64().unwrap() > 0);
    // Of the policies, of the directory and of the configuration.
    assert_eq!((&status["revisions"]["count"], &status["revisions"]["max"]), (&3.into(), &(16_u64 << 30).into()));
    assert!(status["revisions"]["bytes"].as_u64().unwrap() > 10_000);
    let shown = log_well("status", &data, &[]);
    assert!(shown.contains(status["origin"].as_str().unwrap()), "{shown}");
}

#[tokio::test]
async fn the_status_shows_the_backlog_of_each_sink() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().config(SMALL).data(&data).start();
    ask(&sidecar, 100).await;
    sidecar.stop();
    let all = all(&data);
    let count = all.len();
    let records = data.join("records");
    for (name, position) in [("behind", 40), ("even", count as u64), ("gone", 30)] {
        Cursor::open(&records, name).unwrap().advance(position).unwrap();
    }
    // It was started and has not taken anything; the one that is new was never started.
    Cursor::open(&records, "down").unwrap();
    fs::create_dir(data.join("quarantine")).unwrap();
    // The end of the last line is not on disk.
    fs::write(data.join("quarantine/behind.jsonl"), "{}\n{}\n{}\n{\"seq\":").unwrap();
    let config = folder.path().join("sinks.toml");
    let sink = |name: &str| format!("[ship.{name}]\nkind = \"json-lines\"\npath = \"{name}.jsonl\"\n");
    fs::write(&config, ["behind", "down", "even", "new"].map(sink).concat()).unwrap();
    let flags = ["--config", config.to_str().unwrap()];
    let found: Value =
        serde_json::from_str(&log_well("status", &data, &[&flags[..], &["--format", "json"]].concat())).unwrap();
    let sinks: Vec<_> = found["sinks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sink| {
            let name = sink["name"].as_str().unwrap();
            (name, ["configured", "acknowledged", "pending", "quarantined"].map(|field| sink[field].clone()))
        })
        .collect();
    assert_eq!(
        sinks,
        [
            ("behind", [true.into(), 40.into(), (count - 40).into(), 3.into()]),
            ("down", [true.into(), Value::Null, count.into(), 0.into()]),
            ("even", [true.into(), count.into(), 0.into(), 0.into()]),
            ("new", [true.into(), Value::Null, count.into(), 0.into()]),
            ("gone", [false.into(), 30.into(), Value::Null, 0.into()]),
        ]
    );
    let lag = |index: usize| found["sinks"][index]["lag"].as_f64();
    assert_eq!((lag(2), lag(4)), (Some(0.0), None));
    assert!(lag(1) >= lag(0) && lag(0) > Some(0.0), "{found}");

    let shown = log_well("status", &data, &flags);
    for expected in [
        format!("behind: acknowledged up to seq 40, {} waiting, the oldest for ", count - 40),
        format!("even: acknowledged up to seq {count}, nothing waits, 0 in quarantine"),
        format!("new: has not taken any record yet, {count} waiting"),
        "gone: acknowledged up to seq 30, not configured: it gets no records, and none is kept for it".to_owned(),
    ] {
        assert!(shown.contains(&expected), "{expected}\n{shown}");
    }
}

#[test]
fn the_status_of_a_missing_log_exits_with_1() {
    let (code, out, told) = log("status", Path::new("/nowhere"), &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(told.contains("/nowhere/records"), "{told}");
}
