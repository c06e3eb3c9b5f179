//! The last checkpoint that a quorum of witnesses cosigned, as a file beside the log: `cosigned`.
//!
//! It is a C2SP checkpoint as it is, so that receipts have one at hand, and anybody may copy it. The log has the same as
//! a record, so this file may be lost, and is not synced.

use crate::record::spool::links;
use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// No checkpoint is longer.
const BYTES: u64 = 64 << 10;

fn path(data: &Path) -> PathBuf {
    data.join("cosigned")
}

/// What was kept. `None` where nothing was.
///
/// # Errors
/// The file cannot be read.
pub fn read_cosigned(data: &Path) -> io::Result<Option<String>> {
    let file = match links::open(OpenOptions::new().read(true), &path(data)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Keeps a checkpoint, so that a reader sees the whole of it or of the one before.
pub(super) fn keep(data: &Path, note: &str) -> io::Result<()> {
    let unfinished = data.join("cosigned.new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
    file.write_all(note.as_bytes())?;
    fs::rename(&unfinished, path(data))
}
