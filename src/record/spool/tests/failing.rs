//! Disks that fill up, fail, or are removed.

use super::{
    faulty::Call,
    support::{
        Place, SEGMENT, await_failed, await_state, await_that, await_writable, commits, committed, ends_at, fit,
        payload, record,
    },
};
use crate::record::spool::{AppendError, Entry, OpenError, Spool, State, segment_header::START};
use rustix::io::Errno;
use std::{
    fs::{self, File},
    time::Instant,
};

#[test]
fn a_full_disk_is_answered_at_once_and_ends_when_there_is_room() {
    for error in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
        let place = Place::new();
        let (spool, _) = place.open();
        record(&spool, "one").unwrap();
        place.files.fail(Call::Write, error, usize::MAX);
        place.files.fail(Call::Allocate, error, usize::MAX);
        assert_eq!(record(&spool, "lost"), Err(AppendError::DiskFull));
        assert_eq!(*spool.watch().borrow(), State::Full);
        assert!(!spool.is_writable());
        assert_eq!(spool.submit(Entry::new("lost")).unwrap_err(), AppendError::DiskFull);
        place.files.heal();
        await_writable(&spool);
        assert_eq!(record(&spool, "two").unwrap().seq, 1);
        spool.close();
        place.check_payloads(["one", "two"]);
        place.open().0.close();
    }
}

#[test]
fn a_write_that_stops_half_way_leaves_nothing_behind() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, payload(0, 100)).unwrap();
    place.files.write_at_most(130);
    place.files.fail(Call::Allocate, Errno::NOSPC, usize::MAX);
    // The commit is three frames long: one is written whole before the disk is full.
    place.files.hold();
    let first = spool.submit(Entry::new(payload(1, 100))).unwrap();
    place.files.await_held();
    let tickets: Vec<_> = (2..5).map(|n| spool.submit(Entry::new(payload(n, 100))).unwrap()).collect();
    place.files.fail_after(Call::Write, 1, Errno::NOSPC);
    place.files.release();
    assert_eq!(committed(first).unwrap().seq, 1);
    for ticket in tickets {
        assert_eq!(committed(ticket), Err(AppendError::DiskFull));
    }
    await_that(|| ends_at(&place.segment(0), 2 * 124));
    place.files.heal();
    await_writable(&spool);
    assert_eq!(record(&spool, payload(9, 100)).unwrap().seq, 2);
    spool.close();
    place.check_payloads([payload(0, 100), payload(1, 100), payload(9, 100)]);
}

#[test]
fn a_disk_that_is_full_at_rotation_loses_nothing() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.files.fail(Call::Allocate, Errno::NOSPC, usize::MAX);
    let mut acknowledged = Vec::new();
    let error = loop {
        let payload = payload(acknowledged.len() as u64, 500);
        match record(&spool, payload.clone()) {
            Ok(_) => acknowledged.push(payload),
            Err(error) => break error,
        }
    };
    assert_eq!(error, AppendError::DiskFull);
    assert_eq!(acknowledged.len() as u64, fit(524));
    place.check_payloads(&acknowledged);
    place.files.heal();
    await_writable(&spool);
    acknowledged.push(payload(100, 500));
    record(&spool, payload(100, 500)).unwrap();
    spool.close();
    place.check_payloads(&acknowledged);
}

#[test]
fn a_disk_that_is_full_at_the_start_is_no_error() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    spool.close();
    place.files.fail(Call::Allocate, Errno::NOSPC, usize::MAX);
    let (spool, recovery) = place.open();
    assert_eq!(recovery.next_seq, 1);
    assert_eq!(*spool.watch().borrow(), State::Full);
    assert_eq!(spool.submit(Entry::new("lost")).unwrap_err(), AppendError::DiskFull);
    place.files.heal();
    await_writable(&spool);
    assert_eq!(record(&spool, "two").unwrap().seq, 1);
    spool.close();
    place.check_payloads(["one", "two"]);
}

