//! The keeper: a thread that writes revisions to the archive, so that no activation waits for the disk.

use super::{Archive, Kept};
use crate::sources::snapshot::Sources;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How many revisions may wait, with their texts in memory. More than this means that the disk does not answer.
const WAITING: usize = 16;
/// How long to wait before a failed write is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Writes revisions in the background.
#[derive(Debug)]
pub struct Keeper {
    running: Mutex<Option<Running>>,
    pending: Arc<AtomicU64>,
    outcomes: Counter<u64>,
}

#[derive(Debug)]
struct Running {
    sources: SyncSender<Sources>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts the thread. With each revision it keeps `configuration`, the facts that decided under it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(archive: Archive, configuration: Vec<(String, String)>, meter: &Meter) -> std::io::Result<Self> {
        let pending = Arc::new(AtomicU64::new(0));
        let observed = pending.clone();
        meter
            .u64_observable_gauge("poort.archive.pending")
            .with_description("Revisions that were active and are not in the archive yet.")
            .with_callback(move |gauge| gauge.observe(observed.load(Ordering::Relaxed), &[]))
            .build();
        let outcomes = meter
            .u64_counter("poort.archive.attempts")
            .with_description("Attempts to archive what was activated, by outcome: written, there or failed.")
            .build();
        for outcome in ["written", "there", "failed"] {
            outcomes.add(0, &[KeyValue::new("outcome", outcome)]);
        }
        let (sender, receiver) = sync_channel(WAITING);
        let worker = Worker { archive, configuration, pending: pending.clone(), outcomes: outcomes.clone() };
        let thread = std::thread::Builder::new().name("poort-archive".to_owned());
        let thread = thread.spawn(move || worker.run(&receiver))?;
        Ok(Self { running: Mutex::new(Some(Running { sources: sender, thread })), pending, outcomes })
    }

    /// Queues these for writing and returns at once.
    pub(in crate::sources::store) fn keep(&self, sources: Sources) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_ref() else { return };
        self.pending.fetch_add(1, Ordering::Relaxed);
        if running.sources.try_send(sources).is_err() {
            self.outcomes.add(1, &[KeyValue::new("outcome", "failed")]);
            tracing::error!(
                "The archive takes no revision: {WAITING} wait for its disk. Keep the files of the active revision: it is not archived."
            );
        }
    }

    /// Writes what is queued, and ends. Blocks on files.
    pub fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { sources, thread }) = running {
            drop(sources);
            if thread.join().is_err() {
                tracing::error!("The thread of the archive broke off; this is a fault of poort.");
            }
        }
    }
}

struct Worker {
    archive: Archive,
    configuration: Vec<(String, String)>,
    pending: Arc<AtomicU64>,
    outcomes: Counter<u64>,
}

impl Worker {
    fn run(&self, arriving: &Receiver<Sources>) {
        self.archive.tidy();
        let mut failed: Vec<Sources> = Vec::new();
        loop {
            match arriving.recv_timeout(RETRY) {
                Ok(sources) => failed.extend(self.keep(sources)),
                Err(RecvTimeoutError::Timeout) => failed = failed.into_iter().filter_map(|it| self.keep(it)).collect(),
                Err(RecvTimeoutError::Disconnected) => {
                    failed.into_iter().for_each(|sources| drop(self.keep(sources)));
                    return;
                }
            }
            // The oldest is dropped: memory has a bound, and the active revision matters most.
            while failed.len() > WAITING {
                let given_up = failed.remove(0);
                tracing::error!(
                    revision = given_up.policies.revision().short(),
                    directory_revision = given_up.directory.revision().short(),
                    "A revision that was active is not tried again: too many others wait for the disk of the archive."
                );
            }
        }
    }

    /// Writes these, or returns them.
    fn keep(&self, sources: Sources) -> Option<Sources> {
        let kept = self.archive.keep_configuration(&self.configuration).and_then(|_| self.archive.keep(&sources));
        let outcome = match &kept {
            Ok(Kept::Written) => "written",
            Ok(Kept::There) => "there",
            Err(_) => "failed",
        };
        self.outcomes.add(1, &[KeyValue::new("outcome", outcome)]);
        match kept {
            Ok(_) => {
                self.pending.fetch_sub(1, Ordering::Relaxed);
                None
            }
            Err(error) => {
                tracing::error!(
                    %error,
                    folder = %self.archive.folder.display(),
                    revision = sources.policies.revision().short(),
                    directory_revision = sources.directory.revision().short(),
                    "An active revision is not archived, so what is decided under it cannot be replayed. It is tried again."
                );
                Some(sources)
            }
        }
    }
}
