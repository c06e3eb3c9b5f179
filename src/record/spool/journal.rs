//! The journal: the segments as one sequence of commits. It appends, goes on to the next segment, and recovers from
//! failures.
//!
//! It knows no queue and no callers. The writer owns it.

use super::{
    files::{Files, is_no_room},
    folder::{Folder, TakeError},
    links,
    recovery::Found,
    reserve::Reserve,
    segment::{CreateError, Identity, Prepared, Segment, Trouble, list, path_of, write_all_at},
    segment_header::START,
    segment_scan::SegmentScan,
    state::State,
    torn_tail,
    unsettled::{Tail, Unsettled},
};
use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The segments on disk.
#[derive(Debug)]
pub(super) struct Journal {
    files: Arc<dyn Files>,
    folder: Folder,
    segment_bytes: u64,
    max_bytes: u64,
    /// The seq of the next record. All below are on disk.
    next_seq: u64,
    /// The segment to write to. `None` after a failure, until [`Journal::make_ready`] made one.
    active: Option<Segment>,
    /// A segment that was given up, until it is known to end at its durable end.
    unsettled: Option<Unsettled>,
    /// The last segment with records that is not written any more.
    tail: Option<Tail>,
    /// Room for when there is none, if it is wanted.
    reserve: Option<Reserve>,
    /// The segment that was cut while it was written, and to how many bytes. Records that were acknowledged are gone from it,
    /// so nothing more is written until a person has looked.
    cut: Option<(PathBuf, u64)>,
}

/// Why nothing can be written now.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// What was tried, or what was found.
    pub(super) what: String,
    pub(super) path: PathBuf,
    pub(super) source: Option<io::Error>,
}

/// Whether a fault passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// There is no room.
    Full,
    /// The disk cannot be trusted, or the files are not what they were.
    Failed,
}

impl Fault {
    fn taking_room(what: &str, path: PathBuf, source: io::Error) -> Self {
        Self {
            kind: if is_no_room(&source) { FaultKind::Full } else { FaultKind::Failed },
            what: what.into(),
            path,
            source: Some(source),
        }
    }

    fn failed(what: &str, path: PathBuf, source: io::Error) -> Self {
        Self { kind: FaultKind::Failed, what: what.into(), path, source: Some(source) }
    }

    fn found(what: String, path: PathBuf) -> Self {
        Self { kind: FaultKind::Failed, what, path, source: None }
    }

    pub(super) fn state(&self) -> State {
        match self.kind {
            FaultKind::Full => State::Full,
            FaultKind::Failed => State::Failed(self.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{} `{}`: {source}", self.what, self.path.display()),
            None => f.write_str(&self.what),
        }
    }
}

impl From<TakeError> for Fault {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Io { what, path, source } => Self::taking_room(what, path, source),
            TakeError::Held { ref dir } | TakeError::Moved { path: ref dir } => {
                let dir = dir.clone();
                Self::found(error.to_string(), dir)
            }
        }
    }
}

impl Journal {
    /// Goes on from what recovery found. Nothing can be written before [`Journal::make_ready`].
    pub(super) fn new(
        files: Arc<dyn Files>,
        folder: Folder,
        segment_bytes: u64,
        max_bytes: u64,
        found: Found,
        reserve: Option<Reserve>,
    ) -> Self {
        let Found { recovery, tail, unsettled, unchecked: _ } = found;
        let next_seq = recovery.next_seq;
        Self { files, folder, segment_bytes, max_bytes, next_seq, active: None, unsettled, tail, reserve, cut: None }
    }

    /// The seq of the next record. All below are on disk.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The folder of the segments.
    pub(super) fn path(&self) -> &Path {
        &self.folder.path
    }

    /// The disk below.
    pub(super) fn files(&self) -> Arc<dyn Files> {
        self.files.clone()
    }

    /// The bytes that all segments take, and the reserve.
    pub(super) fn disk_bytes(&self) -> io::Result<u64> {
        self.bytes_without(None)
    }

    /// Whether the next record is the first of its segment.
    pub(super) fn is_at_start(&self) -> bool {
        self.active.as_ref().is_some_and(Segment::is_empty)
    }

    /// Whether so many bytes fit in the segment that is being written.
    pub(super) fn has_room_for(&self, bytes: u64) -> bool {
        self.active.as_ref().is_some_and(|segment| segment.has_room_for(bytes))
    }

