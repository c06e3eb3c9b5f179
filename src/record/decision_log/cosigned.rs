//! The record of cosignatures: that witnesses cosigned a checkpoint of the log.
//!
//! It is shipped with the others, so a receiver of the records has what proves them against the log's own host too.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.witness.names` | the witnesses that cosigned, by their names in the policy |
//! | `poort.witness.quorum` | whether these suffice by the policy |
//!
//! `body` holds the checkpoint with all signatures under `poort.log.cosigned`.

use super::{log_event, producer::Producer};
use crate::record::spool::Payload;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The `event_name` of the record.
pub const COSIGNED: &str = "poort.log.cosigned";

pub(super) fn record(note: &str, witnesses: &[String], is_quorum: bool, producer: &Producer) -> Payload {
    let names: Vec<_> = witnesses.iter().map(|name| log_event::text(name)).collect();
    let attributes = BTreeMap::from([
        ("poort.witness.names", format!("[{}]", names.join(","))),
        ("poort.witness.quorum", is_quorum.to_string()),
    ]);
    let body = format!("{{\"{COSIGNED}\":{}}}", log_event::text(note));
    log_event::record(producer, COSIGNED, log_event::now(), attributes, Some(&body))
}

/// The checkpoint with its cosignatures, of a record of this kind.
pub(super) fn note(record: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Record {
        body: Body,
    }
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "poort.log.cosigned")]
        note: String,
    }
    serde_json::from_slice::<Record>(record).ok().map(|record| record.body.note)
}
