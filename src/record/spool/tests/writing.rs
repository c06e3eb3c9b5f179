//! Entries on their way to the disk while all is well.

use super::{
    faulty::Call,
    support::{Place, SEGMENT, await_state, await_that, committed, payload, record},
};
use crate::record::spool::{
    AppendError, Commit, Edit, Entry, MAX_PAYLOAD, Payload, State, reader::Reader, segment::AHEAD,
    segment_header::START,
};
use rustix::io::Errno;
use std::{
    borrow::Cow,
    fs,
    pin::pin,
    sync::Barrier,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// An entry that says whether it was taken in time.
fn or_late(deadline: Instant) -> Entry {
    late_as(deadline, Cow::Borrowed(b"too late"))
}

fn late_as(deadline: Instant, late: Cow<'static, [u8]>) -> Entry {
    let payload = Payload::from("in time").or_late(vec![Edit { part: 0..7, with: late }]);
    Entry { deadline: Some(deadline), ..Entry::new(payload) }
}

#[test]
fn nothing_is_answered_before_the_sync_returns() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.files.hold();
    let ticket = spool.submit(Entry::new("one")).unwrap();
    place.files.await_held();
    let mut answer = pin!(ticket.committed());
    assert_eq!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    assert_eq!(spool.durable(), 0);
    place.files.release();
    let answer = super::support::block_on(answer);
    assert_eq!(answer, Ok(Commit { seq: 0, late: false }));
    assert_eq!(spool.durable(), 1);
    spool.close();
    place.check_payloads(["one"]);
}

