//! The quarantine: keeps records that a receiver will never take, in `quarantine/<sink>.jsonl` in the data folder.
//!
//! One line a record: `{"seq": …, "when": "…", "why": "…", "record": {…}}`. The record is there as it was, byte by
//! byte. Only after the file is synced may the cursor pass the record.

use super::config::Name;
use crate::record::spool::links;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The quarantine of one sink.
#[derive(Debug)]
pub(super) struct Quarantine {
    path: PathBuf,
    sync: fn(&File) -> io::Result<()>,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    when: String,
    why: &'a str,
    record: Box<RawValue>,
}

impl Quarantine {
    pub(super) fn new(data: &Path, sink: &Name) -> Self {
        Self { path: path_of(data, sink), sync: File::sync_data }
    }

    #[cfg(test)]
    pub(super) fn with_sync(self, sync: fn(&File) -> io::Result<()>) -> Self {
        Self { sync, ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps these records, each with its number. When it returns `Ok`, they are on disk.
    pub(super) fn keep<'a>(&self, records: impl IntoIterator<Item = (u64, &'a str)>, why: &str) -> io::Result<()> {
        let mut lines = Vec::new();
        for (seq, record) in records {
            let when = Timestamp::now().to_string();
            let line = Line { seq, when, why, record: as_it_was(record)? };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        let mut file = self.open()?;
        let end = file.metadata()?.len();
        let written = file.write_all(&lines).and_then(|()| (self.sync)(&file));
        if written.is_err() {
            // Half a line would spoil the next one. If this fails too, a reader skips the half.
            let _ = file.set_len(end);
        }
        written
    }

    fn open(&self) -> io::Result<File> {
        let is_new = !self.path.exists();
        make_folder_of(&self.path)?;
        let mut file = links::open(OpenOptions::new().create(true).append(true).read(true).mode(0o640), &self.path)?;
        if is_new {
            sync_folder_of(&self.path)?;
        } else if !ends_a_line(&mut file)? {
            // A crash left half a line. The cursor did not pass its record, so it is kept again.
            file.write_all(b"\n")?;
        }
        Ok(file)
    }
}

/// The bytes of a record as a value, if they are one; else as a string.
fn as_it_was(record: &str) -> io::Result<Box<RawValue>> {
    match RawValue::from_string(record.to_owned()) {
        Ok(value) if !record.contains('\n') => Ok(value),
        _ => Ok(serde_json::value::to_raw_value(record)?),
    }
}

/// Makes the folder of this file, if it is not there.
pub(super) fn make_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    links::refuse(folder)?;
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        sync_folder_of(folder)?;
    }
    Ok(())
}

/// Makes the name of this file or folder durable.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Whether the last byte of a file, if it has any, ends a line.
pub(super) fn ends_a_line(file: &mut File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

/// How many records are in quarantine, those that are being sent again included.
pub(super) fn count(data: &Path, sink: &Name) -> io::Result<u64> {
    let path = path_of(data, sink);
    Ok(count_in(&path)?.saturating_add(count_in(&sending(&path))?))
}

fn count_in(path: &Path) -> io::Result<u64> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened?,
    };
    let mut count = 0;
    for line in BufReader::new(file).split(b'\n') {
        // Half a line of a crash is not one.
        count += u64::from(line?.ends_with(b"}"));
    }
    Ok(count)
}

/// The file beside a quarantine whose records are being sent again.
pub(super) fn sending(quarantine: &Path) -> PathBuf {
    quarantine.with_extension("sending.jsonl")
}

/// The path of a sink's quarantine.
pub(super) fn path_of(data: &Path, sink: &Name) -> PathBuf {
    data.join("quarantine").join(format!("{sink}.jsonl"))
}
