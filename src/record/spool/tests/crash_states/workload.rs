//! The workload whose calls are noted.

use super::{
    SINK, memory,
    recorder::{Fault, Noting, Step},
};
use crate::record::spool::{
    Attestation, Attestor, Config, Cursor, Entry, Occasion, Spool,
    config::Pace,
    tests::support::{block_on, payload},
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};

const SEGMENT: u64 = 6 << 10;

/// Counts, and refuses to go on when it counted more before.
#[derive(Debug, Default)]
pub(super) struct Counting {
    count: u64,
    head: Option<u64>,
}

impl Attestor for Counting {
    fn resume(&mut self, head: Option<&[u8]>, opening: Option<(u64, &[u8])>) -> Result<(), String> {
        self.head = head.map(|head| u64::from_le_bytes(head.try_into().unwrap()));
        self.count = opening.map_or(0, |(seq, _)| seq);
        match opening {
            Some((_, payload)) if !payload.starts_with(b"attests") => Err("the segment has no opening".to_owned()),
            _ => Ok(()),
        }
    }

    fn record(&mut self, _payload: &[u8]) {
        self.count += 1;
    }

    fn resumed(&mut self) -> Result<(), String> {
        match self.head.take() {
            Some(head) if head >= self.count => Err(format!("the head says {head} and there are {}", self.count)),
            _ => Ok(()),
        }
    }

    fn attest(&mut self, occasion: Occasion) -> Attestation {
        Attestation {
            record: format!("attests to {} {occasion:?}", self.count).as_str().into(),
            head: self.count.to_le_bytes().to_vec(),
        }
    }

    fn cadence(&self) -> Duration {
        Duration::from_millis(3)
    }
}

/// Runs the workload: commits of several records, segments that fill up and are packed, a sink that takes records, segments
/// that go, and restarts.
pub(super) fn workload(seed: u64, fault: Fault) -> (PathBuf, Vec<Step>) {
    let folder = memory();
    let dir = folder.path().join("records");
    fs::create_dir(&dir).unwrap();
    let files = Arc::new(Noting::new(fault));
    let mut chance = SmallRng::seed_from_u64(seed);
    let mut number = 0;
    for _ in 0..3 {
        let config = Config { segment_bytes: SEGMENT, queue: 64, ..Config::new(&dir) };
        let meter = opentelemetry::global::meter("spool");
        let pace = Pace {
            check: Duration::from_millis(5),
            probe: Duration::from_millis(5),
            alone: 0,
            slow: Duration::MAX,
            keep: None,
            ..Pace::SERVING
        };
        let (spool, _) =
            Spool::open_on(&config, Some(Box::new(Counting::default())), &meter, files.clone(), pace).unwrap();
        let cursor = Cursor::open_on(files.clone(), &dir, SINK).unwrap();
        for round in 0..14 {
            if chance.random_range(0..3) == 0 {
                // Written by its caller.
                number += 1;
                let payload = payload(number, chance.random_range(10..1200));
                let seq = block_on(spool.append(Entry::new(payload.clone()))).unwrap().seq;
                files.note(Step::Told { seq, payload });
            }
            let tickets: Vec<_> = (0..chance.random_range(1..6))
                .map(|_| {
                    number += 1;
                    let payload = payload(number, chance.random_range(10..1200));
                    (spool.submit(Entry::new(payload.clone())).unwrap(), payload)
                })
                .collect();
            for (ticket, payload) in tickets {
                let seq = ticket.wait().unwrap().seq;
                files.note(Step::Told { seq, payload });
            }
            if chance.random_range(0..3) > 0 {
                let taken = spool.durable().saturating_sub(chance.random_range(0..4));
                files.note(Step::Taken(taken));
                cursor.advance(taken).unwrap();
            }
            if round % 5 == 4 {
                let taken = cursor.sync().unwrap();
                spool.remove_below(taken).unwrap();
            }
            if round % 5 == 2 {
                let (mut keeper, _going_on) = spool.keeper(&config, vec![]);
                while keeper.step().unwrap() {}
            }
        }
        spool.close();
    }
    (dir, files.take())
}
