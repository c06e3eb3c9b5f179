//! An entry of the spool, its commit, and why it was not recorded.

use super::{frame::MAX_PAYLOAD, payload::Payload};
use std::time::Instant;
use thiserror::Error;

/// What is to be recorded.
///
/// **The deadline.** The writer decides, at the moment when it takes the entry into a commit. If the deadline has
/// passed by then, it writes the late form of the payload, and the [`Commit`] says `late: true`. An entry that was
/// taken in time is answered when its commit is on disk, however long that takes. So record and answer always agree: a
/// caller gets `late: true` exactly when the record says so too.
///
/// A deadline of a payload that has no late form has no effect.
#[derive(Debug)]
pub struct Entry {
    /// The bytes of the record, at most [`MAX_PAYLOAD`].
    pub payload: Payload,
    /// After this moment, its late form is written ([`Payload::or_late`]).
    pub deadline: Option<Instant>,
    /// It may use the reserve while there is no other room. Only for what must be recorded even then: the reserve is
    /// small.
    pub is_urgent: bool,
}

impl Entry {
    /// An entry without a deadline.
    #[must_use]
    pub fn new(payload: impl Into<Payload>) -> Self {
        Self { payload: payload.into(), deadline: None, is_urgent: false }
    }
}

/// An entry that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place in the sequence.
    pub seq: u64,
    /// Whether the late form of the payload was written.
    pub late: bool,
}

/// An entry was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The writer does not keep up.
    #[error("too many entries wait for the disk")]
    QueueFull,
    /// There is no room, on the disk or below the limit.
    #[error("no room for the decision log")]
    DiskFull,
    /// The disk failed. The entry may be on it or not, but it is not acknowledged and will not become valid later.
    #[error("the decision log cannot be written")]
    Failed,
    /// The spool was closed.
    #[error("the decision log is closed")]
    Closed,
    /// The payload is longer than [`MAX_PAYLOAD`]. This entry never can be recorded; others can.
    #[error("a record of the decision log is at most {MAX_PAYLOAD} bytes")]
    TooLarge,
}
