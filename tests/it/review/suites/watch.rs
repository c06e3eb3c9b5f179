//! `poort test --watch` runs again when something changes.

use super::{Folder, SUITE};
use crate::support::until;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

/// The next summary line.
async fn summary(lines: &Receiver<String>) -> String {
    until("a summary", async || lines.try_iter().find(|line| line.starts_with("1 suite: "))).await
}

#[tokio::test]
async fn suites_run_again_after_each_change() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["test", "--watch"])
        .arg(&folder.path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(process.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    assert_eq!(summary(&lines).await, "1 suite: 9 passed");
    folder.edit("tests/records.yaml", "policies: [old]", "policies: []");
    assert_eq!(summary(&lines).await, "1 suite: 7 passed, 2 failed");
    folder.edit(
        "tests/records.yaml",
        "    decision: deny\n    policies: []\n  - name: notes",
        "    decision: deny\n  - name: notes",
    );
    assert_eq!(summary(&lines).await, "1 suite: 7 passed, 2 failed");
    folder.edit("directory/accounts.json", "\"active\": true, \"level\": 2", "\"active\": true, \"level\": 3");
    assert_eq!(summary(&lines).await, "1 suite: 6 passed, 3 failed");
    folder.edit("p.cedar", "duration(\"30d\")", "duration(\"31d\")");
    assert_ne!(summary(&lines).await, "1 suite: 6 passed, 3 failed");
    kill_process(Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    // As the last run ended.
    assert_eq!(process.wait().unwrap().code(), Some(4));
    reader.join().unwrap();
}
