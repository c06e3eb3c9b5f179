//! Recovery from what an earlier process left.

use super::{
    faulty::Call,
    support::{Place, SEGMENT, commits, fit, payload, record},
};
use crate::record::spool::{
    Damage, OpenError, Recovery, frame,
    reader::{ReadCause, Reader},
    segment_header::{self, START},
};
use std::fs;

#[track_caller]
fn check_corrupt(place: &Place, first: u64, at: usize, expected: Damage) {
    let before: Vec<_> = place.segments().iter().map(|path| fs::read(path).unwrap()).collect();
    match place.try_open() {
        Err(OpenError::Corrupt { segment, offset, damage }) => {
            assert_eq!(segment, place.segment(first));
            assert_eq!((offset, damage), (at as u64, expected));
        }
        other => panic!("{:?}", other.map(|(_, recovery)| recovery)),
    }
    let after: Vec<_> = place.segments().iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(before == after, "a refused start changes nothing");
    let error = Reader::open(place.dir()).unwrap().find_map(Result::err).unwrap();
    assert_eq!((error.segment, error.offset), (place.segment(first), at as u64));
    assert!(matches!(error.cause, ReadCause::Damaged(damage) if damage == expected));
}

#[test]
fn a_torn_tail_of_any_length_is_cut() {
    let whole = commits(0, &[&[b"one"], &[b"two"], &[b"three", b"four"]]);
    let (kept, last) = (whole[..2].concat(), &whole[2]);
    let frame_len = 24 + b"three".len();
    for torn in 0..last.len() {
        for reserved in [0, SEGMENT as usize] {
            let place = Place::new();
            let mut bytes = [&kept, &last[..torn]].concat();
            bytes.resize(bytes.len().max(reserved), 0);
            place.put(0, &bytes);
            let n_whole = if torn >= frame_len { 3 } else { 2 };
            assert_eq!(place.read().len(), n_whole, "the reader stops where recovery cuts");
            let (spool, recovery) = place.open();
            let end = if n_whole == 3 { kept.len() + frame_len } else { kept.len() };
            let left = &last[..torn][end - kept.len()..];
            let n_torn = left.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
            let expected = Recovery {
                next_seq: n_whole as u64,
                segments: 1,
                records: n_whole as u64,
                bytes: end as u64,
                cut_bytes: n_torn as u64,
            };
            assert_eq!(recovery, expected);
            assert_eq!(fs::metadata(place.segment(0)).unwrap().len(), end as u64);
            assert_eq!(record(&spool, "next").unwrap().seq, n_whole as u64);
            spool.close();
            assert_eq!(place.read().len(), n_whole + 1);
        }
    }
}

#[test]
fn every_bit_flip_before_the_last_commit_is_refused() {
    let whole = commits(0, &[&[b"one"], &[b"two", b"three"], &[b"four"]]);
    let starts = [0, whole[0].len(), whole[0].len() + 24 + 3];
    let bytes = whole.concat();
    for bit in 0..8 * (whole[0].len() + whole[1].len()) {
        let place = Place::new();
        let mut rotten = bytes.clone();
        rotten[bit / 8] ^= 1 << (bit % 8);
        rotten.resize(SEGMENT as usize, 0);
        place.put(0, &rotten);
        let at = *starts.iter().rfind(|start| **start <= bit / 8).unwrap();
        // The place that the first frame names is what tells a segment without a header.
        let damage = if (8..24).contains(&(bit / 8)) { Damage::Foreign } else { Damage::RecordsLost };
        check_corrupt(&place, 0, at, damage);
    }
}

#[test]
fn a_frame_of_a_later_commit_after_damage_is_corruption() {
    let whole = commits(0, &[&[b"one"], &[b"two"], &[b"three"]]);
    // Also when what is damaged reads as zeros.
    for byte in [0, 0xff] {
        let place = Place::new();
        let mut bytes = whole.concat();
        let lost = whole[0].len()..whole[0].len() + whole[1].len();
        bytes[lost].fill(byte);
        bytes.resize(SEGMENT as usize, 0);
        place.put(0, &bytes);
        check_corrupt(&place, 0, whole[0].len(), Damage::RecordsLost);
    }
}

#[test]
fn the_sectors_of_the_last_commit_may_have_landed_in_any_order() {
    let whole = commits(0, &[&[b"one"], &[b"two", b"three", b"four"]]);
    for lost in 0..3 {
        let place = Place::new();
        let mut bytes = whole.concat();
        let at = whole[0].len() + [0, 27, 56][lost];
        bytes[at..at + 24].fill(0);
        place.put(0, &bytes);
        let (spool, recovery) = place.open();
        assert_eq!(recovery.next_seq, 1 + lost as u64);
        spool.close();
        assert_eq!(place.read().len(), 1 + lost);
    }
}

#[test]
fn a_torn_end_of_a_segment_with_a_successor_is_corruption() {
    let place = Place::new();
    let whole = commits(0, &[&[b"one"], &[b"two"]]);
    place.put(0, &[whole[0].as_slice(), b"bytes that are no record, and more of them"].concat());
    place.put(1, &commits(1, &[&[b"two"]]).concat());
    check_corrupt(&place, 0, whole[0].len(), Damage::NoRecord);
}

