//! Recovery: reads the segments that an earlier process left, and decides whether the spool can start.
//!
//! It changes nothing. The cut of a torn tail is left to the journal, which does the same after a failed write.
//!
//! A segment that does not begin as one is refused (`segment_header`), whatever is in it.
//!
//! Of a packed segment the footer is believed (`packed`), so that a start takes no longer for a larger log. The keeper reads
//! those in the background. The newest segments are not packed.
//!
//! The rule, for each other segment in order: every seq is the next one, and a segment begins where the one before ended.
//! 24 zero bytes or the end of the file end the frames. At the first place without a good frame:
//!
//! 1. If a whole frame of a *later commit* follows, what is damaged was on disk: **corruption**, also when it reads as
//!    zeros.
//! 2. Else, if the bytes are not zeros and the segment is not the last: **corruption** too.
//! 3. Else it is a clean end, or a **torn tail** that was never acknowledged: it is cut.
//!
//! Simpler rules are wrong. "Any good frame after a bad one is corruption" refuses legal states after a power cut: the
//! sectors of a write that was not synced land in any order. "Cut at the first bad frame" silently drops acknowledged
//! records when bits rot. A record whose caller got no answer may be left; an answer without a record never.

use super::{
    attestor::Attestor,
    damage::Damage,
    double_slot,
    folder::TakeError,
    links,
    segment::{Identity, list, path_of},
    segment_bytes::SegmentBytes,
    segment_scan::{Rest, SegmentScan},
    unsettled::{Tail, Unsettled},
};
use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// What was found at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The seq of the next record.
    pub next_seq: u64,
    /// Segments that hold records.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of these records, with their frames.
    pub bytes: u64,
    /// Bytes of a torn tail that were cut away. They were never acknowledged, and are kept beside (`torn_tail`).
    pub cut_bytes: u64,
}

/// The spool cannot start, and a person has to look.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process writes in this folder.
    #[error("another poort runs in `{}`: each needs a folder of its own", dir.display())]
    LockedByOther {
        /// The folder.
        dir: PathBuf,
    },
    /// Records that were on disk are damaged or missing.
    #[error("segment `{}` is damaged at byte {offset}: {damage}", segment.display())]
    Corrupt {
        /// The segment.
        segment: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// A newer version wrote it.
    #[error("the log in `{}` cannot be gone on with: `{}`: {why}", dir.display(), path.file_name().unwrap_or_default().display())]
    Newer {
        /// The folder.
        dir: PathBuf,
        /// The file.
        path: PathBuf,
        /// Which format it is in, and what to do.
        why: Damage,
    },
    /// The attestor cannot go on: records that were attested to are not there.
    #[error("the log in `{}` cannot be gone on with: {why}", dir.display())]
    Unattested {
        /// The folder.
        dir: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The file system failed, or does not let this process in.
    #[error("{what} `{}`", path.display())]
    Io {
        /// What was tried.
        what: String,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl From<TakeError> for OpenError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Held { dir } => Self::LockedByOther { dir },
            TakeError::Io { what, path, source } => Self::Io { what: what.into(), path, source },
            TakeError::Moved { path } => {
                Self::Io { what: "cannot use".into(), path, source: io::ErrorKind::CrossesDevices.into() }
            }
        }
    }
}

/// What the journal goes on from.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) recovery: Recovery,
    /// The last segment with records.
    pub(super) tail: Option<Tail>,
    /// The last segment. It must be cut to its frames before a new one is made.
    pub(super) unsettled: Option<Unsettled>,
    /// Packed segments, of which the footer was read alone.
    pub(super) unchecked: Vec<u64>,
}

