//! The state of live signals on disk, so that a start does not read the whole log again.
//!
//! It is one JSON document, compressed with Zstandard. It counts only for the build, the log and the settings that it names; with
//! any other, or if it cannot be read, the log is read from its beginning.

use super::{
    super::{detection::Known, last_read::LastRead},
    log::Position,
};
use crate::types::{build, revision::Revision};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
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

/// How far the log was read, and what it said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Read {
    pub(super) position: Position,
    /// Whether the settings are active there.
    pub(super) is_active: bool,
    pub(super) last_read: LastRead,
}

#[derive(Serialize)]
struct Written<'s> {
    r#for: For,
    read: &'s Read,
    known: &'s Known,
}

#[derive(Deserialize)]
struct Document {
    r#for: For,
    read: Read,
    known: Known,
}

/// What was kept.
pub(super) struct Kept {
    pub(super) read: Read,
    pub(super) known: Known,
}

impl StateFile {
    /// In this data folder, for what is read: the log of an origin, or a stream.
    pub(super) fn new(data: &Path, origin: String) -> Self {
        Self { path: data.join("signals.state"), origin }
    }

    /// What was kept. `None` without a state that counts.
    pub(super) fn read(&self, settings: &Revision) -> Option<Kept> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                info!(%error, "The state of signals cannot be read, so the whole log is.");
                return None;
            }
        };
        let read = zstd::Decoder::new(file)
            .and_then(|bytes| serde_json::from_reader::<_, Document>(BufReader::new(bytes)).map_err(io::Error::from));
        match read {
            Ok(Document { r#for, read, known }) if r#for == self.counts_for(settings) => Some(Kept { read, known }),
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
    pub(super) fn write(&self, settings: &Revision, read: &Read, known: &Known) -> io::Result<()> {
        // It names accounts, so its owner alone can read it.
        let file = NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
        let mut out = zstd::Encoder::new(io::BufWriter::new(file), LEVEL)?;
        serde_json::to_writer(&mut out, &Written { r#for: self.counts_for(settings), read, known })?;
        let file = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_data()?;
        file.persist(&self.path)?;
        Ok(())
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
