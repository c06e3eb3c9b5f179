//! The queue's message: an entry, with the two ends of its answer.

use super::{
    entry::{AppendError, Commit, Entry},
    state::Shared,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The promise of an answer about one entry.
#[derive(Debug)]
#[must_use = "the entry is on disk only when the ticket says so"]
pub struct Ticket {
    answer: oneshot::Receiver<Result<Commit, AppendError>>,
}

impl Ticket {
    /// Waits until the commit that holds the entry is on disk, or failed. The entry is written even if no caller waits.
    ///
    /// # Errors
    /// The entry was not recorded.
    pub async fn committed(self) -> Result<Commit, AppendError> {
        // A waiter always answers, at the latest when it is dropped.
        self.answer.await.unwrap_or(Err(AppendError::Failed))
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// The entry was not recorded.
    ///
    /// # Panics
    /// When it is called within an asynchronous context.
    pub fn wait(self) -> Result<Commit, AppendError> {
        self.answer.blocking_recv().unwrap_or(Err(AppendError::Failed))
    }

    /// The answer, which was given already.
    pub(super) fn answered(mut self) -> Result<Commit, AppendError> {
        self.answer.try_recv().unwrap_or(Err(AppendError::Failed))
    }
}

/// What goes through the queue.
#[derive(Debug)]
pub(super) enum Message {
    Entry(Queued),
    Close,
}

/// An entry with the caller that waits for it.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) entry: Entry,
    pub(super) waiter: Waiter,
}

/// The writer's end of a [`Ticket`]. The caller gets an answer in any case, at the latest when this is dropped. An
/// entry that is not recorded is counted once.
#[derive(Debug)]
pub(super) struct Waiter {
    answer: Option<oneshot::Sender<Result<Commit, AppendError>>>,
    shared: Arc<Shared>,
}

impl Waiter {
    pub(super) fn new(shared: Arc<Shared>) -> (Self, Ticket) {
        let (sender, answer) = oneshot::channel();
        let waiter = Self { answer: Some(sender), shared };
        (waiter, Ticket { answer })
    }

    pub(super) fn answer(mut self, result: Result<Commit, AppendError>) {
        self.give(result);
    }

    fn give(&mut self, result: Result<Commit, AppendError>) {
        if let Some(answer) = self.answer.take() {
            if let Err(error) = result {
                self.shared.metrics.unrecorded(error);
            }
            // The caller may be gone; the record is there all the same.
            let _gone = answer.send(result);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // Without an answer it was left in the queue when the writer stopped, or the writer panicked.
        self.give(Err(self.shared.refusal().unwrap_or(AppendError::Failed)));
    }
}
