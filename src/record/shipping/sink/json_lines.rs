//! The JSON Lines sink: a file or standard output, a record a line.
//!
//! A record counts as taken when `fdatasync` returned for it. The file belongs to poort: what a crash left of a line is
//! cut away, and its record is written again. To rotate the file, rename it: poort then makes a new one.

use super::{
    super::{
        outgoing::Outgoing,
        quarantine::{ends_a_line, sync_folder_of},
        reply::{Reason, SendOutcome, Trouble},
    },
    Sink,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use tracing::warn;

/// Lines to a file or to standard output.
#[derive(Debug)]
pub(in super::super) struct JsonLines {
    to: To,
}

#[derive(Debug)]
enum To {
    File { path: PathBuf, open: Option<File> },
    StandardOutput,
}

impl JsonLines {
    pub(super) const fn file(path: PathBuf) -> Self {
        Self { to: To::File { path, open: None } }
    }

    pub(super) const fn standard_output() -> Self {
        Self { to: To::StandardOutput }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.to {
            To::StandardOutput => {
                let mut output = io::stdout().lock();
                output.write_all(lines)?;
                output.flush()
            }
            To::File { path, open } => {
                if open.as_ref().is_none_or(|file| !is_named(path, file)) {
                    *open = Some(open_to_append(path)?);
                }
                let file = open.as_mut().ok_or(io::ErrorKind::NotFound)?;
                append(file, lines)
            }
        }
    }
}

impl Sink for JsonLines {
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        let mut lines = Vec::new();
        for document in batch.iter().flat_map(Outgoing::documents) {
            lines.extend_from_slice(document.body.as_bytes());
            lines.push(b'\n');
        }
        match self.write(&lines) {
            Ok(()) => SendOutcome::all(batch.len()),
            Err(error) => {
                let place = match &self.to {
                    To::File { path, .. } => path.display().to_string(),
                    To::StandardOutput => "standard output".to_owned(),
                };
                SendOutcome::none(Trouble::retry(Reason::Io, format!("cannot write {place}: {error}")))
            }
        }
    }

    fn reset(&mut self) {
        if let To::File { open, .. } = &mut self.to {
            *open = None;
        }
    }
}

/// Appends whole lines and makes them durable. If that fails, none of them is in the file.
fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let end = file.metadata()?.len();
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // If it cannot be cut now, that is done when it is opened again.
        let _ = file.set_len(end);
        return Err(error);
    }
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::other("the file was deleted while it was written"));
    }
    Ok(())
}

/// Whether this is still the file of that name.
fn is_named(path: &Path, file: &File) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (fs::metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => identity(named) == identity(open),
        _ => false,
    }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    // Records name people and what they did: only the owner may read them, and a group that ships them.
    let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o640).open(path)?;
    // A pipe or a terminal has no end to look at, and no name to keep.
    if file.metadata()?.is_file() {
        if !ends_a_line(&mut file)? {
            cut_torn_line(path, &file)?;
        }
        sync_folder_of(path)?;
    }
    Ok(file)
}

/// Cuts the file after its last whole line.
fn cut_torn_line(path: &Path, file: &File) -> io::Result<()> {
    const BLOCK: u64 = 64 << 10;
    let length = file.metadata()?.len();
    let mut block = vec![0; 64 << 10];
    let mut until = length;
    let mut end = 0;
    while until > 0 {
        let from = until.saturating_sub(BLOCK);
        let size = usize::try_from(until.saturating_sub(from)).unwrap_or_default();
        let bytes = block.get_mut(..size).unwrap_or_default();
        file.read_exact_at(bytes, from)?;
        if let Some(place) = bytes.iter().rposition(|byte| *byte == b'\n') {
            end = from.saturating_add(place as u64).saturating_add(1);
            break;
        }
        until = from;
    }
    warn!(path = %path.display(), bytes = length.saturating_sub(end), "Cut half a line that a crash left.");
    file.set_len(end)?;
    file.sync_all()
}
