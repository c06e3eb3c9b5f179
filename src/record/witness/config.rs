//! The configuration of witnesses.

use crate::record::evidence::{BadPolicy, Policy};
use std::{io, path::PathBuf, time::Duration};
use thiserror::Error;

/// Who cosigns the checkpoints of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file of the policy: the witnesses with their addresses, and which of them suffice (C2SP `tlog-policy`).
    pub policy: PathBuf,
    /// How long ago a quorum may have cosigned at most. When it is longer, nothing is answered. Without it, witnesses that
    /// are away stop nothing.
    pub required: Option<Duration>,
    /// How long a witness may take for one answer.
    pub timeout: Duration,
    /// The roots that may have signed the certificates of witnesses. Without it: those of the system.
    pub ca: Option<PathBuf>,
}

impl Config {
    /// Two seconds: a witness answers within one round trip and one write to its disk. At a start all of them are asked at
    /// once, so one that is away costs the start no more than that; one that answers badly costs four times as much.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

    /// Reads the policy.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn read(&self) -> Result<Policy, PolicyError> {
        let path = || self.policy.clone();
        let text = std::fs::read_to_string(&self.policy).map_err(|error| PolicyError::Io(path(), error))?;
        let policy = Policy::parse(&text).map_err(|error| PolicyError::Form(path(), error))?;
        if let Some(witness) = policy.witnesses.iter().find(|witness| witness.url.is_none()) {
            return Err(PolicyError::NoAddress(path(), witness.name.clone()));
        }
        if !policy.asks() {
            return Err(PolicyError::Nobody(path()));
        }
        Ok(policy)
    }
}

/// The policy cannot be used.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Its file cannot be read.
    #[error("log.witness.policy: cannot read `{path}`", path = .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// It has not the form.
    #[error("log.witness.policy: `{path}`", path = .0.display())]
    Form(PathBuf, #[source] BadPolicy),
    /// A witness cannot be asked.
    #[error("log.witness.policy: `{path}`: the witness `{name}` has no address; it is the last word of its line", path = .0.display(), name = .1)]
    NoAddress(PathBuf, String),
    /// Nobody is asked.
    #[error("log.witness.policy: `{}` says `quorum none`, so no witness would count", .0.display())]
    Nobody(PathBuf),
}
