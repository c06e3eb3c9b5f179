//! `poort log status`: what it says is what the records say.

use super::{SMALL, ask, log, log_well};
use crate::support::{Sidecar, folder};
use poort::spool::Cursor;
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
    assert_eq!(status["segments"], poort::spool::segments(&data.join("records")).unwrap().len());
    assert_eq!(time(&status["oldest"]), all[0]["timestamp"]);
    assert_eq!(time(&status["newest"]), all.last().unwrap()["timestamp"]);
    let checkpoint = all.iter().rfind(|record| record["event_name"] == "poort.log.checkpoint").unwrap();
    assert_eq!(status["origin"], checkpoint["attributes"]["poort.log.origin"]);
    assert_eq!(status["checkpoint"]["seq"], seq(checkpoint));
    assert_eq!(time(&status["checkpoint"]["time"]), checkpoint["timestamp"]);
}

#[tokio::test]
async fn the_ends_of_the_log_are_told_beside_a_server_and_without_one() {
    let folder = folder();
    let data = folder.path().join("data");
    let config = "[log]\nsegment = \"64KiB\"\ncheckpoint = \"1h\"\nmax = \"1GiB\"\n";
    let sidecar = Sidecar::builder().config(config).data(&data).start();
    ask(&sidecar, 150).await;
    check(&data, true);
    sidecar.stop();
    check(&data, false);
    let status = status(&data);
    let bytes: u64 = poort::spool::segment_files(&data.join("records")).unwrap().iter().map(|it| it.bytes).sum();
    assert_eq!(status["bytes"], bytes);
    assert_eq!(status["room"]["log_max"], 64_u64 << 30);
    assert!(status["room"]["disk"].as_u64().unwrap() > 0);
    let shown = log_well("status", &data, &[]);
    assert!(shown.contains(status["origin"].as_str().unwrap()), "{shown}");
}

#[tokio::test]
async fn each_sink_is_told_with_what_it_has_not_taken_yet() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().config(SMALL).data(&data).start();
    ask(&sidecar, 100).await;
    sidecar.stop();
    let all = all(&data);
    let records = data.join("records");
    for (name, position) in [("behind", 40), ("even", all.len() as u64)] {
        Cursor::open(&records, name).unwrap().advance(position).unwrap();
    }
    Cursor::open(&records, "new").unwrap();
    fs::create_dir(data.join("quarantine")).unwrap();
    fs::write(data.join("quarantine/behind.jsonl"), "{}\n{}\n{}\n").unwrap();
    let found = status(&data);
    let sinks: Vec<_> = found["sinks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sink| {
            (
                sink["name"].as_str().unwrap(),
                sink["acknowledged"].clone(),
                sink["pending"].clone(),
                sink["quarantined"].clone(),
            )
        })
        .collect();
    let count = all.len();
    assert_eq!(
        sinks,
        [
            ("behind", 40.into(), (count - 40).into(), 3.into()),
            ("even", count.into(), 0.into(), 0.into()),
            ("new", 0.into(), count.into(), 0.into()),
        ]
    );
    assert_eq!(found["sinks"][1]["lag"], 0.0);
    let (behind, new) = (found["sinks"][0]["lag"].as_f64().unwrap(), found["sinks"][2]["lag"].as_f64().unwrap());
    assert!(new >= behind && behind > 0.0, "{found}");
}

#[test]
fn without_a_log_it_exits_with_1_and_names_the_folder() {
    let (code, out, told) = log("status", Path::new("/nowhere"), &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(told.contains("/nowhere/records"), "{told}");
}
