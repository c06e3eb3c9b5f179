//! The source of records: the log on disk, up to the durable mark.

use crate::record::spool::reader::{Frame, ReadError, Reader};
use std::{fmt, path::PathBuf, sync::Arc};

/// The source of records. Each sink reads by itself.
#[derive(Clone)]
pub struct Source {
    records: PathBuf,
    durable: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("records", &self.records).field("durable", &self.durable()).finish()
    }
}

impl Source {
    /// The log in this folder. `durable` says how far it is on disk: all seq below. What follows may be another
    /// record after a crash, so it is never read.
    #[must_use]
    pub fn new(records: impl Into<PathBuf>, durable: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { records: records.into(), durable: Arc::new(durable) }
    }

    /// The folder of the log.
    #[must_use]
    pub const fn records(&self) -> &PathBuf {
        &self.records
    }

    /// All seq below this are on disk.
    #[must_use]
    pub fn durable(&self) -> u64 {
        (self.durable)()
    }

    /// A reader that begins with this seq.
    pub(super) const fn open_at(self, seq: u64) -> Records {
        Records { source: self, reader: None, next: seq, ahead: None }
    }
}

/// The records of the log in order.
#[derive(Debug)]
pub(super) struct Records {
    source: Source,
    reader: Option<Reader>,
    /// The seq that is wanted next.
    next: u64,
    /// That record, if it was read already.
    ahead: Option<Frame>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// The record that was wanted.
    Record(Frame),
    /// The record that was wanted is not kept any more, nor those up to the seq before `oldest`.
    Gone {
        /// The oldest that is kept.
        oldest: u64,
    },
    /// All that is durable was read.
    End,
}

impl Records {
    /// All seq below this are on disk.
    pub(super) fn durable(&self) -> u64 {
        self.source.durable()
    }

    /// The seq that is wanted next.
    pub(super) const fn position(&self) -> u64 {
        self.next
    }

    /// What comes next. After an error the same record is tried again.
    pub(super) fn next(&mut self) -> Result<Next, ReadError> {
        if self.next >= self.durable() {
            return Ok(Next::End);
        }
        if self.ahead.is_none() {
            let read = self.read();
            if !matches!(read, Ok(Some(_))) {
                // Opened anew, the reader sees what was deleted meanwhile.
                self.reader = None;
            }
            self.ahead = read?;
        }
        match self.ahead.take() {
            None => Ok(Next::End),
            Some(frame) if frame.seq > self.next => {
                let oldest = frame.seq;
                self.ahead = Some(frame);
                Ok(Next::Gone { oldest })
            }
            Some(frame) => {
                self.next = frame.seq.saturating_add(1);
                Ok(Next::Record(frame))
            }
        }
    }

    /// Goes on at this seq: past what is gone, or back to what is sent again.
    pub(super) fn skip_to(&mut self, seq: u64) {
        if seq < self.next {
            self.reader = None;
            self.ahead = None;
        }
        self.next = seq;
    }

    /// The record with this seq, or the next that is kept, read beside the others. `None` also if it cannot be read.
    pub(super) fn look_at(&self, seq: u64) -> Option<Frame> {
        if seq >= self.durable() {
            return None;
        }
        Reader::open_at(&self.source.records, seq).ok()?.next()?.ok()
    }

    fn read(&mut self) -> Result<Option<Frame>, ReadError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            closed => closed.insert(Reader::open_at(&self.source.records, self.next)?),
        };
        reader.next().transpose()
    }
}
