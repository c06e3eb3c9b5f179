//! The records of bundles: which one became active and who signed it, and which one was refused.
//!
//! The newest of them is also the floor that a deleted or restored data file cannot lower: no older version follows it.
//!
//! | record | when |
//! |---|---|
//! | `poort.bundle.activated` | another bundle becomes active; it is written first |
//! | `poort.bundle.active` | at each start, and each hour: so the newest is never far from the end of the log |
//! | `poort.bundle.refused` | a bundle is refused, once for each bundle and rule |
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.bundle.store`, `.version`, `.digest` | the store, the version, and the digest of the manifest |
//! | `poort.bundle.revision` | the revision of its policies, by which decisions name them |
//! | `poort.bundle.signers` | who signed: `[person, organisation, fingerprint of the key]` |
//! | `poort.bundle.expires` | when its time is over |
//! | `poort.bundle.rollback` | of a rollback: `[version, reason]` |
//! | `poort.bundle.file`, `.code`, `.message` | of a refusal: the file, the rule, and the sentence |

use super::{DecisionLog, log_event};
use crate::{
    record::spool::{self, AppendError, Entry, reader::Reader},
    sources::bundle::{Floor, Refusal, Verified},
    types::{escape, revision::Revision},
};
use memchr::memmem;
use serde::Deserialize;
use std::{collections::BTreeMap, io, path::Path};

/// Another bundle is active.
pub const BUNDLE_ACTIVATED: &str = "poort.bundle.activated";
/// A bundle is active as before.
pub const BUNDLE_ACTIVE: &str = "poort.bundle.active";
/// A bundle is refused.
pub const BUNDLE_REFUSED: &str = "poort.bundle.refused";

/// How much of a sentence is recorded, in characters.
const MESSAGE: usize = 2_000;

impl DecisionLog {
    /// Puts on record that a bundle becomes active, or is active as before. Blocks until it is on disk.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_bundle(
        &self,
        event_name: &'static str,
        bundle: &Verified,
        revision: &Revision,
    ) -> Result<(), AppendError> {
        let manifest = bundle.manifest();
        let signers = bundle.tally().signers.iter().map(|signer| {
            let [person, organisation, key] =
                [&signer.person, &signer.organisation, &signer.key].map(|text| log_event::text(text));
            format!("[{person},{organisation},{key}]")
        });
        let mut attributes = BTreeMap::from([
            ("poort.bundle.digest", log_event::text(bundle.digest().as_str())),
            ("poort.bundle.expires", log_event::text(&manifest.expires.to_string())),
            ("poort.bundle.revision", log_event::text(revision.as_str())),
            ("poort.bundle.signers", format!("[{}]", signers.collect::<Vec<_>>().join(","))),
            ("poort.bundle.store", log_event::text(&manifest.store)),
            ("poort.bundle.version", manifest.version.to_string()),
        ]);
        let rollback = manifest.rollback.as_ref();
        let rollback = rollback.map(|rollback| format!("[{},{}]", rollback.to, log_event::text(&rollback.reason)));
        attributes.extend(rollback.map(|rollback| ("poort.bundle.rollback", rollback)));
        self.write_own(log_event::record(&self.producer, event_name, log_event::now(), attributes, None)).map(drop)
    }

    /// Puts on record that what is in a file is refused. Blocks until it is on disk. It uses no reserve.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_refused_bundle(&self, file: &str, refusal: &Refusal) -> Result<(), AppendError> {
        let attributes = BTreeMap::from([
            ("poort.bundle.code", log_event::text(refusal.code.name())),
            ("poort.bundle.file", log_event::text(&escape::cut_to(file, MESSAGE))),
            ("poort.bundle.message", log_event::text(&escape::cut_to(&refusal.message, MESSAGE))),
        ]);
        let record = log_event::record(&self.producer, BUNDLE_REFUSED, log_event::now(), attributes, None);
        self.spool.submit(Entry::new(record))?.wait().map(drop)
    }
}

#[derive(Deserialize)]
struct Stored {
    event_name: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "poort.bundle.store")]
    store: String,
    #[serde(rename = "poort.bundle.version")]
    version: u64,
    #[serde(rename = "poort.bundle.digest")]
    digest: String,
}

/// The newest bundle of this store that the records in a folder call active. It reads backwards, segment by segment. Damage
/// within a segment tells nothing, and is in the operators' log.
///
/// # Errors
/// The folder cannot be listed, or a segment cannot be opened.
pub fn recorded_bundle(records: &Path, store: &str) -> io::Result<Option<Floor>> {
    let segments = match spool::segments(records) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        listed => listed?,
    };
    let needle = memmem::Finder::new(b"\"event_name\":\"poort.bundle.activ");
    for first in segments.into_iter().rev() {
        let mut newest = None;
        // What cannot be opened could name a newer bundle, so it is an error; damage within it is told.
        for frame in Reader::open_at(records, first).map_err(io::Error::other)?.once() {
            match frame {
                // The bytes may also be in a value that a caller gave.
                Ok(frame) if needle.find(&frame.payload).is_some() => newest = floor(&frame.payload, store).or(newest),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "Part of the log cannot be read to learn which bundle was active.");
                }
            }
        }
        if newest.is_some() {
            return Ok(newest);
        }
    }
    Ok(None)
}

fn floor(record: &[u8], of_store: &str) -> Option<Floor> {
    let Stored { event_name, attributes: Attributes { store, version, digest } } =
        serde_json::from_slice(record).ok()?;
    let is_active = [BUNDLE_ACTIVATED, BUNDLE_ACTIVE].contains(&event_name.as_str()) && store == of_store;
    is_active.then_some(Floor { version, digest: Revision::parse(&digest)? })
}