    /// Makes room for `len` bytes: goes on to the next segment if they do not fit in this one.
    pub(super) fn make_room(&mut self, len: u64) -> Result<(), Fault> {
        if self.active.as_ref().is_some_and(|segment| !segment.is_reserve && !segment.has_room_for(len)) {
            self.check()?;
            self.seal()?;
        }
        self.make_ready(len)
    }

    /// Appends one commit: one write, one sync. When it returns `Ok`, all of it is on disk.
    ///
    /// `frames` holds `n_records` whole frames, numbered from [`Journal::next_seq`], with that as their base. There
    /// must be room for them: [`Journal::make_room`]. The call does not change them.
    pub(super) fn append(&mut self, frames: &mut Vec<u8>, n_records: u64) -> Result<(), Fault> {
        let len = frames.len() as u64;
        let Some(mut segment) = self.active.take() else {
            return Err(Fault::found("there is no segment to write to".into(), self.folder.path.clone()));
        };
        if let Err(fault) = self.commit(&mut segment, frames) {
            self.give_up(segment);
            if self.cut.is_some() {
                return Err(fault);
            }
            // At once if it can be, so that a process that ends now leaves a clean end. If not, the probe goes on.
            return match self.settle() {
                Ok(()) => Err(fault),
                Err(worse) if fault.kind == FaultKind::Full => Err(worse),
                Err(_) => Err(fault),
            };
        }
        segment.last_commit = segment.end;
        segment.end = segment.end.saturating_add(len);
        self.active = Some(segment);
        self.next_seq = self.next_seq.saturating_add(n_records);
        Ok(())
    }

    fn commit(&mut self, segment: &mut Segment, frames: &mut Vec<u8>) -> Result<(), Fault> {
        // Before the write too: where no room is taken in advance, a write after a cut makes the file long again.
        self.is_whole(segment)?;
        let files = &*self.files;
        segment
            .write(files, frames)
            .map_err(|error| Fault::taking_room("cannot write", segment.path.clone(), error))?;
        let synced = files.sync_data(&segment.file);
        synced.map_err(|error| Fault::failed("cannot sync", segment.path.clone(), error))?;
        // A file without a name loses its writes, one that was cut has lost what was acknowledged, and a sync of either
        // succeeds. To check costs almost nothing beside a sync, so no such commit is ever acknowledged.
        self.is_whole(segment)
    }

    /// Whether the segment is the file that its name says, and as long as it was made.
    fn is_whole(&mut self, segment: &Segment) -> Result<(), Fault> {
        let reading = |error| Fault::failed("cannot read", segment.path.clone(), error);
        match segment.trouble().map_err(reading)? {
            None => Ok(()),
            Some(Trouble::Unnamed) => Err(deleted(segment)),
            Some(Trouble::Cut { len }) => {
                self.cut = Some((segment.path.clone(), len));
                Err(was_cut(&segment.path, len))
            }
        }
    }

