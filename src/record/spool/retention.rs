//! Which segments may go, and how they go.
//!
//! A segment may go when everybody who takes records has all of it and it is older than it has to be. The newest two stay
//! in any case: their names carry the sequence, and the last one may still be written.
//!
//! What holds: what was taken is on disk before what it was taken from goes. So the cursors are synced first, by whoever
//! calls; and each name is gone for good before the next one goes, so that a power cut never leaves a hole.

use super::{files::Files, segment::list};
use std::{
    fs::{self, File},
    io,
    path::Path,
    time::SystemTime,
};

/// The segments that always stay.
const STAY: usize = 2;

/// The seq of the first record that has to stay: all records of the segments before are below `taken`, and these
/// segments were last written before `before`, and are old to whoever knows more (`is_old`, of the first seq of the segment
/// behind). The seq of the oldest record when all have to stay.
pub(super) fn keep_from(
    dir: &Path,
    taken: u64,
    before: SystemTime,
    is_old: &dyn Fn(u64) -> io::Result<bool>,
) -> io::Result<u64> {
    let segments = list(dir)?;
    let mut keep_from = segments.first().map_or(0, |segment| segment.first);
    let going = segments.len().saturating_sub(STAY);
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)).take(going) {
        if next.first > taken || fs::metadata(&segment.path)?.modified()? >= before || !is_old(next.first)? {
            break;
        }
        keep_from = next.first;
    }
    Ok(keep_from)
}

/// Deletes the segments whose records are all below `keep_from`, oldest first. Gives how many.
pub(super) fn remove_below(files: &dyn Files, dir: &Path, keep_from: u64) -> io::Result<u64> {
    let segments = list(dir)?;
    let folder = File::open(dir)?;
    let going = segments.len().saturating_sub(STAY);
    let mut removed: u64 = 0;
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)).take(going) {
        if next.first > keep_from {
            break;
        }
        files.remove(&segment.path)?;
        files.sync_dir(&folder)?;
        removed = removed.saturating_add(1);
    }
    Ok(removed)
}
