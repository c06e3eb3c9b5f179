//! The inline commit: a caller whose entry comes alone takes the writer from its thread, and writes the entry itself.
//!
//! **Why.** The way through the thread takes two wake-ups, of the thread and of the caller. Under load they cost
//! nothing, since one commit serves many. But where entries come one at a time, on a machine that sleeps in between,
//! they take as long as the disk does. So after some commits in a row that held one entry each, the next caller writes
//! and syncs itself.
//!
//! It gains a tenth where one call follows another, and nothing under load (`docs/benchmarks.md`, "What single measures gain").
//! `tokio::task::block_in_place` around the write is no substitute: it costs more than the way through the thread, since the
//! runtime hands its work to another thread each time. Delete it where that way costs less than a tenth of such a call.
//!
//! What holds here:
//! - There is one writer, under one lock. Commits follow each other whichever thread makes them, and each keeps all
//!   that a commit promises.
//! - No caller waits for the writer: if it is taken, or the thread wants it, the entry goes through the queue.
//! - A caller blocks its thread for one write and one sync, as long as the disk needs. A runtime of several threads
//!   goes on meanwhile (`tests/it/record/durability/slow_disk.rs`).
//!
//! The thread that blocks may be the one that polls the runtime's sockets. Usually the call itself has woken another by
//! then, which polls in its place, but the runtime does not promise that. So the writer thread checks several times a
//! second whether a caller has the writer, and then wakes a thread of the runtime.

use super::{
    callers_runtime::CallersRuntime,
    entry::{AppendError, Commit, Entry},
    writer::Writer,
};
use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
};

/// What became of an entry that a caller tried to write itself.
pub(super) enum Attempt {
    /// It was written, or failed.
    Done(Result<Commit, AppendError>),
    /// Nothing was done: it has to go through the queue.
    Queue(Entry),
}

/// The writer, under the lock that its thread and callers take.
pub(super) struct InlineCommit {
    /// `None` when the spool is closed.
    writer: Mutex<Option<Writer>>,
    /// The thread waits for the writer.
    is_wanted: AtomicBool,
    runtime: CallersRuntime,
}

impl fmt::Debug for InlineCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineCommit").finish_non_exhaustive()
    }
}

impl InlineCommit {
    pub(super) fn new(writer: Writer, runtime: CallersRuntime) -> Self {
        Self { writer: Mutex::new(Some(writer)), is_wanted: AtomicBool::new(false), runtime }
    }

    /// The writer, for the thread. `None` if a thread panicked with it.
    pub(super) fn take(&self) -> Option<MutexGuard<'_, Option<Writer>>> {
        match self.writer.try_lock() {
            Ok(held) => Some(held),
            Err(TryLockError::Poisoned(_)) => None,
            Err(TryLockError::WouldBlock) => {
                self.is_wanted.store(true, Ordering::Relaxed);
                self.runtime.wake_another();
                let held = self.writer.lock();
                self.is_wanted.store(false, Ordering::Relaxed);
                held.ok()
            }
        }
    }

    /// Writes an entry that comes alone, on this thread, unless it has to go through the queue.
    pub(super) fn write(&self, entry: Entry) -> Attempt {
        if !self.runtime.lets_callers_block() || self.is_wanted.load(Ordering::Relaxed) {
            return Attempt::Queue(entry);
        }
        let Ok(mut held) = self.writer.try_lock() else { return Attempt::Queue(entry) };
        match held.as_mut() {
            Some(writer) if writer.takes_alone(&entry) => Attempt::Done(writer.write_alone(entry)),
            _ => Attempt::Queue(entry),
        }
    }
}
