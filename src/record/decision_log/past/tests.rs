//! Logs that were changed between two processes: which are continued, which are refused, and what is reported.

use super::super::{
    Config, DecisionLog, KeyChange, Producer, keys, log_event,
    signer::CheckpointSigner,
    verify::{Fault, Found, Known, Report, verify_folder},
};
use crate::{
    record::{
        evidence::{Key, PublicKeys},
        spool::{self, Entry, OpenError, Spool, put_segment, reader::Reader, segments},
    },
    types::revision::Revision,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

fn key(seed: u8) -> Key {
    Key::from_seed([seed; 32])
}

fn producer() -> Producer {
    Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new())
}

fn record(producer: &Producer, text: &str) -> spool::Payload {
    let attributes = BTreeMap::from([("poort.test", log_event::text(text))]);
    log_event::record(producer, "adl.test", 1, attributes, None)
}

/// A process: opens the log, records what it is given, and ends in order. Returns the name of the log.
fn process(dir: &Path, key: Key, pseudonyms: &[&str], change: KeyChange, texts: &[&str]) -> Result<String, String> {
    let (signer, origin) = CheckpointSigner::new(key, "here", Duration::from_secs(3600), producer());
    let signer = signer.with_keys(pseudonyms.iter().map(|key| (*key).to_owned()).collect(), change);
    let meter = opentelemetry::global::meter("past");
    let opened = Spool::open(&spool::Config::new(dir), Some(Box::new(signer)), &meter);
    let spool = match opened {
        Err(OpenError::Unattested { why, .. }) => return Err(why),
        opened => opened.unwrap().0,
    };
    let origin = origin.get().unwrap().clone();
    for text in texts {
        let record = record(&producer().in_log(&origin), text);
        spool.submit(Entry::new(record)).unwrap().wait().unwrap();
    }
    spool.close();
    Ok(origin)
}

fn orderly(dir: &Path, texts: &[&str]) -> Result<String, String> {
    process(dir, key(1), &[], KeyChange::default(), texts)
}

/// Changes the records of the last segment, as a person without the key could.
fn change(dir: &Path, change: impl FnOnce(u64, &mut Vec<Vec<u8>>)) {
    let first = *segments(dir).unwrap().last().unwrap();
    let mut records = Reader::open_at(dir, first).unwrap().map(|frame| frame.unwrap().payload).collect();
    change(first, &mut records);
    put_segment(dir, first, &records);
}

/// A record that says that this is its place.
fn forged(origin: &str, seq: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    record(&producer().in_log(origin), "forged").write(&mut bytes, seq);
    bytes
}

fn verify(dir: &Path, origin: &str) -> Report {
    let keys = PublicKeys::parse([key(1).public(origin).as_str()]).unwrap();
    verify_folder(dir, &keys, &Known::default(), &mut |_| {}).unwrap()
}

#[test]
fn behind_an_orderly_end_nothing_may_stand() {
    for is_renamed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let origin = orderly(dir, &["one", "two"]).unwrap();
        assert_eq!(verify(dir, &origin).faults, []);
        let mut at = 0;
        change(dir, |first, records| {
            if is_renamed {
                // What is beside the note is not signed yet.
                let last = records.last_mut().unwrap();
                let text = String::from_utf8(last.clone()).unwrap();
                *last = text.replace("\"shutdown\"", "\"cadence\"").into_bytes();
            }
            at = first + records.len() as u64;
            records.push(forged(&origin, at));
        });
        let told = orderly(dir, &[]).unwrap_err();
        assert!(told.contains(&format!("record {at} follows the checkpoint of an orderly end, record {}", at - 1)));
        assert!(told.contains("begin in another data folder"), "{told}");
        assert_eq!(verify(dir, &origin).faults, [Fault::BehindEnd { seq: at }]);
    }
}

#[test]
fn another_record_in_place_of_the_last_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let origin = orderly(folder.path(), &["one"]).unwrap();
    change(folder.path(), |first, records| {
        let at = first + records.len() as u64 - 1;
        *records.last_mut().unwrap() = forged(&origin, at);
    });
    let told = orderly(folder.path(), &[]).unwrap_err();
    assert!(told.contains("should be the checkpoint that its file `head` holds"), "{told}");
}

#[test]
fn a_changed_record_below_a_checkpoint_is_not_signed_for() {
    let folder = tempfile::tempdir().unwrap();
    let origin = orderly(folder.path(), &["one", "two"]).unwrap();
    change(folder.path(), |first, records| records[1] = forged(&origin, first + 1));
    fs::remove_file(folder.path().join("head")).unwrap();
    let told = orderly(folder.path(), &[]).unwrap_err();
    assert!(told.contains("are not those that a checkpoint was signed for"), "{told}");
}

