//! Reads a bundle and verifies it: the archive, the manifest, each file, and who signed.
//!
//! **Invariant:** a [`Verified`] is made here alone, of bytes that were read once. Its files are those bytes, so nothing is read
//! again after it was verified (`src/server/bundles/tests.rs::what_is_verified_is_what_answers`).

use super::{
    archive::{self, Members},
    manifest::{Manifest, Review, digest_of, sha256},
    refusal::{Code, Refusal},
    signature::{BUNDLE, id_of, member_of},
    trust::{Act, Tally, Trust},
};
use crate::types::revision::Revision;
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, iter};

/// By how much the clock of who built a bundle may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

const MANIFEST: &str = "manifest.json";
const REVIEW: &str = "review/diff.md";
const FILES: &str = "files/";

/// A bundle whose parts fit each other. Nobody vouches for it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    manifest: Manifest,
    text: String,
    files: Members,
    review: Option<String>,
    /// By the id of the key.
    signatures: BTreeMap<String, String>,
}

impl Bundle {
    /// A bundle without signatures. `review` is what `poort diff` said of it.
    ///
    /// # Errors
    /// Its manifest says what cannot be, or a file cannot be in an archive.
    pub fn new(mut manifest: Manifest, files: Members, review: Option<(u64, String)>) -> Result<Self, Refusal> {
        manifest.review =
            review.as_ref().map(|(against, text)| Review { against: *against, sha256: sha256(text.as_bytes()) });
        let review = review.map(|(_, text)| text);
        let bundle = Self { text: manifest.write(), manifest, files, review, signatures: BTreeMap::new() };
        // What cannot be read again is never given to anybody.
        Self::read(&bundle.write()?)
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// It is not exactly what its manifest says.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let refused = |message: String| Refusal::new(Code::Manifest, message);
        let mut members = archive::read(bytes)?;
        let text = members.remove(MANIFEST).ok_or_else(|| refused(format!("`{MANIFEST}` is missing")))?;
        let manifest = Manifest::read(&text)?;
        let review = members.remove(REVIEW);
        let (mut files, mut signatures) = (Members::new(), BTreeMap::new());
        for (name, text) in members {
            match (name.strip_prefix(FILES), id_of(&name)) {
                (Some(path), _) => drop(files.insert(path.to_owned(), text)),
                (None, Some(id)) => drop(signatures.insert(id.to_owned(), text)),
                (None, None) => return Err(refused(format!("`{name}` has no place in a bundle"))),
            }
        }
        let fits = |review: &str| manifest.review.as_ref().is_some_and(|it| it.sha256 == sha256(review.as_bytes()));
        if manifest.review.is_some() != review.is_some() || review.as_deref().is_some_and(|review| !fits(review)) {
            return Err(refused(format!("`{REVIEW}` is not the one that the manifest names")));
        }
        for entry in &manifest.files {
            let path = &entry.path;
            let text = files.get(path).ok_or_else(|| refused(format!("`{FILES}{path}` is missing")))?;
            if text.len() as u64 != entry.size || sha256(text.as_bytes()) != entry.sha256 {
                return Err(refused(format!("`{FILES}{path}` is not the file that the manifest names")));
            }
        }
        // Both are in the order of paths, and each that the manifest names is there.
        let other = files.keys().zip(manifest.files.iter().map(|entry| Some(&entry.path)).chain(iter::repeat(None)));
        match other.into_iter().find(|(path, entry)| Some(*path) != *entry) {
            Some((path, _)) => Err(refused(format!("`{FILES}{path}` is not in the manifest"))),
            None => Ok(Self { manifest, text, files, review, signatures }),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// A file cannot be in an archive.
    pub fn write(&self) -> Result<Vec<u8>, Refusal> {
        let Self { manifest: _, text, files, review, signatures } = self;
        let mut members = Members::from([(MANIFEST.to_owned(), text.clone())]);
        members.extend(review.iter().map(|review| (REVIEW.to_owned(), review.clone())));
        members.extend(files.iter().map(|(path, text)| (format!("{FILES}{path}"), text.clone())));
        members.extend(signatures.iter().map(|(id, pem)| (member_of(id), pem.clone())));
        archive::write(&members)
    }

    /// The same, with one signature more.
    #[must_use]
    pub fn with_signature(mut self, id: String, pem: String) -> Self {
        self.signatures.insert(id, pem);
        self
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The text that is signed.
    #[must_use]
    pub fn signed_text(&self) -> &str {
        &self.text
    }

    /// Its name: the digest of the manifest.
    #[must_use]
    pub fn digest(&self) -> Revision {
        digest_of(&self.text)
    }

    /// Its files, by their paths in the policy folder.
    #[must_use]
    pub const fn files(&self) -> &Members {
        &self.files
    }

    /// What `poort diff` said when it was built.
    #[must_use]
    pub fn review(&self) -> Option<&str> {
        self.review.as_deref()
    }

    /// The ids of the keys that signed, as far as nobody looked.
    pub fn signed_by(&self) -> impl Iterator<Item = &str> {
        self.signatures.keys().map(String::as_str)
    }

    /// Counts who signed. `at`: keys must be valid now too, and not only when it was built.
    ///
    /// # Errors
    /// It is for another store, or a signature does not fit.
    pub fn tally(&self, trust: &Trust, at: Option<Timestamp>) -> Result<Tally, Refusal> {
        let (own, theirs) = (&self.manifest.store, &trust.file().store);
        if own != theirs {
            return Err(Refusal::new(Code::Store, format!("it is for the store `{own}`, not for `{theirs}`")));
        }
        let times: Vec<_> = [Some(self.manifest.created), at].into_iter().flatten().collect();
        let tally = |act| {
            let tally = trust.tally(act, (BUNDLE, &self.text), &self.signatures, &times);
            tally.map_err(|message| Refusal::new(Code::Signatures, message))
        };
        let of_bundle = tally(Act::Bundle)?;
        // Nothing here shows that the files of a rollback are the old ones, so it takes what any files take, too.
        if self.manifest.rollback.is_some() && of_bundle.is_enough() { tally(Act::Rollback) } else { Ok(of_bundle) }
    }
}

/// A bundle that enough persons signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    bundle: Bundle,
    digest: Revision,
    tally: Tally,
}

impl Verified {
    /// Verifies a bundle that was not active before: keys must be valid now.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn new(bytes: &[u8], trust: &Trust, now: Timestamp) -> Result<Self, Refusal> {
        Self::of(Bundle::read(bytes)?, trust, Some(now))
    }

    /// Verifies one that the log or the data folder calls active: keys were valid when it was built.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn active(bytes: &[u8], trust: &Trust) -> Result<Self, Refusal> {
        Self::of(Bundle::read(bytes)?, trust, None)
    }

