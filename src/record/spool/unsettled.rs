//! Segments that are not written any more: the one that the sequence goes on from, and one that must be cut first.

use super::segment::Identity;
use std::{fs::File, path::PathBuf};

/// A segment that holds records up to the next seq.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) first: u64,
    pub(super) identity: Identity,
}

/// A segment that may hold bytes after its durable end.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) end: u64,
    pub(super) last_commit: u64,
    pub(super) was_tried: bool,
    /// Bytes after the end that an earlier process left: they are kept beside before they are cut.
    pub(super) torn: u64,
}