#[test]
fn a_missing_segment_is_corruption() {
    let place = Place::new();
    let (spool, _) = place.open();
    for n in 0..20 {
        record(&spool, payload(n, 500)).unwrap();
    }
    spool.close();
    let n = fit(524);
    fs::remove_file(place.segment(n)).unwrap();
    check_corrupt(&place, 2 * n, 0, Damage::OutOfPlace { expected: n });
}

#[test]
fn a_segment_that_lost_its_end_is_corruption() {
    let place = Place::new();
    let (spool, _) = place.open();
    for n in 0..20 {
        record(&spool, payload(n, 500)).unwrap();
    }
    spool.close();
    let n = fit(524);
    fs::File::options().write(true).open(place.segment(0)).unwrap().set_len(START + 524 * (n - 1)).unwrap();
    check_corrupt(&place, n, 0, Damage::OutOfPlace { expected: n - 1 });
}

#[test]
fn old_segments_may_be_deleted() {
    let place = Place::new();
    let (spool, _) = place.open();
    for n in 0..20 {
        record(&spool, payload(n, 500)).unwrap();
    }
    spool.close();
    fs::remove_file(place.segment(0)).unwrap();
    let (spool, recovery) = place.open();
    assert_eq!((recovery.next_seq, recovery.records), (20, 20 - fit(524)));
    spool.close();
    assert_eq!(place.read()[0].seq, fit(524));
}

#[test]
fn a_restart_continues_the_sequence() {
    let place = Place::new();
    for n in 0..5 {
        let (spool, recovery) = place.open();
        let expected = Recovery { next_seq: n, segments: n, records: n, bytes: n * 34, cut_bytes: 0 };
        assert_eq!(recovery, expected);
        assert_eq!(record(&spool, payload(n, 10)).unwrap().seq, n);
        spool.close();
    }
    place.check_payloads((0..5).map(|n| payload(n, 10)));
}

#[test]
fn an_empty_segment_keeps_the_sequence_alive() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    spool.close();
    // The second process records nothing, and the old segment is shipped and deleted.
    place.open().0.close();
    fs::remove_file(place.segment(0)).unwrap();
    for _ in 0..3 {
        let (spool, recovery) = place.open();
        assert_eq!((recovery.next_seq, recovery.records), (1, 0));
        spool.close();
    }
    assert_eq!(place.segments(), [place.segment(1)]);
    let (spool, _) = place.open();
    assert_eq!(record(&spool, "two").unwrap().seq, 1);
    spool.close();
}

#[test]
fn a_process_that_dies_leaves_a_spool_that_opens() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    // A copy has what the next process would find: a reserved segment that nobody closed.
    let other = Place::new();
    other.put(0, &fs::read(place.segment(0)).unwrap());
    assert_eq!(fs::metadata(other.segment(0)).unwrap().len(), SEGMENT);
    spool.close();
    let (spool, recovery) = other.open();
    assert_eq!((recovery.next_seq, recovery.cut_bytes), (1, 0));
    spool.close();
    other.check_payloads(["one"]);
}

#[test]
fn the_last_commit_is_written_again_because_it_may_be_in_the_cache_only() {
    let place = Place::new();
    place.put(0, &commits(0, &[&[b"one"], &[b"two"]]).concat());
    let (spool, _) = place.open();
    // And the header of the new segment.
    assert_eq!(place.files.count(Call::Write), 2);
    // Of the segment that was left, and of the new one.
    assert_eq!(place.files.count(Call::SyncAll), 2);
    spool.close();
    place.check_payloads(["one", "two"]);
}

#[test]
fn a_segment_that_was_not_finished_is_no_segment() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    spool.close();
    let unfinished = place.segment(1).with_extension("new");
    fs::write(&unfinished, "half").unwrap();
    fs::write(place.dir().join("1.seg"), "no name of a segment").unwrap();
    let (spool, _) = place.open();
    record(&spool, "two").unwrap();
    spool.close();
    assert!(!unfinished.exists());
    place.check_payloads(["one", "two"]);
}

