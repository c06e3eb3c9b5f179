//! The parts of a server, stopped in order: each part ends before the next one is stopped.

use futures_util::{FutureExt as _, future::BoxFuture};
use std::fmt;

/// The parts, in the order in which they stop.
#[derive(Default)]
pub(super) struct Parts(Vec<(&'static str, BoxFuture<'static, ()>)>);

impl Parts {
    /// Adds a part that stops after those that are there. `stop` does nothing before [`Parts::stop`].
    pub(super) fn push(&mut self, name: &'static str, stop: impl Future<Output = ()> + Send + 'static) {
        self.0.push((name, stop.boxed()));
    }

    /// Stops all parts.
    pub(super) async fn stop(self) {
        for (name, stop) in self.0 {
            tracing::debug!(part = name, "Stopping a part.");
            stop.await;
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
