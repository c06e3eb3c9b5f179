//! The state of live signals on disk, so that a start does not read the whole log again.
//!
//! It is one JSON document, compressed with Zstandard. It counts only for the build, the log and the settings that it names; with
//! any other, or if it cannot be read, the log is read from its beginning.

use super::super::{detection::Known, recording::Recorded};
use crate::types::{build, revision::Revision};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, BufReader, Write as _},
    path::{Path, PathBuf},
};
use tracing::info;

/// How much it is compressed: quickly.
const LEVEL: i32 = 1;

/// The file.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    origin: String,
}

/// What it counts for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct For {
    version: String,
    commit: String,
    origin: String,
    settings: String,
}

#[derive(Serialize)]
struct Written<'s> {
    r#for: For,
    next: u64,
    recorded: &'s Recorded,
    known: &'s Known,
}

#[derive(Deserialize)]
struct Read {
    r#for: For,
    next: u64,
    recorded: Recorded,
    known: Known,
}

impl StateFile {
    /// In this data folder, for the log of this origin.
    pub(super) fn new(data: &Path, origin: &str) -> Self {
        Self { path: data.join("signals.state"), origin: origin.to_owned() }
    }

    /// The next record, what is on record before it, and what is known. `None` without a state that counts.
    pub(super) fn read(&self, settings: &Revision, durable: u64) -> Option<(u64, Recorded, Known)> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                info!(%error, "The state of signals cannot be read, so the whole log is.");
                return None;
            }
        };
        let read = zstd::Decoder::new(file)
            .and_then(|bytes| serde_json::from_reader::<_, Read>(BufReader::new(bytes)).map_err(io::Error::from));
        match read {
            Ok(read) if read.r#for == self.counts_for(settings) && read.next <= durable => {
                Some((read.next, read.recorded, read.known))
            }
            Ok(_) => {
                info!("The state of signals is of another build, log or settings, so the whole log is read.");
                None
            }
            Err(error) => {
                info!(%error, "The state of signals cannot be read, so the whole log is.");
                None
            }
        }
    }

    /// Keeps it. What was there stays until the new one is on disk.
    pub(super) fn write(&self, settings: &Revision, next: u64, recorded: &Recorded, known: &Known) -> io::Result<()> {
        let beside = self.path.with_extension("state.new");
        let mut out = zstd::Encoder::new(io::BufWriter::new(File::create(&beside)?), LEVEL)?;
        serde_json::to_writer(&mut out, &Written { r#for: self.counts_for(settings), next, recorded, known })?;
        let mut file = out.finish()?;
        file.flush()?;
        file.get_ref().sync_data()?;
        fs::rename(&beside, &self.path)
    }

    fn counts_for(&self, settings: &Revision) -> For {
        For {
            version: build::VERSION.to_owned(),
            commit: build::COMMIT.to_owned(),
            origin: self.origin.clone(),
            settings: settings.as_str().to_owned(),
        }
    }
}
