//! Deletes records that were kept long enough.
//!
//! A segment goes when it is older than the configured time, by the machine's clock and by the log's own (`clock`), and every sink has acknowledged all of it. First a record says
//! that it will; the file goes when a signed checkpoint covers that record. So `verify` can tell a log whose beginning was
//! kept long enough from one whose beginning somebody took away.

use super::{DecisionLog, checkpoint, retention};
use crate::record::spool::reader::{ReadCause, Reader};
use std::{
    io,
    time::{Duration, SystemTime},
};

/// How often a sweep looks, at most. Records are kept for days; a look costs a list of the folder.
const INTERVAL: Duration = Duration::from_secs(10);

/// Deletes records that were kept long enough, in small steps.
#[derive(Debug)]
pub struct Sweep {
    log: DecisionLog,
    keep: Duration,
    /// What was announced: records below the first are deleted when the record with the second is attested to.
    announced: Option<(u64, u64)>,
}

impl DecisionLog {
    /// Whether the log has kept everything before this segment so long, by its own clock. The checkpoint that the segment begins
    /// with tells when that was; where there is none, it has not.
    fn is_kept_at(&self, segment: u64, keep: Duration) -> io::Result<bool> {
        let failed = |error: crate::record::spool::reader::ReadError| match error.cause {
            ReadCause::Io(error) => error,
            ReadCause::Damaged(damage) => io::Error::other(damage.to_string()),
        };
        let first = Reader::open_at(self.spool.dir(), segment).map_err(failed)?.next().transpose().map_err(failed)?;
        let attested = first
            .filter(|frame| frame.seq == segment)
            .and_then(|frame| checkpoint::read(&frame.payload, None).ok().flatten());
        Ok(attested.is_some_and(|attested| self.clock.has_kept(attested.clock, keep)))
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
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
    #[must_use]
    pub const fn new(log: DecisionLog, keep: Duration) -> Self {
        Self { log, keep, announced: None }
    }

    /// The time between two steps.
    #[must_use]
    pub fn interval(&self) -> Duration {
        INTERVAL.min(self.keep)
    }

    /// One step. `taken` syncs the cursors of all sinks and gives the least of them; `None` when there are no sinks. Blocks
    /// on files.
    ///
    /// # Errors
    /// The cursors cannot be synced, or the files not be deleted. The next step tries again.
    pub fn step(&mut self, taken: impl FnOnce() -> io::Result<Option<u64>>) -> io::Result<Swept> {
        let spool = &self.log.spool;
        if let Some((below, seq)) = self.announced {
            if spool.attested() <= seq {
                return Ok(Swept::Nothing);
            }
            // The cursors stay where they are, whatever happens, before anything goes.
            let taken = taken()?.unwrap_or(below);
            self.announced = None;
            if taken < below {
                return Ok(Swept::Nothing);
            }
            let segments = spool.remove_below(below)?;
            return Ok(Swept::Deleted { segments, below });
        }
        // A clock that stands before 1970 keeps everything.
        let before = SystemTime::now().checked_sub(self.keep).unwrap_or(SystemTime::UNIX_EPOCH);
        let taken = taken()?.unwrap_or(u64::MAX);
        let below = spool.keep_from(taken, before, &|next| self.log.is_kept_at(next, self.keep))?;
        if below <= spool.oldest()? {
            return Ok(Swept::Nothing);
        }
        let record = retention::record(below, self.keep, &self.log.producer);
        match self.log.write_own(record) {
            Ok(seq) => {
                self.announced = Some((below, seq));
                Ok(Swept::Announced(below))
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }
}
