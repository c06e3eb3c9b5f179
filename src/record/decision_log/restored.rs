//! The record of a restore: that the folder was put back from a backup, and so the log goes on under another name.
//!
//! What was recorded after the backup is lost here, and may be elsewhere: in sinks, and in what witnesses cosigned. Under
//! the old name the same numbers would have two meanings. Under a new one they have one: the records that were put back
//! stay what they are, and the numbers go on behind them. `poort log restored` writes it, behind the first checkpoint of
//! the new name, which says the same (`poort.log.restored`).
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.restored.origin` | the name of the log until here |
//! | `poort.restored.size` | how many records were put back |
//! | `poort.restored.root` | the root of their tree (base64) |

use super::{log_event, producer::Producer};
use crate::record::{evidence::Hash, spool::Payload};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::collections::BTreeMap;

/// The `event_name` of the record.
pub const RESTORED: &str = "poort.log.restored";

/// What was put back: a log up to a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Its name.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl Restored {
    /// As an attribute of the first checkpoint behind it: JSON.
    pub(super) fn to_json(&self) -> String {
        format!("[{},{},\"{}\"]", log_event::text(&self.origin), self.size, BASE64.encode(self.root))
    }

    /// `None` where that is none.
    pub(super) fn from_json((origin, size, root): (String, u64, String)) -> Option<Self> {
        Some(Self { origin, size, root: BASE64.decode(root).ok()?.try_into().ok()? })
    }

    pub(super) fn record(&self, producer: &Producer) -> Payload {
        let attributes = BTreeMap::from([
            ("poort.restored.origin", log_event::text(&self.origin)),
            ("poort.restored.root", format!("\"{}\"", BASE64.encode(self.root))),
            ("poort.restored.size", self.size.to_string()),
        ]);
        log_event::record(producer, RESTORED, log_event::now(), attributes, None)
    }
}
