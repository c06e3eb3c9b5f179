//! The waits of a delivery: how long each is, and what is said of it: once in the log, at each attempt in metrics and status.

use super::{delivery::Delivery, reply::Reason, sink::Sink, waiting::Waiting};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{error, info, warn};

/// How long records wait while the configuration is wrong. A file that it names may be mended meanwhile.
const HOLD: Duration = Duration::from_secs(30);

impl<S: Sink> Delivery<S> {
    pub(super) async fn retry(&mut self, reason: Reason, asked: Option<Duration>, why: &str) {
        self.meters.retried(reason.label());
        let wait = self.state.backoff.wait(asked);
        self.begin_wait(reason.label(), why, wait);
        if !std::mem::replace(&mut self.state.is_told, true) {
            warn!(sink = %self.settings.name, reason = reason.label(), why, "Records wait; sending is tried again.");
        }
        self.pause(wait).await;
    }

    pub(super) async fn hold(&mut self, reason: &str, why: &str, meaning: &str) {
        if !self.begin_wait(reason, why, HOLD) {
            error!(sink = %self.settings.name, why, "Records wait for a person: {meaning}.");
        }
        self.state.is_told = true;
        self.pause(HOLD).await;
    }

    /// Says why records wait, for so long from now. Returns whether they waited for a person before.
    fn begin_wait(&mut self, reason: &str, why: &str, wait: Duration) -> bool {
        self.notice.put(reason, why, wait);
        self.meters.wait(Some(reason))
    }

    /// Says that records do not wait any more.
    pub(super) fn end_wait(&mut self) -> Option<Waiting> {
        self.meters.wait(None);
        self.notice.clear()
    }

    pub(super) fn all_is_well(&mut self) {
        let over = self.end_wait();
        if std::mem::replace(&mut self.state.is_told, false) {
            let (since, attempts) = over.map(|over| (over.since, over.attempts)).unwrap_or_default();
            info!(sink = %self.settings.name, since, attempts, "Records are taken again.");
        }
    }

    /// Waits. A stop ends the wait once, for one more attempt.
    pub(super) async fn pause(&mut self, wait: Duration) {
        if self.stopping.is_cancelled() {
            self.state.is_stuck.notify_one();
            return sleep(wait).await;
        }
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = sleep(wait) => {}
        }
    }
}
