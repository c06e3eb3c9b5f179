//! Verification of logs that were tampered with, by all means but a signature.

use super::{Fault, Known, Report, verify_folder, verify_received};
use crate::{
    record::{
        decision_log::{Producer, log_event, retention, signer::CheckpointSigner},
        evidence::{Checkpoint, Key, PublicKeys},
        spool::{Config, Entry, Spool, put_segment, read_head, reader::Reader, segments},
    },
    types::revision::Revision,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;
use std::{collections::BTreeMap, fs, io::Cursor, path::Path, sync::OnceLock, time::Duration};

/// A log of a few segments, closed in order and continued, as its records.
struct Log {
    records: Vec<Vec<u8>>,
    /// The seqs that the segments begin with.
    segments: Vec<u64>,
    head: Vec<u8>,
    origin: String,
}

fn key() -> Key {
    Key::from_seed([3; 32])
}

impl Log {
    /// The same for all tests, which change copies of it.
    fn sample() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("records");
            let mut origin = String::new();
            for run in 0..2_u32 {
                origin = write(&dir, &key(), 40, run);
            }
            Self::read(&dir, origin)
        })
    }

    fn read(dir: &Path, origin: String) -> Self {
        Self {
            records: Reader::open(dir).unwrap().map(|frame| frame.unwrap().payload).collect(),
            segments: segments(dir).unwrap(),
            head: head_file(dir),
            origin,
        }
    }

    fn keys(&self) -> PublicKeys {
        PublicKeys::parse([key().public(&self.origin).as_str()]).unwrap()
    }

    /// Puts records where the log was, whole and in frames with good checksums.
    fn put(&self, records: &[Vec<u8>]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (index, first) in self.segments.iter().enumerate() {
            let first = *first as usize;
            let end = self.segments.get(index + 1).map_or(records.len(), |end| *end as usize);
            if let Some(part) = records.get(first..end.min(records.len())) {
                put_segment(folder.path(), first as u64, part);
            }
        }
        fs::write(folder.path().join("head"), &self.head).unwrap();
        folder
    }

    #[track_caller]
    fn verify(&self, folder: &Path) -> Report {
        verify_folder(folder, &self.keys(), &Known::default(), &mut |_| {}).unwrap()
    }

    /// The seq of the last checkpoint, which is the last record.
    fn last(&self) -> u64 {
        self.records.len() as u64 - 1
    }

    /// What was received of this log, with what is wrong with records that say they are in another.
    fn received(&self, lines: &[Vec<u8>], known: &Known) -> super::Compared {
        let file = lines.join(&b'\n');
        let all = verify_received(&mut Cursor::new(file), &self.keys(), known, 0, None, &mut |_| {}).unwrap();
        let (own, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|compared| compared.report.origin == self.origin);
        let mut own = own.into_iter().next().unwrap_or_else(|| others[0].clone());
        for other in others {
            assert_ne!(other.report.faults, [], "a log that nobody signed for");
            own.report.faults.extend(other.report.faults);
        }
        own
    }
}

fn head_file(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("head")).unwrap()
}

/// Writes records to the log in this folder, and closes it. Returns its origin.
fn write(dir: &Path, key: &Key, count: u32, run: u32) -> String {
    let producer = Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new());
    let (signer, origin) = CheckpointSigner::new(key.clone(), "here", Duration::from_secs(3600), producer.clone());
    let config = Config { segment_bytes: 16 << 10, ..Config::new(dir) };
    let meter = opentelemetry::global::meter("verify");
    let (spool, _) = Spool::open(&config, Some(Box::new(signer)), &meter).unwrap();
    let producer = producer.in_log(origin.get().unwrap());
    for number in 0..count {
        let attributes = BTreeMap::from([("poort.test", format!("\"{run} {number} {}\"", "x".repeat(400)))]);
        spool
            .submit(Entry::new(log_event::record(&producer, "adl.test", 1, attributes, None)))
            .unwrap()
            .wait()
            .unwrap();
    }
    spool.close();
    origin.get().unwrap().clone()
}

