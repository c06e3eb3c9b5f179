//! What a witness remembers: for each log the checkpoint that it cosigned last, whole.
//!
//! ```text
//!   <dir>/witness-key.pem                               its key
//!   <dir>/lock                                          held by the process that cosigns
//!   <dir>/logs/<SHA-256 of the origin>/checkpoint       the last one, with the log's signature and its own
//!   <dir>/logs/<SHA-256 of the origin>/refused-…        checkpoints that the log signed and that do not continue it
//! ```
//!
//! **Invariant:** a checkpoint is on disk before its cosignature leaves, and check and change are one step of one process. A witness
//! that forgot could be led to cosign a fork, so one with a key and without its memory does not start.

use super::wire::Submission;
use crate::record::{
    evidence::{Checkpoint, CheckpointError, Hash, Key, KeyError, PublicKeys, Tree, proof},
    spool::Lock,
};
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
    logs: PathBuf,
    one_at_a_time: Mutex<()>,
    _lock: Lock,
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
    /// 409: the size that it cosigned last, which is not the old size; or the same size, with another root.
    Conflict(u64),
    /// 422
    Contradiction,
    /// 500
    Failed(String),
}

impl Store {
    /// Opens the memory of a witness, for this process alone, and makes it with a key where there is none. `logs` is a
    /// file of public keys, a line each, as `poort log key` prints them. It is read for each checkpoint.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(dir: &Path, name: &str, logs: &Path) -> Result<Self, StoreError> {
        let (memory, key) = key(dir, name)?;
        let lock = Lock::take(dir).map_err(failed_at(dir))?;
        read_keys(logs).map_err(failed_at(logs))?;
        let (name, logs) = (name.to_owned(), logs.to_owned());
        Ok(Self { dir: memory, name, key, logs, one_at_a_time: Mutex::default(), _lock: lock })
    }

    /// The public key, in the C2SP form.
    #[must_use]
    pub fn public(&self) -> String {
        self.key.public_witness(&self.name)
    }

    /// The public key of the witness in this folder, also while another process cosigns there. Makes it where there is none.
    ///
    /// # Errors
    /// As [`Store::open`], but for the lock.
    pub fn public_of(dir: &Path, name: &str) -> Result<String, StoreError> {
        key(dir, name).map(|(_, key)| key.public_witness(name))
    }

    /// Cosigns a checkpoint that continues the last one, at this time in seconds since 1970: the line of the
    /// cosignature. Blocks on files.
    pub(super) fn add(&self, text: &str, time: u64) -> Result<String, Refusal> {
        let malformed = || Refusal::Malformed("it has not the form of add-checkpoint");
        let Submission { old, proof, note } = Submission::parse(text).ok_or_else(malformed)?;
        let origin = Checkpoint::read(&note).map_err(|_| malformed())?.origin;
        let keys = read_keys(&self.logs).map_err(failed)?;
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
        // Another root of the same size is a conflict too (C2SP `tlog-witness`).
        let is_other = last_size == checkpoint.size && last_root != checkpoint.root;
        if is_other {
            self.refuse(&dir, &checkpoint, &note).map_err(failed)?;
        }
        if old != last_size || is_other {
            return Err(Refusal::Conflict(last_size));
        }
        if !continues {
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

/// The folder of what the witness in this folder cosigned, and its key. Makes them where there are none.
fn key(dir: &Path, name: &str) -> Result<(PathBuf, Key), StoreError> {
    let (memory, path) = (dir.join("logs"), dir.join("witness-key.pem"));
    if path.exists() && !memory.is_dir() {
        return Err(StoreError::Forgot(path));
    }
    fs::create_dir_all(&memory).map_err(failed_at(&memory))?;
    let key = Key::read_or_make(&path)?;
    if key.cosign(name, "a\n\n\u{2014} a AAAAAAAA\n", 0).is_none() {
        return Err(StoreError::Name(name.to_owned()));
    }
    Ok((memory, key))
}

fn failed_at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |error| StoreError::Io(path, error)
}

/// The keys of logs in a file.
fn read_keys(path: &Path) -> io::Result<PublicKeys> {
    PublicKeys::parse(PublicKeys::lines(&fs::read_to_string(path)?))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
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
