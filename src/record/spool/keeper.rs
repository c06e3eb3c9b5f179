//! The keeper: packs complete segments, and checks those that the start did not read. It works in the background, on one
//! thread of the lowest priority.
//!
//! - It packs every segment but the newest two. Those may be written, or are where the sequence goes on.
//! - It gives way: while records come fast, it pauses longer, since their answers wait for the same disk and processors.
//! - At the start, the footers of packed segments are believed. The keeper then reads each of them, slowly, and compares
//!   it with its footer.
//!
//! **Damage that is found late is said, and poort goes on.** It is in records whose answers left long ago. To stop would
//! not make them whole, and would take the answers from all who need them now. Nothing is built on them: new records are in
//! other files, readers refuse the damaged place, and no checkpoint that is signed from now on speaks for what is there now:
//! it continues the tree of the records as they were. A person has to look, so it is an ERROR, a metric, a line of
//! `/readyz` and a record.
//!
//! A start refuses what it needs to know the sequence: damage at the *end* of the log, in a header or a footer, and in a
//! segment that is not packed. So a person has to look before the next start.

use super::{
    config::Config,
    damage::Damage,
    files::{Files, is_no_room},
    indexer::Indexing,
    inspect::disk_left,
    links,
    packed::{self, CHUNK, Packing, UNFINISHED, pack},
    segment::{Listed, list, path_of, still_names},
    segment_scan::SegmentScan,
    state::{DamagedSegment, Shared},
};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::{
    cell::Cell,
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io,
    path::Path,
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

/// The newest segments, which stay as they are written.
const STAY: usize = 2;
/// The pause after each 64 KiB: it bounds what is read and packed to 64 MiB a second, whatever the disk can do.
const PAUSE: Duration = Duration::from_millis(1);
/// The pause while records come fast: 8 MiB a second at most.
const LONG_PAUSE: Duration = Duration::from_millis(8);
/// Records a second that are fast: a tenth of what two cores answer.
const FAST: f64 = 8_000.0;
/// The time until what failed is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// What is never sent: when all handles are gone, so is the other end, and the keeper ends.
pub(super) type Ending = Receiver<std::convert::Infallible>;

/// Works through the segments of a folder.
#[derive(Debug)]
pub(super) struct Keeper {
    dir: Arc<Path>,
    files: Arc<dyn Files>,
    shared: Arc<Shared>,
    compresses: bool,
    indexing: Option<Indexing>,
    /// What the next segment takes from the disk.
    segment_bytes: u64,
    /// [`PAUSE`] and [`LONG_PAUSE`], but in tests.
    pub(super) pauses: [Duration; 2],
    /// How many records there were at the last pause, and when.
    last: Cell<(u64, Instant)>,
    ending: Ending,
    /// Packed, and not read since the start.
    unchecked: Vec<u64>,
    /// Packed, or nothing to do about.
    done: BTreeSet<u64>,
    /// What failed in this round and is no damage. The others go on; these are tried again in the next round.
    aside: Vec<u64>,
    /// There was no room to pack in this round.
    is_full: bool,
}

impl Keeper {
    pub(super) fn new(
        dir: Arc<Path>,
        files: Arc<dyn Files>,
        shared: Arc<Shared>,
        config: &Config,
        unchecked: Vec<u64>,
        ending: Ending,
    ) -> Self {
        let done = unchecked.iter().copied().collect();
        shared.metrics.unchecked(unchecked.len());
        let Config { compress: compresses, segment_bytes, ref indexing, .. } = *config;
        let indexing = indexing.clone();
        Self {
            dir,
            files,
            compresses,
            indexing,
            segment_bytes,
            pauses: [PAUSE, LONG_PAUSE],
            last: Cell::new((shared.durable(), Instant::now())),
            shared,
            ending,
            unchecked,
            done,
            aside: Vec::new(),
            is_full: false,
        }
    }

    /// Works until the spool is closed. When there is nothing to do, it looks again after `idle`.
    pub(super) fn run(mut self, idle: Duration) {
        // Without it the keeper only competes more.
        let _usual = rustix::process::nice(19);
        let mut told = BTreeSet::new();
        loop {
            let failed = self.aside.len();
            let wait = match self.step() {
                Ok(true) => Duration::ZERO,
                Ok(false) if self.aside.is_empty() => {
                    told.clear();
                    idle
                }
                Ok(false) => {
                    self.aside.clear();
                    self.is_full = false;
                    RETRY
                }
                Err(_) if self.is_ending() => return,
                Err(error) => {
                    let segment = self.aside.get(failed);
                    let path = segment.map_or_else(|| self.dir.to_path_buf(), |first| path_of(&self.dir, *first));
                    let error = error.to_string();
                    if told.insert((path.clone(), error.clone())) {
                        tracing::warn!(
                            path = %path.display(), error,
                            "A segment cannot be packed or checked; it is tried again after the others.",
                        );
                    }
                    if segment.is_some() { Duration::ZERO } else { RETRY }
                }
            };
            if self.wait(wait).is_err() {
                return;
            }
        }
    }

    /// Packs or checks one segment, but none that failed in this round. False when there is nothing to do.
    pub(super) fn step(&mut self) -> io::Result<bool> {
        if let Some(segment) = self.next_to_pack()? {
            let packed = self.pack(&segment);
            self.judge(segment.first, packed)?;
            self.done.insert(segment.first);
            return Ok(true);
        }
        let Some(first) = self.unchecked.iter().copied().find(|first| !self.aside.contains(first)) else {
            return Ok(false);
        };
        let checked = self.check(first).map_err(Damage::or_unreadable);
        self.judge(first, checked)?;
        self.unchecked.retain(|other| *other != first);
        self.shared.metrics.unchecked(self.unchecked.len());
        if self.unchecked.is_empty() {
            tracing::info!(dir = %self.dir.display(), "Every packed segment was checked.");
        }
        Ok(true)
    }

    fn next_to_pack(&mut self) -> io::Result<Option<Listed>> {
        let segments = list(&self.dir)?;
        let oldest = segments.first().map_or(0, |segment| segment.first);
        self.done.retain(|first| *first >= oldest);
        let complete = if self.is_full { 0 } else { segments.len().saturating_sub(STAY) };
        Ok(segments
            .into_iter()
            .take(complete)
            .find(|Listed { first, .. }| !self.done.contains(first) && !self.aside.contains(first)))
    }

    /// Packs a segment, unless it is packed and has its index.
    fn pack(&self, Listed { first, path }: &Listed) -> io::Result<()> {
        let file = links::open_to_read(path)?;
        let is_done = packed::is_packed(&file, *first).and_then(|it| Ok(it && self.has_index(&file, *first)?));
        if is_done.map_err(Damage::or_unreadable)? {
            return Ok(());
        }
        self.remove_left_over()?;
        let scan = SegmentScan::open(file.try_clone()?, path, *first).map_err(Damage::or_unreadable)?;
        if !has_room(disk_left(&self.dir)?, scan.bytes.len()?, self.segment_bytes, self.compresses) {
            return Err(Errno::NOSPC.into());
        }
        let packing = Packing {
            files: &*self.files,
            compresses: self.compresses,
            indexer: self.indexing.as_ref().map(Indexing::begin),
            pause: &|| self.pause(),
        };
        let Some(unfinished) = pack(path, scan, packing)? else { return Ok(()) };
        // Retention deletes under this lock too: what it deleted must not come again.
        let _changing = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !still_names(path, &file) {
            return self.files.remove(&unfinished);
        }
        self.files.rename(&unfinished, path)?;
        self.files.sync_dir(&File::open(&self.dir)?)
    }

    /// One may be left from a process that was killed.
    fn remove_left_over(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new(UNFINISHED)) {
                self.files.remove(&path)?;
            }
        }
        Ok(())
    }

    fn has_index(&self, file: &File, first: u64) -> io::Result<bool> {
        Ok(self.indexing.is_none() || packed::read_index(file.try_clone()?, first)?.is_some())
    }

    /// Reads a packed segment, and compares it with its footer. It reads it twice: record by record, and as bytes.
    fn check(&mut self, first: u64) -> io::Result<()> {
        let path = path_of(&self.dir, first);
        let file = links::open_to_read(&path)?;
        let mut scan = SegmentScan::open(file.try_clone()?, &path, first)?;
        let Some(footer) = scan.bytes.footer().copied() else { return Err(Damage::Footer.into()) };
        let mut next = 0;
        while scan.next()?.is_some() {
            if scan.offset >= next {
                self.pause()?;
                next = scan.offset.saturating_add(CHUNK as u64);
            }
        }
        let mut digest = Sha256::new();
        scan.each_part(footer.bytes, CHUNK, &mut |chunk| {
            digest.update(chunk);
            self.pause()
        })?;
        let is_whole = scan.offset == footer.bytes && scan.want.saturating_sub(first) == footer.count;
        if !is_whole || digest.finalize()[..] != footer.digest {
            return Err(Damage::NotAsPacked.into());
        }
        if !self.has_index(&file, first)? {
            // It is made again.
            self.done.remove(&first);
        }
        Ok(())
    }

    /// What became of a segment: damage is said, a segment that was deleted meanwhile is done, and what failed otherwise is
    /// put aside.
    fn judge(&mut self, first: u64, result: io::Result<()>) -> io::Result<()> {
        let error = match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => error,
            _ => return Ok(()),
        };
        let Some(damage) = Damage::of(&error) else {
            self.is_full |= is_no_room(&error);
            self.aside.push(first);
            return Err(error);
        };
        let segment = path_of(&self.dir, first);
        tracing::error!(
            segment = %segment.display(), %damage,
            "A segment of the log is damaged. Put it back from a copy, or keep it for inquiry; `poort log verify` tells which \
             records are.",
        );
        self.shared.add_damaged(DamagedSegment { first, segment, damage });
        Ok(())
    }

    /// Pauses after a part, or fails when the spool is closing.
    fn pause(&self) -> io::Result<()> {
        self.wait(self.pause_at(Instant::now()))
    }

    /// How long to pause now: records that come fast are given way.
    pub(super) fn pause_at(&self, now: Instant) -> Duration {
        let durable = self.shared.durable();
        let (last, at) = self.last.replace((durable, now));
        let [short, long] = self.pauses;
        let is_fast = comes_fast(durable.saturating_sub(last), now.saturating_duration_since(at));
        if is_fast { long } else { short }
    }

    /// Waits, or fails when the spool is closing.
    fn wait(&self, time: Duration) -> io::Result<()> {
        match self.ending.recv_timeout(time) {
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.ending.try_recv(), Err(TryRecvError::Disconnected))
    }
}

/// Whether so many records in this time are fast.
#[expect(clippy::cast_precision_loss, reason = "a count of records, far below 2^53")]
pub(super) fn comes_fast(records: u64, time: Duration) -> bool {
    records as f64 > FAST * time.as_secs_f64()
}

/// Whether a segment of so many bytes can be packed: the room of the next segment is left. Where there is none, packing
/// takes it from nobody, and makes room, if it compresses.
pub(super) const fn has_room(left: u64, bytes: u64, segment_bytes: u64, compresses: bool) -> bool {
    if !compresses {
        return left.saturating_sub(segment_bytes) >= bytes;
    }
    let spare = if left < segment_bytes { left } else { left.saturating_sub(segment_bytes) };
    spare >= bytes / 4
}
