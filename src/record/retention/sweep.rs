//! The sweep: deletes records that were kept long enough, segment by segment.
//!
//! A segment goes when every sink has acknowledged all of it, and it is older than the configured time by the machine's
//! clock and by the log's own. First a record says that it will; the file goes when a signed checkpoint covers that
//! record. So `verify` can tell a log whose beginning was kept long enough from one whose beginning somebody removed.

use crate::record::decision_log::DecisionLog;
use std::{io, time::Duration};

/// How often a sweep checks, at most. Records are kept for days; a check costs a list of the folder.
const INTERVAL: Duration = Duration::from_secs(10);

/// Deletes records that were kept long enough, in small steps.
#[derive(Debug)]
pub(super) struct Sweep {
    log: DecisionLog,
    keep: Duration,
    /// What was announced: records below the first are deleted when the record with the second is attested to.
    announced: Option<(u64, u64)>,
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    /// There is nothing that may go.
    Nothing,
    /// It was announced that records below this seq go.
    Announced(u64),
    /// Segments were deleted: so many, and all their records are below the seq.
    Deleted {
        /// How many segments.
        segments: u64,
        /// The seq of the oldest record that is left.
        below: u64,
    },
}

impl Sweep {
    /// A sweep of this log.
    pub(super) const fn new(log: DecisionLog, keep: Duration) -> Self {
        Self { log, keep, announced: None }
    }

    /// The time between two steps.
    pub(super) fn interval(&self) -> Duration {
        INTERVAL.min(self.keep)
    }

    /// One step. `taken` syncs the cursors of all sinks and returns the least of them; `None` when there are no sinks.
    /// Blocks on files.
    ///
    /// # Errors
    /// The cursors cannot be synced, or the files not be deleted. The next step tries again.
    pub(super) fn step(&mut self, taken: impl FnOnce() -> io::Result<Option<u64>>) -> io::Result<Swept> {
        if let Some((below, seq)) = self.announced {
            if !self.log.is_attested(seq) {
                return Ok(Swept::Nothing);
            }
            // The cursors are durable before anything is deleted.
            let taken = taken()?.unwrap_or(below);
            self.announced = None;
            if taken < below {
                return Ok(Swept::Nothing);
            }
            let segments = self.log.remove_below(below)?;
            return Ok(Swept::Deleted { segments, below });
        }
        let taken = taken()?.unwrap_or(u64::MAX);
        let Some(below) = self.log.kept_below(taken, self.keep)? else { return Ok(Swept::Nothing) };
        self.announced = Some((below, self.log.announce_retention(below, self.keep)?));
        Ok(Swept::Announced(below))
    }
}