#[test]
fn an_untouched_log_is_proven_to_its_last_checkpoint() {
    let log = Log::sample();
    assert!(log.segments.len() > 3, "{:?}", log.segments);
    let report = log.verify(log.put(&log.records).path());
    assert_eq!(report.faults, []);
    assert_eq!((report.first, report.end, report.proven), (0, log.last() + 1, log.last()));
    assert_eq!(report.origin, log.origin);
    let last = report.last.unwrap();
    assert_eq!((last.size, last.occasion.as_str()), (log.last(), "shutdown"));
}

#[test]
fn every_bit_that_flips_is_found() {
    let log = Log::sample();
    let folder = log.put(&log.records);
    let path = folder.path().join(format!("{:016x}.seg", log.segments[1]));
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(257) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        assert_ne!(log.verify(folder.path()).faults, [], "byte {at}");
    }
}

#[test]
fn a_record_changed_with_its_checksum_is_found_between_checkpoints() {
    let log = Log::sample();
    let changed = log.segments[1] + 5;
    let mut records = log.records.clone();
    let at = records[changed as usize].windows(4).position(|bytes| bytes == b"xxxx").unwrap();
    records[changed as usize][at] = b'y';
    let report = log.verify(log.put(&records).path());
    assert_eq!(report.faults, [Fault::Altered { from: log.segments[1], to: log.segments[2] }]);
    assert_eq!(report.proven, log.segments[1], "what is before is proven all the same");
    assert_eq!(report.last.unwrap().size, log.last(), "and what follows is looked at");
}

#[test]
fn a_cut_end_is_found_by_the_head_or_a_kept_checkpoint() {
    let log = Log::sample();
    for kept in [log.last(), log.last() - 1, log.segments[2] + 1, log.segments[2], 1] {
        let folder = log.put(&log.records[..kept as usize]);
        assert_eq!(log.verify(folder.path()).faults, [Fault::CutOff { end: kept, size: log.last() }]);

        // An older head is put in its place, or it is removed.
        fs::remove_file(folder.path().join("head")).unwrap();
        assert!(matches!(log.verify(folder.path()).faults[..], [Fault::NoHead { .. }]));
        let note = read_head(log.put(&[]).path()).unwrap().unwrap();
        let checkpoint = Checkpoint::open(str::from_utf8(&note).unwrap(), &log.keys()).unwrap();
        let known = Known { checkpoints: vec![checkpoint], ..Known::default() };
        let report = verify_folder(folder.path(), &log.keys(), &known, &mut |_| {}).unwrap();
        assert!(report.faults.contains(&Fault::CutOff { end: kept, size: log.last() }), "{:?}", report.faults);
    }
}

#[test]
fn a_log_that_was_written_again_with_another_key_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let origin = write(folder.path(), &Key::from_seed([4; 32]), 40, 0);
    let keys = PublicKeys::parse([key().public(&origin).as_str()]).unwrap();
    let report = verify_folder(folder.path(), &keys, &Known::default(), &mut |_| {}).unwrap();
    assert!(report.faults.iter().any(|fault| matches!(fault, Fault::Untrusted { seq: 0, .. })), "{:?}", report.faults);
    assert_eq!(report.proven, 0);
}