#[test]
fn what_does_not_begin_like_a_segment_is_refused_and_left() {
    let mut damaged = segment_header::encode(3);
    damaged[20] ^= 1;
    let newer = |format: u32| [b"POORTLOG".as_slice(), &format.to_le_bytes(), &[7; 5000]].concat();
    for (start, expected) in [
        (newer(3), Damage::Newer { format: 3, known: 2 }),
        (newer(2), Damage::Header),
        (damaged.to_vec(), Damage::Header),
        (segment_header::encode(4).to_vec(), Damage::Header),
        (vec![0xff; 3000], Damage::Foreign),
        (b"text".to_vec(), Damage::Foreign),
    ] {
        // The newest, after a segment of format 1 and by itself; and one that is complete.
        for (before, after) in [(false, false), (true, false), (true, true)] {
            let place = Place::new();
            if before {
                place.put(0, &commits(0, &[&[b"one", b"two", b"three"]]).concat());
            }
            place.put(3, &start);
            if after {
                place.put(4, &commits(4, &[&[b"five"]]).concat());
            }
            match place.try_open() {
                Err(OpenError::Corrupt { segment, offset, damage }) => {
                    assert_eq!((segment, offset, damage), (place.segment(3), 0, expected));
                }
                Err(error @ OpenError::Newer { .. }) => {
                    assert_eq!(expected, Damage::Newer { format: 3, known: 2 });
                    let told = error.to_string();
                    assert!(told.contains("0000000000000003.seg") && told.contains("newer poort (format 3)"), "{told}");
                    assert!(told.contains("formats up to 2"), "{told}");
                }
                other => panic!("{:?}", other.map(|(_, recovery)| recovery)),
            }
            assert_eq!(fs::read(place.segment(3)).unwrap(), start);
            let error = Reader::open(place.dir()).unwrap().find_map(Result::err).unwrap();
            assert!(matches!(error.cause, ReadCause::Damaged(damage) if damage == expected), "{error:?}");
        }
    }
}

#[test]
fn a_torn_tail_is_kept_beside_and_the_newest_few_stay() {
    let place = Place::new();
    let torn = |place: &Place| -> Vec<_> {
        let names = fs::read_dir(place.dir()).unwrap().map(|entry| entry.unwrap().path());
        let mut torn: Vec<_> = names.filter(|path| path.extension().is_some_and(|it| it == "torn")).collect();
        torn.sort();
        torn
    };
    for n in 0..10 {
        let (spool, _) = place.open();
        record(&spool, payload(n, 10)).unwrap();
        spool.close();
        assert_eq!(torn(&place).len() as u64, n.min(8), "an orderly end leaves none");
        let mut bytes = fs::read(place.segment(n)).unwrap();
        let end = bytes.len();
        bytes.extend_from_slice(format!("torn {n}").as_bytes());
        bytes.resize(SEGMENT as usize, 0);
        place.put(n, &bytes);
        let (spool, recovery) = place.open();
        spool.close();
        assert_eq!(recovery.cut_bytes, 6);
        let kept = torn(&place).pop().unwrap();
        assert_eq!(kept.file_name().unwrap().to_str().unwrap(), format!("{n:016x}-{end:016}.torn"));
        assert_eq!(fs::read(kept).unwrap(), format!("torn {n}").as_bytes());
    }
    assert_eq!(torn(&place).len(), 8);
}

#[test]
fn a_torn_tail_that_cannot_be_kept_is_not_cut() {
    let place = Place::new();
    let bytes = [commits(0, &[&[b"one"]]).concat(), b"torn".to_vec()].concat();
    place.put(0, &bytes);
    place.files.fail(Call::Create, rustix::io::Errno::ACCESS, 1);
    assert!(place.try_open().is_err());
    assert_eq!(fs::read(place.segment(0)).unwrap(), bytes);
    let (spool, _) = place.open();
    spool.close();
    place.check_payloads(["one"]);
}

#[test]
fn a_torn_tail_is_cut_on_a_full_disk_too() {
    let place = Place::new();
    let mut bytes = [commits(0, &[&[b"one"]]).concat(), b"torn".to_vec()].concat();
    let end = bytes.len() as u64;
    bytes.resize(SEGMENT as usize, 0);
    place.put(0, &bytes);
    // What was taken for later records is all the room that there is.
    place.files.no_room_until_cut();
    let (spool, recovery) = place.open();
    assert_eq!((recovery.cut_bytes, spool.is_writable()), (4, true));
    spool.close();
    place.check_payloads(["one"]);
    assert_eq!(fs::read(place.dir().join(format!("{:016x}-{:016}.torn", 0, end - 4))).unwrap(), b"torn");
}

#[test]
fn a_length_from_the_disk_is_not_trusted() {
    let place = Place::new();
    let mut bytes = Vec::new();
    frame::encode(&mut bytes, 0, 0, &"one".into());
    for len in [4, 4096, frame::MAX_PAYLOAD as u32, u32::MAX] {
        let mut wrong = bytes.clone();
        wrong[..4].copy_from_slice(&len.to_le_bytes());
        place.put(0, &wrong);
        assert_eq!(place.read().len(), 0);
        let (spool, recovery) = place.open();
        assert_eq!(recovery.cut_bytes, 27);
        spool.close();
    }
}

#[test]
fn a_folder_that_is_not_there_cannot_be_read() {
    let place = Place::new();
    let error = Reader::open(place.dir()).unwrap_err();
    assert!(matches!(error.cause, ReadCause::Io(_)));
    assert!(error.to_string().contains("spool"), "{error}");
}

#[test]
fn a_folder_that_is_made_is_synced_in_its_parent() {
    let place = Place::new();
    place.open().0.close();
    // The parent for the folder, the folder for the segment.
    assert_eq!(place.files.count(Call::SyncDir), 2);
    place.open().0.close();
    assert_eq!(place.files.count(Call::SyncDir), 3);
}
