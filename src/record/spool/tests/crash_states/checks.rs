//! Checks a state: opens the spool on it, by its own rules or by rules that are too simple.

use super::{SINK, memory, model::Model, workload::Counting};
use crate::record::spool::{
    Cursor,
    reader::Reader,
    recovery::{recover, resume},
    segment::list,
    segment_scan::{Rest, SegmentScan},
};
use rand::{RngExt as _, rngs::SmallRng};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What a recovery makes of a folder: the records that it goes on with, or why it refuses.
pub(super) type Recover = fn(&Path) -> Result<BTreeMap<u64, Vec<u8>>, String>;

pub(super) fn real(dir: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    let found = recover(dir).map_err(|error| error.to_string())?;
    resume(dir, found.tail.as_ref(), &mut Counting::default()).map_err(|error| error.to_string())?;
    let frames = Reader::open(dir).map_err(|error| error.to_string())?;
    frames.map(|frame| frame.map(|frame| (frame.seq, frame.payload)).map_err(|error| error.to_string())).collect()
}

/// A rule that is too simple: what follows the first bad frame is thrown away.
pub(super) fn cutting_at_the_first_bad_frame(dir: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    let mut records = BTreeMap::new();
    for segment in list(dir).unwrap() {
        let mut walk = SegmentScan::open(File::open(&segment.path).unwrap(), &segment.path, segment.first).unwrap();
        while let Ok(Some((header, payload))) = walk.next() {
            records.insert(header.seq, payload.to_vec());
        }
    }
    Ok(records)
}

/// The other rule that is too simple: any frame after a bad one is corruption.
pub(super) fn refusing_what_is_torn(dir: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    for segment in list(dir).unwrap() {
        let mut walk = SegmentScan::open(File::open(&segment.path).unwrap(), &segment.path, segment.first).unwrap();
        while walk.next().is_ok_and(|frame| frame.is_some()) {}
        let len = walk.bytes.len().unwrap();
        if !matches!(walk.rest(len), Ok(Rest::Empty)) {
            return Err("torn".to_owned());
        }
    }
    real(dir)
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) states: u64,
    /// Records that were acknowledged, or that a sink never took, and that are gone.
    pub(super) lost: u64,
    /// States that a power cut may leave, and that were refused.
    pub(super) refused: u64,
    /// Cursors that say more than the sink took.
    pub(super) ahead: u64,
    /// Rotten states that were taken for whole.
    pub(super) rot_missed: u64,
}

/// Puts a state on disk, and opens the spool on it.
pub(super) fn check(
    model: &Model,
    dir: &Path,
    state: &BTreeMap<PathBuf, Vec<u8>>,
    recover: Recover,
    is_rotten: bool,
    tally: &mut Tally,
) {
    let folder = memory();
    for (path, bytes) in state {
        fs::write(folder.path().join(path.strip_prefix(dir).unwrap()), bytes).unwrap();
    }
    tally.states += 1;
    let records = match recover(folder.path()) {
        Ok(records) => records,
        Err(_) if is_rotten => return,
        Err(why) => {
            tally.refused += 1;
            tracing::debug!(why, "refused");
            return;
        }
    };
    let cursor = Cursor::read(folder.path(), SINK).unwrap().unwrap_or(0);
    let first = records.keys().next().copied().unwrap_or(cursor);
    let is_gone = |(seq, payload): &(&u64, &Vec<u8>)| **seq >= cursor && records.get(seq) != Some(payload);
    let lost = model.told.iter().filter(is_gone).count() as u64 + u64::from(first > cursor);
    if is_rotten {
        tally.rot_missed += u64::from(lost > 0);
        return;
    }
    tally.lost += lost;
    tally.ahead += u64::from(cursor > model.taken);
}

/// Flips a bit of an acknowledged record in a state, but not in the last commit, which may be torn; or any bit of a packed
/// segment.
pub(super) fn rot(model: &Model, state: &mut BTreeMap<PathBuf, Vec<u8>>, chance: &mut SmallRng) -> bool {
    let mut packed: Vec<_> = state.values_mut().filter(|bytes| bytes.starts_with(&[0x50, 0x2a, 0x4d, 0x18])).collect();
    if !packed.is_empty() && chance.random_range(0..2) == 0 {
        let bytes = packed.swap_remove(chance.random_range(0..packed.len()));
        let at = chance.random_range(0..bytes.len());
        bytes[at] ^= 1 << chance.random_range(0..8);
        return true;
    }
    let Some((_, payload)) = model.told.iter().rev().nth(12) else { return false };
    for bytes in state.values_mut() {
        if let Some(at) = bytes.windows(payload.len()).position(|window| window == payload) {
            bytes[at + chance.random_range(0..payload.len())] ^= 1 << chance.random_range(0..8);
            return true;
        }
    }
    false
}
