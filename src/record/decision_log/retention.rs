//! The record of a deletion, and which records were kept long enough for one.
//!
//! It tells a log that was kept as long as it had to be from one whose beginning somebody removed. It is written, and
//! covered by a signed checkpoint, before the first file goes.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.retention.below` | all records below this seq are deleted |
//! | `poort.retention.keep` | how long records are kept, in seconds |

use super::{DecisionLog, checkpoint, log_event, producer::Producer};
use crate::record::spool::{Payload, reader::Reader};
use std::{
    collections::BTreeMap,
    io,
    time::{Duration, SystemTime},
};

/// The `event_name` of the record.
pub const RETENTION: &str = "poort.log.retention";
/// The attribute that says what is deleted.
const BELOW: &str = "poort.retention.below";

pub(super) fn record(below: u64, keep: Duration, producer: &Producer) -> Payload {
    let attributes = BTreeMap::from([(BELOW, below.to_string()), ("poort.retention.keep", keep.as_secs().to_string())]);
    log_event::record(producer, RETENTION, log_event::now(), attributes, None)
}

/// For [`retention`](crate::record::retention). All but the last block on files.
impl DecisionLog {
    /// The seq below which all records were kept for that time and are below `taken`, and may be deleted. `None` if none may.
    pub(in crate::record) fn kept_below(&self, taken: u64, keep: Duration) -> io::Result<Option<u64>> {
        // A clock before 1970 keeps everything.
        let before = SystemTime::now().checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
        let below = self.spool.keep_from(taken, before, &|next| self.is_kept_at(next, keep))?;
        Ok((below > self.spool.oldest()?).then_some(below))
    }

    /// Whether the log has kept everything before this segment so long, by its own clock. The checkpoint that the segment
    /// begins with tells when that was; where there is none, it has not. `None` where damage hides it: the next segment
    /// tells the same later.
    fn is_kept_at(&self, segment: u64, keep: Duration) -> io::Result<Option<bool>> {
        let first = match Reader::open_at(self.spool.dir(), segment).and_then(|mut records| records.next().transpose())
        {
            Ok(first) => first,
            Err(error) if error.damage().is_some() => return Ok(None),
            Err(error) => return Err(io::Error::other(error)),
        };
        let attested = first
            .filter(|frame| frame.seq == segment)
            .and_then(|frame| checkpoint::read(&frame.payload, None).ok().flatten());
        Ok(Some(attested.is_some_and(|attested| self.clock.has_kept(attested.clock, keep))))
    }

    /// Puts on record that the records below this seq are deleted. Returns the seq of that record.
    pub(in crate::record) fn announce_retention(&self, below: u64, keep: Duration) -> io::Result<u64> {
        self.write_own(record(below, keep, &self.producer)).map_err(io::Error::other)
    }

    /// Deletes the segments with records below this seq. Returns how many.
    pub(in crate::record) fn remove_below(&self, below: u64) -> io::Result<u64> {
        self.spool.remove_below(below)
    }

    /// Whether a signed checkpoint covers this record.
    pub(in crate::record) fn is_attested(&self, seq: u64) -> bool {
        self.spool.attested() > seq
    }
}
