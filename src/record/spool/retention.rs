//! Deletes segments: finds which may go, and removes them oldest first.
//!
//! A segment may go when every consumer has all of it and it is older than it has to be. The newest two stay in any
//! case: their names carry the sequence, and the last one may still be written.
//!
//! **Invariant:** how far a consumer came is on disk before the records that it took are deleted. So the caller syncs
//! the cursors first. Each deletion is synced before the next, so that a power cut never leaves a hole.

use super::{files::Files, segment::list};
use std::{
    fs::{self, File},
    io,
    path::Path,
    time::SystemTime,
};

/// The segments that always stay.
const STAY: usize = 2;

/// The seq of the first record that has to stay; the oldest one when all have to. All records before it are below
/// `taken`, and their segments were last written before `before`. `is_old` gets the first seq of a segment, and says
/// whether everything before it may go; where it cannot tell (`None`), a later segment answers.
pub(super) fn keep_from(
    dir: &Path,
    taken: u64,
    before: SystemTime,
    is_old: &dyn Fn(u64) -> io::Result<Option<bool>>,
) -> io::Result<u64> {
    let segments = list(dir)?;
    let mut keep_from = segments.first().map_or(0, |segment| segment.first);
    let going = segments.len().saturating_sub(STAY);
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)).take(going) {
        if next.first > taken || fs::metadata(&segment.path)?.modified()? >= before {
            break;
        }
        match is_old(next.first)? {
            Some(true) => keep_from = next.first,
            Some(false) => break,
            None => {}
        }
    }
    Ok(keep_from)
}

/// Deletes the segments whose records are all below `keep_from`, oldest first. Returns how many.
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
