//! Detects that reading files hangs, as on a network mount whose server is gone.
//!
//! A system call on such a mount cannot be cancelled. So files are read on a thread that nothing waits for, and a hang
//! is reported to operators.

use crate::sources::directory::{Files, Opened};
use std::{
    io::{self, Read},
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Reading takes milliseconds, or a second for a directory of 100 000 accounts on a cold disk.
const LIMIT: Duration = Duration::from_secs(5);

/// The files of a directory, whose reading is timed block by block: what is done with a block takes time too.
pub(super) struct Watched<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) reading: &'a Reading,
}

impl Files for Watched<'_> {
    fn shown(&self) -> &str {
        self.files.shown()
    }

    fn names(&self) -> Vec<(String, Arc<str>)> {
        self.files.names()
    }

    fn open(&self, file: usize) -> io::Result<Opened<'_>> {
        let Opened { bytes, length } = self.reading.during(|| self.files.open(file))?;
        Ok(Opened { bytes: Box::new(WatchedBytes { bytes, reading: self.reading }), length })
    }
}

struct WatchedBytes<'a> {
    bytes: Box<dyn Read + 'a>,
    reading: &'a Reading,
}

impl Read for WatchedBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reading.during(|| self.bytes.read(buffer))
    }
}

/// Whether files are being read, and since when.
#[derive(Debug)]
pub(super) struct Reading {
    start: Instant,
    /// Nanoseconds from `start` to the beginning of what is being read; 0: nothing.
    since: AtomicU64,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), since: AtomicU64::new(0) }
    }

    /// Reads.
    pub(super) fn during<T>(&self, read: impl FnOnce() -> T) -> T {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.since.store(now.max(1), Ordering::Relaxed);
        let read = read();
        self.since.store(0, Ordering::Relaxed);
        read
    }

    /// How long reading has taken, if that is too long.
    pub(super) fn hangs(&self) -> Option<Duration> {
        let since = match self.since.load(Ordering::Relaxed) {
            0 => return None,
            nanos => Duration::from_nanos(nanos),
        };
        Some(self.start.elapsed().saturating_sub(since)).filter(|taken| *taken > LIMIT)
    }
}
