//! One segment: its name, how it is made, and how it grows.

use super::{
    files::{Files, is_no_room, is_unsupported},
    segment_header::{self, START},
};
use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const EXTENSION: &str = "seg";
/// A segment that is being made has this extension, so that it does not count as one.
const UNFINISHED: &str = "new";
const DIGITS: usize = 16;

/// How far zeros are written ahead of the records. The first write to an allocated block costs more at its sync: the
/// file system has to note that the block holds data now, which is a write of its own, and more with a journal. So all
/// commits but one in a while meet blocks that were written before. It is small enough that this one is not slow.
/// It gains 6 % where one call follows another (`docs/benchmarks.md`, "What single measures gain").
pub(super) const AHEAD: u64 = 256 << 10;

/// A segment in a folder.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

/// The segments of a folder in order. Other files are skipped.
pub(super) fn list(dir: &Path) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some(first) = first_seq(&path) {
            listed.push(Listed { first, path });
        }
    }
    listed.sort_by_key(|segment| segment.first);
    Ok(listed)
}

/// The path of the segment that begins with `first`.
pub(super) fn path_of(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:0DIGITS$x}.{EXTENSION}"))
}

fn first_seq(path: &Path) -> Option<u64> {
    if path.extension() != Some(OsStr::new(EXTENSION)) {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    let is_hex = stem.len() == DIGITS && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u64::from_str_radix(stem, 16).ok()).flatten()
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Whether `path` still names the open `file`.
pub(super) fn still_names(path: &Path, file: &File) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    open.nlink() > 0 && Identity::of(&open) == Identity::of(&named)
}

/// What became of a file that is open, as its metadata say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Its path names another file, or none.
    Unnamed,
    /// It is shorter than it was made: `len` bytes.
    Cut { len: u64 },
}

/// The segment that the writer appends to.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// The length of the file. Frames stay below it. The last byte is never written, so that no write gives a file that
    /// was cut its length again.
    pub(super) size: u64,
    /// How long the file is at least: `size`, or as far as was written where the file system takes no room in advance.
    pub(super) len: u64,
    /// Where the last durable commit ends. What follows it was never acknowledged.
    pub(super) end: u64,
    /// Where the last durable commit begins.
    pub(super) last_commit: u64,
    /// Below this, records or zeros were written.
    pub(super) written: u64,
    /// It was the reserve, and takes no ordinary records.
    pub(super) is_reserve: bool,
}

/// A segment whose blocks are allocated and which has no name yet.
#[derive(Debug)]
pub(super) struct Prepared {
    first: u64,
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
    size: u64,
    len: u64,
}

/// Why a segment could not be made.
#[derive(Debug)]
pub(super) struct CreateError {
    pub(super) step: &'static str,
    pub(super) error: io::Error,
    /// The error may pass when room is made.
    pub(super) is_no_room: bool,
}

impl Prepared {
    /// Allocates the blocks, and writes the header. Both are on disk before the segment has a name.
    pub(super) fn new(files: &dyn Files, dir: &Path, first: u64, size: u64) -> Result<Self, CreateError> {
        let path = path_of(dir, first);
        let unfinished = path.with_extension(UNFINISHED);
        // One may be left from an earlier attempt. If it cannot go, the next call says why.
        let _absent = files.remove(&unfinished);
        let file = files.create(&unfinished).map_err(taking("create"))?;
        let take = || {
            let len = match files.allocate(&file, size) {
                // The file grows as it is written. It costs time, and a full disk shows later.
                Err(error) if is_unsupported(&error) => START,
                done => done.map(|()| size).map_err(taking("take room for"))?,
            };
            write_all_at(files, &file, &segment_header::encode(first), 0).map_err(taking("begin"))?;
            files.sync_all(&file).map_err(syncing("sync"))?;
            Ok(len)
        };
        let taken = take();
        let mut prepared = Self { first, path, unfinished, file, size, len: 0 };
        match taken {
            Ok(len) => {
                prepared.len = len;
                Ok(prepared)
            }
            Err(error) => {
                prepared.discard(files);
                Err(error)
            }
        }
    }

