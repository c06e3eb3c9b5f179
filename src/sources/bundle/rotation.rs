//! Rotation of the trust file: the next one, who must have signed it, and the chain from the pinned one to the newest.
//!
//! The next trust file is an archive of its text in canonical JSON (RFC 8785), which is what is signed, and of signatures. It takes
//! enough persons of the file before it, so that nobody comes in alone, and enough of its own, so that nobody is locked out.
//!
//! **Invariant:** each link of a [`Chain`] has the version, the digest and the signatures that the one before it asks for
//! (`tests/it/sources/bundles/trust_attacks.rs::no_attack_gets_a_trust_file_taken`).

use super::{
    archive::{self, Members},
    chain::Floor,
    refusal::{Code, Refusal},
    signature::{TRUST, id_of, member_of},
    trust::{Act, Signer, Tally, Trust, TrustFile},
};
use crate::types::revision::Revision;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const TEXT: &str = "trust.json";

/// A trust file that wants to follow another one. Nobody vouches for it yet.
#[derive(Debug, Clone)]
pub struct NextTrust {
    trust: Trust,
    text: String,
    /// By the id of the key.
    signatures: BTreeMap<String, String>,
}

/// A trust file with the signatures that it takes.
#[derive(Debug, Clone)]
pub struct Taken {
    next: NextTrust,
    signers: BTreeSet<Signer>,
}

impl NextTrust {
    /// One without signatures.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(file: &TrustFile) -> Result<Self, Refusal> {
        Self::of(file.canonical(), BTreeMap::new())
    }

    fn of(text: String, signatures: BTreeMap<String, String>) -> Result<Self, Refusal> {
        let trust = Trust::read(&text).map_err(refused)?;
        if trust.file().canonical() != text {
            return Err(refused("it is not in canonical form (RFC 8785), as `poort trust add` writes it"));
        }
        if trust.file().previous.is_none() {
            return Err(refused("it is a first trust file, which the configuration alone can name"));
        }
        Ok(Self { trust, text, signatures })
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is not one that [`NextTrust::write`] writes.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut members = archive::read(bytes).map_err(|refusal| refused(refusal.message))?;
        let text = members.remove(TEXT).ok_or_else(|| refused(format!("`{TEXT}` is missing")))?;
        let signatures = members.into_iter().map(|(name, pem)| {
            let id = id_of(&name).map(str::to_owned);
            id.map(|id| (id, pem)).ok_or_else(|| refused(format!("`{name}` has no place in a trust file")))
        });
        Self::of(text, signatures.collect::<Result<_, _>>()?)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// It is too large.
    pub fn write(&self) -> Result<Vec<u8>, Refusal> {
        let mut members = Members::from([(TEXT.to_owned(), self.text.clone())]);
        members.extend(self.signatures.iter().map(|(id, pem)| (member_of(id), pem.clone())));
        archive::write(&members)
    }

    /// The same, with one signature more.
    #[must_use]
    pub fn with_signature(mut self, id: String, pem: String) -> Self {
        self.signatures.insert(id, pem);
        self
    }

    /// What it says.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The text that is signed.
    #[must_use]
    pub fn signed_text(&self) -> &str {
        &self.text
    }

    /// Whether it names this one as the one before it.
    ///
    /// # Errors
    /// It is of another store or version, or of another history.
    pub fn is_after(&self, before: &Trust) -> Result<(), Refusal> {
        self.is_next(before)?;
        self.is_child(before)
    }

    fn is_next(&self, before: &Trust) -> Result<(), Refusal> {
        let (own, last) = (self.trust.file(), before.file());
        if own.store != last.store {
            let message = format!("it is for the store `{}`, not for `{}`", own.store, last.store);
            return Err(Refusal::new(Code::TrustStore, message));
        }
        let (version, last) = (own.version, last.version);
        let message = match last.checked_add(1) {
            Some(next) if next == version => return Ok(()),
            Some(next) if next < version => {
                format!("it is version {version}, and version {next} is missing after {last}; bring that too")
            }
            _ => format!("it is version {version}, and version {last} is there already"),
        };
        Err(Refusal::new(Code::TrustVersion, message))
    }

    fn is_child(&self, before: &Trust) -> Result<(), Refusal> {
        match &self.trust.file().previous {
            Some(previous) if previous == before.digest().as_str() => Ok(()),
            _ => Err(self.fork(&format!("it follows another version {} than the one here", before.file().version))),
        }
    }

    /// Who signed: as the file before it counts, and as this one does. Keys must be valid at these times.
    ///
    /// # Errors
    /// A signature does not fit.
    pub fn tallies(&self, before: &Trust, times: &[Timestamp]) -> Result<[Tally; 2], Refusal> {
        let tally = |trust: &Trust| {
            let tally = trust.tally(Act::Trust, (TRUST, &self.text), &self.signatures, times);
            tally.map_err(|message| Refusal::new(Code::TrustSignatures, message))
        };
        Ok([tally(before)?, tally(&self.trust)?])
    }

    /// Verifies that it may follow this one.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify(&self, before: &Trust, times: &[Timestamp]) -> Result<Taken, Refusal> {
        self.is_next(before)?;
        let tallies = self.tallies(before, times)?;
        if !tallies.iter().all(Tally::is_enough) {
            return Err(Refusal::new(Code::TrustSignatures, told(before, &tallies)));
        }
        // Unsigned, it is no history.
        self.is_child(before)?;
        Ok(Taken { next: self.clone(), signers: tallies.into_iter().flat_map(|tally| tally.signers).collect() })
    }

    /// Whether it may follow this one once the last of their keys has begun, and that is after this moment.
    #[must_use]
    pub fn may_follow_later(&self, before: &Trust, now: Timestamp) -> bool {
        let begins = before.begins().chain(self.trust.begins()).filter(|begin| *begin > now).max();
        begins.is_some_and(|begin| self.verify(before, &[begin]).is_ok())
    }

    fn fork(&self, what: &str) -> Refusal {
        let (version, digest) = (self.trust.file().version, self.trust.digest().short());
        Refusal::new(Code::TrustFork, format!("two histories: version {version} ({digest}): {what}"))
    }
}

