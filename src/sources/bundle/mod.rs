//! Signed bundles: policy folders that go live only when enough persons signed them. It knows bytes and signatures, no Cedar.
//!
//! What holds here:
//! - What is signed is the manifest; the manifest has the digest of every file, and nothing else is in the archive.
//! - Persons are counted, not keys and not signatures.
//! - Where a trust file is configured, a bundle without signatures is refused like one with wrong ones.
//!
//! - `archive`: the archive, with one form for each content
//! - `manifest`: what a bundle says of itself
//! - `signature`: signatures and keys of officers
//! - `trust`: who may sign, and how many it takes
//! - `verified`: reads and verifies a bundle
//! - `config`: its configuration
//! - `chain`: which bundle follows the active one
//! - `rotation`: which trust file follows the pinned one
//! - `refusal`: why a bundle is refused

pub mod archive;
mod chain;
mod config;
mod manifest;
mod refusal;
mod rotation;
mod signature;
mod trust;
mod verified;

pub use chain::{Choice, Floor, choose};
pub use config::Config;
pub use manifest::{FileEntry, Manifest, Review, Rollback, is_store};
pub use refusal::{Code, Refusal};
pub use rotation::{Chain, NextTrust, Taken, told};
pub use signature::{BUNDLE, Key, Presence, Signature, TRUST, stored};
pub use trust::{Act, Person, PersonalKey, Signer, Tally, Thresholds, Trust, TrustFile};
pub use verified::{Bundle, Verified};

#[cfg(test)]
mod tests;
