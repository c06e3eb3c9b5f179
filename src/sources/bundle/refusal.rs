//! Why a bundle or a trust file is refused: a code for scripts, and a sentence for people.

use std::fmt;
use thiserror::Error;

/// A bundle or a trust file is refused, and nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Which rule it breaks.
    pub code: Code,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal with this sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The rules that a bundle or a trust file can break. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The archive is not one that poort writes.
    Archive,
    /// The manifest is not in its form, or the files are not those that it lists.
    Manifest,
    /// It is for another store.
    Store,
    /// A signature does not fit, or too few persons signed.
    Signatures,
    /// It is older than the active one, or does not follow it.
    Version,
    /// Another bundle has its place.
    Fork,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Future,
    /// This poort cannot use its policies.
    Policies,
    /// The trust file is not in its form.
    TrustFile,
    /// It is for another store.
    TrustStore,
    /// A signature on it does not fit, or too few persons of it or of the one before it signed.
    TrustSignatures,
    /// It is older than the newest, or does not follow it.
    TrustVersion,
    /// Another trust file has its place.
    TrustFork,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Archive,
        Self::Manifest,
        Self::Store,
        Self::Signatures,
        Self::Version,
        Self::Fork,
        Self::Expired,
        Self::Future,
        Self::Policies,
        Self::TrustFile,
        Self::TrustStore,
        Self::TrustSignatures,
        Self::TrustVersion,
        Self::TrustFork,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "bundle-archive",
            Self::Manifest => "bundle-manifest",
            Self::Store => "bundle-store",
            Self::Signatures => "bundle-signatures",
            Self::Version => "bundle-version",
            Self::Fork => "bundle-fork",
            Self::Expired => "bundle-expired",
            Self::Future => "bundle-future",
            Self::Policies => "bundle-policies",
            Self::TrustFile => "trust-file",
            Self::TrustStore => "trust-store",
            Self::TrustSignatures => "trust-signatures",
            Self::TrustVersion => "trust-version",
            Self::TrustFork => "trust-fork",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
