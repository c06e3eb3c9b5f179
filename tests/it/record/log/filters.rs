//! The index of packed segments: what is found with it is what is found without it.

use super::{SMALL, ask, log, log_well, one_of};
use crate::support::{Sidecar, allowed, copy_folder, folder, until};
use poort::record::spool::{SegmentFile, read_index, segment_files};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Asks until a few segments are complete, and waits until all but the newest are packed.
async fn packed_log(sidecar: &Sidecar) {
    for round in 0..6 {
        ask(sidecar, 40).await;
        // Who is asked about differs from segment to segment.
        for (kind, id) in [("PersonEntry", format!("person-{round}")), ("Investigation", format!("inv-{round}"))] {
            let mut question = allowed();
            question["subject"]["id"] = format!("officer-{round}").into();
            question["resource"] = json!({"type": kind, "id": id, "properties": {"unit": "detectives-north", "level": 1,
                "team": "heron", "embargo": false, "subjects_are_staff": false, "secret_address": false}});
            let _ = sidecar.post("/access/v1/evaluation", &question).await;
        }
    }
    until("packed segments", async || {
        (indexed(&sidecar.data).len() + 2 == segments(&sidecar.data).len()).then_some(())
    })
    .await;
}

fn segments(data: &Path) -> Vec<SegmentFile> {
    segment_files(&data.join("records")).unwrap()
}

fn indexed(data: &Path) -> Vec<SegmentFile> {
    segments(data).into_iter().filter(|file| read_index(file).unwrap().is_some()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_and_without_the_index_the_same_records_are_found() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    packed_log(&sidecar).await;
    let all = sidecar.records();
    let mut found_any = 0;
    for _ in 0..40 {
        let n = rand::random_range(0..8);
        let trace = one_of(&all)["trace_id"].as_str().unwrap().to_owned();
        let mut flags: Vec<String> = Vec::new();
        let mut maybe = |flag: String| {
            if rand::random_range(0..4) == 0 {
                flags.push(flag);
            }
        };
        maybe(format!("--subject={}officer-{n}", one_of(&["", "Officer::", "Politie::Officer::", "Unit::"])));
        maybe(format!("--subject={}", one_of(&["officer-0007", "a\"b\\c::d", "é\n", "nobody"])));
        maybe(format!("--resource={}inv-{n}", one_of(&["", "Investigation::"])));
        maybe(format!("--data-subject={}person-{n}", one_of(&["", "person-entry::"])));
        maybe(format!("--trace={}", one_of(&[trace.as_str(), "41c36574039cef5168c2d8c396644242"])));
        maybe("--decision=allow".to_owned());
        if flags.iter().filter(|flag| flag.starts_with("--subject")).count() > 1 {
            flags.pop();
        }
        if flags.is_empty() || flags.iter().filter(|flag| flag.starts_with("--subject")).count() > 1 {
            continue;
        }
        let words: Vec<_> = flags.iter().map(String::as_str).collect();
        let skipping = log("cat", &sidecar.data, &words);
        let reading_all = log("cat", &sidecar.data, &[&words[..], &["--every-segment"]].concat());
        assert_eq!((skipping.0, &skipping.1), (reading_all.0, &reading_all.1), "{words:?}");
        found_any += usize::from(!skipping.1.is_empty());
    }
    assert!(found_any > 2, "{found_any}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_skips_segments_without_the_name() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    packed_log(&sidecar).await;
    let data = folder();
    copy_folder(&sidecar.data, data.path());
    let all = sidecar.records();
    let lines = |out: &str| out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let trace = |one: &Value| one["trace_id"].as_str().unwrap().to_owned();
    assert_eq!(lines(&log_well("cat", data.path(), &["--trace", &trace(&all[0])])), all[..1]);

    // A segment that does not hold it is damaged in its records: it shows whether it is read.
    let other = indexed(data.path()).remove(1);
    let whole = fs::read(&other.path).unwrap();
    let mut bytes = whole.clone();
    bytes[60] ^= 1;
    fs::write(&other.path, &bytes).unwrap();
    // Of the names that it does not hold, a filter takes one in 256 for its own: of four, one is skipped.
    let is_skipped = |one: &&Value| log("cat", data.path(), &["--trace", &trace(one)]).0 == 0;
    let one = trace(all[..4].iter().find(is_skipped).unwrap());
    let find = |more: &[&str]| log("cat", data.path(), &[&["--trace", &one], more].concat());
    let (code, out, told) = find(&[]);
    assert_eq!((code, lines(&out).len()), (0, 1), "{told}");
    let (code, ..) = find(&["--every-segment"]);
    assert_eq!(code, 1);
    // Without its index it is read.
    let index = read_index(&other).unwrap().unwrap();
    let at = bytes.windows(index.len()).position(|bytes| bytes == index).unwrap();
    bytes[at + 1] ^= 1;
    fs::write(&other.path, &bytes).unwrap();
    assert_eq!(find(&[]).0, 1);
    // And that finds the same.
    let mut bytes = whole;
    bytes[at + 1] ^= 1;
    fs::write(&other.path, &bytes).unwrap();
    let (code, out, told) = find(&[]);
    assert_eq!((code, lines(&out).len()), (0, 1), "{told}");
}
