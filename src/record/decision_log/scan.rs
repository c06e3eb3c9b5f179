//! A scan over the wanted records of a log, in order. It skips whole segments that cannot hold any.
//!
//! **Which segments are skipped.** Every record is stamped by poort's clock shortly before it is written, so:
//! - a segment that was written to for the last time before `since` holds nothing from then on;
//! - a segment whose first record was made after `until` holds nothing from before.
//!
//! Clocks jump, and then a record's time is on the wrong side of its neighbours'. So both only count with a day to
//! spare, and [`Segments::All`] reads everything, for a clock that was further off. Copying a log makes its files
//! younger, never older, so it hides nothing.
//!
//! A packed segment has an index, which knows the times of its records, and the subjects, resources, data subjects and
//! traces that they name. It is skipped when the index knows that none is wanted.

use super::{
    index::Index,
    selection::{Selection, timestamp},
};
use crate::record::spool::{
    SegmentFile, read_index,
    reader::{Frame, ReadError, Reader},
    segment_files,
};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How far a clock may have been off.
const MARGIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Which segments are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segments {
    /// Those that can hold a wanted record.
    Likely,
    /// All.
    All,
}

/// Scans the wanted records. Like [`Reader`], it returns `None` at the present end and may be asked again.
#[derive(Debug)]
pub struct Scan<'s> {
    dir: PathBuf,
    selection: &'s Selection,
    which: Segments,
    /// Segments that were not entered yet; the newest is never among them, since it is still written.
    ahead: VecDeque<SegmentFile>,
    /// Where the next one begins for which there is no segment ahead.
    newest: u64,
    end: Option<u64>,
    /// Whether what is written after the end was met is left out.
    once: bool,
    reader: Option<Reader>,
}

impl<'s> Scan<'s> {
    /// Over the whole log.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn new(dir: &Path, selection: &'s Selection, which: Segments) -> io::Result<Self> {
        Ok(Self::over(dir, segment_files(dir)?, None, selection, which))
    }

    /// Over some of its segments, in order, up to the seq `end`.
    #[must_use]
    pub fn over(
        dir: &Path,
        segments: Vec<SegmentFile>,
        end: Option<u64>,
        selection: &'s Selection,
        which: Segments,
    ) -> Self {
        let mut ahead = VecDeque::from(segments);
        let newest = if end.is_none() { ahead.pop_back() } else { None }.map_or(0, |segment| segment.first);
        Self { dir: dir.to_owned(), selection, which, ahead, newest, end, once: false, reader: None }
    }

    /// Ends where the log ends when the scan comes there, also while it grows faster than it is read.
    #[must_use]
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// The seq of the next record that is looked at.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.reader.as_ref().map_or_else(|| self.ahead.front().map_or(self.newest, |it| it.first), Reader::position)
    }

    /// How many records there are ahead, as far as the names of the segments and the newest one tell.
    ///
    /// # Errors
    /// The newest segment cannot be read.
    pub fn length(&self) -> Result<u64, ReadError> {
        let mut newest = Reader::open_at(&self.dir, self.newest)?.once();
        while newest.next().transpose()?.is_some() {}
        Ok(Reader::position(&newest).saturating_sub(self.position()))
    }

    fn advance(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            self.enter()?;
            let Some(reader) = &mut self.reader else { return Ok(None) };
            if self.end.is_some_and(|end| Reader::position(reader) >= end) {
                return Ok(None);
            }
            match reader.next().transpose()? {
                None => return Ok(None),
                Some(frame) if self.selection.takes(&frame.payload) => return Ok(Some(frame)),
                Some(_) => {}
            }
        }
    }

    /// Moves the reader to a segment that is to be read.
    fn enter(&mut self) -> Result<(), ReadError> {
        while let Some(next) = self.ahead.front() {
            let at_its_start = self.reader.as_ref().is_none_or(|reader| reader.position() == next.first);
            if !at_its_start {
                return Ok(());
            }
            let Some(next) = self.ahead.pop_front() else { return Ok(()) };
            if self.can_hold(&next)? {
                if self.reader.is_none() {
                    self.reader = Some(self.open(next.first)?);
                }
                return Ok(());
            }
            self.reader = None;
        }
        if self.reader.is_none() && self.end.is_none() {
            self.reader = Some(self.open(self.newest)?);
        }
        Ok(())
    }

    fn open(&self, seq: u64) -> Result<Reader, ReadError> {
        let reader = Reader::open_at(&self.dir, seq)?;
        Ok(if self.once { reader.once() } else { reader })
    }

    fn can_hold(&self, segment: &SegmentFile) -> Result<bool, ReadError> {
        let wanted = self.selection.wanted();
        if self.which == Segments::All {
            return Ok(true);
        }
        let margin = i64::try_from(MARGIN.as_millis()).unwrap_or(i64::MAX);
        if let Some(since) = wanted.since
            && millis(segment.modified).saturating_add(margin) < since
        {
            return Ok(false);
        }
        // One that cannot be read is damaged or gone, and the reader says which.
        if let Some(index) = read_index(segment).ok().flatten()
            && let Some(index) = Index::parse(&index)
        {
            return Ok(index.may_hold(self.selection));
        }
        let Some(until) = wanted.until else { return Ok(true) };
        let first = Reader::open_at(&self.dir, segment.first)?.next().transpose()?;
        let first = first.and_then(|frame| timestamp(&frame.payload));
        Ok(first.is_none_or(|first| first.saturating_sub(margin) < until))
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Frame, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

fn millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    }
}
