//! The keeper: a thread that writes revisions to the archive, so that no activation waits for the disk.

use super::{Archive, Kept, Recording};
use crate::sources::policy;
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

/// How many revisions may wait, with their new parts in memory. More than this means that the disk does not answer.
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

/// What became active.
#[derive(Debug)]
pub(in crate::sources::store) struct Activated {
    pub(in crate::sources::store) policies: policy::Sources,
    pub(in crate::sources::store) directory: Recording,
}

#[derive(Debug)]
struct Running {
    activated: SyncSender<Activated>,
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
        let used = archive.used.clone();
        meter
            .u64_observable_gauge("poort.archive")
            .with_unit("By")
            .with_description("What the archive of revisions takes on disk.")
            .with_callback(move |gauge| gauge.observe(used.load(Ordering::Relaxed), &[]))
            .build();
        let max = archive.max;
        meter
            .u64_observable_gauge("poort.archive.max")
            .with_unit("By")
            .with_description("What the archive of revisions may take on disk.")
            .with_callback(move |gauge| gauge.observe(max, &[]))
            .build();
        let (sender, receiver) = sync_channel(WAITING);
        let worker = Worker { archive, configuration, pending: pending.clone(), outcomes: outcomes.clone() };
        let thread = std::thread::Builder::new().name("poort-archive".to_owned());
        let thread = thread.spawn(move || worker.run(&receiver))?;
        Ok(Self { running: Mutex::new(Some(Running { activated: sender, thread })), pending, outcomes })
    }

    /// Queues these for writing and returns at once.
    pub(in crate::sources::store) fn keep(&self, activated: Activated) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_ref() else { return };
        self.pending.fetch_add(1, Ordering::Relaxed);
        if running.activated.try_send(activated).is_err() {
            self.outcomes.add(1, &[KeyValue::new("outcome", "failed")]);
            tracing::error!(
                "The archive takes no revision: {WAITING} wait for its disk. Keep the files of the active revision: it is not archived."
            );
        }
    }

    /// Writes what is queued, and ends. Blocks on files.
    pub fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { activated, thread }) = running {
            drop(activated);
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
    fn run(&self, arriving: &Receiver<Activated>) {
        if let Err(error) = self.archive.tidy() {
            tracing::error!(%error, "The archive of revisions cannot be tidied up: what nothing names any more takes room.");
        }
        let mut failed: Vec<Activated> = Vec::new();
        loop {
            match arriving.recv_timeout(RETRY) {
                Ok(activated) => failed.extend(self.keep(activated)),
                Err(RecvTimeoutError::Timeout) => failed = failed.into_iter().filter_map(|it| self.keep(it)).collect(),
                Err(RecvTimeoutError::Disconnected) => {
                    failed.into_iter().for_each(|activated| drop(self.keep(activated)));
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
    fn keep(&self, activated: Activated) -> Option<Activated> {
        let Activated { policies, directory } = &activated;
        let kept = self.write(policies, directory);
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
                    revision = policies.revision().short(),
                    directory_revision = directory.revision().short(),
                    "An active revision is not archived, so what is decided under it cannot be replayed. It is tried again."
                );
                // What a failed attempt left is counted.
                let _measured = self.archive.measure();
                Some(activated)
            }
        }
    }

    fn write(&self, policies: &policy::Sources, directory: &Recording) -> std::io::Result<Kept> {
        let configuration = self.archive.keep_configuration(&self.configuration)?;
        let policies = self.archive.keep_policies(policies)?;
        Ok(configuration.and(policies).and(self.archive.keep_directory(directory)?))
    }
}
