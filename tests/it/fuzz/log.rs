//! The files of the log, and what a pipeline stored of it.

use crate::support::{folder, mutate::mutate};
use poort::record::{
    decision_log::{
        Pseudonyms, checkpoint,
        verify::{Known, verify_folder, verify_received},
    },
    evidence::{Checkpoint, Key, PublicKeys},
    spool::{Config, Cursor, Entry, Spool, read_head, reader::Reader},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

const ORIGIN: &str = "poort/here/0123456789abcdef";

fn meter() -> opentelemetry::metrics::Meter {
    opentelemetry::global::meter("fuzz")
}

/// A segment of a few commits, and its payloads.
fn segment() -> (Vec<u8>, Vec<Vec<u8>>) {
    let folder = folder();
    let payloads: Vec<Vec<u8>> = (0..12).map(|n| format!("{{\"n\":\"{}\"}}", "x".repeat(n * 7)).into_bytes()).collect();
    let config = Config { segment_bytes: 64 << 10, ..Config::new(folder.path().join("records")) };
    let dir = config.dir.clone();
    let (spool, _) = Spool::open(&config, None, &meter()).unwrap();
    for payload in &payloads {
        spool.submit(Entry::new(payload.clone())).unwrap().wait().unwrap();
    }
    spool.close();
    (fs::read(first_of(&dir)).unwrap(), payloads)
}

fn first_of(dir: &Path) -> PathBuf {
    dir.join("0000000000000000.seg")
}

/// What can be read before an error or the end.
fn read(dir: &Path) -> Vec<Vec<u8>> {
    Reader::open(dir).unwrap().map_while(Result::ok).map(|frame| frame.payload).collect()
}

#[test]
fn what_is_read_of_a_segment_is_what_was_written() {
    let (bytes, payloads) = segment();
    let folder = folder();
    mutate("segment", &[bytes], |bytes| {
        fs::write(first_of(folder.path()), bytes).unwrap();
        // A checksum holds the place and the payload of a record together, so no splice makes another.
        let found = read(folder.path());
        assert!(payloads.starts_with(&found), "{} records are others", found.len());
    });
}

#[test]
fn any_folder_is_continued_or_refused() {
    let (bytes, payloads) = segment();
    let mut case = 0;
    mutate("recovery", &[bytes], |bytes| {
        case += 1;
        // It syncs, which takes its time.
        if case % 20 != 1 {
            return;
        }
        let folder = folder();
        fs::write(first_of(folder.path()), bytes).unwrap();
        let config = Config { segment_bytes: 64 << 10, ..Config::new(folder.path()) };
        match Spool::open(&config, None, &meter()) {
            Ok((spool, recovery)) => {
                spool.close();
                let found = read(folder.path());
                assert!(payloads.starts_with(&found) && found.len() as u64 == recovery.next_seq);
            }
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains("is damaged at byte") || told.contains("by a newer poort"), "{told}");
            }
        }
    });
}

#[test]
fn a_slot_gives_a_value_that_was_written_or_none() {
    let folder = folder();
    let cursor = Cursor::open(folder.path(), "one").unwrap();
    cursor.advance(7).unwrap();
    cursor.advance(9).unwrap();
    let path = folder.path().join("one.cursor");
    mutate("slots", &[fs::read(&path).unwrap()], |bytes| {
        fs::write(&path, bytes).unwrap();
        let found = Cursor::read(folder.path(), "one").unwrap();
        assert!(matches!(found, None | Some(7 | 9)), "{found:?}");
        // Whatever was left, the next value is there.
        let cursor = Cursor::open(folder.path(), "one").unwrap();
        cursor.advance(u64::MAX).unwrap();
        assert_eq!(Cursor::read(folder.path(), "one").unwrap(), Some(u64::MAX));
        fs::write(folder.path().join("head"), bytes).unwrap();
        read_head(folder.path()).unwrap();
    });
}

fn key() -> Key {
    Key::from_seed([3; 32])
}