#[test]
fn many_submitters_share_few_syncs() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.files.hold();
    let first = spool.submit(Entry::new("first")).unwrap();
    place.files.await_held();
    let before = place.files.count(Call::SyncData);
    let barrier = Barrier::new(9);
    let mut seqs = thread::scope(|scope| {
        let submitters: Vec<_> = (0..8_u64)
            .map(|n| {
                let (spool, barrier) = (&spool, &barrier);
                scope.spawn(move || {
                    let tickets: Vec<_> =
                        (0..10).map(|i| spool.submit(Entry::new(payload(10 * n + i, 9))).unwrap()).collect();
                    barrier.wait();
                    tickets.into_iter().map(|ticket| committed(ticket).unwrap().seq).collect::<Vec<_>>()
                })
            })
            .collect();
        barrier.wait();
        place.files.release();
        submitters.into_iter().flat_map(|submitter| submitter.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(committed(first).unwrap().seq, 0);
    seqs.sort_unstable();
    assert!(seqs.into_iter().eq(1..81), "each entry has a place of its own");
    assert_eq!(place.files.count(Call::SyncData) - before, 1, "80 entries, one sync");
    assert!(place.read()[1..].iter().all(|frame| frame.base == 1));
    spool.close();
}

#[test]
fn one_commit_is_one_write_and_one_sync() {
    let place = Place::new();
    let (spool, _) = place.open();
    let (writes, syncs) = (place.files.count(Call::Write), place.files.count(Call::SyncData));
    for n in 0..5 {
        record(&spool, payload(n, 20)).unwrap();
    }
    assert_eq!(place.files.count(Call::Write) - writes, 5);
    assert_eq!(place.files.count(Call::SyncData) - syncs, 5);
    spool.close();
}

#[test]
fn blocks_are_written_before_records_need_them() {
    let mut place = Place::new();
    place.config.segment_bytes = 3 * AHEAD;
    let (spool, _) = place.open();
    let mut ends = Vec::new();
    for n in 0..2 * AHEAD / 10_000 {
        record(&spool, payload(n, 10_000)).unwrap();
        ends.push(place.files.furthest_write());
    }
    ends.dedup();
    assert_eq!(ends, [AHEAD, 2 * AHEAD], "most commits write where something was written before");
    // The zeros ahead are no record.
    let bytes = fs::read(place.segment(0)).unwrap();
    let records = START + 2 * AHEAD / 10_000 * 10_024;
    assert!(bytes[records as usize..].iter().all(|byte| *byte == 0));
    spool.close();
    assert_eq!(fs::metadata(place.segment(0)).unwrap().len(), records);
}

#[test]
fn an_entry_whose_deadline_passed_is_written_as_late() {
    let place = Place::new();
    let (spool, _) = place.open();
    let now = Instant::now();
    let late = committed(spool.submit(or_late(now)).unwrap()).unwrap();
    let in_time = committed(spool.submit(or_late(now + Duration::from_secs(3600))).unwrap()).unwrap();
    assert_eq!(late, Commit { seq: 0, late: true });
    assert_eq!(in_time, Commit { seq: 1, late: false });
    spool.close();
    place.check_payloads(["too late", "in time"]);
}

#[test]
fn an_entry_that_waited_behind_a_slow_sync_is_late() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.files.hold();
    let first = spool.submit(Entry::new("first")).unwrap();
    place.files.await_held();
    let deadline = Instant::now() + Duration::from_millis(5);
    let entry = or_late(deadline);
    let second = spool.submit(entry).unwrap();
    await_that(|| Instant::now() > deadline);
    place.files.release();
    assert!(!committed(first).unwrap().late);
    assert!(committed(second).unwrap().late);
    spool.close();
    place.check_payloads(["first", "too late"]);
}

#[test]
fn an_entry_that_was_taken_in_time_is_not_late_however_slow_the_sync() {
    let place = Place::new();
    let (spool, _) = place.open();
    // A busy machine may take the entry too late. Then the next one has more time.
    for wait in [50, 500, 5000] {
        place.files.hold();
        let deadline = Instant::now() + Duration::from_millis(wait);
        let entry = or_late(deadline);
        let ticket = spool.submit(entry).unwrap();
        place.files.await_held();
        let was_in_time = Instant::now() < deadline;
        await_that(|| Instant::now() > deadline);
        place.files.release();
        let commit = committed(ticket).unwrap();
        if was_in_time {
            assert!(!commit.late);
            spool.close();
            assert_eq!(place.read().last().unwrap().payload, b"in time");
            return;
        }
    }
    panic!("no entry was taken in time");
}

#[test]
fn the_seq_is_in_its_place_also_in_the_late_form() {
    let edit = |part: std::ops::Range<usize>, with: &'static [u8]| Edit { part, with: Cow::Borrowed(with) };
    for (edits, late) in [
        (vec![edit(0..1, b"AAA")], "AAAbc7def"),
        (vec![edit(1..3, b"")], "a7def"),
        (vec![edit(3..4, b"DD"), edit(5..6, b"")], "abc7DDe"),
        (vec![edit(0..0, b"-"), edit(2..2, b"--"), edit(6..6, b"!")], "-ab--c7def!"),
    ] {
        let payload = Payload::numbered(b"abcdef".to_vec(), 3).or_late(edits);
        let mut bytes = Vec::new();
        payload.clone().into_late().write(&mut bytes, 7);
        assert_eq!(String::from_utf8(bytes).unwrap(), late);
        assert!(payload.max_len() >= late.len());
    }
}

#[test]
fn a_full_queue_refuses_at_once() {
    let mut place = Place::new();
    place.config.queue = 3;
    let (spool, _) = place.open();
    place.files.hold();
    let mut tickets = vec![spool.submit(Entry::new("first")).unwrap()];
    place.files.await_held();
    tickets.extend((0..3).map(|n| spool.submit(Entry::new(payload(n, 9))).unwrap()));
    assert_eq!(spool.submit(Entry::new("one too many")).unwrap_err(), AppendError::QueueFull);
    assert!(spool.is_writable(), "the next one may fit");
    place.files.release();
    for (seq, ticket) in (0..).zip(tickets) {
        assert_eq!(committed(ticket).unwrap().seq, seq);
    }
    spool.close();
    assert_eq!(place.read().len(), 4);
}

#[test]
fn a_payload_that_is_too_large_is_refused_and_others_are_not() {
    let place = Place::new();
    let (spool, _) = place.open();
    let huge = vec![b'x'; MAX_PAYLOAD + 1];
    assert_eq!(spool.submit(Entry::new(huge.clone())).unwrap_err(), AppendError::TooLarge);
    let late = late_as(Instant::now(), Cow::Owned(huge));
    assert_eq!(spool.submit(late).unwrap_err(), AppendError::TooLarge);
    record(&spool, "next").unwrap();
    spool.close();
    place.check_payloads(["next"]);
}

#[test]
fn a_payload_larger_than_a_segment_gets_a_segment_of_its_own_size() {
    let place = Place::new();
    let (spool, _) = place.open();
    let payloads = [payload(0, 10), payload(1, 3 * SEGMENT as usize), payload(2, 10)];
    for payload in &payloads {
        record(&spool, payload.clone()).unwrap();
    }
    spool.close();
    assert_eq!(place.segments().len(), 3);
    place.check_payloads(&payloads);
    let (spool, recovery) = place.open();
    assert_eq!(recovery.next_seq, 3);
    spool.close();
}

#[test]
fn an_empty_payload_is_a_record() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "").unwrap();
    spool.close();
    place.check_payloads([""]);
}

