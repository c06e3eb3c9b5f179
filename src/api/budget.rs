//! One budget of bytes for all messages that arrive or are being answered, over all connections, and for their calls.
//!
//! A message takes from it as its bytes arrive, so what a caller announces and never sends takes nothing. Without the
//! budget, callers together could hold `limits.connections` × `limits.streams` messages of `limits.message` bytes.

use opentelemetry::metrics::Meter;
use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The bytes that are left, for all callers.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Tells operators how much of this budget of `bytes` is taken.
    pub(super) fn observe(&self, bytes: usize, meter: &Meter) {
        let seen = self.clone();
        meter
            .u64_observable_gauge("poort.messages.bytes")
            .with_description("Bytes of messages that arrive or are being answered, of limits.unread.")
            .with_callback(move |gauge| {
                gauge.observe(bytes.saturating_sub(seen.0.load(Ordering::Relaxed)) as u64, &[]);
            })
            .build();
    }

    /// Takes nothing yet.
    pub(super) fn nothing(&self) -> Taken {
        Taken { budget: self.clone(), bytes: 0 }
    }
}

/// Bytes taken from the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Taken {
    budget: Budget,
    bytes: usize,
}

impl Taken {
    /// Takes so many more. If so many are not left, it takes none.
    #[must_use]
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let left = &self.budget.0;
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Divides off so many of the bytes that are taken.
    pub(super) fn divide(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { budget: self.budget.clone(), bytes }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.0.fetch_add(mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back_and_never_more_is_taken_than_there_is() {
        let budget = Budget::new(10);
        let mut one = budget.nothing();
        assert!(one.take(4) && one.take(5) && !one.take(2));
        let part = one.divide(8);
        let mut other = budget.nothing();
        assert!(!other.take(2));
        drop(part);
        assert!(other.take(9) && !other.take(1));
        drop((one, other));
        assert!(budget.nothing().take(10));
    }
}
