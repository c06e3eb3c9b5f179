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
use crate::record::spool::{AppendError, DamagedSegment, Entry, Payload, State};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::watch;

/// The `event_name` of the record.
pub const DAMAGE: &str = "poort.log.damage";

/// The time until a record that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(60);

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

    /// Puts each of them on record, once. One that cannot be is tried again when the state of the log changes, at the
    /// latest after a minute. It does not end by itself.
    pub async fn record_damage(&self) {
        let write = |segment: DamagedSegment| async move {
            let entry = Entry { is_urgent: true, ..Entry::new(record(&segment, &self.producer)) };
            self.spool.submit(entry)?.committed().await.map(|_| ())
        };
        record_each(self.damaged(), self.watch(), write).await;
    }
}

/// Returns when nothing can change any more.
async fn record_each<W: Future<Output = Result<(), AppendError>>>(
    mut damaged: watch::Receiver<Vec<DamagedSegment>>,
    mut states: watch::Receiver<State>,
    write: impl Fn(DamagedSegment) -> W,
) {
    let mut recorded: usize = 0;
    loop {
        states.mark_unchanged();
        let found = damaged.borrow_and_update().clone();
        for segment in found.iter().skip(recorded).cloned() {
            // On record is what is on disk: a commit can fail after it took the record.
            if write(segment).await.is_err() {
                break;
            }
            recorded = recorded.saturating_add(1);
        }
        let changed = tokio::select! {
            changed = damaged.changed() => changed,
            changed = states.changed() => changed,
            () = tokio::time::sleep(RETRY), if recorded < found.len() => Ok(()),
        };
        if changed.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::spool::Damage;
    use std::cell::RefCell;

    #[tokio::test]
    async fn damage_is_recorded_again_until_its_commit_succeeds() {
        let segment = |first| DamagedSegment { first, segment: "x".into(), damage: Damage::Packed };
        let damaged = watch::Sender::new(vec![segment(1), segment(2)]);
        let states = watch::Sender::new(State::Writable);
        let tried = RefCell::new(Vec::new());
        let write = async |segment: DamagedSegment| {
            let failed = segment.first == 2 && !tried.borrow().contains(&2);
            tried.borrow_mut().push(segment.first);
            if failed {
                // As a commit fails: the log says so, and then that it takes records again.
                states.send_replace(State::Failed("a sync".into()));
                tokio::task::yield_now().await;
                states.send_replace(State::Writable);
                return Err(AppendError::Failed);
            }
            if segment.first == 3 {
                return Err(AppendError::Closed);
            }
            Ok(())
        };
        let recording = record_each(damaged.subscribe(), states.subscribe(), write);
        let finding = async {
            while tried.borrow().len() < 3 {
                tokio::task::yield_now().await;
            }
            damaged.send_modify(|damaged| damaged.push(segment(3)));
            while tried.borrow().len() < 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = recording => {}
            () = finding => {}
            () = tokio::time::sleep(Duration::from_secs(10)) => {}
        }
        assert_eq!(*tried.borrow(), [1, 2, 2, 3]);
    }
}
