//! The records of bundles: which one became active and who signed it, and which one was refused.
//!
//! The newest of them is also the floor that a deleted or restored data file cannot lower: no older version follows it. It holds for
//! trust files too.
//!
//! | record | when |
//! |---|---|
//! | `poort.bundle.activated` | another bundle becomes active; it is written first |
//! | `poort.bundle.active` | at each start, and each hour: so the newest is never far from the end of the log |
//! | `poort.bundle.refused` | a bundle or a trust file is refused, once for each file and rule |
//! | `poort.trust.activated` | another trust file counts; it is written first |
//!
//! | attribute | what it is |
//! |---|---|
//! | `poort.bundle.store`, `.version`, `.digest` | the store, the version, and the digest of the manifest |
//! | `poort.bundle.revision` | the revision of its policies, by which decisions name them |
//! | `poort.bundle.trust` | `[version, digest]` of the trust file that counts |
//! | `poort.bundle.signers` | who signed: `[person, organisation, fingerprint of the key]` |
//! | `poort.bundle.expires` | when its time is over |
//! | `poort.bundle.rollback` | of a rollback: `[version, reason]` |
//! | `poort.trust.store`, `.version`, `.digest`, `.previous` | the store, the version, the digest of the trust file, and that of the one before |
//! | `poort.trust.signers` | who signed, of the one before and of its own |
//! | `poort.bundle.file`, `.code`, `.message` | of a refusal: the file, the rule, and the sentence |

use super::{DecisionLog, log_event};
use crate::{
    record::spool::{self, AppendError, Entry, reader::Reader},
    sources::bundle::{Floor, Refusal, Signer, Taken, Verified},
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

/// Another trust file counts.
pub const TRUST_ACTIVATED: &str = "poort.trust.activated";

/// How much of a sentence is recorded, in characters.
const MESSAGE: usize = 2_000;

impl DecisionLog {
    /// Puts on record that a bundle becomes active, or is active as before, under this trust file. Blocks until it is on disk.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_bundle(
        &self,
        event_name: &'static str,
        bundle: &Verified,
        revision: &Revision,
        trust: &Floor,
    ) -> Result<(), AppendError> {
        let manifest = bundle.manifest();
        let mut attributes = BTreeMap::from([
            ("poort.bundle.digest", log_event::text(bundle.digest().as_str())),
            ("poort.bundle.expires", log_event::text(&manifest.expires.to_string())),
            ("poort.bundle.revision", log_event::text(revision.as_str())),
            ("poort.bundle.signers", signers(&bundle.tally().signers)),
            ("poort.bundle.store", log_event::text(&manifest.store)),
            ("poort.bundle.trust", format!("[{},{}]", trust.version, log_event::text(trust.digest.as_str()))),
            ("poort.bundle.version", manifest.version.to_string()),
        ]);
        let rollback = manifest.rollback.as_ref();
        let rollback = rollback.map(|rollback| format!("[{},{}]", rollback.to, log_event::text(&rollback.reason)));
        attributes.extend(rollback.map(|rollback| ("poort.bundle.rollback", rollback)));
        self.write_own(log_event::record(&self.producer, event_name, log_event::now(), attributes, None)).map(drop)
    }

    /// Puts on record that another trust file counts. Blocks until it is on disk.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_trust(&self, taken: &Taken) -> Result<(), AppendError> {
        let trust = taken.next().trust();
        let file = trust.file();
        let attributes = BTreeMap::from([
            ("poort.trust.digest", log_event::text(trust.digest().as_str())),
            ("poort.trust.previous", log_event::text(file.previous.as_deref().unwrap_or_default())),
            ("poort.trust.signers", signers(taken.signers())),
            ("poort.trust.store", log_event::text(&file.store)),
            ("poort.trust.version", file.version.to_string()),
        ]);
        self.write_own(log_event::record(&self.producer, TRUST_ACTIVATED, log_event::now(), attributes, None)).map(drop)
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

fn signers<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> String {
    let signers = signers.into_iter().map(|Signer { person, organisation, key }| {
        let [person, organisation, key] = [person, organisation, key].map(|text| log_event::text(text));
        format!("[{person},{organisation},{key}]")
    });
    format!("[{}]", signers.collect::<Vec<_>>().join(","))
}

/// What the records in a folder call active.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The newest bundle.
    pub bundle: Option<Floor>,
    /// The newest trust file.
    pub trust: Option<Floor>,
}

#[derive(Deserialize)]
struct Stored {
    event_name: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "poort.bundle.store", alias = "poort.trust.store")]
    store: String,
    #[serde(rename = "poort.bundle.version", alias = "poort.trust.version")]
    version: u64,
    #[serde(rename = "poort.bundle.digest", alias = "poort.trust.digest")]
    digest: String,
    #[serde(rename = "poort.bundle.trust")]
    trust: Option<(u64, String)>,
}

/// The newest bundle and trust file of this store that the records in a folder call active. It reads backwards, segment by segment, to
/// the newest record of a bundle, which names the trust file of its moment. Damage within a segment tells nothing, and is in the
/// operators' log.
///
/// # Errors
/// The folder cannot be listed, or a segment cannot be opened.
pub fn recorded_bundle(records: &Path, store: &str) -> io::Result<Recorded> {
    let mut recorded = Recorded::default();
    let segments = match spool::segments(records) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(recorded),
        listed => listed?,
    };
    let needles =
        ["\"event_name\":\"poort.bundle.activ", "\"event_name\":\"poort.trust.activ"].map(memmem::Finder::new);
    for first in segments.into_iter().rev() {
        // What cannot be opened could name a newer bundle, so it is an error; damage within it is told.
        for frame in Reader::open_at(records, first).map_err(io::Error::other)?.once() {
            match frame {
                // The bytes may also be in a value that a caller gave.
                Ok(frame) if needles.iter().any(|needle| needle.find(&frame.payload).is_some()) => {
                    recorded.add(&frame.payload, store);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "Part of the log cannot be read to learn which bundle was active.");
                }
            }
        }
        if recorded.bundle.is_some() {
            break;
        }
    }
    Ok(recorded)
}

impl Recorded {
    fn add(&mut self, record: &[u8], of_store: &str) {
        let Ok(Stored { event_name, attributes: Attributes { store, version, digest, trust } }) =
            serde_json::from_slice(record)
        else {
            return;
        };
        let floor = |version: u64, digest: &str| Some(Floor { version, digest: Revision::parse(digest)? });
        let own = floor(version, &digest);
        let trust = match event_name.as_str() {
            _ if store != of_store => return,
            BUNDLE_ACTIVATED | BUNDLE_ACTIVE => {
                self.bundle = own.or(self.bundle.take());
                trust.and_then(|(version, digest)| floor(version, &digest))
            }
            TRUST_ACTIVATED => own,
            _ => return,
        };
        // A segment before this one may be read after it.
        let version = |floor: &Option<Floor>| floor.as_ref().map(|floor| floor.version);
        if version(&trust) >= version(&self.trust) {
            self.trust = trust.or(self.trust.take());
        }
    }
}
