//! What callers hold: the handle, the entry they give, and the ticket they get.

use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use opentelemetry::metrics::Meter;
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use super::attestor::Attestor;
use super::config::{Config, Pace};
use super::files::{Disk, Files};
use super::frame::MAX_PAYLOAD;
use super::inline_commit::InlineCommit;
use super::payload::Payload;
use super::recovery::{OpenError, Recovery};
use super::retention;
use super::segment;
use super::state::{Shared, State};
use super::writer;

/// A handle to an open spool. Cloning is cheap, and every clone speaks to the same writer.
///
/// When the last handle goes, the spool closes by itself, but nobody waits for it: call [`Spool::close`] before the
/// same folder is opened again.
#[derive(Clone, Debug)]
pub struct Spool {
    queue: SyncSender<Message>,
    pen: Arc<InlineCommit>,
    shared: Arc<Shared>,
    dir: Arc<Path>,
    files: Arc<dyn Files>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What is to be recorded.
///
/// **The deadline.** The writer decides, at the moment when it takes the entry into a commit. If the deadline has
/// passed by then, it writes the late form of the payload, and the [`Commit`] says `late: true`. An entry that was
/// taken in time is answered when its commit is on disk, however long that takes. So the record and the answer always
/// agree: whoever hears `late: true` knows that the record says so too, and nobody else.
///
/// A deadline of a payload that has no late form has no effect.
#[derive(Debug)]
pub struct Entry {
    /// The bytes of the record, at most [`MAX_PAYLOAD`].
    pub payload: Payload,
    /// After this moment, its late form is written ([`Payload::or_late`]).
    pub deadline: Option<Instant>,
    /// It may use the room that is kept aside for when there is none. For what must be said even then, and for nothing
    /// else: the reserve is small.
    pub is_urgent: bool,
}

impl Entry {
    /// An entry without a deadline.
    #[must_use]
    pub fn new(payload: impl Into<Payload>) -> Self {
        Self { payload: payload.into(), deadline: None, is_urgent: false }
    }
}

/// An entry that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place in the sequence.
    pub seq: u64,
    /// Whether the late form of the payload was written.
    pub late: bool,
}

/// An entry was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The writer does not keep up.
    #[error("too many entries wait for the disk")]
    QueueFull,
    /// There is no room, on the disk or below the limit.
    #[error("no room for the decision log")]
    DiskFull,
    /// The disk failed. The entry may be on it or not, but it is not acknowledged and will not become valid later.
    #[error("the decision log cannot be written")]
    Failed,
    /// The spool was closed.
    #[error("the decision log is closed")]
    Closed,
    /// The payload is longer than [`MAX_PAYLOAD`]. This entry never can be recorded; others can.
    #[error("a record of the decision log is at most {MAX_PAYLOAD} bytes")]
    TooLarge,
}

/// The promise of an answer about one entry.
#[derive(Debug)]
#[must_use = "the entry is on disk only when the ticket says so"]
pub struct Ticket {
    answer: oneshot::Receiver<Result<Commit, AppendError>>,
}

impl Ticket {
    /// Waits until the commit that holds the entry is on disk, or failed. The entry is written even if nobody waits.
    ///
    /// # Errors
    /// The entry was not recorded.
    pub async fn committed(self) -> Result<Commit, AppendError> {
        // A waiter always answers, at the latest when it is dropped.
        self.answer.await.unwrap_or(Err(AppendError::Failed))
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// The entry was not recorded.
    ///
    /// # Panics
    /// When it is called within an asynchronous context.
    pub fn wait(self) -> Result<Commit, AppendError> {
        self.answer.blocking_recv().unwrap_or(Err(AppendError::Failed))
    }

    /// The answer, which was given already.
    pub(super) fn answered(mut self) -> Result<Commit, AppendError> {
        self.answer.try_recv().unwrap_or(Err(AppendError::Failed))
    }
}

impl Spool {
    /// Takes the lock, recovers what an earlier process left, and starts the writer thread. It reads all segments, so
    /// it blocks for a while.
    ///
    /// A full disk is not an error here: the spool opens in [`State::Full`] and comes back by itself. With an attestor, some
    /// room is kept aside for when there is none.
    ///
    /// # Errors
    /// Something that needs a person: see [`OpenError`].
    pub fn open(
        config: Config,
        attestor: Option<Box<dyn Attestor>>,
        meter: &Meter,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_on(config, attestor, meter, Arc::new(Disk), Pace::SERVING)
    }

    pub(super) fn open_on(
        config: Config,
        attestor: Option<Box<dyn Attestor>>,
        meter: &Meter,
        files: Arc<dyn Files>,
        pace: Pace,
    ) -> Result<(Self, Recovery), OpenError> {
        let started = writer::start(config, attestor, meter, Arc::clone(&files), pace)?;
        let spool = Self {
            queue: started.queue,
            pen: started.pen,
            shared: started.shared,
            dir: started.dir,
            files,
            thread: Arc::new(Mutex::new(Some(started.thread))),
        };
        Ok((spool, started.recovery))
    }

