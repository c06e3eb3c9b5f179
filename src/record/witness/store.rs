//! What a witness remembers: for each log the checkpoint that it cosigned last, whole.
//!
//! ```text
//!   <dir>/witness-key.pem                               its key
//!   <dir>/logs/<SHA-256 of the origin>/checkpoint       the last one, with the log's signature and its own
//!   <dir>/logs/<SHA-256 of the origin>/refused-…        checkpoints that the log signed and that do not continue it
//! ```
//!
//! **Invariant:** a checkpoint is on disk before its cosignature leaves, and check and change are one step. A witness that
//! forgot could be led to cosign a fork, so one with a key and without its memory does not start.

use super::wire::Submission;
use crate::record::evidence::{Checkpoint, CheckpointError, Hash, Key, KeyError, PublicKeys, Tree, proof};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use thiserror::Error;

/// How many refused checkpoints of one log are kept.
const REFUSED: usize = 100;

/// The memory of a witness.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    name: String,
    key: Key,
    logs: Option<PathBuf>,
    one_at_a_time: Mutex<()>,
}

/// The memory cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file.
    #[error("cannot use `{}`", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It has cosigned and does not know what.
    #[error(
        "the key of this witness, `{}`, is there, and the folder `logs` beside it is not. A witness that forgot what it \
         cosigned must not go on: put the folder back as it was last, or begin another witness in another folder", .0.display()
    )]
    Forgot(PathBuf),
    /// The name.
    #[error("`{0}` cannot be the name of a witness: it is empty, or has a space or a `+`")]
    Name(String),
}

/// Why a checkpoint is not cosigned, by the status of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400
    Malformed(&'static str),
    /// 403
    Unsigned(CheckpointError),
    /// 404
    UnknownLog,
    /// 409: the size that it cosigned last.
    Conflict(u64),
    /// 422
    Contradiction,
    /// 500
    Failed(String),
}

impl Store {
    /// Opens the memory of a witness, and makes it with a key where there is none. `logs` is a file of public keys, a line
    /// each, as `poort log key` prints them. It is read for each checkpoint; without one no log is known.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(dir: &Path, name: &str, logs: Option<&Path>) -> Result<Self, StoreError> {
        let (memory, path) = (dir.join("logs"), dir.join("witness-key.pem"));
        let failed = |path: &Path| {
            let path = path.to_owned();
            |error| StoreError::Io(path, error)
        };
        if path.exists() && !memory.is_dir() {
            return Err(StoreError::Forgot(path));
        }
        fs::create_dir_all(&memory).map_err(failed(&memory))?;
        let key = Key::read_or_make(&path)?;
        if key.cosign(name, "a\n\n\u{2014} a AAAAAAAA\n", 0).is_none() {
            return Err(StoreError::Name(name.to_owned()));
        }
        if let Some(logs) = logs {
            read_keys(logs).map_err(failed(logs))?;
        }
        let logs = logs.map(Path::to_owned);
        Ok(Self { dir: memory, name: name.to_owned(), key, logs, one_at_a_time: Mutex::default() })
    }

    /// The public key, in the C2SP form.
    #[must_use]
    pub fn public(&self) -> String {
        self.key.public_witness(&self.name)
    }

    /// Cosigns a checkpoint that continues the last one, at this time in seconds since 1970: the line of the
    /// cosignature. Blocks on files.
    pub(super) fn add(&self, text: &str, time: u64) -> Result<String, Refusal> {
        let malformed = || Refusal::Malformed("it has not the form of add-checkpoint");
        let Submission { old, proof, note } = Submission::parse(text).ok_or_else(malformed)?;
        let origin = Checkpoint::read(&note).map_err(|_| malformed())?.origin;
        let keys = self.logs.as_deref().map(read_keys).ok_or(Refusal::UnknownLog)?.map_err(failed)?;
        if !keys.names().contains(&origin) {
            return Err(Refusal::UnknownLog);
        }
        let (checkpoint, note) = Checkpoint::open_signed(&note, &keys).map_err(Refusal::Unsigned)?;
        if old > checkpoint.size {
            return Err(Refusal::Malformed("the old size is above that of the checkpoint"));
        }
        let _one = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = self.dir.join(hash(&origin));
        let last = read(&dir.join("checkpoint")).map_err(failed)?;
        let last = last.map(|note| Checkpoint::read(&note)).transpose();
        let last = last.map_err(|error| Refusal::Failed(error.to_string()))?;
        let (last_size, last_root) = last.map_or_else(|| (0, Tree::default().root()), |last| (last.size, last.root));
        let continues = proof::is_consistent(&proof, (last_size, last_root), (checkpoint.size, checkpoint.root));
        if old != last_size {
            if last_size == checkpoint.size && last_root != checkpoint.root {
                self.refuse(&dir, &checkpoint, &note).map_err(failed)?;
            }
            return Err(Refusal::Conflict(last_size));
        }
        let is_empty = checkpoint.size > 0 || checkpoint.root == Tree::default().root();
        if !continues || !is_empty {
            self.refuse(&dir, &checkpoint, &note).map_err(failed)?;
            return Err(Refusal::Contradiction);
        }
        let line = self.key.cosign(&self.name, &note, time).ok_or_else(malformed)?;
        keep(&dir, "checkpoint", &format!("{note}{line}")).map_err(failed)?;
        Ok(line)
    }

    /// The last checkpoint of the log with this hash of its origin. Blocks on files.
    pub(super) fn latest(&self, hash: &str) -> io::Result<Option<String>> {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash { read(&self.dir.join(hash).join("checkpoint")) } else { Ok(None) }
    }

    /// Keeps what the log signed and what does not continue the rest: with another of its size it proves a fork.
    fn refuse(&self, dir: &Path, checkpoint: &Checkpoint, note: &str) -> io::Result<()> {
        tracing::warn!(
            origin = %checkpoint.origin, size = checkpoint.size,
            "A log signed a checkpoint that does not continue what was cosigned. It is kept, and not cosigned.",
        );
        let many = fs::read_dir(dir).map_or(0, |entries| entries.count());
        if many > REFUSED {
            return Ok(());
        }
        let root: String = checkpoint.root.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        keep(dir, &format!("refused-{}-{root}", checkpoint.size), note)
    }
}

/// The keys of logs in a file. Empty lines and those that begin with `#` say nothing.
fn read_keys(path: &Path) -> io::Result<PublicKeys> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    PublicKeys::parse(lines).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn hash(origin: &str) -> String {
    let hash: Hash = Sha256::digest(origin).into();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: io::Error) -> Refusal {
    Refusal::Failed(error.to_string())
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Writes a file whole, durably, or not at all.
fn keep(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    if !dir.is_dir() {
        fs::create_dir_all(dir)?;
        if let Some(above) = dir.parent() {
            File::open(above)?.sync_all()?;
        }
    }
    let unfinished = dir.join("unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, dir.join(name))?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