impl Trust {
    /// Reads the bytes of a trust file, as the first one or any later one is. Nobody looks at signatures.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn pinned(bytes: &[u8]) -> Result<Self, String> {
        // A text in JSON has no such byte, and each archive has.
        if bytes.contains(&0) {
            return NextTrust::read(bytes).map(|next| next.trust().clone()).map_err(|refusal| refusal.message);
        }
        Self::read(str::from_utf8(bytes).map_err(|_| "is not UTF-8")?)
    }
}

/// Both counts, for people.
#[must_use]
pub fn told(before: &Trust, [old, new]: &[Tally; 2]) -> String {
    let last = before.file().version;
    format!("as version {last} counts, {old}. As version {} counts, {new}", last.saturating_add(1))
}

impl Taken {
    /// The trust file.
    #[must_use]
    pub const fn next(&self) -> &NextTrust {
        &self.next
    }

    /// Who signed, of the file before it and of its own.
    #[must_use]
    pub const fn signers(&self) -> &BTreeSet<Signer> {
        &self.signers
    }
}

/// The trust files from the pinned one to the newest.
#[derive(Debug, Clone)]
pub struct Chain {
    pinned: Trust,
    taken: Vec<Taken>,
}

impl Chain {
    /// The chain that begins, and still ends, at the pinned file.
    #[must_use]
    pub const fn new(pinned: Trust) -> Self {
        Self { pinned, taken: Vec::new() }
    }

    /// The file that counts.
    #[must_use]
    pub fn newest(&self) -> &Trust {
        self.taken.last().map_or(&self.pinned, |taken| &taken.next.trust)
    }

    /// What was taken after the pinned file, the oldest first.
    #[must_use]
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// Its end: what nothing older may replace.
    #[must_use]
    pub fn floor(&self) -> Floor {
        Floor { version: self.newest().file().version, digest: self.newest().digest().clone() }
    }

    /// Makes what [`Chain::next`] found the newest.
    pub fn push(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// Takes again what the log calls active. The digest there names each file, so keys may be over since.
    ///
    /// # Errors
    /// The files that lead there are not all here.
    pub fn resume(&mut self, files: &[(String, NextTrust)], floor: &Floor) -> Result<(), Refusal> {
        let Floor { version, digest } = floor;
        let pinned = self.pinned.file().version;
        // Who administers the host may pin a newer one, and replace a first one in its place until another was taken.
        if *version < pinned || *version == 1 {
            return Ok(());
        }
        let mut path = Vec::new();
        let mut wanted = digest.clone();
        while wanted != *self.pinned.digest() {
            // It may be here with fewer signatures, too.
            let copies: Vec<_> = files.iter().map(|(_, file)| file).filter(|it| *it.trust.digest() == wanted).collect();
            let previous = copies.first().and_then(|file| file.trust.file().previous.as_deref());
            let Some(before) = previous.and_then(Revision::parse) else {
                let message = format!(
                    "version {version} ({}) was taken here, and the files that lead from the pinned version {pinned} to it are \
                     not all here; bring them, or pin a newer one as `bundle.trust`",
                    digest.short()
                );
                return Err(Refusal::new(Code::TrustVersion, message));
            };
            path.push(copies);
            wanted = before;
        }
        for copies in path.into_iter().rev() {
            let verified = copies.into_iter().map(|file| file.verify(self.newest(), &[]));
            // There is one at least.
            if let Some(taken) = verified.reduce(Result::or).transpose()? {
                self.taken.push(taken);
            }
        }
        Ok(())
    }

    /// What follows the newest. `None` also where two of them do: those who sign have to agree first.
    #[must_use]
    pub fn next(&self, files: &[(String, NextTrust)], now: Timestamp) -> Option<Taken> {
        let found = files.iter().filter_map(|(_, file)| file.verify(self.newest(), &[now]).ok());
        let mut found: BTreeMap<_, _> = found.map(|taken| (taken.next.trust.digest().clone(), taken)).collect();
        if found.len() > 1 { None } else { found.pop_first().map(|(_, taken)| taken) }
    }

    /// Why each of these is not in the chain, by its file.
    #[must_use]
    pub fn refusals(&self, files: &[(String, NextTrust)], now: Timestamp) -> Vec<(String, Refusal)> {
        let refusals = files.iter().map(|(name, file)| Some((name.clone(), self.refusal(file, now)?)));
        refusals.flatten().collect()
    }

    /// Its files, from the pinned one to the newest.
    fn links(&self) -> impl Iterator<Item = &Trust> {
        [&self.pinned].into_iter().chain(self.taken.iter().map(|taken| &taken.next.trust))
    }

    fn refusal(&self, file: &NextTrust, now: Timestamp) -> Option<Refusal> {
        let (version, digest) = (file.trust.file().version, file.trust.digest());
        // Old files may lie in the folder: whoever pinned the first of the chain vouches for none before it.
        if version < self.pinned.file().version || self.links().any(|link| link.digest() == digest) {
            return None;
        }
        let before = self.links().find(|link| link.file().version.checked_add(1) == Some(version));
        match file.verify(before.unwrap_or(self.newest()), &[now]) {
            Err(refusal) => Some(refusal),
            Ok(_) => Some(file.fork("another trust file with this version is signed too")),
        }
    }
}

fn refused(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::TrustFile, message)
}
