//! The record of a checkpoint: the signed note, and what is needed to go on from there.
//!
//! It is no decision and so no ADL record, and has a name of its own, `poort.log.checkpoint`. It is in the log like
//! every other record and is shipped with them. So a receiver of the records also has what proves them.
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.log.occasion` | why it was made: `segment`, `cadence`, `full` or `shutdown` |
//! | `poort.log.origin`, `poort.log.seq` | as in every record; the seq is the size of the tree |
//! | `poort.log.clock` | how far the log's own clock has come, in milliseconds since 1970: what the age of records is counted by |
//! | `poort.log.found` | after a crash, in the first checkpoint of a process: the first record that it found after the last checkpoint, and the first that is its own |
//! | `poort.log.restored` | in the first checkpoint of a log that goes on under a new name: the old name, the size and the root that were put back |
//! | `poort.log.pseudonym_keys` | the keys of pseudonyms: the id of each, and a sign of the key itself |
//! | `poort.log.range` | the roots of the tree's largest perfect subtrees (base64): a reader that begins here continues from them |
//!
//! `body` holds the note under `poort.log.checkpoint`.

use super::{log_event, producer::Producer, restored::Restored};
use crate::record::{
    evidence::{Checkpoint, Hash, Key, PublicKeys, Tree},
    spool::{Occasion, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use thiserror::Error;

/// The `event_name` of the record.
pub const CHECKPOINT: &str = "poort.log.checkpoint";

/// A checkpoint that was read from its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The note, as it was signed.
    pub note: String,
    /// What the note says.
    pub checkpoint: Checkpoint,
    /// The tree that it speaks of.
    pub tree: Tree,
    /// Why it was made.
    pub occasion: String,
    /// When it was made, in milliseconds since 1970.
    pub timestamp: u64,
    /// The same by the log's own clock. A log of an older version knows no other than the machine's.
    pub clock: u64,
    /// Records that the process found at its start and no checkpoint covers: from the first to below the second.
    pub found: Option<(u64, u64)>,
    /// What was put back from a backup, in the first checkpoint behind it.
    pub restored: Option<Restored>,
    /// The keys of pseudonyms that were at hand: `<id>:<sign>`.
    pub pseudonym_keys: Vec<String>,
}

impl Attested {
    /// Whether the log was closed in order with it. A log of an older version does not sign for that.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.checkpoint.is_end || self.occasion == SHUTDOWN
    }
}

/// The occasion of an orderly end.
const SHUTDOWN: &str = "shutdown";

/// What a checkpoint says beside its note.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) occasion: Occasion,
    pub(super) timestamp: u64,
    pub(super) clock: u64,
    pub(super) found: Option<(u64, u64)>,
    pub(super) restored: Option<&'a Restored>,
    pub(super) pseudonym_keys: &'a [String],
}

/// A record that calls itself a checkpoint and is none that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Untrusted(String);

/// The note of a tree's checkpoint, and its record.
pub(super) fn write(tree: &Tree, key: &Key, beside: Beside<'_>, producer: &Producer) -> (String, Payload) {
    let Beside { occasion, timestamp, clock, found, restored, pseudonym_keys } = beside;
    let checkpoint = Checkpoint::of(producer.origin(), tree);
    let checkpoint = if occasion == Occasion::Shutdown { checkpoint.at_end() } else { checkpoint };
    // The origin is made by `signer`, so it is a name.
    let note = checkpoint.sign(key).unwrap_or_default();
    let occasion = match occasion {
        Occasion::Segment => "segment",
        Occasion::Cadence => "cadence",
        Occasion::Full => "full",
        Occasion::Shutdown => SHUTDOWN,
    };
    let range: Vec<_> = tree.range().iter().map(|hash| log_event::text(&BASE64.encode(hash))).collect();
    let mut attributes = BTreeMap::from([
        ("poort.log.clock", clock.to_string()),
        ("poort.log.occasion", log_event::text(occasion)),
        ("poort.log.range", format!("[{}]", range.join(","))),
    ]);
    if let Some((from, to)) = found {
        attributes.insert("poort.log.found", format!("[{from},{to}]"));
    }
    if let Some(restored) = restored {
        attributes.insert("poort.log.restored", restored.to_json());
    }
    if !pseudonym_keys.is_empty() {
        let keys: Vec<_> = pseudonym_keys.iter().map(|key| log_event::text(key)).collect();
        attributes.insert("poort.log.pseudonym_keys", format!("[{}]", keys.join(",")));
    }
    let body = format!("{{\"{CHECKPOINT}\":{}}}", log_event::text(&note));
    let record = log_event::record(producer, CHECKPOINT, timestamp, attributes, Some(&body));
    (note, record)
}

/// What a record says about itself, whatever kind it is.
#[derive(Debug, serde::Deserialize)]
struct Outline<'a> {
    event_name: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    timestamp: Option<u64>,
}

#[derive(Debug, serde::Deserialize)]
struct Attributes {
    #[serde(rename = "poort.log.range")]
    range: Vec<String>,
    #[serde(rename = "poort.log.occasion", default)]
    occasion: String,
    #[serde(rename = "poort.log.clock")]
    clock: Option<u64>,
    #[serde(rename = "poort.log.found")]
    found: Option<(u64, u64)>,
    #[serde(rename = "poort.log.restored")]
    restored: Option<(String, u64, String)>,
    #[serde(rename = "poort.log.pseudonym_keys", default)]
    pseudonym_keys: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Body {
    #[serde(rename = "poort.log.checkpoint")]
    note: String,
}

/// The checkpoint that a record is. `None` when it is a record of another kind.
///
/// # Errors
/// It calls itself a checkpoint and cannot be trusted: its form, the signature where keys are given, or the range that
/// it carries. Without keys the signature is not checked.
pub fn read(record: &[u8], keys: Option<&PublicKeys>) -> Result<Option<Attested>, Untrusted> {
    let Ok(outline) = serde_json::from_slice::<Outline<'_>>(record) else { return Ok(None) };
    if outline.event_name != CHECKPOINT {
        return Ok(None);
    }
    let malformed = || Untrusted("it has not the form of a checkpoint".to_owned());
    let attributes = outline.attributes.and_then(|text| serde_json::from_str::<Attributes>(text.get()).ok());
    let body = outline.body.and_then(|text| serde_json::from_str::<Body>(text.get()).ok());
    let (Attributes { range, occasion, clock, found, restored, pseudonym_keys }, Body { note }) =
        attributes.zip(body).ok_or_else(malformed)?;
    let checkpoint = match keys {
        Some(keys) => Checkpoint::open(&note, keys),
        None => Checkpoint::read(&note),
    }
    .map_err(|error| Untrusted(error.to_string()))?;
    let decode = |text: &String| BASE64.decode(text).ok().and_then(|bytes| Hash::try_from(bytes).ok());
    let range: Option<Vec<_>> = range.iter().map(decode).collect();
    let tree = range.and_then(|range| Tree::from_range(checkpoint.size, range));
    // The range is not signed, but it has to give the root that is.
    let tree = tree.filter(|tree| tree.root() == checkpoint.root);
    let tree = tree.ok_or_else(|| Untrusted("its range does not give the root that it signs".to_owned()))?;
    let timestamp = outline.timestamp.unwrap_or(0);
    let clock = clock.unwrap_or(timestamp);
    let restored = restored.map(|restored| Restored::from_json(restored).ok_or_else(malformed)).transpose()?;
    Ok(Some(Attested { note, checkpoint, tree, occasion, timestamp, clock, found, restored, pseudonym_keys }))
}
