//! The verification of a log: proves with the public key alone that no record was changed, removed or inserted.
//!
//! The records are hashed in order into a tree. Each signed checkpoint among them says what that tree must be at its
//! place. So each change below a checkpoint is found, between two checkpoints at the widest. A record that says that
//! its place is another is named itself.
//!
//! What is not found: records that were cut off the end together with everything that names them. The file `head` names
//! the last checkpoint. One that another party holds shows the cut also when the whole folder is replaced. Records
//! after the last checkpoint are not proven by anything yet.
//!
//! - `facts`: what the check needs to know of a record
//! - `checker`: the records in order, against their checkpoints
//! - `disk`: the log on disk
//! - `received`: what a pipeline stored
//! - `line`: the records in a line of that

mod checker;
mod disk;
mod facts;
pub(super) mod line;
mod received;
#[cfg(test)]
mod tests;

pub use disk::verify_folder;
pub use received::{Compared, verify_received};

use crate::record::{
    evidence::{BadKey, Checkpoint, Policy},
    spool::reader::ReadError,
};
use serde::Serialize;
use std::{fmt, io};
use thiserror::Error;

/// The result of the verification of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log: `poort/<instance>/<epoch>`.
    pub origin: String,
    /// The seq of the oldest record that is there.
    pub first: u64,
    /// The seq after the newest.
    pub end: u64,
    /// How many records are there.
    pub records: u64,
    /// How many checkpoints are among them, and agree with the records before them.
    pub checkpoints: u64,
    /// All records from `first` to below this are there and are what they were.
    pub proven: u64,
    /// The last checkpoint that can be trusted.
    pub last: Option<LastCheckpoint>,
    /// Where the folder was put back from a backup, and the log went on under a new name.
    pub restored: Vec<PutBack>,
    /// The last checkpoint that enough witnesses cosigned, where a policy was given.
    pub witnessed: Option<Witnessed>,
    /// Records that a process found after the last checkpoint of one that did not end in order: no process that wrote
    /// them signed for them.
    pub found: Vec<Found>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Records that were found after a crash, as the first checkpoint after them says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The first of them.
    pub from: u64,
    /// The first after them.
    pub to: u64,
}

/// A checkpoint, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastCheckpoint {
    /// How many records it covers.
    pub size: u64,
    /// When it was made, in milliseconds since 1970.
    pub timestamp: u64,
    /// Why it was made; `shutdown` when the log was closed in order.
    pub occasion: String,
}

/// A log that goes on under a new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PutBack {
    /// Its name until here.
    pub origin: String,
    /// How many records were put back.
    pub size: u64,
}

/// A checkpoint that enough witnesses cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    /// How many records it covers.
    pub size: u64,
    /// When the last of them cosigned, in seconds since 1970.
    pub time: u64,
    /// Their names in the policy.
    pub witnesses: Vec<String>,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Records `from` to below `to` are not there.
    Missing {
        /// The first that is missing.
        from: u64,
        /// The first after them.
        to: u64,
    },
    /// Of the records `from` to below `to` one or more are not what they were.
    Altered {
        /// The first that may be altered.
        from: u64,
        /// The first after them.
        to: u64,
    },
    /// A record is in another place than it says.
    Moved {
        /// Its place.
        seq: u64,
        /// What it says of itself.
        says: String,
    },
    /// A checkpoint that cannot be trusted: forged, or signed with another key.
    Untrusted {
        /// Its place.
        seq: u64,
        /// Why.
        why: String,
    },
    /// A record follows the checkpoint of an orderly end, where only the checkpoint of the next start can.
    BehindEnd {
        /// Its place.
        seq: u64,
    },
    /// A checkpoint was signed for more records than there are.
    CutOff {
        /// Where the log ends.
        end: u64,
        /// How many records it had.
        size: u64,
    },
    /// A checkpoint that is kept elsewhere covers other records than these.
    Contradiction {
        /// How many records it covers.
        size: u64,
    },
    /// A checkpoint that should be one of this log is one of another.
    OtherLog {
        /// The log that it is of.
        origin: String,
    },
    /// The head, which names the last checkpoint, is not there or cannot be trusted.
    NoHead {
        /// Why.
        why: String,
    },
    /// A segment cannot be read.
    Unreadable {
        /// Which, and where.
        place: String,
        /// Why.
        why: String,
    },
    /// Two different records say that they have the same place.
    Conflict {
        /// The place.
        seq: u64,
    },
    /// A line that is no record of a log.
    NoRecord {
        /// Its number in the file, counted from one.
        line: u64,
        /// Why.
        why: String,
    },
    /// No checkpoint was cosigned by as many witnesses as the policy asks for.
    Unwitnessed,
    /// Nothing proves these records: there is no checkpoint before and after them.
    Unproven {
        /// The first.
        from: u64,
        /// The first after them.
        to: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |from: u64, to: u64| match to.saturating_sub(from) {
            1 => format!("record {from}"),
            _ => format!("records {from} to {}", to.saturating_sub(1)),
        };
        match self {
            Self::Missing { from, to } => write!(f, "missing: {}", span(*from, *to)),
            Self::Altered { from, to } if to.saturating_sub(*from) == 1 => write!(f, "altered: record {from}"),
            Self::Altered { from, to } => write!(f, "altered: one or more of {}", span(*from, *to)),
            Self::Moved { seq, says } => write!(f, "in the wrong place: record {seq} says that it is {says}"),
            Self::Untrusted { seq, why } => write!(f, "not to be trusted: the checkpoint at record {seq}: {why}"),
            Self::BehindEnd { seq } => {
                write!(f, "put in: record {seq} follows the checkpoint of an orderly end, so no poort wrote it")
            }
            Self::CutOff { end, size } => {
                write!(f, "cut off: the log ends at record {end}, and the checkpoint behind record {size} was signed")
            }
            Self::Contradiction { size } => {
                write!(f, "contradiction: a checkpoint of {size} records, kept elsewhere, speaks of other records")
            }
            Self::OtherLog { origin } => write!(f, "another log: a checkpoint is one of {origin}"),
            Self::NoHead { why } => write!(f, "no head: {why}"),
            Self::Unreadable { place, why } => write!(f, "cannot be read: {place}: {why}"),
            Self::Conflict { seq } => write!(f, "conflict: two different records say that they are record {seq}"),
            Self::NoRecord { line, why } => write!(f, "no record: line {line}: {why}"),
            Self::Unwitnessed => {
                f.write_str("not witnessed: no checkpoint has the cosignatures that the policy asks for")
            }
            Self::Unproven { from, to } => write!(f, "not proven: no checkpoint covers {}", span(*from, *to)),
        }
    }
}

/// The verification could not be made.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A key is no key.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// The log cannot be read at all.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A file cannot be read.
    #[error("cannot read")]
    Io(#[from] io::Error),
}

/// What is known of a log from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Checkpoints that another party kept.
    pub checkpoints: Vec<Checkpoint>,
    /// Which witnesses must have cosigned.
    pub policy: Option<Policy>,
}