#[test]
fn after_a_crash_the_first_checkpoint_says_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let origin = orderly(dir, &["one", "two"]).unwrap();
    // The last process ended before it signed.
    change(dir, |_, records| drop(records.pop()));
    fs::remove_file(dir.join("head")).unwrap();
    orderly(dir, &["three"]).unwrap();
    orderly(dir, &["four"]).unwrap();
    let report = verify(dir, &origin);
    assert_eq!((report.faults, report.found), (vec![], vec![Found { from: 1, to: 3 }]), "and it is said once");
}

#[test]
fn another_signing_key_is_refused_unless_it_is_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    orderly(dir, &["one"]).unwrap();
    let told = process(dir, key(2), &[], KeyChange::default(), &[]).unwrap_err();
    assert!(told.contains("another key") && told.contains("poort log key --new"), "{told}");
    process(dir, key(2), &[], KeyChange { signing: true, ..KeyChange::default() }, &["two"]).unwrap();
    process(dir, key(2), &[], KeyChange::default(), &["three"]).unwrap();
    assert!(orderly(dir, &[]).is_err(), "the key before signs no more");
}

#[test]
fn pseudonym_keys_may_be_added_and_not_removed_silently() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let process = |keys: &[&str], change| process(dir, key(1), keys, change, &["one"]);
    let (nothing, pseudonyms) = (KeyChange::default(), KeyChange { pseudonyms: true, ..KeyChange::default() });
    process(&["a:11"], nothing).unwrap();
    process(&["b:22", "a:11"], nothing).unwrap();
    for (keys, gone) in [(&["b:22"][..], "a"), (&["b:22", "a:33"], "a"), (&[], "b")] {
        let told = process(keys, nothing).unwrap_err();
        assert!(told.contains(&format!("the key of pseudonyms `{gone}`")), "{told}");
        assert!(told.contains("poort log key --pseudonyms"), "{told}");
    }
    process(&["b:22"], pseudonyms).unwrap();
    process(&["b:22"], nothing).unwrap();
}

fn open(config: &Config, change: KeyChange) -> Result<DecisionLog, super::super::OpenError> {
    let meter = opentelemetry::global::meter("past");
    DecisionLog::open_changed(config, "here", producer(), &meter, change).map(|(log, _)| log)
}

#[test]
fn keys_are_made_for_a_new_log_only() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().to_path_buf());
    open(&config, KeyChange::default()).unwrap().close();
    for (path, command) in [(config.key_path(), "--new"), (config.pseudonyms_path(), "--pseudonyms")] {
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let told = open(&config, KeyChange::default()).unwrap_err().to_string();
        assert!(told.contains("not there") && told.contains(command), "{told}");
        assert!(!path.exists());
        let change = KeyChange { signing: true, pseudonyms: true, ..KeyChange::default() };
        let log = open(&config, change).unwrap();
        log.record_keys(None, "public").unwrap();
        log.close();
        assert_ne!(fs::read(&path).unwrap(), kept);
        open(&config, KeyChange::default()).unwrap().close();
    }
    let records = Reader::open(config.records()).unwrap().map(|frame| frame.unwrap().payload);
    assert_eq!(
        records.filter(|record| super::super::RecordKind::of(record) == super::super::RecordKind::Key).count(),
        2
    );
}

#[test]
fn a_clock_that_is_ahead_makes_nothing_older() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { segment: 32 << 10, ..Config::new(folder.path().to_path_buf()) };
    let log = open(&config, KeyChange::default()).unwrap();
    for _ in 0..200 {
        log.write_own(keys::record(None, &"x".repeat(400), &[], &log.producer)).unwrap();
    }
    assert!(segments(&config.records()).unwrap().len() > 3);
    // By the clock of the machine, all of it was written long ago.
    let long_ago = SystemTime::now() - Duration::from_secs(400 * 86_400);
    for segment in spool::segment_files(&config.records()).unwrap() {
        File::options().write(true).open(segment.path).unwrap().set_modified(long_ago).unwrap();
    }
    let kept_below = |log: &DecisionLog, keep| log.kept_below(u64::MAX, keep).unwrap();
    assert_eq!(kept_below(&log, Duration::from_secs(365 * 86_400)), None);
    log.close();
    drop(log);
    // Nor does a start make it older.
    let log = open(&config, KeyChange::default()).unwrap();
    assert_eq!(kept_below(&log, Duration::from_secs(365 * 86_400)), None);
    // What was kept long enough by both clocks goes.
    let below = std::iter::repeat_with(|| kept_below(&log, Duration::from_nanos(1))).flatten().next();
    assert!(below.is_some());
    // A segment whose beginning is damaged keeps no other.
    let second = spool::segment_files(&config.records()).unwrap().remove(1).path;
    let mut bytes = fs::read(&second).unwrap();
    bytes[60] ^= 1;
    fs::write(&second, bytes).unwrap();
    assert_eq!(kept_below(&log, Duration::from_nanos(1)), below);
    log.close();
}
