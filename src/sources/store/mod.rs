//! The store: holds the active snapshot and replaces it when the files change.
//!
//! What holds here:
//! - Readers take the snapshot with one atomic load and never wait for a reload.
//! - An invalid change changes nothing: the last good snapshot stays active, and the refusal is in the log, in
//!   `/readyz` and in a metric until a good change replaces it.
//! - A change is read only once the files are settled (see `watch`), so a half-written file is not taken for a smaller
//!   policy set.
//!
//! - `archive`: the files of every revision that was active
//! - `idle`: those of them that may be deleted
//! - `bundled`: the active bundle, where policies come from signed bundles alone
//! - `watch`: notices changes of files
//! - `reading`: detects that reading files hangs

mod archive;
mod bundled;
mod idle;
mod reading;
mod watch;

pub use archive::{Archive, ArchiveError, Keeper, Recorder, Recording};
pub use bundled::{ActiveBundle, CheckedBundle};
pub use idle::Idle;
pub use watch::{Fingerprint, INTERVAL};

use crate::{
    sources::{
        directory, policy,
        snapshot::{self, Snapshot, Validity},
    },
    types::{
        problem::{self, Problem},
        revision::Revision,
    },
};
use arc_swap::ArcSwapOption;
use archive::Activated;
use bundled::Bundled;
use idle::Uses;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use reading::{Reading, Watched};
use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

/// The most that the archive may take if nothing else is configured: a directory of 100 000 accounts that changes every
/// five minutes for years.
pub const ARCHIVE_MAX: u64 = 16 << 30;

/// Configuration of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The policy folder.
    pub policies: PathBuf,
    /// The directory: a folder of JSON files, or one file.
    pub directory: PathBuf,
    /// The folders of the policy folder whose entities are in the directory too.
    pub within: Vec<&'static str>,
    /// The folder of the archive.
    pub archive: PathBuf,
    /// The most that the archive may take, in bytes.
    pub archive_max: u64,
    /// The facts of the configuration that can change a decision, by name. They are archived as a revision too.
    pub configuration: Vec<(String, String)>,
}

/// Holds the active snapshot.
pub struct Store {
    config: Config,
    archive: Archive,
    keeper: OnceLock<Keeper>,
    active: Arc<ArcSwapOption<Snapshot>>,
    /// What the active snapshot was made from, and how the newest change went.
    last: Arc<Mutex<Last>>,
    /// Where policies come from signed bundles, and from nowhere else.
    bundled: Option<Arc<Bundled>>,
    reloads: Counter<u64>,
    reading: Arc<Reading>,
}

/// The revisions of policies and directory.
type Revisions = (Revision, Revision);

#[derive(Default)]
struct Last {
    revisions: Option<Revisions>,
    fingerprint: Fingerprint,
    refused: Option<Refused>,
    /// What the active snapshot was made from, until there is a keeper to archive it.
    unkept: Option<Activated>,
    uses: Uses,
}

/// The newest change, if it was refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// When it was refused.
    pub at: SystemTime,
    /// Each problem as `file:line:column: message`.
    pub problems: Vec<String>,
}

