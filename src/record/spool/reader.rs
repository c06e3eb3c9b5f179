//! Reads a spool, also while another process writes it.
//!
//! The reader takes no lock and changes nothing. It ends at the last whole frame. That frame may belong to a commit
//! that is written but not yet synced: a reader in the process that writes stops at
//! [`Spool::durable`](super::Spool::durable), and one elsewhere must not pass on the end of a running spool as final.

use super::{
    damage::Damage,
    links,
    segment::{Listed, list, path_of, still_names},
    segment_scan::{Rest, SegmentScan},
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// A record as it is on disk.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its place in the sequence.
    pub seq: u64,
    /// The first seq of the commit that wrote it.
    pub base: u64,
    /// The bytes that were submitted.
    pub payload: Vec<u8>,
}

impl fmt::Debug for Frame {
    // The payload is not shown: it may name people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("seq", &self.seq)
            .field("base", &self.base)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

/// The spool cannot be read on from here.
#[derive(Debug, Error)]
#[error("cannot read `{}` at byte {offset}", segment.display())]
pub struct ReadError {
    /// The segment, or the folder if no segment could be opened.
    pub segment: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// Why.
    #[source]
    pub cause: ReadCause,
}

impl ReadError {
    /// The damage, if the bytes are to blame: they are wrong, or the disk cannot read them.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        match &self.cause {
            ReadCause::Damaged(damage) => Some(*damage),
            ReadCause::Io(error) => Damage::of_read(error),
        }
    }
}

/// Why a spool cannot be read on.
#[derive(Debug, Error)]
pub enum ReadCause {
    /// Records are damaged or missing.
    #[error("{0}")]
    Damaged(Damage),
    /// The file system failed.
    #[error("the file system failed")]
    Io(#[source] io::Error),
}

/// Reads all records in order, from the oldest that is kept.
///
/// The iterator returns `None` at the current end, and may be asked again later: it goes on with what was written
/// meanwhile. After an error it returns `None` for ever.
///
/// When the oldest segments are deleted meanwhile, it goes on at the oldest that is left, as a new reader would; the
/// seq of the next frame shows it. A segment that is missing between others is damage.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    /// The seq to go on with. `None` until the first segment was seen.
    want: Option<u64>,
    at: Option<SegmentScan>,
    /// Whether what is written after the end was met is left out.
    once: bool,
    is_broken: bool,
}