#[test]
fn segments_are_cut_to_their_true_length_and_chain() {
    let place = Place::new();
    let (spool, _) = place.open();
    let payloads: Vec<_> = (0..40).map(|n| payload(n, 500)).collect();
    for payload in &payloads {
        record(&spool, payload.clone()).unwrap();
    }
    spool.close();
    let segments = place.segments();
    assert!(segments.len() > 4);
    let bytes: u64 = segments.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(bytes, segments.len() as u64 * START + 40 * 524, "nothing but headers and frames");
    place.check_payloads(&payloads);
}

#[test]
fn short_writes_are_continued() {
    let place = Place::new();
    place.files.write_at_most(7);
    let (spool, _) = place.open();
    let payloads: Vec<_> = (0..10).map(|n| payload(n, 100)).collect();
    for payload in &payloads {
        record(&spool, payload.clone()).unwrap();
    }
    spool.close();
    place.check_payloads(&payloads);
}

#[test]
fn a_file_system_without_fallocate_will_do() {
    let place = Place::new();
    place.files.fail(Call::Allocate, Errno::OPNOTSUPP, usize::MAX);
    let (spool, _) = place.open();
    let payloads: Vec<_> = (0..40).map(|n| payload(n, 500)).collect();
    for payload in &payloads {
        record(&spool, payload.clone()).unwrap();
    }
    spool.close();
    assert!(place.segments().len() > 4);
    place.check_payloads(&payloads);
}

#[test]
fn closing_records_what_was_submitted_and_refuses_the_rest() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.files.hold();
    let tickets: Vec<_> = (0..50).map(|n| spool.submit(Entry::new(payload(n, 200))).unwrap()).collect();
    place.files.await_held();
    thread::scope(|scope| {
        let closers: Vec<_> = (0..2).map(|_| scope.spawn(|| spool.close())).collect();
        await_that(|| !spool.is_writable());
        assert_eq!(spool.submit(Entry::new("more")).unwrap_err(), AppendError::Closed);
        place.files.release();
        closers.into_iter().for_each(|closer| closer.join().unwrap());
    });
    await_state(&spool, |state| *state == State::Closed);
    for (seq, ticket) in (0..).zip(tickets) {
        assert_eq!(committed(ticket).unwrap().seq, seq);
    }
    spool.close();
    assert_eq!(spool.submit(Entry::new("more")).unwrap_err(), AppendError::Closed);
    assert_eq!(place.read().len(), 50);
    // The lock is free again.
    place.open().0.close();
}

#[test]
fn every_ticket_is_answered_when_submitting_races_with_closing() {
    for _ in 0..20 {
        let place = Place::new();
        let (spool, _) = place.open();
        let barrier = Barrier::new(5);
        let acknowledged: usize = thread::scope(|scope| {
            let submitters: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let tickets = (0..50).map_while(|_| spool.submit(Entry::new("x")).ok());
                        let tickets: Vec<_> = tickets.collect();
                        tickets.into_iter().filter_map(|ticket| committed(ticket).ok()).count()
                    })
                })
                .collect();
            barrier.wait();
            spool.close();
            submitters.into_iter().map(|submitter| submitter.join().unwrap()).sum()
        });
        assert_eq!(place.read().len(), acknowledged);
    }
}

#[test]
fn a_reader_follows_a_spool_that_is_being_written() {
    let place = Place::new();
    let (spool, _) = place.open();
    let mut reader = Reader::open(place.dir()).unwrap();
    assert!(reader.next().is_none());
    for n in 0..60 {
        record(&spool, payload(n, 300)).unwrap();
        let frame = reader.next().unwrap().unwrap();
        assert_eq!((frame.seq, frame.payload), (n, payload(n, 300)));
        assert!(reader.next().is_none());
    }
    spool.close();
    let (spool, _) = place.open();
    record(&spool, "after a restart").unwrap();
    assert_eq!(reader.next().unwrap().unwrap().seq, 60);
    assert!(reader.next().is_none());
    spool.close();
}

