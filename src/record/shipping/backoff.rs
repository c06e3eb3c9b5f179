//! The backoff before the next attempt: exponential, with jitter, on a monotonic clock.

use rand::RngExt as _;
use std::time::Duration;

/// A receiver that was restarted is back within about this time.
const FIRST: Duration = Duration::from_millis(100);
/// A receiver that is up again is noticed within this time.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest wait that a receiver may ask for. More would be a stop.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Waits that double. Each is between half and all of the current length, so that many senders do not try again at the
/// same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// Begins anew: a send succeeded.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The next wait, and not less than what the receiver asked for.
    pub(super) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(LONGEST);
        let drawn = whole.mul_f64(rand::rng().random_range(0.5..=1.0));
        asked.map_or(drawn, |asked| asked.min(LONGEST_ASKED).max(drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_begin_again_after_success() {
        let mut backoff = Backoff::new();
        let mut whole = FIRST;
        for _ in 0..20 {
            let wait = backoff.wait(None);
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.wait(None) <= FIRST);
    }

    #[test]
    fn a_receiver_may_ask_for_more_within_reason() {
        let mut backoff = Backoff::new();
        assert_eq!(backoff.wait(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert!(backoff.wait(Some(Duration::ZERO)) >= FIRST);
        assert_eq!(backoff.wait(Some(Duration::MAX)), LONGEST_ASKED);
    }
}
