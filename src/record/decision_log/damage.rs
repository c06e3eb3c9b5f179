//! The record of damage: a segment of the log was found damaged while the log was open.
//!
//! `poort.log.damage` is written once for each segment and start, so that whoever gets the records hears of it too.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.damage.first` | the seq of the segment's first record |
//! | `poort.damage.segment` | its file |
//! | `poort.damage.what` | what is wrong, for a person |

use super::{DecisionLog, log_event, producer::Producer};
use crate::record::spool::{DamagedSegment, Payload};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// The `event_name` of the record.
pub const DAMAGE: &str = "poort.log.damage";

fn record(DamagedSegment { first, segment, damage }: &DamagedSegment, producer: &Producer) -> Payload {
    let name = segment.file_name().unwrap_or_default().to_string_lossy();
    let attributes = BTreeMap::from([
        ("poort.damage.first", first.to_string()),
        ("poort.damage.segment", log_event::text(&name)),
        ("poort.damage.what", log_event::text(&damage.to_string())),
    ]);
    log_event::record(producer, DAMAGE, log_event::now(), attributes, None)
}

impl DecisionLog {
    /// The segments that were found damaged since the start.
    #[must_use]
    pub fn damaged(&self) -> watch::Receiver<Vec<DamagedSegment>> {
        self.spool.damaged()
    }

    /// Puts on record those after the first `recorded`, and returns how many are on record now. It does not wait. What
    /// cannot be taken now is left for the next call.
    #[must_use]
    pub fn record_damage(&self, recorded: usize) -> usize {
        let damaged = self.spool.damaged().borrow().clone();
        let new = damaged.iter().skip(recorded);
        let taken = new.map_while(|segment| self.submit_own(record(segment, &self.producer)).ok()).count();
        recorded.saturating_add(taken)
    }
}
