//! Segments that are packed, checked, and read back.

use super::{
    faulty::Call,
    support::{Place, commits, fit, payload, record},
};
use crate::record::spool::{
    Damage, Entry, Indexer, Indexing, OpenError, Spool,
    keeper::{comes_fast, has_room},
    packed::is_packed,
    read_index,
    reader::{ReadCause, Reader},
    segment_files,
    segment_header::START,
};
use rustix::io::Errno;
use std::{
    fs::{self, File},
    io::{Cursor, ErrorKind},
    path::Path,
    sync::Once,
    time::{Duration, Instant},
};

/// Its index is the payloads, a line each.
struct Lines(Vec<u8>);

impl Indexer for Lines {
    fn record(&mut self, payload: &[u8]) {
        self.0.extend_from_slice(payload);
        self.0.push(b'\n');
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0
    }
}

/// A place with so many records, over several segments.
fn with_records(count: u64) -> (Place, Spool) {
    let mut place = Place::new();
    place.config.indexing = Some(Indexing::new(|| Box::new(Lines(Vec::new()))));
    let (spool, _) = place.open();
    add(&spool, 0..count);
    (place, spool)
}

fn add(spool: &Spool, numbers: std::ops::Range<u64>) {
    for n in numbers {
        record(spool, payload(n, 500)).unwrap();
    }
}

/// Lets the keeper work until there is nothing to do, or it fails.
fn keep(place: &Place, spool: &Spool, unchecked: Vec<u64>) -> std::io::Result<()> {
    let (mut keeper, _going_on) = spool.keeper(&place.config, unchecked);
    while keeper.step()? {}
    Ok(())
}

fn firsts(place: &Place, is_wanted: bool) -> Vec<u64> {
    let files = segment_files(place.dir()).unwrap();
    let wanted = |path: &Path, first| is_packed(&File::open(path).unwrap(), first).unwrap() == is_wanted;
    files.iter().filter(|file| wanted(&file.path, file.first)).map(|file| file.first).collect()
}

fn leftovers(place: &Place) -> usize {
    let names = fs::read_dir(place.dir()).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|it| it == "packing")).count()
}

#[test]
fn all_but_the_newest_two_are_packed_and_read_as_before() {
    for compress in [true, false] {
        let (mut place, spool) = with_records(40);
        place.config.compress = compress;
        let before = segment_files(place.dir()).unwrap();
        let bytes: Vec<_> = before.iter().map(|file| fs::read(&file.path).unwrap()).collect();
        let mut reader = Reader::open(place.dir()).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().seq, 0);
        keep(&place, &spool, vec![]).unwrap();
        let after = segment_files(place.dir()).unwrap();
        assert_eq!(firsts(&place, false), before[before.len() - 2..].iter().map(|it| it.first).collect::<Vec<_>>());
        for ((before, after), bytes) in before.iter().zip(&after).zip(&bytes).take(before.len() - 2) {
            assert_eq!((before.first, before.modified), (after.first, after.modified), "old segments stay old");
            // Any zstd gives the segment.
            let file = Cursor::new(fs::read(&after.path).unwrap());
            assert!(zstd::decode_all(file).unwrap() == *bytes);
            let lines = String::from_utf8(read_index(after).unwrap().unwrap()).unwrap();
            let packed = after.bytes - lines.len() as u64;
            assert!(if compress { packed < before.bytes / 4 } else { packed > before.bytes });
            assert_eq!(lines.lines().count() as u64, fit(524));
        }
        // One that had begun goes on, and so does the log.
        assert!(reader.map(|frame| frame.unwrap().seq).eq(1..40));
        add(&spool, 40..60);
        spool.close();
        assert_eq!(leftovers(&place), 0);
        place.check_payloads((0..60).map(|n| payload(n, 500)));
        for seq in [0, 6, 7, 8, 13, 14, 39, 59] {
            assert_eq!(Reader::open_at(place.dir(), seq).unwrap().next().unwrap().unwrap().payload, payload(seq, 500));
        }
        let (spool, recovery) = place.open();
        assert_eq!((recovery.next_seq, recovery.records, recovery.bytes), (60, 60, 60 * 524));
        spool.close();
    }
}

#[test]
fn a_reader_goes_to_any_record_of_a_large_segment() {
    let mut place = Place::new();
    place.config.segment_bytes = 3 << 20;
    let (spool, _) = place.open();
    // Records of 10 bytes to 200 kB, so that some are longer than what is looked at to find one.
    let length = |seq: u64| 10 + (seq * seq * 7919 % 1000) as usize * if seq.is_multiple_of(17) { 200 } else { 4 };
    let count = 3000;
    for seq in 0..count {
        record(&spool, payload(seq, length(seq))).unwrap();
    }
    let check = || {
        for seq in (0..count).step_by(7).chain([count - 1]) {
            let frame = Reader::open_at(place.dir(), seq).unwrap().next().unwrap().unwrap();
            assert_eq!((frame.seq, frame.payload), (seq, payload(seq, length(seq))));
        }
        assert!(Reader::open_at(place.dir(), count).unwrap().next().is_none());
    };
    check();
    keep(&place, &spool, vec![]).unwrap();
    assert!(place.segments().len() > 5);
    check();
    spool.close();
}