#[test]
fn the_limit_is_a_full_disk_until_old_segments_are_deleted() {
    let mut place = Place::new();
    place.config.max_bytes = 3 * SEGMENT;
    let (spool, _) = place.open();
    let mut n = 0;
    while record(&spool, payload(n, 500)).is_ok() {
        n += 1;
        assert!(n < 100, "the limit does not hold");
    }
    assert_eq!(n, 3 * (fit(524)));
    await_state(&spool, |state| *state == State::Full);
    fs::remove_file(place.segment(0)).unwrap();
    await_writable(&spool);
    assert_eq!(record(&spool, "more").unwrap().seq, n);
    spool.close();
    let (spool, recovery) = place.open();
    assert_eq!((recovery.next_seq, recovery.records), (n + 1, n + 1 - fit(524)));
    spool.close();
}

#[test]
fn a_disk_that_became_read_only_fails_and_comes_back() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    for call in [Call::Write, Call::Create, Call::Cut, Call::Rename, Call::Remove] {
        place.files.fail(call, Errno::ROFS, usize::MAX);
    }
    assert_eq!(record(&spool, "lost"), Err(AppendError::Failed));
    assert!(await_failed(&spool).contains("Read-only file system"));
    assert_eq!(spool.submit(Entry::new("lost")).unwrap_err(), AppendError::Failed);
    place.files.heal();
    await_writable(&spool);
    assert_eq!(record(&spool, "two").unwrap().seq, 1);
    spool.close();
    place.check_payloads(["one", "two"]);
}

#[test]
fn a_failed_sync_poisons_and_nothing_acknowledged_is_lost() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    record(&spool, "two").unwrap();
    let probed = place.files.count(Call::Create);
    place.files.fail(Call::SyncData, Errno::IO, 1);
    assert_eq!(record(&spool, "never acknowledged"), Err(AppendError::Failed));
    assert!(await_failed_or_later(&spool, || place.files.count(Call::Create) > probed));
    await_writable(&spool);
    // Its bytes are gone, so its number can go to another record.
    assert!(ends_at(&place.segment(0), 2 * 27));
    assert_eq!(record(&spool, "three").unwrap().seq, 2);
    spool.close();
    place.check_payloads(["one", "two", "three"]);
    let (spool, recovery) = place.open();
    assert_eq!((recovery.next_seq, recovery.segments), (3, 2));
    spool.close();
}

/// The failed state may be over before it is seen; then a new segment was made.
fn await_failed_or_later(spool: &Spool, is_later: impl Fn() -> bool) -> bool {
    matches!(*spool.watch().borrow(), State::Failed(_)) || is_later()
}

#[test]
fn a_failed_sync_of_the_first_commit_leaves_no_trace_of_it() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.files.fail(Call::SyncData, Errno::IO, 1);
    assert_eq!(record(&spool, "never acknowledged"), Err(AppendError::Failed));
    await_writable(&spool);
    assert_eq!(record(&spool, "one").unwrap().seq, 0);
    spool.close();
    place.check_payloads(["one"]);
    assert_eq!(place.segments().len(), 1);
}

#[test]
fn no_new_segment_is_made_before_the_old_one_is_settled() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    let (created, cuts) = (place.files.count(Call::Create), place.files.count(Call::Cut));
    place.files.fail(Call::SyncData, Errno::IO, 1);
    place.files.fail(Call::SyncAll, Errno::IO, usize::MAX);
    assert_eq!(record(&spool, "never acknowledged"), Err(AppendError::Failed));
    let syncs = place.files.count(Call::SyncAll);
    await_that(|| place.files.count(Call::SyncAll) > syncs + 3);
    assert_eq!(place.files.count(Call::Create), created, "the old bytes may still be on the medium");
    assert_eq!(spool.submit(Entry::new("two")).unwrap_err(), AppendError::Failed);
    let text = await_failed(&spool);
    assert!(text.contains("0000000000000000.seg") && text.contains("os error 5"), "{text}");
    // No sync is only tried again: each one follows a cut of its own, that changes the length.
    assert!(place.files.count(Call::Cut) - cuts >= 2 * (place.files.count(Call::SyncAll) - syncs));
    place.files.heal();
    await_writable(&spool);
    assert_eq!(record(&spool, "two").unwrap().seq, 1);
    spool.close();
    place.check_payloads(["one", "two"]);
}