    /// Names it, which makes it a segment that is safe to write to.
    ///
    /// It is renamed and not made in place. So a segment of the same name without records is replaced in one step. At no
    /// moment is the folder without the name that carries the sequence.
    pub(super) fn publish(self, files: &dyn Files, dir: &File) -> Result<Segment, CreateError> {
        if let Err(error) = files.rename(&self.unfinished, &self.path) {
            self.discard(files);
            return Err(taking("name")(error));
        }
        let Self { first, path, unfinished: _, file, size, len } = self;
        if let Err(error) = files.sync_dir(dir) {
            // It keeps its name, for the sequence, but not its room: the next attempt takes that again.
            let _kept = files.cut(&file, 0);
            return Err(syncing("sync the folder of")(error));
        }
        Ok(Segment::ready(first, path, file, size, len))
    }

    /// Frees the blocks.
    pub(super) fn discard(&self, files: &dyn Files) {
        let _left_over = files.remove(&self.unfinished);
    }
}

// Taking room may fail for want of room. A sync that fails says that the disk is broken, whatever its number.
fn taking(step: &'static str) -> impl Fn(io::Error) -> CreateError {
    move |error| CreateError { step, is_no_room: is_no_room(&error), error }
}

fn syncing(step: &'static str) -> impl Fn(io::Error) -> CreateError {
    move |error| CreateError { step, is_no_room: false, error }
}

impl Segment {
    /// A segment that is made: its blocks are allocated, and its header and name are on disk.
    pub(super) fn ready(first: u64, path: PathBuf, file: File, size: u64, len: u64) -> Self {
        Self { first, path, file, size, len, end: START, last_commit: START, written: START, is_reserve: false }
    }

    /// Whether it holds no record yet.
    pub(super) fn is_empty(&self) -> bool {
        self.end == START
    }

    pub(super) fn has_room_for(&self, bytes: u64) -> bool {
        self.size.saturating_sub(self.end) > bytes
    }

    /// What became of the file since it was opened. It takes two calls for metadata, and none that reads.
    pub(super) fn trouble(&self) -> io::Result<Option<Trouble>> {
        let open = self.file.metadata()?;
        if open.len() < self.len {
            return Ok(Some(Trouble::Cut { len: open.len() }));
        }
        let is_named =
            open.nlink() > 0 && fs::metadata(&self.path).is_ok_and(|named| Identity::of(&open) == Identity::of(&named));
        Ok((!is_named).then_some(Trouble::Unnamed))
    }

    /// Writes after the durable end, and does not move that end. The call does not change the bytes.
    pub(super) fn write(&mut self, files: &dyn Files, bytes: &mut Vec<u8>) -> io::Result<()> {
        let len = bytes.len();
        let end = self.end.saturating_add(len as u64);
        // The reserve is for when a disk has no room, and is not to need any.
        if end > self.written && !self.is_reserve {
            let ahead = end.next_multiple_of(AHEAD).min(self.size.saturating_sub(1)).saturating_sub(end);
            bytes.resize(len.saturating_add(usize::try_from(ahead).unwrap_or(0)), 0);
            self.written = end.saturating_add(ahead);
        }
        let written = write_all_at(files, &self.file, bytes, self.end);
        if written.is_ok() {
            self.len = self.len.max(self.end.saturating_add(bytes.len() as u64));
        }
        bytes.truncate(len);
        written
    }
}

/// Usually one write. A short one goes on where it stopped.
pub(super) fn write_all_at(files: &dyn Files, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let (mut rest, mut offset) = (bytes, offset);
    while !rest.is_empty() {
        match files.write_at(file, rest, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                rest = rest.get(n..).unwrap_or_default();
                offset = offset.saturating_add(n as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
