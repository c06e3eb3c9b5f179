//! How long ago something was, whatever the wall clock does meanwhile.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// An age that no jump of the wall clock changes once it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    then: Duration,
    known: Instant,
}

impl Age {
    /// Of what happened at this time, in milliseconds since 1970.
    pub(super) fn since(millis: u64) -> Self {
        Self { then: Duration::from_millis(now().saturating_sub(millis)), known: Instant::now() }
    }

    pub(super) fn elapsed(self) -> Duration {
        self.then.saturating_add(self.known.elapsed())
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_age_grows_without_the_wall_clock() {
        let age = Age::since(now() - 5_000);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(age.elapsed() >= Duration::from_secs(15));
    }
}