    /// Checks that the files are still those that were opened. If not, the segment is given up.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        let trouble = self.folder.trouble().map(|what| Fault::found(what, self.folder.path.clone()));
        let Some(segment) = self.active.take() else { return trouble.map_or(Ok(()), Err) };
        match trouble.map_or_else(|| self.is_whole(&segment), Err) {
            Ok(()) => {
                self.active = Some(segment);
                Ok(())
            }
            Err(fault) => {
                self.give_up(segment);
                Err(fault)
            }
        }
    }

    /// Makes a segment with room for at least `len` bytes, if there is none but the reserve. After a failure this is the
    /// way back.
    pub(super) fn make_ready(&mut self, len: u64) -> Result<(), Fault> {
        if self.active.as_ref().is_some_and(|segment| !segment.is_reserve) {
            return Ok(());
        }
        self.settle()?;
        if let Some(what) = self.folder.trouble() {
            self.folder = self.folder.retake(&*self.files)?;
            tracing::error!(
                dir = %self.folder.path.display(),
                next_seq = self.next_seq,
                "Took the spool again, because {what}. Records before this one may be gone.",
            );
        }
        if self.active.is_none() {
            self.check_tail()?;
        }
        let path = path_of(&self.folder.path, self.next_seq);
        let size = self.segment_bytes.max(len.saturating_add(START).saturating_add(1));
        // A segment with this name has no records and is replaced.
        let used = self.bytes_without(Some(self.next_seq));
        let used = used.map_err(|error| Fault::failed("cannot list", self.folder.path.clone(), error))?;
        if used.saturating_add(size) > self.max_bytes {
            return Err(Fault {
                kind: FaultKind::Full,
                what: format!("segments take {used} of {} bytes, and the next one needs {size}", self.max_bytes),
                path,
                source: None,
            });
        }
        let fault = |CreateError { step, error, is_no_room }| Fault {
            kind: if is_no_room { FaultKind::Full } else { FaultKind::Failed },
            what: format!("cannot {step}"),
            path,
            source: Some(error),
        };
        let files = self.files.clone();
        let prepared = match Prepared::new(&*files, &self.folder.path, self.next_seq, size) {
            Ok(prepared) => prepared,
            Err(error) => return Err(fault(error)),
        };
        // The reserve is given up only when there is something to go on to.
        if self.active.is_some()
            && let Err(fault) = self.seal()
        {
            prepared.discard(&*files);
            return Err(fault);
        }
        self.active = Some(prepared.publish(&*files, &self.folder.dir).map_err(fault)?);
        Ok(())
    }

    /// Goes on in the reserve, because no segment can be made. False when there is no reserve, or it is in use.
    pub(super) fn fall_back(&mut self) -> Result<bool, Fault> {
        let Some(reserve) = &mut self.reserve else { return Ok(false) };
        if self.active.is_some() || self.unsettled.is_some() {
            return Ok(false);
        }
        let path = path_of(&self.folder.path, self.next_seq);
        let taken = reserve.take(&*self.files, &self.folder.path, self.next_seq, &path, &self.folder.dir);
        let taken = taken.map_err(|error| Fault::taking_room("cannot use the reserve as", path.clone(), error))?;
        let Some(file) = taken else { return Ok(false) };
        let size = reserve.bytes();
        self.active = Some(Segment { is_reserve: true, ..Segment::ready(self.next_seq, path, file, size, size) });
        Ok(true)
    }

    /// Makes the reserve, if one is wanted and there is none.
    pub(super) fn keep_reserve(&mut self) {
        if let Some(reserve) = &mut self.reserve
            && let Err(error) = reserve.keep(&*self.files, &self.folder.path, &self.folder.dir)
        {
            tracing::warn!(dir = %self.folder.path.display(), %error, "There is no room for the reserve of the log.");
        }
    }

    /// Ends the segment: cuts it to its true length and syncs it. A new one may follow only then.
    pub(super) fn seal(&mut self) -> Result<(), Fault> {
        let Some(segment) = self.active.take() else {
            return self.settle();
        };
        let cut = self.files.cut(&segment.file, segment.end).and_then(|()| self.files.sync_all(&segment.file));
        if let Err(error) = cut {
            let fault = Fault::failed("cannot seal", segment.path.clone(), error);
            self.give_up(segment);
            return Err(fault);
        }
        self.leave(segment.first, &segment.file);
        Ok(())
    }

    fn give_up(&mut self, segment: Segment) {
        let Segment { first, path, file, size: _, len: _, end, last_commit, written: _, is_reserve: _ } = segment;
        self.unsettled = Some(Unsettled { first, path, file, end, last_commit, was_tried: false, torn: 0 });
    }

    /// Cuts a given-up segment at its durable end, for good.
    ///
    /// A commit that failed may be on disk in whole or in part. Its numbers are not used up: the next commit takes
    /// them for other records. So this must be settled first, or a frame that was never acknowledged could be read
    /// after a power cut as the record of its number. The argument that it cannot:
    ///
    /// * The segment is cut at its durable end, which is known here and not read back, and synced. No new segment is
    ///   made before that succeeded. So no new segment ever exists beside the old bytes.
    /// * The sync is not the failed one tried again. A sync reports an error once, and a second call may succeed for
    ///   pages that it no longer counts as unwritten. But the cut is a new change, made after the failure, and
    ///   the sync speaks for it. If the cut or its sync fails too, the next attempt makes the change anew: the file
    ///   grows by a byte and is cut again.
    /// * The last durable commit shares a block with the bytes that failed. It is written again at its place, so that
    ///   the sync covers it too. That also serves the start: a process before this one may have failed to sync
    ///   the commit and left it in the page cache only.
    /// * If the process ends before this is done, the segment is the last one. Recovery takes the commit whole, as a
    ///   record without an answer, or cuts it. Its numbers then go to one meaning only.
    /// * If no durable record is in the segment, the new one has the same name and replaces it.
    /// * What an earlier process left after the end is copied beside before the cut (`torn_tail`).
    /// * A segment that another process cut is left as it is, so that the loss stays visible.
    fn settle(&mut self) -> Result<(), Fault> {
        if let Some((path, len)) = &self.cut {
            return Err(was_cut(path, *len));
        }
        let Some(unsettled) = &mut self.unsettled else {
            return Ok(());
        };
        let files = &*self.files;
        let Unsettled { first, path, file, end, last_commit, was_tried, torn } = unsettled;
        let reading = |error| Fault::failed("cannot read", path.clone(), error);
        // Without a name it can never be opened again, so it does not matter what it holds.
        if file.metadata().map_err(reading)?.nlink() > 0 {
            let len = end.saturating_sub(*last_commit);
            let len = usize::try_from(len).map_err(|_| reading(io::ErrorKind::FileTooLarge.into()))?;
            let mut again = vec![0; len];
            file.read_exact_at(&mut again, *last_commit).map_err(reading)?;
            if *torn > 0 {
                // What was taken for later records goes first: on a full disk it is the room that the copy needs.
                files
                    .cut(file, end.saturating_add(*torn))
                    .map_err(|error| Fault::taking_room("cannot cut", path.clone(), error))?;
                let kept = torn_tail::keep(files, &self.folder.path, *first, file, *end, *torn);
                let kept =
                    kept.map_err(|error| Fault::taking_room("cannot keep the torn end of", path.clone(), error))?;
                tracing::warn!(
                    segment = %path.display(), offset = *end, bytes = *torn, kept = %kept.display(),
                    "Cuts the torn end of a segment: an earlier process was stopped in a write, and nothing of it was answered.",
                );
                *torn = 0;
            }
            let mut cut = || {
                if std::mem::replace(was_tried, true) {
                    files.cut(file, end.saturating_add(1))?;
                }
                files.cut(file, *end)?;
                write_all_at(files, file, &again, *last_commit)
            };
            cut().map_err(|error| Fault::taking_room("cannot cut", path.clone(), error))?;
            let synced = files.sync_all(file);
            synced.map_err(|error| Fault::failed("cannot sync the cut of", path.clone(), error))?;
        }
        let first = *first;
        if let Some(unsettled) = self.unsettled.take() {
            self.leave(first, &unsettled.file);
        }
        Ok(())
    }

    /// Remembers which segment the next one follows.
    fn leave(&mut self, first: u64, file: &File) {
        if first < self.next_seq
            && let Ok(metadata) = file.metadata()
        {
            self.tail = Some(Tail { first, identity: Identity::of(&metadata) });
        }
    }

    /// Checks that a new segment follows the one that this journal left, or is the only one. If records between them
    /// were deleted, or another process wrote here, the sequence would have a hole or two meanings. A person has to
    /// look.
    fn check_tail(&self) -> Result<(), Fault> {
        let dir = &self.folder.path;
        let reading = |error| Fault::failed("cannot list", dir.clone(), error);
        let segments = list(dir).map_err(reading)?;
        let mut before = None;
        for segment in segments.into_iter().rev() {
            let file = match links::open_to_read(&segment.path) {
                // Deleted meanwhile, as old segments may be.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(reading)?,
            };
            let identity = Identity::of(&file.metadata().map_err(reading)?);
            // One with the next name may be left from an attempt that wrote nothing.
            if segment.first != self.next_seq
                || !SegmentScan::open(file, &segment.path, segment.first)
                    .and_then(|mut scan| scan.is_empty())
                    .map_err(reading)?
            {
                before = Some((segment, identity));
                break;
            }
        }
        let tail = self.tail.map(|tail| (tail.first, tail.identity));
        match before {
            Some((segment, identity)) if Some((segment.first, identity)) != tail => Err(Fault::found(
                format!(
                    "segment `{}` is not the one that record {} follows: records were deleted, or another process wrote \
                     here",
                    segment.path.display(),
                    self.next_seq
                ),
                dir.clone(),
            )),
            _ => Ok(()),
        }
    }

    fn bytes_without(&self, without: Option<u64>) -> io::Result<u64> {
        let mut bytes = self.reserve.as_ref().map_or(0, Reserve::held);
        for segment in list(&self.folder.path)? {
            if Some(segment.first) != without {
                match fs::metadata(&segment.path) {
                    Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
                    // Deleted meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(bytes)
    }
}

fn was_cut(path: &Path, len: u64) -> Fault {
    Fault::found(
        format!(
            "segment `{}` was cut to {len} bytes while it was written: records that were answered for are gone from it; put the \
             file back from the pipeline or a copy, or keep it aside for inquiry and begin in another data folder",
            path.display()
        ),
        path.into(),
    )
}

fn deleted(segment: &Segment) -> Fault {
    Fault::found(
        format!("segment `{}` was deleted or replaced while it was written", segment.path.display()),
        segment.path.clone(),
    )
}
