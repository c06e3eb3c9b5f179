//! Whether the spool can take entries, as its handles and the health service see it.

use super::{damage::Damage, entry::AppendError, metrics::Metrics};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    thread,
};
use tokio::sync::watch;

/// Whether the spool can take entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Entries are taken.
    Writable,
    /// There is no room, on the disk or below the limit. It ends by itself when there is.
    Full,
    /// The disk cannot be trusted; the text says why. The spool tries to recover.
    Failed(String),
    /// The spool was closed.
    Closed,
}

impl State {
    /// The error that a caller gets in this state, if it is not writable.
    pub(super) fn refusal(&self) -> Option<AppendError> {
        match self {
            Self::Writable => None,
            Self::Full => Some(AppendError::DiskFull),
            Self::Failed(_) => Some(AppendError::Failed),
            Self::Closed => Some(AppendError::Closed),
        }
    }
}

/// A segment in which damage was found while the spool is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedSegment {
    /// The seq of its first record.
    pub first: u64,
    /// Its path.
    pub segment: PathBuf,
    /// What is wrong with it.
    pub damage: Damage,
}

const WRITABLE: u8 = 0;
const FULL: u8 = 1;
const FAILED: u8 = 2;
const CLOSED: u8 = 3;

/// What the handles and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    state: watch::Sender<State>,
    /// The state without its text, so that `submit` takes no lock.
    gate: AtomicU8,
    /// Set when the spool is to close: from then on no entry is taken, while the writer still drains the queue.
    closing: AtomicBool,
    /// All seq below this are on disk.
    durable: AtomicU64,
    /// All seq below this were attested to.
    attested: AtomicU64,
    pub(super) metrics: Metrics,
    /// Held while a complete segment is replaced or deleted.
    pub(super) changing: Mutex<()>,
    damaged: watch::Sender<Vec<DamagedSegment>>,
}

impl Shared {
    pub(super) fn new(state: State, durable: u64, metrics: Metrics) -> Self {
        let shared = Self {
            state: watch::Sender::new(State::Closed),
            gate: AtomicU8::new(CLOSED),
            closing: AtomicBool::new(false),
            durable: AtomicU64::new(durable),
            attested: AtomicU64::new(0),
            metrics,
            changing: Mutex::new(()),
            damaged: watch::Sender::default(),
        };
        shared.metrics.damaged(0);
        shared.enter(state);
        shared
    }

    /// Goes to a state. Only the thread that has the writer does so, or one that panicked with it.
    pub(super) fn enter(&self, state: State) {
        let gate = match state {
            State::Writable => WRITABLE,
            State::Full => FULL,
            State::Failed(_) => FAILED,
            State::Closed => CLOSED,
        };
        self.gate.store(gate, Ordering::Release);
        self.metrics.writable(gate == WRITABLE);
        self.state.send_if_modified(|current| {
            let changed = *current != state;
            *current = state;
            changed
        });
    }

    /// Why an entry is refused now, if it is.
    pub(super) fn refusal(&self) -> Option<AppendError> {
        if self.closing.load(Ordering::Acquire) {
            return Some(AppendError::Closed);
        }
        self.gate()
    }

    /// The same for an entry that may use the reserve.
    pub(super) fn refusal_of(&self, is_urgent: bool) -> Option<AppendError> {
        self.refusal().filter(|error| !(is_urgent && *error == AppendError::DiskFull))
    }

    /// Why nothing can be written now, if so. What was submitted before a close is still written.
    pub(super) fn gate(&self) -> Option<AppendError> {
        match self.gate.load(Ordering::Acquire) {
            WRITABLE => None,
            FULL => Some(AppendError::DiskFull),
            CLOSED => Some(AppendError::Closed),
            _ => Some(AppendError::Failed),
        }
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Adds a damaged segment to those that are known.
    pub(super) fn add_damaged(&self, segment: DamagedSegment) {
        self.damaged.send_if_modified(|damaged| {
            let is_new = damaged.iter().all(|known| known.first != segment.first);
            if is_new {
                damaged.push(segment);
                self.metrics.damaged(damaged.len());
            }
            is_new
        });
    }

    pub(super) fn damaged(&self) -> watch::Receiver<Vec<DamagedSegment>> {
        self.damaged.subscribe()
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(super) fn attested(&self) -> u64 {
        self.attested.load(Ordering::Acquire)
    }

    pub(super) fn attest(&self, below: u64) {
        self.attested.store(below, Ordering::Release);
    }

    pub(super) fn advance(&self, durable: u64) {
        self.durable.store(durable, Ordering::Release);
    }
}

/// A writer that panicked must not look writable.
pub(super) struct FailOnPanic(pub(super) Arc<Shared>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("The writer of the spool stopped. Nothing can be recorded until a restart.");
            self.0.enter(State::Failed("the writer stopped".into()));
        }
    }
}
