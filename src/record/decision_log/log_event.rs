//! The form of records of poort's own, which are no decisions.
//!
//! They are no ADL records, and their names say so: `poort.log.*`. They have no trace. They have `event_name`,
//! `timestamp` and `resource` as the others, and `attributes` with their place in the log.

use super::producer::Producer;
use crate::{record::spool::Payload, types::authzen};
use std::{
    collections::BTreeMap,
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

/// The attribute that holds a record's place in its log.
const SEQ: &str = "poort.log.seq";
/// The attribute that names the log.
const ORIGIN: &str = "poort.log.origin";

/// A record of poort's own: canonical JSON. The values of the attributes, and the body, are JSON texts in canonical form.
pub(super) fn record(
    producer: &Producer,
    event_name: &str,
    timestamp: u64,
    mut attributes: BTreeMap<&str, String>,
    body: Option<&str>,
) -> Payload {
    attributes.insert(SEQ, String::new());
    let (out, seq_at) = written(producer, event_name, timestamp, attributes, body);
    Payload::numbered(out, seq_at)
}

/// The same outside of a log: without a place in one.
pub(super) fn message(
    producer: &Producer,
    event_name: &str,
    timestamp: u64,
    attributes: BTreeMap<&str, String>,
    body: Option<&str>,
) -> Vec<u8> {
    written(producer, event_name, timestamp, attributes, body).0
}

/// The bytes, and where the place in the log has to be.
fn written(
    producer: &Producer,
    event_name: &str,
    timestamp: u64,
    mut attributes: BTreeMap<&str, String>,
    body: Option<&str>,
) -> (Vec<u8>, usize) {
    attributes.insert(ORIGIN, text(producer.origin()));
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"attributes\":{");
    let mut seq_at = 0;
    // Writing to a Vec cannot fail.
    for (index, (name, value)) in attributes.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\"{name}\":{value}");
        if *name == SEQ {
            seq_at = out.len();
        }
    }
    out.push(b'}');
    if let Some(body) = body {
        let _ = write!(out, ",\"body\":{body}");
    }
    let _ = write!(out, ",\"event_name\":\"{event_name}\",");
    out.extend_from_slice(producer.resource());
    let _ = write!(out, ",\"timestamp\":{timestamp}}}");
    (out, seq_at)
}

/// A text as JSON.
pub(super) fn text(text: &str) -> String {
    let mut out = Vec::new();
    authzen::write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// Now, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
