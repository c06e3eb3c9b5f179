//! `poort log`: reads, verifies and replays the decision log on disk.

mod cat;
mod data_subject;
mod filters;
mod follow;
mod keys;
pub(super) mod receipts;
mod replay;
mod restored;
mod revisions;
mod ship;
mod status;
mod years_later;

use crate::support::{Sidecar, allowed, denied, run};
use serde_json::{Value, json};
use std::{ffi::OsString, path::Path};

/// Segments that a few dozen records fill.
const SMALL: &str = "[log]\nsegment = \"64KiB\"\n";

fn one_of<T: Clone>(choices: &[T]) -> T {
    choices[rand::random_range(0..choices.len())].clone()
}

/// Questions of several kinds: allowed and denied ones, about strangers, with all that needs an escape.
fn question() -> Value {
    let mut question = if rand::random() { allowed() } else { denied() };
    let ids = ["officer-0006", "officer-0007", "officer-0008", "officer-0009", "stranger", "a\"b\\c::d", "é\n"];
    question["subject"]["id"] = one_of(&ids).into();
    question["subject"]["type"] = one_of(&["Officer", "Politie::Officer"]).into();
    question["action"]["name"] = one_of(&["consult", "combine", "erase", "disclose"]).into();
    question["resource"]["id"] = one_of(&["inv-0042", "inv-0043", "officer-0007", " "]).into();
    question["resource"]["properties"]["embargo"] = one_of(&[false, false, true]).into();
    question["context"]["purpose"] = one_of(&["8", "9"]).into();
    question["context"]["justification"] = one_of(&["", "Link", "event_name\":\"poort.log.checkpoint"]).into();
    question
}

/// A batch of such, with items that leave parts out and items with a fault of every kind.
fn batch() -> Value {
    let items: Vec<_> = (0..rand::random_range(1..6))
        .map(|_| match rand::random_range(0..8) {
            0 => json!({}),
            1 => json!({"subject": question()["subject"]}),
            2 => json!({"resource": {"type": "Nothing", "id": "x"}}),
            3 => json!({"action": {"name": "guess"}}),
            _ => question(),
        })
        .collect();
    let mut batch = if rand::random() { question() } else { json!({}) };
    batch["evaluations"] = items.into();
    let semantics = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"];
    batch["options"] = json!({"evaluations_semantic": one_of(&semantics)});
    batch
}

async fn ask(sidecar: &Sidecar, calls: usize) {
    for _ in 0..calls {
        let (path, body) = match rand::random_range(0..4) {
            0 => ("/access/v1/evaluations", batch()),
            _ => ("/access/v1/evaluation", question()),
        };
        let reply = sidecar.post(path, &body).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.text());
    }
}

fn arguments(command: &str, data: &Path, more: &[&str]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["log", command, "--data"].map(Into::into).into();
    arguments.push(data.into());
    arguments.extend(more.iter().map(Into::into));
    arguments
}

/// Runs `poort log …` and returns its exit code, standard output and standard error.
#[track_caller]
fn log(command: &str, data: &Path, more: &[&str]) -> (i32, String, String) {
    let output = run(arguments(command, data, more));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The same, where it must succeed.
#[track_caller]
fn log_well(command: &str, data: &Path, more: &[&str]) -> String {
    let (code, out, told) = log(command, data, more);
    assert_eq!((code, told.as_str()), (0, ""), "{out}");
    out
}

/// Changes a byte in the middle of a segment that is complete.
fn damage(data: &Path) {
    let mut segments: Vec<_> = std::fs::read_dir(data.join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    segments.sort();
    assert!(segments.len() > 1, "{segments:?}");
    let mut bytes = std::fs::read(&segments[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segments[0], bytes).unwrap();
}
