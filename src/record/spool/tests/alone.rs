//! Inline commits: entries that come one at a time are written by their callers, with all that a commit promises.

use super::{
    faulty::Call,
    support::{Place, await_failed, await_writable, block_on, committed, payload, record, record_alone},
};
use crate::record::spool::{AppendError, Commit, Edit, Entry, Payload, State};
use rustix::io::Errno;
use std::{
    borrow::Cow,
    pin::pin,
    sync::Barrier,
    task::{Context, Poll, Waker},
    thread::{self, ThreadId},
    time::Instant,
};

fn here() -> Option<ThreadId> {
    Some(thread::current().id())
}

#[test]
fn a_lone_entry_is_written_by_its_caller_and_others_by_the_thread() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "first").unwrap();
    assert_ne!(place.files.synced_by(), here(), "nobody knows yet that it is alone");
    let alone = record_alone(&spool, &place, "alone");
    // Two in one commit: the next one may not be alone either.
    place.files.hold();
    let held = spool.submit(Entry::new("held")).unwrap();
    place.files.await_held();
    let together = ["one", "other"].map(|text| spool.submit(Entry::new(text)).unwrap());
    place.files.release();
    committed(held).unwrap();
    for ticket in together {
        committed(ticket).unwrap();
    }
    record(&spool, "next").unwrap();
    assert_ne!(place.files.synced_by(), here());
    let again = record_alone(&spool, &place, "again");
    spool.close();
    let expected = [vec!["first"], vec!["alone"; alone], vec!["held", "one", "other", "next"], vec!["again"; again]];
    place.check_payloads(expected.concat());
}

#[test]
fn no_caller_waits_while_another_writes() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "first").unwrap();
    thread::scope(|scope| {
        let holder = scope.spawn(|| {
            record_alone(&spool, &place, "alone");
            place.files.hold();
            // By this thread too, unless the writer thread has the writer for a moment; then it is held in that one.
            record(&spool, "held").unwrap().seq
        });
        place.files.await_held();
        // It returns at once, and is answered after the one that is under way.
        let before = spool.durable();
        let mut other = pin!(spool.append(Entry::new("behind")));
        assert_eq!(other.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
        assert_eq!(spool.durable(), before);
        place.files.release();
        let seq = holder.join().unwrap();
        assert_eq!(block_on(other), Ok(Commit { seq: seq + 1, late: false }));
    });
    spool.close();
    let read = place.read();
    assert_eq!(
        read[read.len() - 2..].iter().map(|frame| frame.payload.as_slice()).collect::<Vec<_>>(),
        [b"held".as_slice(), b"behind"]
    );
}

#[test]
fn a_slow_disk_is_left_to_the_thread() {
    let place = Place::new();
    let spool = place.open_for_a_slow_disk();
    for n in 0..10 {
        record(&spool, payload(n, 10)).unwrap();
        assert_ne!(place.files.synced_by(), here());
    }
    spool.close();
}

#[test]
fn a_caller_that_writes_gets_its_failure_and_the_spool_recovers() {
    for call in [Call::SyncData, Call::Write] {
        let place = Place::new();
        let (spool, _) = place.open();
        record(&spool, "first").unwrap();
        let alone = record_alone(&spool, &place, "alone");
        // Nothing can be made, so that the failure can be seen for as long as it takes.
        place.files.fail(Call::Create, Errno::ACCESS, usize::MAX);
        place.files.fail(call, Errno::IO, 1);
        assert_eq!(record(&spool, "never acknowledged"), Err(AppendError::Failed));
        await_failed(&spool);
        assert_eq!(record(&spool, "refused"), Err(AppendError::Failed));
        place.files.heal();
        await_writable(&spool);
        record(&spool, "last").unwrap();
        spool.close();
        place.check_payloads([vec!["first"], vec!["alone"; alone], vec!["last"]].concat());
    }
}

#[test]
fn a_late_entry_says_so_also_when_its_caller_writes_it() {
    let place = Place::new();
    let (spool, _) = place.open();
    record(&spool, "first").unwrap();
    let alone = record_alone(&spool, &place, "alone");
    let payload = Payload::from("in time").or_late(vec![Edit { part: 0..7, with: Cow::Borrowed(b"too late") }]);
    let late = Entry { deadline: Some(Instant::now()), ..Entry::new(payload) };
    assert!(block_on(spool.append(late)).unwrap().late);
    spool.close();
    place.check_payloads([vec!["first"], vec!["alone"; alone], vec!["too late"]].concat());
}

#[test]
fn a_new_segment_is_made_by_the_thread() {
    let place = Place::new();
    let (spool, _) = place.open();
    let payloads: Vec<_> = (0..40).map(|n| payload(n, 500)).collect();
    let mut followed = 0;
    for payload in &payloads {
        let segments = place.segments().len();
        record(&spool, payload.clone()).unwrap();
        if place.segments().len() > segments {
            followed += 1;
            assert_ne!(place.files.synced_by(), here(), "what takes longer is not for a caller");
        }
    }
    spool.close();
    assert!(followed > 3);
    place.check_payloads(&payloads);
}

#[test]
fn every_entry_is_answered_when_writing_callers_race_with_closing() {
    for _ in 0..20 {
        let place = Place::new();
        let (spool, _) = place.open();
        record(&spool, "first").unwrap();
        let barrier = Barrier::new(4);
        let acknowledged: usize = thread::scope(|scope| {
            let callers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        (0..50).map_while(|_| record(&spool, "x").ok()).count()
                    })
                })
                .collect();
            barrier.wait();
            spool.close();
            callers.into_iter().map(|caller| caller.join().unwrap()).sum()
        });
        assert_eq!(*spool.watch().borrow(), State::Closed);
        assert_eq!(place.read().len(), acknowledged + 1);
        // The lock is free again.
        place.open().0.close();
    }
}