#[test]
fn an_error_at_any_step_of_a_rotation_loses_nothing() {
    for call in [Call::Cut, Call::SyncAll, Call::Create, Call::Allocate, Call::Rename, Call::SyncDir, Call::Write] {
        let place = Place::new();
        let (spool, _) = place.open();
        let mut acknowledged = Vec::new();
        for n in 0..fit(524) {
            acknowledged.push(payload(n, 500));
            record(&spool, payload(n, 500)).unwrap();
        }
        place.files.fail(call, Errno::IO, 1);
        assert_eq!(record(&spool, payload(100, 500)), Err(AppendError::Failed), "{call:?}");
        await_writable(&spool);
        acknowledged.push(payload(101, 500));
        record(&spool, payload(101, 500)).unwrap();
        spool.close();
        place.check_payloads(&acknowledged);
        let (spool, recovery) = place.open();
        assert_eq!(recovery.next_seq, acknowledged.len() as u64);
        spool.close();
    }
}

#[test]
fn an_error_at_the_start_needs_a_person() {
    for call in [Call::CreateDir, Call::Create, Call::Allocate, Call::SyncAll, Call::SyncDir, Call::Rename] {
        let place = Place::new();
        place.files.fail(call, Errno::IO, 1);
        assert!(matches!(place.try_open(), Err(OpenError::Io { .. })), "{call:?}");
        place.open().0.close();
    }
}

#[test]
fn a_commit_into_a_deleted_file_is_not_acknowledged() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    // The commit is written, and deleted before its sync returns: the once-a-second check comes too late for it.
    place.files.hold();
    let ticket = spool.submit(Entry::new("two")).unwrap();
    place.files.await_held();
    fs::remove_dir_all(place.dir()).unwrap();
    place.files.release();
    assert_eq!(committed(ticket), Err(AppendError::Failed));
    spool.close();
}

/// The first entry goes through the queue, the second is written by its caller.
fn two_entries(place: &Place) -> Spool {
    let (spool, _) = place.open();
    record(&spool, payload(0, 300)).unwrap();
    record(&spool, payload(1, 300)).unwrap();
    spool
}

#[test]
fn a_segment_that_is_cut_is_noticed_before_the_next_answer() {
    let frame = 324;
    for kept in [0, 24, frame - 1, START + frame, 2 * frame - 1, START + 2 * frame, SEGMENT - 1] {
        // A commit may also be so large that it would reach to where the file ended.
        for len in [10, usize::try_from(SEGMENT - START - 2 * frame).unwrap() - 25] {
            let place = Place::new();
            let spool = two_entries(&place);
            File::options().write(true).open(place.segment(0)).unwrap().set_len(kept).unwrap();
            assert_eq!(record(&spool, payload(2, len)), Err(AppendError::Failed), "cut to {kept}");
            let told = await_failed(&spool);
            assert!(told.contains(&format!("was cut to {kept} bytes")), "{told}");
            // It does not recover by itself, and what is left stays as it is.
            assert_eq!(record(&spool, "more"), Err(AppendError::Failed));
            spool.close();
            assert_eq!(fs::metadata(place.segment(0)).unwrap().len(), kept);
        }
    }
}

#[test]
fn a_segment_that_is_cut_during_a_commit_is_noticed_before_its_answer() {
    let place = Place::new();
    let spool = two_entries(&place);
    place.files.hold();
    let ticket = spool.submit(Entry::new("three")).unwrap();
    place.files.await_held();
    File::options().write(true).open(place.segment(0)).unwrap().set_len(0).unwrap();
    place.files.release();
    assert_eq!(committed(ticket), Err(AppendError::Failed));
    assert!(await_failed(&spool).contains("was cut to 0 bytes"));
    spool.close();
}

