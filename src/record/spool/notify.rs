//! The notifier: answers the callers of a commit, from inside their runtime.
//!
//! A commit answers many callers at once. A thread outside the runtime would wake them one by one. Each would run as
//! soon as it is awake, with a write to its own connection. So a task inside the runtime answers all callers of a
//! commit: those that it wakes run one after the other, and what they send leaves together.
//!
//! The task answers by dropping its waiters. So each caller gets its answer too when the runtime ends before the task
//! ran.

use super::{
    entry::{AppendError, Commit},
    ticket::Waiter,
};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Answers callers in a runtime, if there is one.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    runtime: Option<Handle>,
    lets_callers_block: bool,
}

impl Notifier {
    /// A notifier in the runtime of this thread, if that has several threads: a caller that blocks the only one would
    /// wait for ever.
    pub(super) fn of_this_thread() -> Self {
        let runtime = Handle::try_current().ok();
        let lets_callers_block = runtime.as_ref().is_none_or(|runtime| runtime.metrics().num_workers() > 1);
        let runtime = runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        Self { runtime, lets_callers_block }
    }

    /// Whether a caller may block its thread for a sync: the runtime has others, or the thread is the caller's own.
    pub(super) const fn lets_callers_block(&self) -> bool {
        self.lets_callers_block
    }

    /// Wakes a thread of the runtime that sleeps. Before it sleeps again it polls the sockets, if no other thread does.
    pub(super) fn wake_another(&self) {
        if let Some(runtime) = &self.runtime {
            drop(runtime.spawn(async {}));
        }
    }

    /// Gives each waiter its answer, at the latest when the task is dropped.
    pub(super) fn tell(&self, answers: impl Iterator<Item = (Waiter, Result<Commit, AppendError>)>) {
        let told: Vec<Waiter> = answers.map(|(waiter, answer)| waiter.with(answer)).collect();
        match &self.runtime {
            Some(runtime) if told.len() > 1 => drop(runtime.spawn(async move { drop(told) })),
            _ => drop(told),
        }
    }
}
