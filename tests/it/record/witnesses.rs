//! Witnesses: checkpoints are cosigned, recorded, verified and in receipts; every planted fork is found; no witness that
//! is away, slow or lying stops poort.

mod foreign;
mod forks;
mod kills;
mod party;
mod trouble;

use crate::support::{Sidecar, Starting, allowed, check, folder, run, until};
use party::{Fake, Party, Policy};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Begins a log, and returns its public key.
async fn begin(data: &Path) -> String {
    let sidecar = Sidecar::builder().data(data).start();
    sidecar.evaluate(&allowed()).await;
    assert_eq!(sidecar.stop().code, Some(0));
    log(&["key", "--data", data.to_str().unwrap()]).0.trim().to_owned()
}

/// Runs `poort log …`, which must succeed.
#[track_caller]
fn log(arguments: &[&str]) -> (String, String) {
    check(&run([&["log"], arguments].concat()), 0)
}

/// A sidecar on this log whose witnesses are those of a policy.
fn watched(data: &Path, policy: &Path, more: &str) -> Starting {
    let config = format!(
        "[log]\ncheckpoint = \"100ms\"\n[log.witness]\npolicy = \"{}\"\ntimeout = \"5s\"\n{more}",
        policy.display()
    );
    Sidecar::builder().data(data).config(&config)
}

/// How many records the last checkpoint covers that a quorum cosigned.
fn cosigned(data: &Path) -> u64 {
    let note = fs::read_to_string(data.join("cosigned")).unwrap_or_default();
    note.lines().nth(1).map_or(0, |size| size.parse().unwrap())
}

/// Asks so often, and waits until a quorum cosigned all that was there before the last question.
async fn ask(sidecar: &Sidecar, calls: u64) {
    for _ in 0..calls {
        sidecar.evaluate(&allowed()).await;
    }
    let before = cosigned(&sidecar.data);
    until("a quorum", async || (cosigned(&sidecar.data) >= before + calls).then_some(())).await;
}

#[tokio::test]
async fn checkpoints_are_cosigned_recorded_verified_and_in_receipts() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let parties = [0, 1].map(|n| Party::start(&folder.path().join(format!("w{n}")), n, &[&key]));
    let away = Party::away(&folder.path().join("w2"), 2);
    let policy = Policy::new(&[&parties[0], &parties[1], &away], 2).log(&key).write(folder.path());
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 40).await;
    let records = sidecar.records();
    let metrics = sidecar.operators("/metrics").await.text();
    assert!(metrics.contains("poort_witness_answers_total{outcome=\"cosigned\",witness=\"w1\""), "{metrics}");
    assert_eq!(sidecar.stop().code, Some(0));

    let file = policy.to_str().unwrap();
    let (out, _) = log(&["verify", "--data", data.to_str().unwrap(), "--key", &key, "--witness-policy", file]);
    assert!(out.contains("witnessed") && out.contains("by w0, w1"), "{out}");
    // As it is shipped.
    let (all, _) = log(&["cat", "--all", "--data", data.to_str().unwrap()]);
    let stored = folder.path().join("stored.jsonl");
    fs::write(&stored, &all).unwrap();
    let received = ["verify", "--received", stored.to_str().unwrap(), "--key", &key, "--witness-policy", file];
    let (out, _) = log(&received);
    assert!(out.contains("by w0, w1"), "{out}");
    // A policy that asks for all three is not met.
    let strict = Policy::new(&[&parties[0], &parties[1], &away], 3).log(&key).write(&folder.path().join("w2"));
    let strict = [
        "log",
        "verify",
        "--received",
        stored.to_str().unwrap(),
        "--key",
        &key,
        "--witness-policy",
        strict.to_str().unwrap(),
    ];
    let (out, _) = check(&run(strict), 3);
    assert!(out.contains("not witnessed"), "{out}");
    // A cosigned record is no part of what `cat` shows unasked.
    assert!(!log(&["cat", "--data", data.to_str().unwrap()]).0.contains("poort.log.cosigned"));

    let named = |name: &str| records[20][name].as_str().unwrap();
    let named = format!("{}:{}", named("trace_id"), named("span_id"));
    let config = folder.path().join("poort.toml");
    fs::write(&config, format!("[log.witness]\npolicy = \"{file}\"\n")).unwrap();
    let (text, _) = log(&["prove", &named, "--data", data.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    let receipt = folder.path().join("one.tlog-proof");
    fs::write(&receipt, &text).unwrap();
    let (out, _) = log(&["check", receipt.to_str().unwrap(), "--witness-policy", file]);
    assert!(out.contains("cosigned   w0") && out.contains("cosigned   w1"), "{out}");
    let witnesses = [parties[0].key(), parties[1].key()];
    let python = |quorum| super::log::receipts::python(&receipt, &key, quorum, &[&witnesses[0], &witnesses[1]]);
    assert!(python(2).is_some() && python(3).is_none());
    // Without its cosignatures it is no receipt for whoever asks for them.
    let bare = text
        .lines()
        .filter(|line| !line.starts_with("\u{2014} witness"))
        .fold(String::new(), |bare, line| bare + line + "\n");
    fs::write(&receipt, bare).unwrap();
    assert!(python(0).is_some() && python(1).is_none());
    check(&run(["log", "check", receipt.to_str().unwrap(), "--witness-policy", file]), 3);
}

/// All files of the records, with their bytes.
fn files(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(data.join("records")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}