fn note(size: u64) -> Vec<u8> {
    let tree = poort::record::evidence::Tree::from_range(size, vec![[7; 32]]).unwrap();
    Checkpoint::of(ORIGIN, &tree).sign(&key()).unwrap().into_bytes()
}

#[test]
fn a_note_that_opens_says_what_was_signed() {
    let keys = PublicKeys::parse([key().public(ORIGIN).as_str()]).unwrap();
    mutate("note", &[note(1), note(16)], |bytes| {
        let Ok(text) = str::from_utf8(bytes) else { return };
        let _ = Checkpoint::read(text);
        if let Ok(opened) = Checkpoint::open(text, &keys) {
            assert!(opened.origin == ORIGIN && [1, 16].contains(&opened.size) && opened.root == [7; 32]);
        }
    });
}

#[test]
fn a_refused_file_of_keys_is_not_shown() {
    let folder = folder();
    let (own, pseudonyms) = (folder.path().join("key.pem"), folder.path().join("keys"));
    Key::read_or_make(&own).unwrap();
    Pseudonyms::read_or_make(&pseudonyms).unwrap();
    let public = key().public(ORIGIN).into_bytes();
    let files = [own, pseudonyms].map(|path| (fs::read(&path).unwrap(), path));
    let seeds: Vec<_> = files.iter().map(|(bytes, _)| bytes.clone()).chain([public]).collect();
    let secrets: Vec<_> =
        files.iter().flat_map(|(bytes, _)| str::from_utf8(bytes).unwrap().split_whitespace()).collect();
    let secrets: Vec<_> = secrets.into_iter().filter(|word| word.len() > 20).collect();
    mutate("keys", &seeds, |bytes| {
        for (_, path) in &files {
            fs::write(path, bytes).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            let told =
                [Key::read(path).err().map(|it| it.to_string()), Pseudonyms::read(path).err().map(|it| it.to_string())];
            for told in told.into_iter().flatten() {
                assert!(secrets.iter().all(|secret| !told.contains(secret)), "{told}");
            }
        }
        let _ = str::from_utf8(bytes).map(|text| PublicKeys::parse(text.lines()));
    });
}

/// What a pipeline stored: records of the log's own, with a checkpoint, and an export.
fn stored() -> Vec<u8> {
    let note = String::from_utf8(note(1)).unwrap();
    let range = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let of = |seq: u64, more: &str| {
        format!("\"attributes\":{{{more}\"poort.log.origin\":\"{ORIGIN}\",\"poort.log.seq\":{seq}}}")
    };
    let checkpoint = serde_json::json!({
        "attributes": {"poort.log.occasion": "cadence", "poort.log.origin": ORIGIN, "poort.log.range": [range], "poort.log.seq": 1},
        "body": {"poort.log.checkpoint": note}, "event_name": "poort.log.checkpoint", "timestamp": 1,
    });
    let plain = format!("{{{},\"event_name\":\"adl.test\"}}", of(0, ""));
    let retention = format!("{{{},\"event_name\":\"poort.log.retention\"}}", of(2, "\"poort.retention.below\":1,"));
    let export =
        serde_json::json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": plain}}]}]}]});
    format!("{plain}\n{checkpoint}\n{retention}\n{export}\n").into_bytes()
}

#[test]
fn what_a_pipeline_stored_is_judged_whatever_it_is() {
    let keys = PublicKeys::parse([key().public(ORIGIN).as_str()]).unwrap();
    let folder = folder();
    mutate("received", &[stored()], |bytes| {
        for line in bytes.split(|byte| *byte == b'\n') {
            let _ = checkpoint::read(line, Some(&keys));
        }
        let known = Known::default();
        let judged = verify_received(&mut &*bytes, &keys, &known, 0, None, &mut |_| {}).unwrap();
        for compared in judged {
            assert!(compared.report.proven <= compared.report.end.max(compared.report.first));
        }
        // The same bytes as a segment and a head.
        fs::write(first_of(folder.path()), bytes).unwrap();
        fs::write(folder.path().join("head"), bytes).unwrap();
        let report = verify_folder(folder.path(), &keys, &known, &mut |_| {}).unwrap();
        assert_ne!(report.faults, []);
    });
}
