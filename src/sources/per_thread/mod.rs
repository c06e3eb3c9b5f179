//! Holds a value for each thread, made of deep copies that share no reference count.
//!
//! **Why.** An evaluation clones names of types, literals, sets and records by raising their reference counts. If
//! threads share them, all cores write the same words, and several threads are little faster than one (`cargo bench
//! --bench threads`). So each thread evaluates its own copies of a slice's policies and of the entities that questions
//! name. Data that is only read is shared.
//!
//! **Invariant:** a copy equals its original (`tests.rs`), and shares no reference count with any other copy.

//! On 2 cores it gains nothing that h2load shows, and inside the process a quarter (`docs/benchmarks.md`, "What single measures
//! gain"): without it a second thread adds 44 to 47 %, with it 82 to 90 %. Measure it where there are more cores; delete it if
//! Cedar ever evaluates without reference counts.
//!
mod deep_copy;
#[cfg(test)]
mod tests;

pub(crate) use deep_copy::{entity, entity_type, expression, slots, uid};

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A value for each thread, made at the thread's first access. Threads beyond the number of places share one.
pub struct PerThread<T> {
    first: OnceLock<T>,
    others: Box<[OnceLock<T>]>,
}

impl<T> PerThread<T> {
    /// No thread has a value yet.
    #[must_use]
    pub fn new() -> Self {
        Self { first: OnceLock::new(), others: (1..n_places()).map(|_| OnceLock::new()).collect() }
    }

    /// The value of this thread.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let place = number() % self.others.len().saturating_add(1);
        self.others.get(place).unwrap_or(&self.first).get_or_init(make)
    }

    /// The values that exist, of all threads.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.get().into_iter().chain(self.others.iter().filter_map(OnceLock::get))
    }
}

impl<T> Default for PerThread<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for PerThread<T> {
    /// A copy is empty: it belongs to another owner.
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for PerThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerThread").field("values", &self.iter().count()).finish_non_exhaustive()
    }
}

/// The number of places: twice the cores, since as many threads as cores answer questions and a few others evaluate too;
/// bounded, since each value takes memory.
fn n_places() -> usize {
    static PLACES: OnceLock<usize> = OnceLock::new();
    *PLACES.get_or_init(|| std::thread::available_parallelism().map_or(2, usize::from).saturating_mul(2).min(32))
}

/// The number of this thread.
fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
