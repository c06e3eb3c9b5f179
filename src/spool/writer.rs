//! The writer thread: drains the queue, writes one commit, answers every caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use opentelemetry::metrics::Meter;

use super::config::{Config, Pace};
use super::files::Files;
use super::folder::Folder;
use super::frame::{self, HEADER, MAX_PAYLOAD};
use super::handle::{AppendError, Commit, Entry, Message, Queued, Waiter};
use super::journal::{Fault, FaultKind, Journal};
use super::metrics::Metrics;
use super::recovery::{Found, OpenError, Recovery, recover};
use super::state::{Shared, State};

/// The most that one commit holds. A disk takes a few milliseconds for it, and every caller in it waits that long.
const COMMIT_BYTES: usize = 8 << 20;

/// A running writer, and what the handles need.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) queue: SyncSender<Message>,
    pub(super) shared: Arc<Shared>,
    pub(super) thread: JoinHandle<()>,
    pub(super) recovery: Recovery,
}

/// Takes the folder, recovers, and starts the writer.
pub(super) fn start(config: Config, meter: &Meter, files: Arc<dyn Files>, pace: Pace) -> Result<Started, OpenError> {
    let Config { dir, segment_bytes, max_bytes, queue } = config;
    let failed = |what: &str, path: PathBuf| {
        let what = what.to_owned();
        move |source| OpenError::Io { what, path, source }
    };
    // The process may change its working folder later.
    let dir = std::path::absolute(&dir).map_err(failed("cannot find", dir))?;
    let folder = Folder::take(&*files, &dir)?;
    let found = recover(&dir)?;
    let Found { recovery, .. } = found;
    let mut journal = Journal::new(files, folder, segment_bytes, max_bytes, found);
    let state = match journal.make_ready(0) {
        Ok(()) => State::Writable,
        Err(fault) if fault.kind == FaultKind::Full => {
            tracing::warn!(dir = %dir.display(), %fault, "The spool opens without room and takes no entries until there is.");
            State::Full
        }
        Err(Fault { what, path, source, .. }) => {
            let source = source.unwrap_or_else(|| std::io::Error::other("the folder is not usable"));
            return Err(OpenError::Io { what, path, source });
        }
    };
    let Recovery { next_seq, segments, records, bytes, cut_bytes } = recovery;
    tracing::info!(dir = %dir.display(), next_seq, segments, records, bytes, cut_bytes, "Opened the spool.");

    let shared = Arc::new(Shared::new(state, next_seq, Metrics::new(meter)));
    let (sender, receiver) = sync_channel(queue.max(1));
    let mut writer = Writer {
        journal,
        queue: receiver,
        shared: Arc::clone(&shared),
        pace,
        max_bytes,
        commit_bytes: COMMIT_BYTES.min(usize::try_from(segment_bytes).unwrap_or(COMMIT_BYTES)),
        frames: Vec::new(),
        waiting: Vec::new(),
        carried: None,
        is_closing: false,
        is_low: false,
        look_up_at: Instant::now(),
    };
    writer.measure();
    writer.look_up_at = writer.next_look();
    let thread = thread::Builder::new().name("poort-spool".into()).spawn(move || {
        let _guard = FailOnPanic(Arc::clone(&writer.shared));
        writer.run();
    });
    Ok(Started { queue: sender, shared, thread: thread.map_err(failed("cannot start the writer of", dir))?, recovery })
}

/// A thread that panicked must not look writable.
struct FailOnPanic(Arc<Shared>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("The writer of the spool stopped. Nothing can be recorded until a restart.");
            self.0.enter(State::Failed("the writer stopped".into()));
        }
    }
}

struct Writer {
    journal: Journal,
    queue: Receiver<Message>,
    shared: Arc<Shared>,
    pace: Pace,
    max_bytes: u64,
    commit_bytes: usize,
    /// The commit that is being gathered: its frames, and who waits for them in the same order.
    frames: Vec<u8>,
    waiting: Vec<(Waiter, bool)>,
    /// Taken from the queue, but did not fit any more.
    carried: Option<Queued>,
    is_closing: bool,
    is_low: bool,
    look_up_at: Instant,
}

impl Writer {
    fn run(mut self) {
        while let Some(queued) = self.receive() {
            if let Some(queued) = queued {
                self.serve(queued);
            }
            if Instant::now() >= self.look_up_at {
                self.look_up();
            }
        }
        self.finish();
    }

