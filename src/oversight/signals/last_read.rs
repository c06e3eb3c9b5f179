//! The last record that was read of each log: what ships records may send one twice.

use crate::record::decision_log::StoredRecord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The place of the last record of each log, by the origin of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRead(BTreeMap<String, u64>);

impl LastRead {
    /// Whether it comes after all records of its log before.
    pub fn is_new(&mut self, recorded: &StoredRecord<'_>) -> bool {
        let (origin, seq) = (recorded.origin(), recorded.seq());
        match self.0.get_mut(origin) {
            Some(last) if *last >= seq => false,
            Some(last) => {
                *last = seq;
                true
            }
            None => {
                self.0.insert(origin.to_owned(), seq);
                true
            }
        }
    }
}