#[test]
fn a_removed_beginning_is_found_unless_it_was_kept_long_enough() {
    let log = Log::sample();
    let folder = log.put(&log.records);
    fs::remove_file(folder.path().join(format!("{:016x}.seg", 0))).unwrap();
    let report = log.verify(folder.path());
    assert_eq!(report.faults, [Fault::Missing { from: 0, to: log.segments[1] }]);

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let origin = write(dir, &key(), 60, 0);
    let below = segments(dir).unwrap()[1];
    let announce_records_below = |below: u64, is_signed: bool| {
        let producer = Producer::new("9.9.9", &Revision::of([]), "here", &BTreeMap::new()).in_log(&origin);
        let (signer, _) = CheckpointSigner::new(key(), "here", Duration::from_secs(3600), producer.clone());
        let config = Config { segment_bytes: 16 << 10, ..Config::new(dir) };
        let (spool, _) = Spool::open(&config, Some(Box::new(signer)), &opentelemetry::global::meter("verify")).unwrap();
        let record = retention::record(below, Duration::from_secs(1), &producer);
        spool.submit(Entry::new(record)).unwrap().wait().unwrap();
        if is_signed {
            spool.close();
        }
        // Else nothing signs for the record any more, as after the end of the process.
        spool
    };
    let keys = PublicKeys::parse([key().public(&origin).as_str()]).unwrap();
    let verify = || verify_folder(dir, &keys, &Known::default(), &mut |_| {}).unwrap().faults;
    let first = dir.join(format!("{:016x}.seg", 0));
    let bytes = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let spool = announce_records_below(below, false);
    assert_eq!(verify(), [Fault::Missing { from: 0, to: below }], "nobody signed that it may be gone");
    spool.close();
    assert_eq!(verify(), []);
    fs::write(&first, bytes).unwrap();
    announce_records_below(below, true);
    assert_eq!(verify(), []);

    // And they may be deleted during the verification.
    let mut going = vec![first, dir.join(format!("{:016x}.seg", segments(dir).unwrap()[1]))];
    announce_records_below(segments(dir).unwrap()[2], true);
    let report = verify_folder(dir, &keys, &Known::default(), &mut |_| {
        going.drain(..).for_each(|path| fs::remove_file(path).unwrap());
    });
    assert_eq!(report.unwrap().faults, []);
}

#[derive(Debug, Clone)]
enum Edit {
    Change(Index, Index, u8),
    Remove(Index),
    Insert(Index, Index),
    Swap(Index, Index),
    Cut(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        (at(), at(), 1..=255_u8).prop_map(|(record, byte, mask)| Edit::Change(record, byte, mask)),
        at().prop_map(Edit::Remove),
        (at(), at()).prop_map(|(from, to)| Edit::Insert(from, to)),
        (at(), at()).prop_map(|(one, other)| Edit::Swap(one, other)),
        at().prop_map(Edit::Cut),
    ]
}

