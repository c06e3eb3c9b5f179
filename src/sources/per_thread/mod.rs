//! Copies that share no reference count, one for each thread.
//!
//! **Why.** An evaluation copies what it meets by raising reference counts: names of types, literals, sets, records. Where
//! threads share what they evaluate, each count is one word in memory that all cores write, and together they are little faster
//! than one alone (`cargo bench --bench threads`). So each thread evaluates copies of its own: of the policies of a slice, and
//! of the entities that it is asked about. What is read and never counted is shared.
//!
//! What holds here: a copy equals what it was made of (`tests.rs`), and nothing in it that is counted is in any other.

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

/// A value for each thread, made when the thread first asks for it. Threads beyond the number of places share.
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

    /// The values that are there, of whatever thread.
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
    /// Nothing is there in a copy: it belongs to something else.
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for PerThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerThread").field("values", &self.iter().count()).finish_non_exhaustive()
    }
}

/// Twice as many as there are cores, since the threads that answer questions are as many as those, and a few others ask too;
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
