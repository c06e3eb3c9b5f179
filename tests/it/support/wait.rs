//! Waiting for what comes by itself: the one place that lets time pass.

use std::time::{Duration, Instant};

/// Longest that anything here is waited for. Far above what is usual, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries until the check finds something, and gives that. `what` says what did not come.
#[track_caller]
pub fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let start = Instant::now();
        loop {
            if let Some(found) = check().await {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "{place}: {what} does not come");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Waits for this, and gives what it gives. `what` says what did not come.
#[track_caller]
pub fn within<T>(what: &str, awaited: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let given = tokio::time::timeout(PATIENCE, awaited).await;
        given.unwrap_or_else(|_| panic!("{place}: {what} does not come"))
    }
}
