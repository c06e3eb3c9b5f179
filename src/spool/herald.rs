//! Tells callers what became of their entries.
//!
//! A commit answers many callers at once. A thread outside the runtime would wake them one by one, and each would be run by
//! itself as soon as it is awake, with a write to its own connection. So the answers of one commit are told by a task inside
//! the runtime: those whom it wakes run one behind the other, and what they send leaves together.

use super::handle::{AppendError, Commit, Waiter};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Tells callers.
#[derive(Debug)]
pub(super) struct Herald {
    runtime: Option<Handle>,
}

impl Herald {
    /// A herald in the runtime of this thread, if that has several: a caller that blocks the only one would wait for ever.
    pub(super) fn of_this_thread() -> Self {
        let runtime = Handle::try_current().ok();
        Self { runtime: runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread) }
    }

    /// Tells each of them its answer. Nobody is forgotten: where the task does not run any more, its end tells them.
    pub(super) fn tell(&self, answers: impl Iterator<Item = (Waiter, Result<Commit, AppendError>)>) {
        let told: Vec<Waiter> = answers.map(|(waiter, answer)| waiter.with(answer)).collect();
        match &self.runtime {
            Some(runtime) if told.len() > 1 => drop(runtime.spawn(async move { drop(told) })),
            _ => drop(told),
        }
    }
}