fn apply(edit: &Edit, records: &mut Vec<Vec<u8>>) {
    let count = records.len();
    match edit {
        _ if count < 2 => {}
        Edit::Change(record, byte, mask) => {
            let record = &mut records[record.index(count)];
            let byte = byte.index(record.len());
            record[byte] ^= mask;
        }
        Edit::Remove(at) => drop(records.remove(at.index(count))),
        Edit::Insert(from, to) => {
            let record = records[from.index(count)].clone();
            records.insert(to.index(count), record);
        }
        Edit::Swap(one, other) => records.swap(one.index(count), other.index(count)),
        Edit::Cut(at) => records.truncate(at.index(count)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_edit_is_found_and_an_untouched_log_raises_no_alarm(edits in vec(edit(), 0..4)) {
        let log = Log::sample();
        let mut records = log.records.clone();
        edits.iter().for_each(|edit| apply(edit, &mut records));
        // The last checkpoint proves what is before it; what it says itself is proven by the next.
        let covered = |records: &[Vec<u8>]| records.iter().take(log.last() as usize).cloned().collect::<Vec<_>>();
        let is_same = covered(&records) == covered(&log.records) && records.len() == log.records.len();
        let report = log.verify(log.put(&records).path());
        if is_same && records.last() == log.records.last() {
            prop_assert_eq!(report.faults, []);
        } else if !is_same {
            prop_assert_ne!(report.faults, []);
        }
        let proven = report.proven as usize;
        prop_assert_eq!(&records[..proven.min(records.len())], &log.records[..proven], "what is proven is what was");
    }

    #[test]
    fn received_records_that_miss_or_differ_are_found_in_any_order(
        edits in vec(edit(), 0..3), duplicates in vec(any::<Index>(), 0..5), order in any::<u64>()
    ) {
        let log = Log::sample();
        let known = Known { checkpoints: vec![Checkpoint::read(str::from_utf8(&read_head(log.put(&[]).path()).unwrap().unwrap()).unwrap()).unwrap()], ..Known::default() };
        let mut lines = log.records.clone();
        edits.iter().for_each(|edit| apply(edit, &mut lines));
        // One that cannot be read as a line would be two.
        lines.iter_mut().for_each(|line| line.iter_mut().for_each(|byte| if *byte == b'\n' { *byte = b' ' }));
        let mut distinct = lines.clone();
        distinct.sort();
        distinct.dedup();
        let repeated: Vec<_> = duplicates.iter().filter(|_| !lines.is_empty()).map(|at| lines[at.index(lines.len())].clone()).collect();
        lines.extend(repeated);
        if lines.is_empty() {
            return Ok(());
        }
        let seed = usize::try_from(order % 97).unwrap();
        let turn = seed % lines.len();
        lines.rotate_left(turn);
        let compared = log.received(&lines, &known);
        let mut whole = log.records.clone();
        whole.sort();
        // What the last checkpoint says itself is proven by the next.
        let is_last = |record: &Vec<u8>| {
            let record = serde_json::from_slice::<serde_json::Value>(record);
            record.is_ok_and(|record| record["attributes"]["poort.log.seq"] == log.last())
        };
        let but_last = |mut all: Vec<Vec<u8>>| { all.retain(|record| !is_last(record)); all };
        if distinct == whole {
            prop_assert_eq!(compared.report.faults, []);
            prop_assert_eq!(compared.duplicates as usize, lines.len() - whole.len());
        } else if but_last(distinct.clone()) != but_last(whole) {
            prop_assert_ne!(compared.report.faults, []);
        }
    }
}

#[test]
fn an_otlp_export_is_read_like_the_records_in_it() {
    let log = Log::sample();
    for [resources, scopes, records, text] in [
        ["resourceLogs", "scopeLogs", "logRecords", "stringValue"],
        ["resource_logs", "scope_logs", "log_records", "string_value"],
    ] {
        let body = |record| json!({"timeUnixNano": "1", "body": {text: str::from_utf8(record).unwrap()}});
        let bodies: Vec<_> = log.records.iter().map(|record| body(record)).collect();
        let export = |bodies| json!({resources: [{"resource": {}, scopes: [{"scope": {}, records: bodies}]}]});
        let lines: Vec<_> = bodies.chunks(7).map(|bodies| export(bodies).to_string().into()).collect();
        let compared = log.received(&lines, &Known::default());
        assert_eq!(compared.report.faults, []);
        assert_eq!(compared.report.records, log.records.len() as u64);
    }
}

#[test]
fn the_log_itself_names_the_record_that_was_altered() {
    let log = Log::sample();
    let folder = log.put(&log.records);
    let mut lines = log.records.clone();
    let text = String::from_utf8(lines[9].clone()).unwrap();
    lines[9] = text.replace("xxxx", "yyyy").into_bytes();
    lines.remove(60);
    let file = lines.join(&b'\n');
    let local = Some(folder.path());
    let all = verify_received(&mut Cursor::new(file), &log.keys(), &Known::default(), 0, local, &mut |_| {}).unwrap();
    let faults = &all[0].report.faults;
    assert!(faults.contains(&Fault::Altered { from: 9, to: 10 }), "{faults:?}");
    assert!(faults.contains(&Fault::Missing { from: 60, to: 61 }), "{faults:?}");
    assert_eq!(all[0].on_disk, Some(log.last() + 1));
}

#[test]
fn lines_that_are_no_records_are_named() {
    let log = Log::sample();
    let mut lines = log.records.clone();
    lines.insert(2, b"no json".to_vec());
    lines.insert(3, [b"{\"event_name\":\"adl.test\",\"body\":\"".as_slice(), &[0xff], b"\"}"].concat());
    lines.insert(5, br#"{"resourceLogs":[]}"#.to_vec());
    lines.insert(7, br#"{"resource_logs":[{"scope_logs":[{"log_records":[{"body":{"intValue":"7"}},{}]}]}]}"#.to_vec());
    lines.push(b"{\"event_name\":\"adl.other\"}".to_vec());
    let faults = log.received(&lines, &Known::default()).report.faults;
    let numbers: Vec<_> = faults
        .iter()
        .filter_map(|fault| if let Fault::NoRecord { line, .. } = fault { Some(*line) } else { None })
        .collect();
    let why = "neither a record nor an OTLP export in JSON".to_owned();
    assert!(faults.contains(&Fault::NoRecord { line: 4, why }), "what is no text is no JSON");
    // Each body of an export counts.
    assert_eq!(numbers, [3, 4, 6, 8, 8, lines.len() as u64]);
}