    fn of(bundle: Bundle, trust: &Trust, at: Option<Timestamp>) -> Result<Self, Refusal> {
        let tally = bundle.tally(trust, at)?;
        if !tally.is_enough() {
            return Err(Refusal::new(Code::Signatures, tally.to_string()));
        }
        Ok(Self { digest: bundle.digest(), bundle, tally })
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.bundle.manifest
    }

    /// Its name.
    #[must_use]
    pub const fn digest(&self) -> &Revision {
        &self.digest
    }

    /// Who signed.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether its time has come and is not over.
    ///
    /// # Errors
    /// It has not, or it is.
    pub fn in_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let Manifest { created, not_before, expires, .. } = self.manifest();
        if *expires <= now {
            return Err(Refusal::new(
                Code::Expired,
                format!("its time was over at {expires}; build and sign a new version"),
            ));
        }
        // Where the clock is wrong, so may be whether it expired.
        if now.checked_add(SKEW).is_ok_and(|latest| *created > latest) {
            return Err(Refusal::new(
                Code::Future,
                format!("it was built at {created}, and the clock here is before that"),
            ));
        }
        match not_before {
            Some(begin) if *begin > now => Err(Refusal::new(Code::Future, format!("its time begins at {begin}"))),
            _ => Ok(()),
        }
    }
}
