//! The manifest of a revision: the files of a directory, as lists of chunks.
//!
//! `<digest>/manifest` is JSON. `format` comes before all else: a manifest of a newer poort is refused by that name.

use super::chunks::ChunkId;
use serde::{Deserialize, Serialize};
use std::io;

/// The name of the manifest in the folder of its revision. No file of a revision that is kept as files has this name: those
/// of a directory end in `.json`.
pub(super) const FILE: &str = "manifest";
/// The name of the format without its version.
const FORMAT: &str = "poort-revision/";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

/// The files of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: String,
    pub(super) files: Vec<File>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) name: String,
    /// In bytes.
    pub(super) length: u64,
    /// Chunks that hold the names of the file's chunks, one a line.
    pub(super) lists: Vec<ChunkId>,
}

#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Why a manifest is not used.
#[derive(Debug)]
pub(super) enum Refused {
    /// It has this format, of a newer poort.
    Newer(String),
    /// It is no manifest.
    Damaged(io::Error),
}

impl Manifest {
    pub(super) fn new(files: Vec<File>) -> Self {
        Self { format: format!("{FORMAT}{VERSION}"), files }
    }

    pub(super) fn write(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let damaged = |error: serde_json::Error| Refused::Damaged(error.into());
        let Format { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        match format.strip_prefix(FORMAT).and_then(|version| version.parse::<u32>().ok()) {
            Some(VERSION) => serde_json::from_slice(bytes).map_err(damaged),
            Some(version) if version > VERSION => Err(Refused::Newer(format)),
            _ => Err(Refused::Damaged(io::Error::other("its format is none of poort's"))),
        }
    }
}

/// The names of chunks in a list, in order. `None` if it is no list.
pub(super) fn listed(list: &[u8]) -> Option<Vec<ChunkId>> {
    str::from_utf8(list).ok()?.lines().map(ChunkId::parse).collect()
}
