//! The hold: a reason why nothing is answered although records can be written.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// The reason, if there is one.
#[derive(Debug)]
pub(super) struct Hold {
    /// Whether there is one, to be read for each question without a lock.
    is_held: AtomicBool,
    why: watch::Sender<Option<String>>,
}

impl Default for Hold {
    fn default() -> Self {
        Self { is_held: AtomicBool::new(false), why: watch::Sender::new(None) }
    }
}

impl Hold {
    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// Sets or lifts it. Returns whether there was one.
    pub(super) fn set(&self, why: Option<String>) -> bool {
        let is_held = why.is_some();
        let before = self.is_held.swap(is_held, Ordering::AcqRel);
        self.why.send_replace(why);
        before
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.why.subscribe()
    }
}