#[test]
fn a_reader_goes_on_where_it_looked_too_early() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, payload(0, 300)).unwrap();
    // It reads ahead, so it holds zeros where the next records will be.
    let mut reader = Reader::open(place.dir()).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().seq, 0);
    for n in 1..60 {
        record(&spool, payload(n, 300)).unwrap();
    }
    for n in 1..60 {
        let frame = reader.next().unwrap().unwrap();
        assert_eq!((frame.seq, frame.payload), (n, payload(n, 300)));
    }
    assert!(reader.next().is_none());
    spool.close();
}

#[test]
fn a_reader_that_races_with_the_writer_sees_no_damage() {
    let place = Place::new();
    let (spool, _) = place.open();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..300 {
                let tickets: Vec<_> =
                    (0..4).map(|i| spool.submit(Entry::new(payload(4 * n + i, 300))).unwrap()).collect();
                tickets.into_iter().for_each(|ticket| assert!(committed(ticket).is_ok()));
            }
        });
        let mut reader = Reader::open(place.dir()).unwrap();
        let mut seq = 0;
        await_that(|| {
            let is_over = writer.is_finished();
            for frame in reader.by_ref() {
                let frame = frame.unwrap();
                assert_eq!((frame.seq, frame.payload), (seq, payload(seq, 300)));
                seq += 1;
            }
            is_over
        });
        assert_eq!(seq, 1200);
    });
    spool.close();
}

#[test]
fn a_reader_whose_segments_are_deleted_continues_at_the_oldest_left() {
    let place = Place::new();
    let (spool, _) = place.open();
    for n in 0..40 {
        record(&spool, payload(n, 500)).unwrap();
    }
    spool.close();
    let segments = place.segments();
    assert!(segments.len() > 5);
    for read in [0, 3, 7] {
        let mut reader = Reader::open(place.dir()).unwrap();
        assert!(reader.by_ref().take(read).all(|frame| frame.is_ok()));
        let folder = tempfile::tempdir().unwrap();
        let away = |path: &std::path::Path| folder.path().join(path.file_name().unwrap());
        segments[..3].iter().for_each(|path| fs::rename(path, away(path)).unwrap());
        let rest: Vec<_> = reader.map(|frame| frame.unwrap().seq).collect();
        // What was open is read to its end.
        let expected = (read as u64..7).filter(|_| read > 0 && read < 7).chain(21..40);
        assert_eq!(rest, expected.collect::<Vec<_>>(), "after {read}");
        segments[..3].iter().for_each(|path| fs::rename(away(path), path).unwrap());
    }
    // One in the middle is not old.
    let mut reader = Reader::open(place.dir()).unwrap();
    reader.next().unwrap().unwrap();
    fs::remove_file(&segments[2]).unwrap();
    assert!(reader.any(|frame| frame.is_err()));
}

#[test]
fn a_reader_begins_at_its_seq_or_the_nearest_kept_record() {
    let place = Place::new();
    let (spool, _) = place.open();
    for n in 0..30 {
        record(&spool, payload(n, 500)).unwrap();
    }
    spool.close();
    let first_kept = 7;
    assert!(place.segments().len() > 3 && place.segment(first_kept).exists());
    fs::remove_file(place.segment(0)).unwrap();
    for (wanted, expected) in [(0, first_kept), (7, 7), (8, 8), (22, 22), (29, 29), (30, 30), (99, 30)] {
        let mut reader = Reader::open_at(place.dir(), wanted).unwrap();
        let next = reader.next().map(|frame| frame.unwrap().seq);
        assert_eq!(next, (expected < 30).then_some(expected), "from {wanted}");
        assert_eq!(reader.position(), (expected + 1).min(30), "from {wanted}");
    }
}

#[test]
fn a_reader_that_reads_once_ends_while_the_spool_grows() {
    let place = Place::new();
    let (spool, _) = place.open();
    (0..3).for_each(|n| record(&spool, payload(n, 300)).map(drop).unwrap());
    let mut reader = Reader::open(place.dir()).unwrap().once();
    assert_eq!(reader.by_ref().take(3).filter(Result::is_ok).count(), 3);
    // Written before the reader looks at the end again.
    record(&spool, payload(3, 300)).unwrap();
    assert!(reader.next().is_none(), "what comes later is for another reader");
    record(&spool, payload(4, 300)).unwrap();
    assert!(reader.next().is_none());
    assert_eq!(place.read().len(), 5);
    spool.close();
}
