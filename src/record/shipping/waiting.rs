//! Why a sink waits, in `shipping/<sink>.json` in the data folder: for `poort log status`, which is another process.
//!
//! The file is a hint for people. It is there while the sink waits, and is not synced. What a process that was killed
//! left is removed by the next one.

use super::{config::Name, quarantine::make_folder_of};
use crate::record::spool::links;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a sink waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// As in the metrics: `unavailable`, `deadline`, `transport`, `io`, `fault`, `refused` or `duplicate`.
    pub reason: String,
    /// The receiver's words, or those of the system.
    pub why: String,
    /// Since when, in RFC 3339.
    pub since: String,
    /// How often sending was tried since then.
    pub attempts: u64,
    /// When it is tried again, in RFC 3339.
    pub next: String,
}

/// What is known of the wait, and its file.
#[derive(Debug)]
pub(super) struct Notice {
    path: PathBuf,
    waiting: Option<Waiting>,
}

/// The most that is read of a file: the receiver's words are cut.
const BYTES: u64 = 16 << 10;

impl Notice {
    /// None yet. What an earlier process left is removed.
    pub(super) fn none(data: &Path, sink: &Name) -> Self {
        let path = path_of(data, sink);
        let _ = fs::remove_file(&path);
        Self { path, waiting: None }
    }

    /// The sink waits for so long from now. If it waits already, it is one attempt more.
    pub(super) fn put(&mut self, reason: &str, why: &str, wait: Duration) {
        let now = Timestamp::now();
        let next = now.checked_add(wait).unwrap_or(now);
        let before = self.waiting.take();
        let waiting = Waiting {
            reason: reason.to_owned(),
            why: why.to_owned(),
            attempts: before.as_ref().map_or(0, |before| before.attempts).saturating_add(1),
            since: before.map_or_else(|| format!("{now:.3}"), |before| before.since),
            next: format!("{next:.3}"),
        };
        if let Err(error) = self.write(&waiting) {
            tracing::debug!(path = %self.path.display(), %error, "Why the sink waits cannot be written.");
        }
        self.waiting = Some(waiting);
    }

    /// The sink does not wait any more. Returns the wait that is over.
    pub(super) fn clear(&mut self) -> Option<Waiting> {
        let over = self.waiting.take()?;
        let _ = fs::remove_file(&self.path);
        Some(over)
    }

    /// Puts a new file in the place of the old one, so that a reader sees a whole one.
    fn write(&self, waiting: &Waiting) -> io::Result<()> {
        make_folder_of(&self.path)?;
        let unfinished = self.path.with_extension("unfinished");
        let mut options = OpenOptions::new();
        let mut file = links::open(options.create(true).truncate(true).write(true).mode(0o640), &unfinished)?;
        file.write_all(&serde_json::to_vec(waiting)?)?;
        fs::rename(&unfinished, &self.path)
    }
}

/// Why the sink waits, as its process wrote it last. `None` if it does not.
pub(super) fn read(data: &Path, sink: &Name) -> io::Result<Option<Waiting>> {
    let file = match links::open(OpenOptions::new().read(true), &path_of(data, sink)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(BYTES).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

fn path_of(data: &Path, sink: &Name) -> PathBuf {
    data.join("shipping").join(format!("{sink}.json"))
}