/// The result of a look at the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The files are as they were, or still changing.
    Unchanged,
    /// A new snapshot is active.
    Activated,
    /// The files are not valid; the last good snapshot stays active.
    Refused,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Store {
    /// A store without a snapshot; [`Store::load`] gives it one.
    #[must_use]
    pub fn new(config: Config, meter: &Meter) -> Self {
        let active = Arc::new(ArcSwapOption::<Snapshot>::empty());
        let last = Arc::new(Mutex::new(Last::default()));
        let reading = Arc::new(Reading::new());
        observe(meter, &active, &last, &reading);
        let reloads = meter
            .u64_counter("poort.reloads")
            .with_description("Changes of policies or directory by outcome: activated or refused.")
            .build();
        for outcome in ["activated", "refused"] {
            reloads.add(0, &[KeyValue::new("outcome", outcome)]);
        }
        let archive = Archive::new(config.archive.clone(), config.archive_max);
        Self { config, archive, keeper: OnceLock::new(), active, last, bundled: None, reloads, reading }
    }

    /// The archive of what was active.
    #[must_use]
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// From now on, every active revision is archived. Until then it is held in memory: the archive is in the folder of
    /// the records, and no revision needs to be kept before records can name it. A second keeper is ignored.
    pub fn archive_to(&self, keeper: Keeper) {
        let mut last = self.lock();
        if self.keeper.set(keeper).is_ok()
            && let (Some(keeper), Some(activated)) = (self.keeper.get(), last.unkept.take())
        {
            keeper.keep(activated);
        }
    }

    /// Returns when every revision that was active is archived, or failed to be. Blocks on files.
    pub fn close(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.close();
        }
    }

    /// The active snapshot; `None` before the first one.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.active.load_full()
    }

    /// The newest change, if it was refused and no good one followed.
    #[must_use]
    pub fn refused(&self) -> Option<Refused> {
        self.lock().refused.clone()
    }

    /// Reads the files and activates them. Blocks on files; not for an asynchronous task.
    ///
    /// # Errors
    /// All problems; the active snapshot stays. On success, returns the warnings.
    pub fn load(&self) -> Result<Vec<Problem>, Vec<Problem>> {
        let fingerprint = self.reading.during(|| self.fingerprint());
        self.activate(self.read(), fingerprint)
    }

    fn fingerprint(&self) -> Fingerprint {
        match &self.bundled {
            None => Fingerprint::take(&self.config.policies, &self.config.directory),
            Some(bundled) => bundled.fingerprint(),
        }
    }

    fn read(&self) -> Result<Read, Vec<Problem>> {
        let Config { policies, directory, within, .. } = &self.config;
        match &self.bundled {
            None => self.check(self.reading.during(|| snapshot::files(policies, directory, within))?, None),
            Some(bundled) => {
                let active = bundled.active()?;
                self.read_bundle(bundled, &active)
            }
        }
    }

    /// Checks what was read, and records the directory for the archive.
    fn check(
        &self,
        (policies, folder): (policy::Sources, directory::Folder),
        validity: Option<Validity>,
    ) -> Result<Read, Vec<Problem>> {
        let files = Watched { files: &folder, reading: &self.reading };
        let (active, mut recorder) = (self.active.load_full(), self.archive.recorder());
        match Snapshot::after(active.as_deref(), &policies, &files, &mut recorder) {
            (Some(mut snapshot), warnings) => {
                let directory = recorder.finish(snapshot.directory.revision.clone());
                snapshot.validity = validity;
                Ok(Read { activated: directory.map(|directory| Activated { policies, directory }), snapshot, warnings })
            }
            (None, problems) => Err(problems),
        }
    }

    /// How long the current read of the files has taken, if too long: meanwhile no change is noticed.
    #[must_use]
    pub fn hangs(&self) -> Option<std::time::Duration> {
        self.reading.hangs()
    }

    /// Checks whether the files changed since they were last read, and activates them if they did and are settled.
    /// Blocks on files; not for an asynchronous task.
    pub fn reload(&self, seen_before: &mut Fingerprint) -> Reload {
        let now = self.reading.during(|| self.fingerprint());
        let known = now == self.lock().fingerprint && !now.is_too_fresh();
        let still = now == *seen_before;
        *seen_before = now.clone();
        if known || !still {
            return Reload::Unchanged;
        }
        let read = self.read();
        let after = self.reading.during(|| self.fingerprint());
        // Written to while they were read: the next look tries again.
        if after != now {
            return Reload::Unchanged;
        }
        self.take(read, now)
    }

    /// Reads the files, whatever their metadata say, and activates them if they changed. Blocks on files; not for an
    /// asynchronous task.
    pub fn reread(&self) -> Reload {
        let now = self.reading.during(|| self.fingerprint());
        self.take(self.read(), now)
    }

    /// Activates what was read, if it is not active.
    fn take(&self, read: Result<Read, Vec<Problem>>, now: Fingerprint) -> Reload {
        {
            let mut last = self.lock();
            if let (Ok(read), Some(active)) = (&read, &last.revisions)
                && revisions(&read.snapshot) == *active
            {
                // Touched, or restored: the refusal of the files in between no longer holds.
                last.fingerprint = now;
                if last.refused.take().is_some() {
                    tracing::info!("The files are again those of the active revision.");
                }
                return Reload::Unchanged;
            }
        }
        match self.activate(read, now) {
            Ok(_) => Reload::Activated,
            Err(_) => Reload::Refused,
        }
    }

    fn activate(
        &self,
        read: Result<Read, Vec<Problem>>,
        fingerprint: Fingerprint,
    ) -> Result<Vec<Problem>, Vec<Problem>> {
        let mut last = self.lock();
        last.fingerprint = fingerprint;
        match read {
            Ok(Read { activated, snapshot, warnings }) => {
                let (revisions, snapshot) = (revisions(&snapshot), Arc::new(snapshot));
                last.uses.activate(&revisions, &snapshot);
                self.active.store(Some(Arc::clone(&snapshot)));
                last.revisions = Some(revisions);
                last.refused = None;
                self.reloads.add(1, &[KeyValue::new("outcome", "activated")]);
                tracing::info!(
                    revision = snapshot.policies.revision.short(),
                    directory_revision = snapshot.directory.revision.short(),
                    policies = snapshot.policies.facts.len(),
                    entities = snapshot.directory.len(),
                    "Policies and directory are active."
                );
                for warning in &warnings {
                    tracing::warn!("{}", warning.one_line());
                }
                match (activated, self.keeper.get()) {
                    (Ok(activated), Some(keeper)) => keeper.keep(activated),
                    (Ok(activated), None) => last.unkept = Some(activated),
                    (Err(error), _) => tracing::error!(%error, "The active directory is not archived."),
                }
                Ok(warnings)
            }
            Err(problems) => {
                let errors = problems.iter().filter(|problem| problem.is_error());
                let lines = errors.map(Problem::one_line).collect::<Vec<_>>();
                // Fresh files are read several times; the same refusal is counted once.
                if last.refused.as_ref().is_some_and(|refused| refused.problems == lines) {
                    return Err(problems);
                }
                last.refused = Some(Refused { at: SystemTime::now(), problems: lines });
                self.reloads.add(1, &[KeyValue::new("outcome", "refused")]);
                if last.revisions.is_some() {
                    tracing::error!(
                        "The change of policies or directory is refused; the last good revision keeps answering.\n{}",
                        problem::report(&problems, false)
                    );
                }
                Err(problems)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was read: a snapshot, and what the archive keeps of it.
#[derive(Debug)]
struct Read {
    snapshot: Snapshot,
    activated: io::Result<Activated>,
    warnings: Vec<Problem>,
}

fn revisions(snapshot: &Snapshot) -> Revisions {
    (snapshot.policies.revision.clone(), snapshot.directory.revision.clone())
}

fn observe(meter: &Meter, active: &Arc<ArcSwapOption<Snapshot>>, last: &Arc<Mutex<Last>>, reading: &Arc<Reading>) {
    let seen = reading.clone();
    meter
        .u64_observable_gauge("poort.reload.hanging")
        .with_description(
            "1 while reading the files of policies or directory does not end, so that changes are not noticed.",
        )
        .with_callback(move |gauge| gauge.observe(u64::from(seen.hangs().is_some()), &[]))
        .build();
    let seen = active.clone();
    meter
        .u64_observable_gauge("poort.revision")
        .with_description("1 for the active revisions of policies and directory.")
        .with_callback(move |gauge| {
            if let Some(snapshot) = seen.load_full() {
                let labels = [
                    KeyValue::new("revision", snapshot.policies.revision.to_string()),
                    KeyValue::new("directory_revision", snapshot.directory.revision.to_string()),
                ];
                gauge.observe(1, &labels);
            }
        })
        .build();
    let seen = active.clone();
    meter
        .u64_observable_gauge("poort.directory.entities")
        .with_description("Entities in the active directory.")
        .with_callback(move |gauge| gauge.observe(seen.load().as_ref().map_or(0, |it| it.directory.len() as u64), &[]))
        .build();
    let seen = active.clone();
    meter
        .u64_observable_gauge("poort.policies")
        .with_description("Active policies.")
        .with_callback(move |gauge| {
            gauge.observe(seen.load().as_ref().map_or(0, |it| it.policies.facts.len() as u64), &[]);
        })
        .build();
    let seen = last.clone();
    meter
        .u64_observable_gauge("poort.reload.refused")
        .with_description("1 while the newest change of policies or directory is refused.")
        .with_callback(move |gauge| {
            let refused = seen.lock().unwrap_or_else(PoisonError::into_inner).refused.is_some();
            gauge.observe(u64::from(refused), &[]);
        })
        .build();
}
