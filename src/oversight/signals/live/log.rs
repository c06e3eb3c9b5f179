//! Where live signals read decisions, and put on record what they signal.

use crate::{record::decision_log::Cause, types::revision::Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::error::Error;

/// The log cannot be read or written now.
pub(super) type Unavailable = Box<dyn Error + Send + Sync>;

/// How far a log was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The next decision.
    pub(super) next: u64,
    /// The next record of signals, where those are in a stream of their own.
    pub(super) signals: u64,
}

/// A log of decisions, with the signals on record: that of a sidecar, or the streams of all sidecars.
pub(super) trait Log: Send {
    /// Goes on here. Returns whether the log goes so far.
    fn seek(&mut self, position: Position) -> bool;

    /// How far it was read.
    fn position(&self) -> Position;

    /// After which decision the last one is, as far as that is known.
    fn end(&self) -> u64;

    /// The next record, with its place. A record of a signal is after the decision that brought it. `None`: there is no other yet.
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Unavailable>;

    /// Puts on record what became of a signal. Returns whether it did: if not, what is on record has to be read first.
    fn record(&mut self, cause: Cause, signal: Value) -> Result<bool, Unavailable>;

    /// Puts on record that these settings are active from the next decision on. Returns whether it did. A second record of the same
    /// ones does no harm.
    fn activate(&mut self, settings: &Revision) -> Result<bool, Unavailable>;
}
