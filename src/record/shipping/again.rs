//! What is to be sent again: the request of `poort log ship`, which the delivery takes.
//!
//! ```text
//!   poort log ship ──► shipping/<sink>.again ──► shipping/<sink>.sending ──► gone, when all of it was sent
//! ```
//!
//! A delivery takes a request by renaming its file, and removes that when it is done. So a request that a crash cuts off
//! begins anew, and one that comes meanwhile is the next. The cursor does not go back: retention and restarts do not
//! notice a request.

use super::{
    config::Name,
    quarantine::{self, make_folder_of, sync_folder_of},
};
use crate::record::spool::{links, reader::Frame};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// What is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// All records from this one to the cursor.
    From(u64),
    /// What is in quarantine.
    Quarantine,
}

impl Again {
    fn write(self) -> String {
        match self {
            Self::From(seq) => format!("from {seq}\n"),
            Self::Quarantine => "quarantine\n".to_owned(),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.trim().split_once(' ') {
            Some(("from", seq)) => seq.parse().ok().map(Self::From),
            None if text.trim() == "quarantine" => Some(Self::Quarantine),
            _ => None,
        }
    }
}

/// Leaves a request for the delivery to this sink: one that runs takes it within a second, else the next one. It
/// replaces a request that was not taken yet, and returns that.
///
/// # Errors
/// A file cannot be written or synced.
pub fn ask(data: &Path, sink: &Name, again: Again) -> io::Result<Option<Again>> {
    let path = file(data, sink, "again");
    // One that cannot be read is never taken, so this one may replace it.
    let before = read(&path).unwrap_or_default();
    make_folder_of(&path)?;
    let unfinished = path.with_extension("asked");
    let mut options = OpenOptions::new();
    let mut written = links::open(options.create(true).truncate(true).write(true).mode(0o640), &unfinished)?;
    written.write_all(again.write().as_bytes())?;
    written.sync_all()?;
    fs::rename(&unfinished, &path)?;
    sync_folder_of(&path)?;
    Ok(before)
}

fn file(data: &Path, sink: &Name, extension: &str) -> PathBuf {
    data.join("shipping").join(format!("{sink}.{extension}"))
}

fn read(path: &Path) -> io::Result<Option<Again>> {
    /// A word and a number.
    const BYTES: u64 = 64;
    let file = match links::open(OpenOptions::new().read(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(BYTES).read_to_string(&mut text)?;
    let unreadable = || io::Error::other(format!("`{}` is no request of `poort log ship`; remove it", path.display()));
    Again::read(&text).map(Some).ok_or_else(unreadable)
}

/// The requests to one delivery.
#[derive(Debug)]
pub(super) struct Requests {
    asked: PathBuf,
    taken: PathBuf,
    quarantine: PathBuf,
}

impl Requests {
    pub(super) fn new(data: &Path, sink: &Name) -> Self {
        let quarantine = quarantine::path_of(data, sink);
        Self { asked: file(data, sink, "again"), taken: file(data, sink, "sending"), quarantine }
    }

    /// Takes a request, also one that an earlier process did not bring to its end.
    pub(super) fn take(&self) -> io::Result<Option<Again>> {
        if let Some(again) = read(&self.taken)? {
            return Ok(Some(again));
        }
        // What cannot be read stays where the next request replaces it.
        if read(&self.asked)?.is_none() {
            return Ok(None);
        }
        fs::rename(&self.asked, &self.taken)?;
        read(&self.taken)
    }

    /// The records in quarantine. They are moved aside, so that those that are refused again are kept anew.
    pub(super) fn quarantined(&self) -> io::Result<Quarantined> {
        let sending = quarantine::sending(&self.quarantine);
        if !sending.try_exists()? {
            match fs::rename(&self.quarantine, &sending) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Quarantined { lines: None }),
                renamed => renamed.and_then(|()| sync_folder_of(&sending))?,
            }
        }
        let opened = links::open(OpenOptions::new().read(true), &sending)?;
        Ok(Quarantined { lines: Some(BufReader::new(opened)) })
    }

    /// The request is done.
    pub(super) fn done(&self, again: Again) -> io::Result<()> {
        if again == Again::Quarantine {
            remove(&quarantine::sending(&self.quarantine))?;
        }
        remove(&self.taken)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The records of a quarantine, read line by line.
#[derive(Debug)]
pub(super) struct Quarantined {
    lines: Option<BufReader<File>>,
}

impl Quarantined {
    /// The next one. A line that a crash cut off is passed: its record was kept again.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame>> {
        #[derive(Deserialize)]
        struct Line<'a> {
            seq: u64,
            #[serde(borrow)]
            record: &'a RawValue,
        }
        let Some(lines) = &mut self.lines else { return Ok(None) };
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Ok(Line { seq, record }) = serde_json::from_str(&line) {
                // What is no JSON was kept as a string.
                let text = serde_json::from_str::<String>(record.get());
                let payload = text.unwrap_or_else(|_| record.get().to_owned()).into_bytes();
                return Ok(Some(Frame { seq, base: seq, payload }));
            }
            line.clear();
        }
        Ok(None)
    }
}

/// What is being sent again.
#[derive(Debug)]
pub(super) enum Pass {
    /// Records of the log, to below this one.
    Log { from: u64, until: u64 },
    /// What was in quarantine.
    Quarantine { lines: Quarantined, is_read: bool },
}

impl Pass {
    /// The request that it serves.
    pub(super) const fn request(&self) -> Again {
        match self {
            Self::Log { from, .. } => Again::From(*from),
            Self::Quarantine { .. } => Again::Quarantine,
        }
    }
}
