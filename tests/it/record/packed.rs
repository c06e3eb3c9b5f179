//! Complete segments are packed while poort runs: nothing that reads the log sees a difference, and damage in them is said.

use crate::support::{Exposition, Sidecar, allowed, folder, records, run, until};
use poort::record::{decision_log::DAMAGE, spool::segment_files};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

pub(super) const SMALL: &str = "[log]\nsegment = \"64KiB\"\n";

fn is_packed(path: &Path) -> bool {
    let mut start = [0; 4];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == [0x50, 0x2a, 0x4d, 0x18]
}

/// How many segments are packed, and how many are there.
fn packed(data: &Path) -> (usize, usize) {
    let files = segment_files(&data.join("records")).unwrap();
    (files.iter().filter(|file| is_packed(&file.path)).count(), files.len())
}

pub(super) async fn until_packed(data: &Path) {
    until("packed segments", async || {
        let (packed, all) = packed(data);
        (packed + 2 == all).then_some(())
    })
    .await;
}

/// A log of several segments, all but the newest packed, and its records.
async fn log_of(count: usize, config: &str, data: &Path) -> Vec<Value> {
    let sidecar = Sidecar::builder().data(data).config(config).start();
    for _ in 0..count {
        sidecar.evaluate(&allowed()).await;
    }
    until_packed(data).await;
    assert_eq!(sidecar.stop().code, Some(0));
    assert!(packed(data).0 > 2);
    records(data)
}

fn verified(data: &Path) -> Option<i32> {
    run(["log".as_ref(), "verify".as_ref(), "--data".as_ref(), data.as_os_str()]).status.code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_log_is_read_verified_and_gone_on_with() {
    for config in [SMALL, "[log]\nsegment = \"64KiB\"\ncompress = false\n"] {
        let data = folder();
        let before = log_of(300, config, data.path()).await;
        assert_eq!(before.len(), 300);
        assert_eq!(verified(data.path()), Some(0));
        let sidecar = Sidecar::builder().data(data.path()).config(config).start();
        assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
        let now = sidecar.records();
        assert_eq!((&now[..300], now.len()), (&before[..], 301));
        until("a check of all segments", async || {
            (Exposition::of(&sidecar).await.value("poort_log_unchecked", "") == 0.0).then_some(())
        })
        .await;
        assert_eq!(Exposition::of(&sidecar).await.value("poort_log_damaged", ""), 0.0);
        assert_eq!(sidecar.stop().code, Some(0));
        assert_eq!(verified(data.path()), Some(0));
    }
}

/// The niceness of a thread (`proc(5)`: field 19 of `stat`).
fn nice(pid: u32, thread: &str) -> Option<String> {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().find_map(|task| {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).ok()?;
        let (name, rest) = stat.split_once(") ")?;
        name.ends_with(&format!("({thread}")).then(|| rest.split(' ').nth(16).unwrap().to_owned())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_beside_the_path_give_way_to_it() {
    let sidecar = Sidecar::builder().config(SMALL).config("[signals]\nenabled = true\n").start();
    // The tree's thread begins with the first block of 256 records.
    for _ in 0..260 {
        sidecar.evaluate(&allowed()).await;
    }
    for (thread, niceness) in [("poort-keeper", "19"), ("poort-tree", "19"), ("poort-signals", "10")] {
        until(thread, async || (nice(sidecar.pid(), thread).as_deref() == Some(niceness)).then_some(())).await;
    }
    assert_eq!(nice(sidecar.pid(), "poort-spool").as_deref(), Some("0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_a_packed_segment_stops_no_answer() {
    let data = folder();
    log_of(300, SMALL, data.path()).await;
    let damaged = segment_files(&data.path().join("records")).unwrap().remove(1);
    let mut bytes = fs::read(&damaged.path).unwrap();
    bytes[100] ^= 1;
    fs::write(&damaged.path, bytes).unwrap();

    let sidecar = Sidecar::builder().data(data.path()).config(SMALL).start();
    let place = damaged.path.display().to_string();
    let ready = until("damage", async || {
        let ready = sidecar.operators("/readyz").await;
        (ready.json()["damaged"] != json!([])).then_some(ready)
    })
    .await;
    assert_eq!(ready.status, 200);
    let said = &ready.json()["damaged"][0];
    assert!(said["segment"].as_str().unwrap().ends_with(damaged.path.file_name().unwrap().to_str().unwrap()), "{said}");
    assert_eq!(Exposition::of(&sidecar).await.value("poort_log_damaged", ""), 1.0);
    assert!(sidecar.wait_for_line("A segment of the log is damaged").contains("ERROR"));
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert_eq!(sidecar.stop().code, Some(0));

    // It is on record, behind all that can still be read from there on.
    let newest = segment_files(&data.path().join("records")).unwrap().pop().unwrap();
    let recorded = fs::read(newest.path).unwrap();
    let recorded = String::from_utf8_lossy(&recorded);
    assert!(recorded.contains(DAMAGE) && recorded.contains(&format!("\"poort.damage.first\":{}", damaged.first)));
    // And nothing reads what is damaged for good.
    assert_eq!(verified(data.path()), Some(3));
    let cat = run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), data.path().as_os_str()]);
    assert_eq!(cat.status.code(), Some(1));
    let told = String::from_utf8(cat.stderr).unwrap();
    assert!(told.contains("cannot be unpacked") && told.contains(&place), "{told}");
}
