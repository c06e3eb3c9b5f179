//! The log's own clock, for the age of records.
//!
//! **The rule.** Records are kept for `log.keep` by two clocks, that of the machine and that of the log, and the
//! younger age counts. The log's clock begins at the machine's time when the log begins. It runs only while poort runs,
//! by time that has passed and not by what a clock was set to. Each checkpoint holds its time, and the next process
//! continues from there.
//!
//! So a clock that jumps ahead, in this process or before a start, makes nothing older. One that goes back only makes
//! records stay longer, and so does the time in which poort did not run.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The clock of a log that is open.
#[derive(Debug)]
pub(super) struct LogClock {
    /// Its time at the start, in milliseconds since 1970. Set when the log was read.
    begins: OnceLock<u64>,
    started: Instant,
}

impl LogClock {
    pub(super) fn new() -> Self {
        Self { begins: OnceLock::new(), started: Instant::now() }
    }

    /// Goes on from what the last checkpoint says. Only the first call counts.
    pub(super) fn go_on_from(&self, millis: u64) {
        let _ = self.begins.set(millis);
    }

    /// In milliseconds since 1970, as the log counts them. 0 before the log was read.
    pub(super) fn now(&self) -> u64 {
        let passed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.begins.get().map_or(0, |begins| begins.saturating_add(passed))
    }

    /// Whether what ended at `then`, by this clock, has been kept so long.
    pub(super) fn has_kept(&self, then: u64, keep: Duration) -> bool {
        u128::from(self.now().saturating_sub(then)) >= keep.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_time_that_passed_for_the_log() {
        let clock = LogClock::new();
        assert!(!clock.has_kept(0, Duration::from_millis(1)), "before the log was read nothing is old");
        clock.go_on_from(5_000_000);
        clock.go_on_from(9_000_000);
        assert!((5_000_000..6_000_000).contains(&clock.now()));
        assert!(clock.has_kept(1_000_000, Duration::from_secs(4000)));
        assert!(!clock.has_kept(4_999_000, Duration::from_secs(4000)));
        assert!(!clock.has_kept(u64::MAX, Duration::from_millis(1)), "a later time than now is not old");
    }
}
