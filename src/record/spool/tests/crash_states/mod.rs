//! Crash states: every state that a power cut could leave, as far as they can be counted.
//!
//! A small workload runs on a real disk. Each call that changes the disk is noted, with what was acknowledged and what
//! a sink took in between. Then the calls are replayed on a model. What was synced is there. Of each write that was
//! not, each sector may be there or not, and so may each name that was not synced. After each call some of the states
//! that could be left are made for real, and the spool is opened on them (after ALICE, OSDI 2014).
//!
//! It is a model and no real power cut. So faults are planted too, and with each of them it must fail.
//!
//! - `workload`: what is done; `recorder`: the calls that it makes
//! - `model`: the states that they can leave
//! - `checks`: opens the spool on a state

mod checks;
mod model;
mod recorder;
mod workload;

use checks::{Recover, Tally, check, cutting_at_the_first_bad_frame, real, refusing_what_is_torn, rot};
use model::{Luck, Model};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use recorder::{Fault, Step};
use std::path::Path;
use workload::workload;

const SINK: &str = "sink";

/// A folder in memory where there is one: thousands of them are made.
fn memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn enumerate(seeds: std::ops::Range<u64>, per_step: u64, fault: Fault, recover: Recover) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let (dir, steps) = workload(seed, fault);
        let mut chance = SmallRng::seed_from_u64(seed ^ 0x5eed);
        let mut model = Model::default();
        for step in &steps {
            model.step(step);
            let mut lucks = vec![Luck::Nothing, Luck::Everything];
            lucks.extend((2..per_step).map(|_| Luck::Some(SmallRng::seed_from_u64(chance.next_u64()))));
            for mut luck in lucks {
                let state = model.state(&mut luck);
                check(&model, &dir, &state, recover, false, &mut tally);
            }
            if matches!(step, Step::Told { .. }) {
                let mut state = model.state(&mut Luck::Nothing);
                if rot(&model, &mut state, &mut chance) {
                    check(&model, &dir, &state, recover, true, &mut tally);
                }
            }
        }
    }
    tally
}

#[test]
fn no_power_cut_loses_a_record_and_no_legal_state_is_refused() {
    let tally = enumerate(0..3, 5, Fault::None, real);
    assert!(tally.states >= 5_000, "{tally:?}");
    let Tally { states: _, lost, refused, ahead, rot_missed } = tally;
    assert_eq!((lost, refused, ahead, rot_missed), (0, 0, 0, 0), "{tally:?}");
}

#[test]
fn a_commit_without_a_sync_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::NoDataSync, real);
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn a_name_without_a_sync_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::NoNameSync, real);
    assert!(tally.lost + tally.refused > 0, "{tally:?}");
}

#[test]
fn a_cursor_that_is_not_synced_before_a_segment_goes_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::CursorNotSynced, real);
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn a_packed_segment_without_a_sync_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::PackedNotSynced, real);
    assert!(tally.lost + tally.refused > 0, "{tally:?}");
}

#[test]
fn a_cut_at_the_first_bad_frame_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::None, cutting_at_the_first_bad_frame);
    assert!(tally.rot_missed > 0, "{tally:?}");
}

#[test]
fn a_refusal_of_what_is_merely_torn_would_be_found() {
    let tally = enumerate(7..8, 3, Fault::None, refusing_what_is_torn);
    assert!(tally.refused > 0, "{tally:?}");
}