#[test]
fn a_reader_gives_every_record_before_damage() {
    let mut place = Place::new();
    place.config.segment_bytes = 3 << 20;
    let (spool, _) = place.open();
    // A segment and more, and two others.
    let count = 8000;
    for n in 0..count {
        spool.submit(Entry::new(payload(n, 1000))).unwrap().wait().unwrap();
    }
    keep(&place, &spool, vec![]).unwrap();
    spool.close();
    let path = place.segment(0);
    let mut bytes = fs::read(&path).unwrap();
    let frames: Vec<_> = bytes.windows(4).enumerate().filter(|(_, it)| *it == [0x28, 0xb5, 0x2f, 0xfd]).collect();
    assert_eq!(frames.len(), (3 << 20) / (64 << 10));
    let (number, (at, _)) = (24, frames[24]);
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let whole = ((number << 16) - START) / 1024;
    for from in [0, 1, whole / 2, whole - 1] {
        let read: Vec<_> = Reader::open_at(place.dir(), from).unwrap().collect();
        let (error, records) = read.split_last().unwrap();
        let seqs = records.iter().map(|frame| frame.as_ref().unwrap().seq);
        assert!(seqs.eq(from..whole), "from {from} to {whole}: {}", records.len());
        assert!(matches!(error.as_ref().unwrap_err().cause, ReadCause::Damaged(Damage::Packed)), "{error:?}");
    }
}

#[test]
fn a_segment_that_cannot_be_opened_stops_no_other() {
    let (place, spool) = with_records(60);
    keep(&place, &spool, vec![]).unwrap();
    add(&spool, 60..100);
    let (packed, plain) = (firsts(&place, true), firsts(&place, false));
    // One to pack and one to check are links; the one behind it that is to be checked is rotten.
    for first in [plain[0], packed[0]] {
        let elsewhere = place.dir().with_file_name(format!("{first}"));
        fs::rename(place.segment(first), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, place.segment(first)).unwrap();
    }
    let mut bytes = fs::read(place.segment(packed[1])).unwrap();
    bytes[50] ^= 4;
    fs::write(place.segment(packed[1]), bytes).unwrap();
    let (mut keeper, _going_on) = spool.keeper(&place.config, packed.clone());
    let steps: Vec<_> =
        std::iter::repeat_with(|| keeper.step()).take_while(|step| !matches!(step, Ok(false))).collect();
    assert_eq!(steps.iter().filter(|step| step.is_err()).count(), 2, "{steps:?}");
    let damaged = spool.damaged().borrow().clone();
    assert_eq!(damaged.iter().map(|it| it.first).collect::<Vec<_>>(), [packed[1]]);
    assert_eq!(firsts(&place, false).len(), 3, "all are packed but the newest two and the link");
    spool.close();
}

#[test]
fn a_full_disk_stops_packing_and_no_check() {
    let (place, spool) = with_records(60);
    keep(&place, &spool, vec![]).unwrap();
    add(&spool, 60..100);
    let packed = firsts(&place, true);
    let mut bytes = fs::read(place.segment(packed[1])).unwrap();
    bytes[50] ^= 4;
    fs::write(place.segment(packed[1]), bytes).unwrap();
    place.files.fail(Call::Write, Errno::NOSPC, usize::MAX);
    let before = place.files.count(Call::Write);
    let (mut keeper, _going_on) = spool.keeper(&place.config, packed.clone());
    keeper.step().unwrap_err();
    while keeper.step().unwrap() {}
    assert_eq!(place.files.count(Call::Write), before + 1, "no other segment is tried");
    assert_eq!(spool.damaged().borrow().iter().map(|it| it.first).collect::<Vec<_>>(), [packed[1]]);
    spool.close();
}

