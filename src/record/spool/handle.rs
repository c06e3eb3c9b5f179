//! The handle to an open spool, for callers, health, shipping and retention.

#[cfg(test)]
use super::keeper::Keeper;
use super::{
    attestor::Attestor,
    config::{Config, Pace},
    entry::{AppendError, Commit, Entry},
    files::{Disk, Files},
    frame::MAX_PAYLOAD,
    inline_commit::{Attempt, InlineCommit},
    recovery::{OpenError, Recovery},
    retention, segment,
    start::{Background, start},
    state::{DamagedSegment, Shared, State},
    ticket::{Message, Queued, Ticket, Waiter},
};
use opentelemetry::metrics::Meter;
#[cfg(test)]
use std::{
    convert::Infallible,
    sync::mpsc::{Sender, channel},
};
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::SystemTime,
};
use tokio::sync::watch;

/// A handle to an open spool. Cloning is cheap, and every clone speaks to the same writer.
///
/// When the last handle is dropped, the spool closes by itself, but nothing waits for that: call [`Spool::close`]
/// before the same folder is opened again.
#[derive(Clone, Debug)]
pub struct Spool {
    queue: SyncSender<Message>,
    inline: Arc<InlineCommit>,
    shared: Arc<Shared>,
    dir: Arc<Path>,
    files: Arc<dyn Files>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    background: Arc<Mutex<Option<Background>>>,
}

impl Spool {
    /// Takes the lock, recovers what an earlier process left, and starts the writer thread. It reads the segments that are
    /// not packed, and of the others the footer; the keeper reads those in the background.
    ///
    /// A full disk is not an error here: the spool opens in [`State::Full`] and becomes writable by itself. With an
    /// attestor, a reserve is kept for a full disk.
    ///
    /// # Errors
    /// Something that needs a person: see [`OpenError`].
    pub fn open(
        config: &Config,
        attestor: Option<Box<dyn Attestor>>,
        meter: &Meter,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_on(config, attestor, meter, Arc::new(Disk), Pace::SERVING)
    }

    pub(super) fn open_on(
        config: &Config,
        attestor: Option<Box<dyn Attestor>>,
        meter: &Meter,
        files: Arc<dyn Files>,
        pace: Pace,
    ) -> Result<(Self, Recovery), OpenError> {
        let started = start(config, attestor, meter, files.clone(), pace)?;
        let spool = Self {
            queue: started.queue,
            inline: started.inline,
            shared: started.shared,
            dir: started.dir,
            files,
            thread: Arc::new(Mutex::new(Some(started.thread))),
            background: Arc::new(Mutex::new(started.background)),
        };
        Ok((spool, started.recovery))
    }

    /// Records an entry, and returns when it is on disk. While entries come one at a time, this thread writes the entry
    /// itself and blocks for one write and one sync (`inline_commit`). Otherwise the entry goes through the queue, and
    /// its caller waits without blocking.
    ///
    /// # Errors
    /// The entry was not recorded.
    pub async fn append(&self, entry: Entry) -> Result<Commit, AppendError> {
        match self.inline.write(entry) {
            Attempt::Done(written) => written,
            Attempt::Queue(entry) => self.submit(entry)?.committed().await,
        }
    }

    /// Puts the entry in the queue. It never blocks.
    ///
    /// # Errors
    /// At once, when the entry cannot be taken.
    pub fn submit(&self, entry: Entry) -> Result<Ticket, AppendError> {
        let (waiter, ticket) = Waiter::new(self.shared.clone());
        let refusal = self.shared.refusal_of(entry.is_urgent);
        let refusal = refusal.or_else(|| (entry.payload.max_len() > MAX_PAYLOAD).then_some(AppendError::TooLarge));
        if let Some(error) = refusal {
            waiter.answer(Err(error));
            return Err(error);
        }
        let (message, error) = match self.queue.try_send(Message::Entry(Queued { entry, waiter })) {
            Ok(()) => return Ok(ticket),
            Err(TrySendError::Full(message)) => (message, AppendError::QueueFull),
            // The writer ended meanwhile.
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

    /// The segments in which damage was found since the start, for health. See `keeper`.
    #[must_use]
    pub fn damaged(&self) -> watch::Receiver<Vec<DamagedSegment>> {
        self.shared.damaged()
    }

    /// All seq below this are on disk. A reader that ships records stops here, so that a seq that was shipped never
    /// gets another payload.
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

    /// The seq of the first record that has to stay; the oldest one when all have to. The records before it are below
    /// `taken`, and their segments were last written before `before`. For each segment, `is_old` says whether all
    /// before this seq may go, or `None` where the segment cannot tell. Blocks on files.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn keep_from(
        &self,
        taken: u64,
        before: SystemTime,
        is_old: &dyn Fn(u64) -> io::Result<Option<bool>>,
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

    /// Deletes the segments whose records are all below `keep_from`, but for the newest two. Returns how many.
    /// Consumers must have synced their cursors before. Blocks on files.
    ///
    /// # Errors
    /// A segment cannot be deleted, or its deletion cannot be synced; those before it are gone.
    pub fn remove_below(&self, keep_from: u64) -> io::Result<u64> {
        let _changing = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        retention::remove_below(&*self.files, &self.dir, keep_from.min(self.durable()))
    }

    /// A keeper of this spool that a test runs step by step, without pauses, over all that is packed.
    #[cfg(test)]
    pub(super) fn keeper(&self, config: &Config, unchecked: Vec<u64>) -> (Keeper, Sender<Infallible>) {
        let (going_on, ending) = channel();
        let mut keeper =
            Keeper::new(self.dir.clone(), self.files.clone(), self.shared.clone(), config, unchecked, ending);
        keeper.pauses = [std::time::Duration::ZERO; 2];
        (keeper, going_on)
    }

    /// Records what was submitted, cuts the segment to its true length, syncs, and stops the writer. It waits for all
    /// of that, so it blocks for about one commit. Later entries are refused with [`AppendError::Closed`]. To call it
    /// again does nothing but wait.
    pub fn close(&self) {
        self.shared.close();
        // It ends before the writer frees the lock of the folder: no two processes may change segments.
        if let Some(background) = self.background.lock().unwrap_or_else(PoisonError::into_inner).take() {
            background.end();
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // The queue may be full; the writer makes room. An error means that it is gone already.
            let _gone = self.queue.send(Message::Close);
            let _panicked = thread.join();
        }
    }
}
