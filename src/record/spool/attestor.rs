//! The attestor: keeps account of the records while they are written, and attests to them in records of its own.
//!
//! The spool decides when. An attestation is the first record of every segment, so that a reader that begins there
//! knows what came before. More follow at a steady cadence, also when no other record does, and one is the last record
//! of all. What it says is the attestor's business.
//!
//! **Invariant:** an attestor gets each record once, in order, and only after it is on disk. So an attestation never
//! speaks of a record that a power cut could take back (`tests/crash_states`).

use super::payload::Payload;
use std::{fmt, time::Duration};

/// Why an attestation is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It is the first record of a segment: all segments before it are complete.
    Segment,
    /// It is time for one.
    Cadence,
    /// There is no room for other records any more.
    Full,
    /// The spool closes.
    Shutdown,
}

/// What an attestor says of all records before this one.
#[derive(Debug)]
pub struct Attestation {
    /// As a record.
    pub record: Payload,
    /// In short: kept beside the segments when the record is on disk, so that a log that was cut off after it does not
    /// look whole. At most 496 bytes.
    pub head: Vec<u8>,
}

/// Keeps account of the records. It runs where records are written, so it must be quick, and it must not fail.
pub trait Attestor: fmt::Debug + Send {
    /// Goes on from what is on disk: `head` is what was kept beside the segments, `opening` the first record of the
    /// last segment that has records, with its seq. That record and all after it come to [`Attestor::record`] next.
    ///
    /// # Errors
    /// Why it cannot: it would have to attest to records that it does not know.
    fn resume(&mut self, head: Option<&[u8]>, opening: Option<(u64, &[u8])>) -> Result<(), String>;

    /// A record is on disk. Attestations come here too.
    fn record(&mut self, payload: &[u8]);

    /// All records were given, at the start.
    ///
    /// # Errors
    /// What is missing.
    fn resumed(&mut self) -> Result<(), String>;

    /// Attests to all records so far.
    fn attest(&mut self, occasion: Occasion) -> Attestation;

    /// The time from one attestation to the next.
    fn cadence(&self) -> Duration;
}