/// Gives an attestor what is on disk: the head beside the segments, and all records of the last segment that has any.
pub(super) fn resume(dir: &Path, tail: Option<&Tail>, attestor: &mut dyn Attestor) -> Result<(), OpenError> {
    let refused = |why| OpenError::Unattested { dir: dir.into(), why };
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| OpenError::Io { what: "cannot read".into(), path, source }
    };
    let head_path = head_path(dir);
    let head = double_slot::read(&head_path).map_err(failed(&head_path))?;
    let Some(tail) = tail else {
        attestor.resume(head.as_deref(), None).map_err(refused)?;
        return attestor.resumed().map_err(refused);
    };
    let path = path_of(dir, tail.first);
    let file = links::open_to_read(&path).map_err(failed(&path))?;
    let mut walk = SegmentScan::open(file, &path, tail.first).map_err(failed(&path))?;
    while let Some((header, payload)) = walk.next().map_err(failed(&path))? {
        if header.seq == tail.first {
            attestor.resume(head.as_deref(), Some((header.seq, payload))).map_err(refused)?;
        }
        attestor.record(payload);
    }
    attestor.resumed().map_err(refused)
}

fn damaged(dir: &Path, segment: PathBuf, offset: u64, damage: Damage) -> OpenError {
    match damage {
        Damage::Newer { .. } => OpenError::Newer { dir: dir.into(), path: segment, why: damage },
        _ => OpenError::Corrupt { segment, offset, damage },
    }
}

/// The file that keeps the last attestation in short.
pub(super) fn head_path(dir: &Path) -> PathBuf {
    dir.join("head")
}

/// Reads the segments of a folder. The lock must be held.
pub(super) fn recover(dir: &Path) -> Result<Found, OpenError> {
    let failed = |what: &str, path: &Path| {
        let (what, path) = (what.to_owned(), path.to_path_buf());
        move |source| OpenError::Io { what, path, source }
    };
    let segments = list(dir).map_err(failed("cannot list", dir))?;
    let mut found = Found::default();
    let mut expected = None;
    let n_segments = segments.len();
    for (index, segment) in segments.into_iter().enumerate() {
        let is_last = index.saturating_add(1) == n_segments;
        if let Some(expected) = expected.filter(|expected| *expected != segment.first) {
            return Err(OpenError::Corrupt {
                segment: segment.path,
                offset: 0,
                damage: Damage::OutOfPlace { expected },
            });
        }
        let reading = || {
            let path = segment.path.clone();
            move |error: io::Error| match Damage::of(&error) {
                Some(damage) => damaged(dir, path, 0, damage),
                None => OpenError::Io { what: "cannot read".into(), path, source: error },
            }
        };
        let file = links::open(OpenOptions::new().read(true).write(is_last), &segment.path).map_err(reading())?;
        let metadata = file.metadata().map_err(reading())?;
        let mut walk = SegmentScan::open(file, &segment.path, segment.first).map_err(reading())?;
        if walk.bytes.footer().is_some() && !is_last {
            walk.pass_over();
            found.unchecked.push(segment.first);
        }
        while walk.next().map_err(reading())?.is_some() {}
        // The whole file is looked at, and no hole is trusted: much depends on this answer.
        let len = walk.bytes.len().map_err(reading())?;
        let damage = match walk.rest(len).map_err(reading())? {
            Rest::Unknown(damage) => Some(damage),
            Rest::LaterCommit => Some(Damage::RecordsLost),
            Rest::Torn { .. } if !is_last => Some(Damage::NoRecord),
            Rest::Torn { bytes } => {
                found.recovery.cut_bytes = bytes;
                None
            }
            Rest::Empty => None,
        };
        if let Some(damage) = damage {
            return Err(damaged(dir, segment.path, walk.offset, damage));
        }
        expected = Some(walk.want);
        let Recovery { next_seq, segments, records, bytes, cut_bytes: _ } = &mut found.recovery;
        *next_seq = walk.want;
        *records = records.saturating_add(walk.want.saturating_sub(walk.first));
        *bytes = bytes.saturating_add(walk.offset.saturating_sub(walk.begin()));
        if walk.want > walk.first {
            *segments = segments.saturating_add(1);
            found.tail = Some(Tail { first: segment.first, identity: Identity::of(&metadata) });
        }
        let last_commit = walk.last_commit();
        if let (true, SegmentBytes::Plain(file)) = (is_last, walk.bytes) {
            found.unsettled = Some(Unsettled {
                last_commit,
                first: walk.first,
                end: walk.offset,
                path: walk.path,
                file,
                was_tried: false,
                torn: found.recovery.cut_bytes,
            });
        }
    }
    Ok(found)
}
