//! The indexer: makes what helps to find records in a packed segment. What is in it, and what it means, is its business.

use std::{fmt, sync::Arc};

/// Makes the index of one segment.
pub trait Indexer: Send {
    /// The next record of the segment.
    fn record(&mut self, payload: &[u8]);

    /// The index, of which [`read_index`](super::read_index) gives the bytes. Empty: there is none.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// Makes the indexer of each segment.
#[derive(Clone)]
pub struct Indexing(Arc<dyn Fn() -> Box<dyn Indexer> + Send + Sync>);

impl Indexing {
    /// With the indexers that this function makes.
    #[must_use]
    pub fn new(begin: impl Fn() -> Box<dyn Indexer> + Send + Sync + 'static) -> Self {
        Self(Arc::new(begin))
    }

    pub(super) fn begin(&self) -> Box<dyn Indexer> {
        self.0()
    }
}

impl fmt::Debug for Indexing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexing").finish_non_exhaustive()
    }
}