#[test]
fn a_segment_that_is_replaced_or_moved_is_noticed_before_the_next_answer() {
    for is_replaced in [false, true] {
        let place = Place::new();
        let spool = two_entries(&place);
        // The lock stays: only the segment has another place. It has a name still, so its links tell nothing.
        let moved = place.dir().join("kept");
        fs::rename(place.segment(0), &moved).unwrap();
        if is_replaced {
            fs::copy(&moved, place.segment(0)).unwrap();
        }
        let (next, _) = (record(&spool, "three"), spool.close());
        assert_eq!(next, Err(AppendError::Failed));
    }
}

#[test]
fn a_deleted_folder_is_noticed() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    record(&spool, "two").unwrap();
    // Nothing can be made, so that the failure can be seen for as long as it takes.
    place.files.fail(Call::CreateDir, Errno::ACCESS, usize::MAX);
    let deleted = Instant::now();
    fs::remove_dir_all(place.dir()).unwrap();
    await_failed(&spool);
    assert!(deleted.elapsed().as_secs() < 10);
    assert_eq!(spool.submit(Entry::new("lost")).unwrap_err(), AppendError::Failed);
    place.files.heal();
    await_writable(&spool);
    assert_eq!(record(&spool, "three").unwrap().seq, 2, "the sequence goes on");
    spool.close();
    assert_eq!(place.read()[0].seq, 2);
    let (spool, recovery) = place.open();
    assert_eq!((recovery.next_seq, recovery.records), (3, 1));
    spool.close();
}

#[test]
fn a_moved_folder_is_noticed_and_what_it_held_stays_whole() {
    let mut place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    place.files.fail(Call::CreateDir, Errno::ACCESS, usize::MAX);
    let moved = place.dir().with_extension("moved");
    fs::rename(place.dir(), &moved).unwrap();
    await_failed(&spool);
    place.files.heal();
    await_writable(&spool);
    assert_eq!(record(&spool, "two").unwrap().seq, 1);
    spool.close();
    place.check_payloads(["two"]);
    place.config.dir = moved;
    place.check_payloads(["one"]);
}

#[test]
fn a_folder_that_lost_only_its_newest_records_needs_a_person() {
    let place = Place::new();
    let (spool, _) = place.open();
    for n in 0..12 {
        record(&spool, payload(n, 500)).unwrap();
    }
    fs::remove_file(place.segments().last().unwrap()).unwrap();
    let first = await_failed(&spool);
    assert!(first.contains("deleted"), "{first}");
    let created = place.files.count(Call::Create);
    await_state(&spool, |state| matches!(state, State::Failed(text) if text.contains("is not the one")));
    assert_eq!(place.files.count(Call::Create), created);
    spool.close();
}

#[test]
fn a_deleted_lock_is_noticed_and_taken_again() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    place.files.fail(Call::Create, Errno::ACCESS, usize::MAX);
    fs::remove_file(place.dir().join("lock")).unwrap();
    await_failed(&spool);
    await_state(&spool, |state| matches!(state, State::Failed(text) if text.contains("cannot create")));
    assert!(matches!(place.try_open(), Err(OpenError::LockedByOther { .. })));
    place.files.heal();
    await_writable(&spool);
    record(&spool, "two").unwrap();
    spool.close();
    place.check_payloads(["one", "two"]);
}

#[test]
fn a_second_writer_is_refused_and_changes_nothing() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    let segments = place.segments();
    let error = place.try_open().unwrap_err();
    assert!(matches!(&error, OpenError::LockedByOther { dir } if dir == place.dir()));
    assert!(error.to_string().contains("another poort runs in"), "{error}");
    assert_eq!(place.segments(), segments);
    record(&spool, "two").unwrap();
    spool.close();
    place.check_payloads(["one", "two"]);
}

#[test]
fn a_writer_that_lost_its_lock_does_not_write_over_another() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "one").unwrap();
    // What another process would leave that finds the folder without a lock.
    place.put(1, &commits(1, &[&[b"two of another"]]).concat());
    fs::remove_file(place.dir().join("lock")).unwrap();
    await_state(&spool, |state| matches!(state, State::Failed(text) if text.contains("another process wrote here")));
    assert_eq!(spool.submit(Entry::new("two")).unwrap_err(), AppendError::Failed);
    spool.close();
    place.check_payloads(["one", "two of another"]);
}
