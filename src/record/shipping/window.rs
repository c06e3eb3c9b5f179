//! The window: records that were read and not yet taken, and how many of them are sent at once.

use super::outgoing::Outgoing;
use std::collections::VecDeque;

/// The records in order, first in, first out.
#[derive(Debug)]
pub(super) struct Window {
    parcels: VecDeque<Outgoing>,
    /// How many may be sent at once.
    most: usize,
    /// How many are sent at once now: fewer after a refusal, until the receiver takes them again.
    limit: usize,
}

/// After a refusal the limit is restored in so many steps. In one step, every second send to a receiver with a lower
/// bound than ours would be refused.
const STEPS: usize = 16;

impl Window {
    pub(super) fn new(most: usize) -> Self {
        Self { parcels: VecDeque::new(), most, limit: most }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// The oldest record.
    pub(super) fn first(&self) -> Option<&Outgoing> {
        self.parcels.front()
    }

    pub(super) fn push(&mut self, parcel: Outgoing) {
        self.parcels.push_back(parcel);
    }

    /// What is to be sent next: up to a record that cannot be sent.
    pub(super) fn batch(&mut self) -> &[Outgoing] {
        let length = self.batch_len();
        self.parcels.make_contiguous().get(..length).unwrap_or_default()
    }

    /// How many these are.
    pub(super) fn batch_len(&self) -> usize {
        self.parcels.iter().take(self.limit).take_while(|parcel| parcel.documents.is_ok()).count()
    }

    /// The first so many, whether they can be sent or not.
    pub(super) fn oldest(&mut self, count: usize) -> &[Outgoing] {
        let count = count.min(self.parcels.len());
        self.parcels.make_contiguous().get(..count).unwrap_or_default()
    }

    /// Removes the first so many, and returns them.
    pub(super) fn take(&mut self, count: usize) -> Vec<Outgoing> {
        self.parcels.drain(..count.min(self.parcels.len())).collect()
    }

    /// The receiver took what it was sent.
    pub(super) fn grow(&mut self) {
        let step = self.most.div_ceil(STEPS);
        self.limit = self.limit.saturating_add(step).min(self.most);
    }

    /// Half as many of what is left of this batch. False when one record is left alone.
    pub(super) fn halve(&mut self, length: usize) -> bool {
        self.limit = length.div_ceil(2).max(1);
        length > 1
    }
}