    /// Records an entry, and comes back when it is on disk. An entry that comes alone is written by this thread itself, which
    /// then blocks for one write and one sync (`inline_commit`); every other goes through the queue and waits without blocking.
    ///
    /// # Errors
    /// The entry was not recorded.
    pub async fn append(&self, entry: Entry) -> Result<Commit, AppendError> {
        match self.pen.write(entry) {
            Ok(written) => written,
            Err(entry) => self.submit(entry)?.committed().await,
        }
    }

    /// Puts the entry in the queue. It never blocks.
    ///
    /// # Errors
    /// At once, when the entry cannot be taken.
    pub fn submit(&self, entry: Entry) -> Result<Ticket, AppendError> {
        let (waiter, ticket) = Waiter::new(Arc::clone(&self.shared));
        let refusal = self.shared.refusal_of(entry.is_urgent);
        let refusal = refusal.or_else(|| (entry.payload.max_len() > MAX_PAYLOAD).then_some(AppendError::TooLarge));
        if let Some(error) = refusal {
            waiter.answer(Err(error));
            return Err(error);
        }
        let (message, error) = match self.queue.try_send(Message::Entry(Queued { entry, waiter })) {
            Ok(()) => return Ok(ticket),
            Err(TrySendError::Full(message)) => (message, AppendError::QueueFull),
            // The writer went away meanwhile.
            Err(TrySendError::Disconnected(message)) => (message, self.shared.refusal().unwrap_or(AppendError::Failed)),
        };
        if let Message::Entry(queued) = message {
            queued.waiter.answer(Err(error));
        }
        Err(error)
    }

    /// Whether an entry would be taken: false while the spool is full, failed or closed.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.shared.refusal().is_none()
    }

    /// Follows the state, for health.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.shared.watch()
    }

    /// All seq below this are on disk. A reader that ships records stops here, so that a seq that was shipped can
    /// never come back with another payload.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.shared.durable()
    }

    /// All records below this were attested to.
    #[must_use]
    pub fn attested(&self) -> u64 {
        self.shared.attested()
    }

    /// The folder of the segments.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The seq of the first record that has to stay: those before it are all below `taken`, their segments were last
    /// written before `before`, and `is_old` says that what stands before the segment with this first seq may go. It is the oldest record when all have to stay. Blocks on files.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn keep_from(
        &self,
        taken: u64,
        before: SystemTime,
        is_old: &dyn Fn(u64) -> io::Result<bool>,
    ) -> io::Result<u64> {
        retention::keep_from(&self.dir, taken.min(self.durable()), before, is_old)
    }

    /// The seq of the oldest record that is kept.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn oldest(&self) -> io::Result<u64> {
        Ok(segment::list(&self.dir)?.first().map_or(0, |segment| segment.first))
    }

    /// Deletes the segments whose records are all below `keep_from`, but for the newest two. Gives how many. Whoever took
    /// records must have synced how far they came. Blocks on files.
    ///
    /// # Errors
    /// A segment cannot be deleted, or its deletion not be synced; those before it are gone.
    pub fn remove_below(&self, keep_from: u64) -> io::Result<u64> {
        retention::remove_below(&*self.files, &self.dir, keep_from.min(self.durable()))
    }

    /// Records what was submitted, cuts the segment to its true length, syncs, and stops the writer. It waits for all
    /// of that, so it blocks for about one commit. Later entries are refused with [`AppendError::Closed`]. To call it
    /// again does nothing but wait.
    pub fn close(&self) {
        self.shared.close();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // The queue may be full; the writer makes room. An error means that it is gone already.
            let _gone = self.queue.send(Message::Close);
            let _panicked = thread.join();
        }
    }
}

/// What goes through the queue.
#[derive(Debug)]
pub(super) enum Message {
    Entry(Queued),
    Close,
}

/// An entry with the caller that waits for it.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) entry: Entry,
    pub(super) waiter: Waiter,
}

/// The writer's end of a [`Ticket`]. However it goes, the caller gets an answer, and an entry that is not recorded is
/// counted once.
#[derive(Debug)]
pub(super) struct Waiter {
    answer: Option<oneshot::Sender<Result<Commit, AppendError>>>,
    /// What it answers when it is dropped.
    result: Option<Result<Commit, AppendError>>,
    shared: Arc<Shared>,
}

impl Waiter {
    pub(super) fn new(shared: Arc<Shared>) -> (Self, Ticket) {
        let (sender, answer) = oneshot::channel();
        let waiter = Self { answer: Some(sender), result: None, shared };
        (waiter, Ticket { answer })
    }

    /// One that gives this answer as soon as it is dropped.
    pub(super) const fn with(mut self, result: Result<Commit, AppendError>) -> Self {
        self.result = Some(result);
        self
    }

    pub(super) fn answer(mut self, result: Result<Commit, AppendError>) {
        self.give(result);
    }

    fn give(&mut self, result: Result<Commit, AppendError>) {
        if let Some(answer) = self.answer.take() {
            if let Err(error) = result {
                self.shared.metrics.unrecorded(error);
            }
            // The caller may have gone away; the record is there all the same.
            let _gone = answer.send(result);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // Without an answer it was left in the queue when the writer stopped, or the writer panicked.
        let result = self.result.unwrap_or_else(|| Err(self.shared.refusal().unwrap_or(AppendError::Failed)));
        self.give(result);
    }
}
