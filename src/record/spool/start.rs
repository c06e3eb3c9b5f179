//! Starts a spool: takes its folder, recovers what an earlier process left, and starts the writer thread.

use super::{
    attestor::Attestor,
    callers_runtime::CallersRuntime,
    config::{Config, Pace},
    files::Files,
    folder::Folder,
    inline_commit::InlineCommit,
    journal::Journal,
    keeper::{Ending, Keeper},
    metrics::Metrics,
    recovery::{OpenError, Recovery, recover, resume},
    reserve::Reserve,
    state::{FailOnPanic, Shared, State},
    ticket::Message,
    writer::Writer,
    writer_thread::WriterThread,
};
use opentelemetry::metrics::Meter;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// The size of the reserve: room for some hundred attestations.
const RESERVE_BYTES: u64 = 256 << 10;

/// A running writer, and what the handles need.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) queue: SyncSender<Message>,
    pub(super) inline: Arc<InlineCommit>,
    pub(super) shared: Arc<Shared>,
    pub(super) thread: JoinHandle<()>,
    pub(super) recovery: Recovery,
    pub(super) dir: Arc<Path>,
    pub(super) background: Option<Background>,
}

/// The thread of the keeper.
#[derive(Debug)]
pub(super) struct Background {
    /// The keeper ends when this is gone.
    going_on: Sender<std::convert::Infallible>,
    thread: JoinHandle<()>,
}

impl Background {
    fn start(idle: std::time::Duration, keeper: impl FnOnce(Ending) -> Keeper) -> std::io::Result<Self> {
        let (going_on, ending) = channel();
        let keeper = keeper(ending);
        let thread = thread::Builder::new().name("poort-keeper".into()).spawn(move || keeper.run(idle))?;
        Ok(Self { going_on, thread })
    }

    /// Ends the thread, and waits for it: for the read, the write or the sync that it is in. The writer goes on
    /// meanwhile.
    pub(super) fn end(self) {
        drop(self.going_on);
        let _panicked = self.thread.join();
    }
}

/// Takes the folder, recovers, and starts the writer.
pub(super) fn start(
    config: &Config,
    mut attestor: Option<Box<dyn Attestor>>,
    meter: &Meter,
    files: Arc<dyn Files>,
    pace: Pace,
) -> Result<Started, OpenError> {
    let failed = |what: &str, path: PathBuf| {
        let what = what.to_owned();
        move |source| OpenError::Io { what, path, source }
    };
    // The process may change its working folder later.
    let dir = std::path::absolute(&config.dir).map_err(failed("cannot find", config.dir.clone()))?;
    let folder = Folder::take(&*files, &dir)?;
    let mut found = recover(&dir)?;
    let unchecked = std::mem::take(&mut found.unchecked);
    if let Some(attestor) = &mut attestor {
        resume(&dir, found.tail.as_ref(), attestor.as_mut())?;
    }
    let recovery = found.recovery;
    let reserve = attestor.as_ref().map(|_| Reserve::new(RESERVE_BYTES.min(config.segment_bytes)));
    let journal = Journal::new(files.clone(), folder, config.segment_bytes, config.max_bytes, found, reserve);
    let (sender, receiver) = sync_channel(config.queue.max(1));
    let shared = Arc::new(Shared::new(State::Closed, recovery.next_seq, Metrics::new(meter, config.max_bytes)));
    let mut writer = Writer::new(journal, attestor, shared.clone(), pace, config);
    let Recovery { next_seq, segments, records, bytes, cut_bytes } = recovery;
    tracing::info!(dir = %dir.display(), next_seq, segments, records, bytes, cut_bytes, "Opened the spool.");
    writer.begin(&dir)?;
    let look_at = writer.look_at();
    let inline = Arc::new(InlineCommit::new(writer, CallersRuntime::of_this_thread()));
    let runs = WriterThread::new(receiver, look_at, inline.clone());
    let guarded = shared.clone();
    let thread = thread::Builder::new().name("poort-spool".into()).spawn(move || {
        let _guard = FailOnPanic(guarded);
        runs.run();
    });
    let thread = thread.map_err(failed("cannot start the writer of", dir.clone()))?;
    let dir: Arc<Path> = dir.into();
    let background = pace.keep.map(|idle| {
        let keeper = |ending| Keeper::new(dir.clone(), files, shared.clone(), config, unchecked, ending);
        Background::start(idle, keeper).map_err(failed("cannot start the keeper of", dir.to_path_buf()))
    });
    let background = background.transpose()?;
    Ok(Started { queue: sender, inline, shared, thread, recovery, dir, background })
}