    /// The next entry. `Some(None)` when it is time to look up; `None` when the spool is closed and drained.
    fn receive(&mut self) -> Option<Option<Queued>> {
        if let Some(queued) = self.carried.take() {
            return Some(Some(queued));
        }
        let message = if self.is_closing {
            self.queue.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            self.queue.recv_timeout(self.look_up_at.saturating_duration_since(Instant::now()))
        };
        match message {
            Ok(Message::Entry(queued)) => Some(Some(queued)),
            Ok(Message::Close) => {
                self.is_closing = true;
                Some(None)
            }
            Err(RecvTimeoutError::Timeout) => Some(None),
            // All handles are gone, or the queue is drained.
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn serve(&mut self, first: Queued) {
        if let Some(error) = self.shared.gate() {
            // It came in while the state changed.
            first.waiter.answer(Err(error));
            return;
        }
        let mut next = Some(first);
        while let Some(queued) = next {
            let bytes = self.frames.len().saturating_add(HEADER).saturating_add(queued.entry.payload.len());
            if !self.waiting.is_empty() && bytes > self.commit_bytes {
                self.carried = Some(queued);
                break;
            }
            self.take(queued);
            next = match self.queue.try_recv() {
                Ok(Message::Entry(queued)) => Some(queued),
                Ok(Message::Close) => {
                    self.is_closing = true;
                    None
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            };
        }
        self.commit();
    }

    /// Takes an entry into the commit. This is the moment that decides whether it is late: what is chosen here is what
    /// the record says and what the caller hears.
    fn take(&mut self, queued: Queued) {
        let Queued { entry: Entry { payload, deadline, late }, waiter } = queued;
        let is_past = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let (payload, is_late) = match late {
            // It is the caller's code. If it panics, that must cost this entry and not the writer.
            Some(late) if is_past => match catch_unwind(AssertUnwindSafe(late)) {
                Ok(payload) => (payload, true),
                Err(_) => {
                    tracing::error!("The record of a late answer could not be made.");
                    waiter.answer(Err(AppendError::Failed));
                    return;
                }
            },
            _ => (payload, false),
        };
        if payload.len() > MAX_PAYLOAD {
            waiter.answer(Err(AppendError::TooLarge));
            return;
        }
        let base = self.journal.next_seq();
        let seq = base.saturating_add(self.waiting.len() as u64);
        frame::encode(&mut self.frames, seq, base, &payload);
        self.waiting.push((waiter, is_late));
    }

    /// Writes what was gathered, and answers only then.
    fn commit(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let (base, n_records) = (self.journal.next_seq(), self.waiting.len() as u64);
        let started = Instant::now();
        let appended = self.journal.append(&self.frames, n_records);
        match appended {
            Ok(()) => {
                self.shared.metrics.committed(started.elapsed(), n_records, self.frames.len() as u64);
                self.shared.advance(self.journal.next_seq());
                for (seq, (waiter, late)) in (base..).zip(self.waiting.drain(..)) {
                    waiter.answer(Ok(Commit { seq, late }));
                }
            }
            Err(fault) => {
                // The state first: nobody who hears of the failure can then still submit into it.
                self.fail(&fault);
                let error = fault.state().refusal().unwrap_or(AppendError::Failed);
                for (waiter, _) in self.waiting.drain(..) {
                    waiter.answer(Err(error));
                }
            }
        }
        self.frames.clear();
        // One huge payload must not be paid for until the end.
        self.frames.shrink_to(COMMIT_BYTES);
    }

    fn fail(&mut self, fault: &Fault) {
        let state = fault.state();
        // The probe runs four times a second; it says only what is new.
        if state != self.shared.state() {
            match fault.kind {
                FaultKind::Full => {
                    tracing::warn!(%fault, "The spool is full and takes no entries until there is room.");
                }
                FaultKind::Failed => tracing::error!(%fault, "The spool failed and takes no entries."),
            }
            self.shared.enter(state);
        }
        self.look_up_at = self.next_look();
    }

    /// Once a second: are the files still there? After a failure, more often: is it over?
    fn look_up(&mut self) {
        let looked = if self.is_writable() { self.journal.check() } else { self.journal.make_ready(0) };
        match looked {
            Ok(()) => {
                if !self.is_writable() {
                    let next_seq = self.journal.next_seq();
                    tracing::warn!(next_seq, "The spool takes entries again.");
                    self.shared.enter(State::Writable);
                }
            }
            Err(fault) => self.fail(&fault),
        }
        self.measure();
        self.look_up_at = self.next_look();
    }

    fn is_writable(&self) -> bool {
        self.shared.gate().is_none()
    }

    fn next_look(&self) -> Instant {
        let wait = if self.is_writable() { self.pace.check } else { self.pace.probe };
        let now = Instant::now();
        now.checked_add(wait).unwrap_or(now)
    }

    fn measure(&mut self) {
        // If the folder cannot be read, the check says so.
        let Ok(bytes) = self.journal.disk_bytes() else {
            return;
        };
        self.shared.metrics.disk_bytes(bytes);
        let is_low = self.max_bytes.saturating_sub(bytes) < self.max_bytes / 5;
        if is_low && !self.is_low {
            tracing::warn!(bytes, max_bytes = self.max_bytes, "Little room is left for the spool.");
        }
        self.is_low = is_low;
    }

    fn finish(mut self) {
        let next_seq = self.journal.next_seq();
        match self.journal.seal() {
            Ok(()) => tracing::info!(next_seq, "Closed the spool."),
            // All that was acknowledged is on disk. The next start cuts the rest.
            Err(fault) => tracing::error!(next_seq, %fault, "Closed the spool, but not its last segment."),
        }
        let shared = Arc::clone(&self.shared);
        // The lock goes before the word does, so that whoever sees `Closed` can open the folder.
        drop(self);
        shared.enter(State::Closed);
    }
}
