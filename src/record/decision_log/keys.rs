//! The record of a change of keys: that keys of the log were changed on purpose.
//!
//! Without it, a key that is gone or was replaced ends the log (`past`). `poort log key` writes it, under the old key
//! where that is at hand, and then under the new one.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.key.before` | the public key that signed until now, where it is known |
//! | `poort.key.public` | the public key that signs from now on |
//! | `poort.key.pseudonyms` | the ids of the keys of pseudonyms, the newest first |

use super::{log_event, producer::Producer};
use crate::record::spool::Payload;
use std::collections::BTreeMap;

/// The `event_name` of the record.
pub const KEY: &str = "poort.log.key";

/// What was changed on purpose, and so is no reason to refuse the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that signs.
    pub signing: bool,
    /// The keys of pseudonyms.
    pub pseudonyms: bool,
    /// The name of the log, because the folder was put back from a backup.
    pub restored: bool,
}

pub(super) fn record(before: Option<&str>, public: &str, pseudonyms: &[&str], producer: &Producer) -> Payload {
    let ids: Vec<_> = pseudonyms.iter().map(|id| log_event::text(id)).collect();
    let mut attributes = BTreeMap::from([
        ("poort.key.public", log_event::text(public)),
        ("poort.key.pseudonyms", format!("[{}]", ids.join(","))),
    ]);
    if let Some(before) = before {
        attributes.insert("poort.key.before", log_event::text(before));
    }
    log_event::record(producer, KEY, log_event::now(), attributes, None)
}