impl Reader {
    /// Opens a spool to read.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        let reader = Self { dir: dir.as_ref().into(), want: None, at: None, once: false, is_broken: false };
        list(&reader.dir).map_err(|error| reader.failed(error))?;
        Ok(reader)
    }

    /// Opens a spool to read from this seq on. If that record is not kept any more, it begins at the oldest that is; if
    /// it is not there yet, at the end. [`Reader::position`] tells which.
    ///
    /// # Errors
    /// The folder cannot be listed, or the segment of the record cannot be read.
    pub fn open_at(dir: impl AsRef<Path>, seq: u64) -> Result<Self, ReadError> {
        let mut reader = Self::open(dir)?;
        let segments = list(&reader.dir).map_err(|error| reader.failed(error))?;
        let holding = segments.iter().rfind(|segment| segment.first <= seq).or(segments.first());
        reader.want = holding.map(|segment| segment.first);
        if reader.enter()?
            && let Some(scan) = &mut reader.at
        {
            let sought = scan.seek(seq);
            reader.want = Some(scan.want);
            sought.map_err(|error| reader.failed(error))?;
        }
        while reader.position() < seq && reader.advance()?.is_some() {}
        Ok(reader)
    }

    /// Ends where the spool ends when the reader comes there, also while it grows faster than it is read. Then it returns `None` for
    /// ever.
    #[must_use]
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// The seq of the next record; 0 as long as no segment was seen.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.want.unwrap_or(0)
    }

    fn advance(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            if self.at.is_none() && !self.enter()? {
                return Ok(None);
            }
            if let Some(frame) = self.frame()? {
                return Ok(Some(frame));
            }
            // The order matters. A segment has a successor only after it was cut to its true length. So if there is
            // one now, a fresh look at this segment sees all that it will ever hold.
            let segments = list(&self.dir).map_err(|error| self.failed(error))?;
            let first = self.at.as_ref().map(|walk| walk.first);
            let oldest = segments.first().map(|segment| segment.first);
            let next = segments.into_iter().find(|segment| Some(segment.first) > first);
            // Without a successor, what is found now was written after the end was met.
            let is_later = self.once && next.is_none();
            if let Some(frame) = self.look_again()? {
                return Ok(self.unless_later(frame, is_later));
            }
            match (self.rest()?, next) {
                (Rest::LaterCommit, _) => {
                    // Both commits may have been written between the two looks. They were written in order, so the
                    // frame that is wanted must be there now.
                    return match self.look_again()? {
                        None => Err(self.damaged(Damage::RecordsLost)),
                        Some(frame) => Ok(self.unless_later(frame, is_later)),
                    };
                }
                (Rest::Unknown(damage), _) => return Err(self.damaged(damage)),
                (Rest::Torn { .. }, Some(_)) => return Err(self.damaged(Damage::NoRecord)),
                (Rest::Empty | Rest::Torn { .. }, None) => {
                    // A segment without records may be replaced by another of the same name. Look at the name again
                    // next time.
                    if self.at.as_ref().is_some_and(|walk| walk.want == walk.first) {
                        self.at = None;
                    }
                    return Ok(None);
                }
                (Rest::Empty, Some(next)) => {
                    let walk = self.at.take();
                    if walk.is_some_and(|walk| walk.want == walk.first && !still_names(&walk.path, walk.bytes.file())) {
                        continue;
                    }
                    self.follows(&next, oldest)?;
                }
            }
        }
    }

    /// Opens the segment that begins with the wanted seq. False when it is not there yet.
    fn enter(&mut self) -> Result<bool, ReadError> {
        loop {
            let segments = list(&self.dir).map_err(|error| self.failed(error))?;
            let from = self.want.unwrap_or(0);
            let oldest = segments.first().map(|segment| segment.first);
            let Some(segment) = segments.into_iter().find(|segment| segment.first >= from) else {
                return Ok(false);
            };
            self.follows(&segment, oldest)?;
            match links::open_to_read(&segment.path) {
                Ok(file) => {
                    self.want = Some(segment.first);
                    let scan = SegmentScan::open(file, &segment.path, segment.first);
                    self.at = Some(scan.map_err(|error| self.failed(error))?);
                    return Ok(true);
                }
                // It was deleted or replaced between the listing and the opening. List again: each round needs another
                // such change.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Whether this segment is what comes next: it begins with the wanted seq, or nothing older is left.
    fn follows(&mut self, segment: &Listed, oldest: Option<u64>) -> Result<(), ReadError> {
        match self.want.filter(|want| *want != segment.first) {
            Some(expected) if oldest != Some(segment.first) => Err(ReadError {
                segment: segment.path.clone(),
                offset: 0,
                cause: ReadCause::Damaged(Damage::OutOfPlace { expected }),
            }),
            _ => {
                self.want = Some(segment.first);
                Ok(())
            }
        }
    }

    fn frame(&mut self) -> Result<Option<Frame>, ReadError> {
        let Some(walk) = &mut self.at else {
            return Ok(None);
        };
        let found = walk.next().map(|found| {
            found.map(|(header, payload)| Frame { seq: header.seq, base: header.base, payload: payload.to_vec() })
        });
        let want = walk.want;
        let found = found.map_err(|error| self.failed(error))?;
        self.want = Some(want);
        Ok(found)
    }

    fn unless_later(&mut self, frame: Frame, is_later: bool) -> Option<Frame> {
        self.is_broken |= is_later;
        (!is_later).then_some(frame)
    }

    fn look_again(&mut self) -> Result<Option<Frame>, ReadError> {
        if let Some(walk) = &mut self.at {
            walk.refresh();
        }
        self.frame()
    }

    fn rest(&mut self) -> Result<Rest, ReadError> {
        let Some(walk) = &mut self.at else {
            return Ok(Rest::Empty);
        };
        let rest = walk.bytes.written(walk.offset).and_then(|until| walk.rest(until));
        walk.refresh();
        rest.map_err(|error| self.failed(error))
    }

    fn damaged(&self, damage: Damage) -> ReadError {
        self.error(ReadCause::Damaged(damage))
    }

    fn failed(&self, error: io::Error) -> ReadError {
        self.error(match Damage::of(&error) {
            Some(damage) => ReadCause::Damaged(damage),
            None => ReadCause::Io(error),
        })
    }

    fn error(&self, cause: ReadCause) -> ReadError {
        let (segment, offset) = match (&self.at, self.want) {
            (Some(walk), _) => (walk.path.clone(), walk.offset),
            (None, Some(want)) => (path_of(&self.dir, want), 0),
            (None, None) => (self.dir.clone(), 0),
        };
        ReadError { segment, offset, cause }
    }
}

impl Iterator for Reader {
    type Item = Result<Frame, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_broken {
            return None;
        }
        let next = self.advance().transpose();
        self.is_broken |= matches!(next, Some(Err(_)));
        next
    }
}