#[test]
fn packing_leaves_the_room_of_the_next_segment() {
    // Of 100 bytes, with a next segment of 400.
    let least = |compresses| (0..1000).filter(|left| has_room(*left, 100, 400, compresses)).collect::<Vec<_>>();
    assert_eq!(least(false), (500..1000).collect::<Vec<_>>());
    assert_eq!(least(true), (25..400).chain(425..1000).collect::<Vec<_>>(), "it makes room where there is none");
    let (mut place, spool) = with_records(40);
    place.config.compress = false;
    place.config.segment_bytes = u64::MAX;
    assert_eq!(keep(&place, &spool, vec![]).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(firsts(&place, true).is_empty());
    spool.close();
}

#[test]
fn a_start_reads_no_packed_segment_and_the_check_finds_damage_in_it() {
    let (place, spool) = with_records(60);
    keep(&place, &spool, vec![]).unwrap();
    spool.close();
    let packed = firsts(&place, true);
    assert!(packed.len() > 3);
    let path = place.segment(packed[1]);
    let whole = fs::read(&path).unwrap();
    // Somewhere in the frames of the segment.
    for at in [33, 50, 80] {
        let mut rotten = whole.clone();
        rotten[at] ^= 4;
        fs::write(&path, &rotten).unwrap();
        let (spool, recovery) = place.open();
        assert_eq!((recovery.next_seq, recovery.records), (60, 60));
        assert!(spool.damaged().borrow().is_empty());
        keep(&place, &spool, packed.clone()).unwrap();
        let damaged = spool.damaged().borrow().clone();
        assert_eq!(damaged.len(), 1, "{damaged:?}");
        assert_eq!((damaged[0].first, &damaged[0].segment), (packed[1], &path));
        // It goes on, and what is damaged is never read for good.
        add(&spool, 60..61);
        spool.close();
        let read: Vec<_> = Reader::open(place.dir()).unwrap().collect();
        assert!(read.last().unwrap().is_err() && read.len() as u64 <= 2 * fit(524) + 1);
        fs::remove_file(place.segments().last().unwrap()).unwrap();
    }
    fs::write(&path, &whole).unwrap();
    let (spool, _) = place.open();
    keep(&place, &spool, packed).unwrap();
    assert!(spool.damaged().borrow().is_empty());
    spool.close();
}

#[test]
fn what_is_packed_and_missing_or_short_is_refused_at_the_start() {
    let (place, spool) = with_records(60);
    keep(&place, &spool, vec![]).unwrap();
    spool.close();
    let packed = firsts(&place, true);
    let path = place.segment(packed[1]);
    let whole = fs::read(&path).unwrap();
    let footer_at = whole.windows(4).rposition(|bytes| bytes == [0x52, 0x2a, 0x4d, 0x18]).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut wrong = vec![whole[..whole.len() - 1].to_vec(), whole[..100].to_vec(), whole[..footer_at].to_vec()];
    wrong.push([whole.as_slice(), b"more"].concat());
    wrong.extend((0..32).chain(footer_at..whole.len()).map(flipped));
    for bytes in wrong {
        fs::write(&path, &bytes).unwrap();
        match place.try_open() {
            Err(OpenError::Corrupt { segment, .. }) => assert_eq!(segment, path),
            Err(OpenError::Newer { path: newer, .. }) => assert_eq!(newer, path),
            other => panic!("{:?}", other.map(|(_, recovery)| recovery)),
        }
        let read = Reader::open(place.dir()).unwrap().find_map(Result::err).unwrap();
        assert!(matches!(read.cause, ReadCause::Damaged(_)), "{read}");
        assert!(fs::read(&path).unwrap() == bytes, "it is left as it is");
    }
    fs::remove_file(&path).unwrap();
    let refused = place.try_open().unwrap_err();
    assert!(
        matches!(refused, OpenError::Corrupt { damage: Damage::OutOfPlace { expected }, .. } if expected == packed[1])
    );
    // Another segment under its name.
    fs::copy(place.segment(packed[2]), &path).unwrap();
    assert!(matches!(place.try_open(), Err(OpenError::Corrupt { damage: Damage::Header, .. })));
}

#[test]
fn a_damaged_segment_is_not_packed_and_said() {
    let (place, spool) = with_records(40);
    let path = place.segment(fit(524));
    let mut bytes = fs::read(&path).unwrap();
    bytes[700] ^= 1;
    fs::write(&path, &bytes).unwrap();
    keep(&place, &spool, vec![]).unwrap();
    assert_eq!(spool.damaged().borrow().iter().map(|it| it.first).collect::<Vec<_>>(), [fit(524)]);
    assert!(fs::read(&path).unwrap() == bytes);
    assert!(firsts(&place, true).contains(&(2 * fit(524))), "the others are packed");
    assert_eq!(leftovers(&place), 0);
    spool.close();
}

#[test]
fn a_failure_while_packing_changes_nothing_and_it_is_tried_again() {
    for call in [Call::Create, Call::Write, Call::SyncAll, Call::Rename, Call::SyncDir] {
        for error in [Errno::NOSPC, Errno::IO] {
            let (place, spool) = with_records(40);
            place.files.fail(call, error, 1);
            keep(&place, &spool, vec![]).unwrap_err();
            assert!(spool.damaged().borrow().is_empty() && spool.is_writable());
            place.check_payloads((0..40).map(|n| payload(n, 500)));
            keep(&place, &spool, vec![]).unwrap();
            assert_eq!(firsts(&place, false).len(), 2);
            assert_eq!(leftovers(&place), 0);
            spool.close();
            place.check_payloads((0..40).map(|n| payload(n, 500)));
        }
    }
}

#[test]
fn an_index_that_is_missing_or_damaged_is_made_again() {
    let (mut place, spool) = with_records(40);
    let indexing = place.config.indexing.take();
    keep(&place, &spool, vec![]).unwrap();
    let file = || segment_files(place.dir()).unwrap().remove(0);
    assert_eq!(read_index(&file()).unwrap(), None);
    let packed = firsts(&place, true);
    place.config.indexing = indexing;
    keep(&place, &spool, packed.clone()).unwrap();
    let file = || segment_files(place.dir()).unwrap().remove(0);
    let index = read_index(&file()).unwrap().unwrap();
    let mut bytes = fs::read(file().path).unwrap();
    let at = bytes.windows(index.len()).position(|bytes| bytes == index).unwrap();
    bytes[at + 5] ^= 1;
    fs::write(file().path, bytes).unwrap();
    assert_eq!(read_index(&file()).unwrap(), None);
    keep(&place, &spool, packed).unwrap();
    assert_eq!(read_index(&file()).unwrap(), Some(index));
    spool.close();
    place.check_payloads((0..40).map(|n| payload(n, 500)));
}

#[test]
fn a_segment_that_was_deleted_meanwhile_does_not_come_again() {
    let (place, spool) = with_records(40);
    // It is deleted once, while it is packed: between the opening and the rename.
    let path = place.segment(0);
    let (deleting, once) = (path.clone(), Once::new());
    let indexing = Indexing::new(move || {
        once.call_once(|| fs::remove_file(&deleting).unwrap());
        Box::new(Lines(Vec::new()))
    });
    let config = crate::record::spool::Config { indexing: Some(indexing), ..place.config.clone() };
    let (mut keeper, _going_on) = spool.keeper(&config, vec![]);
    while keeper.step().unwrap() {}
    assert!(!path.exists() && leftovers(&place) == 0);
    assert_eq!(place.read()[0].seq, fit(524));
    spool.close();
}

#[test]
fn a_segment_of_format_1_is_packed_too() {
    let place = Place::new();
    for n in 0..4 {
        place.put(n, &commits(n, &[&[&payload(n, 3000)]]).concat());
    }
    let (spool, _) = place.open();
    keep(&place, &spool, vec![]).unwrap();
    spool.close();
    assert_eq!(firsts(&place, true), [0, 1, 2]);
    let (spool, recovery) = place.open();
    assert_eq!((recovery.next_seq, recovery.bytes), (4, 4 * 3024));
    spool.close();
    place.check_payloads((0..4).map(|n| payload(n, 3000)));
}

#[test]
fn the_keeper_works_by_itself_and_ends_with_the_spool() {
    let mut place = Place::new();
    place.keep = Some(Duration::from_millis(5));
    let (spool, _) = place.open();
    add(&spool, 0..40);
    super::support::await_that(|| firsts(&place, false).len() == 2);
    spool.close();
    assert_eq!(leftovers(&place), 0);
    place.check_payloads((0..40).map(|n| payload(n, 500)));
    let mut bytes = fs::read(place.segment(0)).unwrap();
    bytes[50] ^= 1;
    fs::write(place.segment(0), bytes).unwrap();
    let (spool, _) = place.open();
    super::support::await_that(|| spool.damaged().borrow().len() == 1);
    spool.close();
}

#[test]
fn packing_gives_way_while_records_come_fast() {
    let in_10_ms = |records| comes_fast(records, Duration::from_millis(10));
    assert!(in_10_ms(100), "10 000 a second");
    assert!(!in_10_ms(70), "7 000 a second");
    assert!(!comes_fast(0, Duration::ZERO));
    assert!(!comes_fast(100, Duration::from_secs(1)));
    let place = Place::new();
    let (spool, _) = place.open();
    let (mut keeper, _going_on) = spool.keeper(&place.config, vec![]);
    keeper.pauses = [Duration::from_millis(1), Duration::from_millis(2)];
    let began = Instant::now();
    let second = Duration::from_secs(1);
    assert_eq!(keeper.pause_at(began + second), keeper.pauses[0]);
    add(&spool, 0..40);
    assert_eq!(keeper.pause_at(began + second + Duration::from_millis(1)), keeper.pauses[1], "40 in a millisecond");
    assert_eq!(keeper.pause_at(began + 2 * second), keeper.pauses[0], "none since");
    spool.close();
}
