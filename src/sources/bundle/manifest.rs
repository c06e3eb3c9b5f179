//! The manifest of a bundle: what the bundle is, and the only text that is signed.
//!
//! It is JSON in canonical form (RFC 8785): members sorted by name, no white space, whole numbers below 2⁵³. A manifest in
//! another form is refused, so one meaning has one digest.

use super::refusal::{Code, Refusal};
use crate::types::revision::Revision;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The form of manifests.
const FORMAT: u32 = 1;

/// The greatest number that canonical JSON has exactly.
pub(super) const GREATEST: u64 = (1 << 53) - 1;

/// What a bundle is. **Invariant:** the members are in the order of their names, as canonical JSON asks
/// (`src/sources/bundle/tests/manifest.rs::the_written_form_is_canonical`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// When it was built.
    pub created: Timestamp,
    /// When its time is over.
    pub expires: Timestamp,
    /// Its files, in the order of their paths.
    pub files: Vec<FileEntry>,
    /// The form of the manifest.
    pub format: u32,
    /// When its time begins, if not at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_before: Option<Timestamp>,
    /// The digest of the manifest before it. `None`: it is the first.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "digest")]
    pub previous: Option<String>,
    /// What reviewers saw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub review: Option<Review>,
    /// Set where it brings back the files of an earlier version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rollback: Option<Rollback>,
    /// The store that it is for: a bundle of another one is never taken.
    pub store: String,
    /// One above that of the bundle before it.
    pub version: u64,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path in the policy folder.
    pub path: String,
    /// The digest of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

/// The report of `poort diff` that is in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The version with which it compares.
    pub against: u64,
    /// The digest of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// Why an earlier version comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// The reason, for the record.
    pub reason: String,
    /// Which version.
    pub to: u64,
}

impl Manifest {
    /// A manifest of these files.
    #[must_use]
    pub fn new(
        store: &str,
        version: u64,
        created: Timestamp,
        expires: Timestamp,
        files: &BTreeMap<String, String>,
    ) -> Self {
        let files = files.iter().map(|(path, text)| FileEntry {
            path: path.clone(),
            sha256: sha256(text.as_bytes()),
            size: text.len() as u64,
        });
        Self {
            created,
            expires,
            files: files.collect(),
            format: FORMAT,
            not_before: None,
            previous: None,
            review: None,
            rollback: None,
            store: store.to_owned(),
            version,
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// It is not in canonical form, or says what cannot be.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let refused = |message: String| Refusal::new(Code::Manifest, message);
        let manifest: Self = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        if manifest.write() != text {
            return Err(refused(
                "it is not in canonical form (RFC 8785), as `poort bundle build` writes it".to_owned(),
            ));
        }
        match manifest.mistake() {
            Some(mistake) => Err(refused(mistake)),
            None => Ok(manifest),
        }
    }

    /// What cannot be, if anything.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        let Self { created, expires, files, format, not_before, previous, review, rollback, store, version } = self;
        if *format != FORMAT {
            return Some(format!("`format` is {format}; this poort reads {FORMAT}"));
        }
        if !is_store(store) {
            return Some("`store` is not a name of ASCII letters, digits and `._-`".to_owned());
        }
        if *version == 0 || *version > GREATEST {
            return Some(format!("`version` is {version}; it is at least 1 and at most {GREATEST}"));
        }
        if (*version == 1) != previous.is_none() {
            return Some("`previous` is missing, or is there although `version` is 1".to_owned());
        }
        if not_before.unwrap_or(*created) >= *expires || created >= expires {
            return Some("`expires` is not after `created` and `not_before`".to_owned());
        }
        if files.iter().zip(files.iter().skip(1)).any(|(one, next)| one.path >= next.path) {
            return Some("`files` is not in the order of paths".to_owned());
        }
        if review.as_ref().is_some_and(|review| review.against >= *version) {
            return Some("`review.against` is not an earlier version".to_owned());
        }
        match rollback {
            Some(Rollback { to, .. }) if *to == 0 || *to >= *version => {
                Some("`rollback.to` is not an earlier version".to_owned())
            }
            Some(Rollback { reason, .. }) if reason.trim().is_empty() => Some("`rollback.reason` is empty".to_owned()),
            Some(Rollback { reason, .. }) if reason.chars().any(char::is_control) => {
                Some("`rollback.reason` is not one line of plain text".to_owned())
            }
            _ => None,
        }
    }

    /// Its text in canonical form.
    #[must_use]
    pub fn write(&self) -> String {
        // A struct of texts and numbers has a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether a text can name a store.
#[must_use]
pub fn is_store(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The digest of a text, as manifests have it of their files.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The name of a signed text: its digest.
#[must_use]
pub(super) fn digest_of(text: &str) -> Revision {
    Revision::of_digest(Sha256::new_with_prefix(text))
}

fn digest<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    if Revision::parse(&text).is_some() { Ok(Some(text)) } else { Err(D::Error::custom("`previous` is no digest")) }
}
