//! The runtime of the callers: whether one of them may block a thread of it, and how to wake another thread.

use tokio::runtime::{Handle, RuntimeFlavor};

/// The runtime that the spool was opened in, if there is one.
#[derive(Debug)]
pub(super) struct CallersRuntime {
    runtime: Option<Handle>,
    lets_callers_block: bool,
}

impl CallersRuntime {
    /// The runtime of this thread.
    pub(super) fn of_this_thread() -> Self {
        let runtime = Handle::try_current().ok();
        let lets_callers_block = runtime.as_ref().is_none_or(|runtime| runtime.metrics().num_workers() > 1);
        let runtime = runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        Self { runtime, lets_callers_block }
    }

    /// Whether a caller may block its thread for a sync: the runtime has others, or the thread is the caller's own. A caller
    /// that blocks the only thread would wait for ever.
    pub(super) const fn lets_callers_block(&self) -> bool {
        self.lets_callers_block
    }

    /// Wakes a thread of the runtime that sleeps. Before it sleeps again it polls the sockets, if no other thread does.
    pub(super) fn wake_another(&self) {
        if let Some(runtime) = &self.runtime {
            drop(runtime.spawn(async {}));
        }
    }
}
