//! The record that says that old records are deleted.
//!
//! Without it nobody could tell a log that was kept as long as it had to be from one whose beginning somebody took away. It is
//! written, and covered by a signed checkpoint, before the first file goes.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.retention.below` | all records below this seq are deleted |
//! | `poort.retention.keep` | how long records are kept, in seconds |

use super::{own, producer::Producer};
use crate::record::spool::Payload;
use std::{collections::BTreeMap, time::Duration};

/// The `event_name` of the record.
pub const RETENTION: &str = "poort.log.retention";
/// The attribute that says what is deleted.
const BELOW: &str = "poort.retention.below";

pub(super) fn record(below: u64, keep: Duration, producer: &Producer) -> Payload {
    let attributes = BTreeMap::from([(BELOW, below.to_string()), ("poort.retention.keep", keep.as_secs().to_string())]);
    own::record(producer, RETENTION, own::now(), attributes, None)
}
