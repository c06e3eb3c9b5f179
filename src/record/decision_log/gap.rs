//! The record of a gap: of answers that left without a record.
//!
//! Such answers leave only if the configuration allows it ([`Failure::Open`](super::Failure)). The record is
//! `poort.log.gap`. One is written when a gap begins, if the reserve has room, and one when it is over.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.gap.cause` | why: `queue_full`, `disk_full` or `failed`, as the first answer found it |
//! | `poort.gap.count` | how many answers have no record, so far |
//! | `poort.gap.from`, `poort.gap.to` | when the first and the last of them left, in milliseconds since 1970 |
//! | `poort.gap.is_open` | whether it goes on |

use super::{log_event, producer::Producer};
use crate::record::spool::{AppendError, Payload};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The `event_name` of the record.
pub const GAP: &str = "poort.log.gap";

/// Answers without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    from: u64,
    to: u64,
    pub(super) count: u64,
    cause: AppendError,
}

impl Gap {
    pub(super) fn record(&self, producer: &Producer, is_open: bool) -> Payload {
        let Self { from, to, count, cause } = self;
        let cause = match cause {
            AppendError::QueueFull => "queue_full",
            AppendError::DiskFull => "disk_full",
            AppendError::Failed | AppendError::Closed | AppendError::TooLarge => "failed",
        };
        let attributes = BTreeMap::from([
            ("poort.gap.cause", log_event::text(cause)),
            ("poort.gap.count", count.to_string()),
            ("poort.gap.from", from.to_string()),
            ("poort.gap.is_open", is_open.to_string()),
            ("poort.gap.to", to.to_string()),
        ]);
        log_event::record(producer, GAP, log_event::now(), attributes, None)
    }
}

/// The gap that is open now, if one is.
#[derive(Debug, Default)]
pub(super) struct OpenGap {
    /// Whether there is one, to be read without a lock.
    is_open: AtomicBool,
    gap: Mutex<Option<Gap>>,
}

impl OpenGap {
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Counts one more answer without a record. Returns the gap if it begins with this one.
    pub(super) fn grow(&self, cause: AppendError) -> Option<Gap> {
        let now = log_event::now();
        let mut gap = self.lock();
        self.is_open.store(true, Ordering::Release);
        if let Some(gap) = gap.as_mut() {
            gap.count = gap.count.saturating_add(1);
            // The clock may jump.
            gap.to = gap.to.max(now);
            return None;
        }
        *gap = Some(Gap { from: now, to: now, count: 1, cause });
        *gap
    }

    /// The gap is over.
    pub(super) fn take(&self) -> Option<Gap> {
        let taken = self.lock().take();
        self.is_open.store(false, Ordering::Release);
        taken
    }

    /// It is not over after all.
    pub(super) fn put_back(&self, back: Gap) {
        let mut gap = self.lock();
        self.is_open.store(true, Ordering::Release);
        let newer = gap.take();
        *gap = Some(newer.map_or(back, |newer| Gap {
            from: back.from.min(newer.from),
            to: back.to.max(newer.to),
            count: back.count.saturating_add(newer.count),
            cause: back.cause,
        }));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Gap>> {
        self.gap.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_counts_until_it_is_taken_and_what_is_put_back_is_not_lost() {
        let gap = OpenGap::default();
        assert!(!gap.is_open() && gap.take().is_none());
        assert_eq!(gap.grow(AppendError::DiskFull).map(|gap| gap.count), Some(1));
        assert_eq!(gap.grow(AppendError::Failed), None, "it began before");
        let taken = gap.take().unwrap();
        assert_eq!((taken.count, taken.cause), (2, AppendError::DiskFull));
        assert!(!gap.is_open());
        gap.grow(AppendError::Failed);
        gap.put_back(taken);
        assert!(gap.is_open());
        let whole = gap.take().unwrap();
        assert_eq!((whole.count, whole.cause), (3, AppendError::DiskFull));
        assert!(whole.from <= whole.to);
    }
}
