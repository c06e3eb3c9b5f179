//! Signed bundles: finds what a courier brought, and activates what follows the active bundle.
//!
//! The order, each step of which can be the last one of a process: verify and check; keep it in the data folder; put it on
//! record; swap. So after a crash the old or the new bundle answers, never neither and never both.
//!
//! What is kept is one file, `bundle.tar`, which holds its own proof: it is verified again at each start. The floor is the newer of
//! what it says and what the decision log says.
//!
//! The same order holds for trust files, which are looked at first: what comes is verified under the newest.
//!
//! - `finder`: finds what may be activated, and why the rest is refused
//! - `kept`: the kept files
//! - `trusted`: takes the trust files that follow the pinned one

mod finder;
mod kept;
mod trusted;

use super::StartError;
use crate::{
    oversight::signals::live,
    record::{
        decision_log::{BUNDLE_ACTIVATED, BUNDLE_ACTIVE, DecisionLog, Recorded, recorded_bundle},
        spool::AppendError,
    },
    sources::{
        bundle::{Chain, Code, Config, Floor, Refusal, Trust, archive},
        store::{CheckedBundle, Fingerprint, Store},
    },
    types::{escape, problem::Problem, revision::Revision},
};
use finder::{Finder, Found, Start};
use kept::{KEPT, keep, keep_trust};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use thiserror::Error;
use tracing::{error, info, warn};

/// The most refusals of one rule that are told until another bundle is activated: the courier's folder may be anybody's, and junk hides no
/// fork.
const MOST_TOLD: usize = 100;

/// How often the active bundle is put on record, so that its record is near the end of the log.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// How often bundles are looked at again for which the time, or the accounts, have to come.
const TIMES: Duration = Duration::from_secs(10);

/// The trust file cannot be used.
#[derive(Debug, Error)]
#[error("bundle.trust: `{}`: {message}", path.display())]
struct BadTrust {
    path: PathBuf,
    message: String,
}

/// What comes to this sidecar, and what is active.
#[derive(Debug)]
pub(super) struct Bundles {
    finder: Finder,
    data: PathBuf,
    /// What nothing older may replace.
    floor: Option<Floor>,
    /// The newest that the log calls active.
    on_record: Option<Floor>,
    /// The trust file that the log calls the newest.
    trust_on_record: Option<Floor>,
    /// The revision of the active policies.
    active: Option<Revision>,
    seen: Fingerprint,
    read: Fingerprint,
    read_at: Instant,
    /// Whether something is to be tried again though no file changed: its time has to come, or the disk had no room.
    waits: bool,
    recorded_at: Option<Instant>,
    told: BTreeSet<(String, Refusal)>,
    refusals: Counter<u64>,
}

/// A bundle or a trust file is not active though nothing is wrong with it.
#[derive(Debug, Error)]
enum ActivationError {
    #[error("it cannot be kept in the data folder: {0}")]
    Keep(#[from] io::Error),
    #[error("it cannot be put on record: {0}")]
    Record(#[from] AppendError),
}

impl Bundles {
    /// Reads the trust file, and learns from the data folder what was active.
    pub(super) fn new(
        config: &Config,
        (data, records): (&Path, PathBuf),
        store: Arc<Store>,
        signals: Option<live::Config>,
        meter: &Meter,
    ) -> Result<Self, StartError> {
        let path = &config.trust;
        let bad = |message: String| StartError::configuration(BadTrust { path: path.clone(), message });
        let bytes = archive::read_file(path).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let trust = Trust::pinned(&bytes).map_err(bad)?;
        if trust.file().store != config.store {
            return Err(bad(format!("is for the store `{}`; bundle.store is `{}`", trust.file().store, config.store)));
        }
        let Recorded { bundle: floor, trust: trust_on_record } =
            recorded_bundle(&records, &config.store).map_err(StartError::system)?;
        let trust = Chain::new(trust);
        let refusals = meter
            .u64_counter("poort.bundle.refusals")
            .with_description("Bundles and trust files that were refused, by the rule that they break.")
            .build();
        for code in Code::ALL {
            refusals.add(0, &[KeyValue::new("code", code.name())]);
        }
        Ok(Self {
            finder: Finder { config: config.clone(), trust, store, signals },
            data: data.to_owned(),
            floor: floor.clone(),
            on_record: floor,
            trust_on_record,
            active: None,
            seen: Fingerprint::default(),
            read: Fingerprint::default(),
            read_at: Instant::now(),
            waits: false,
            recorded_at: None,
            told: BTreeSet::new(),
            refusals,
        })
    }

    /// Finds the bundle to start with, and checks it. Nothing changes.
    pub(super) fn find(&mut self) -> Result<CheckedBundle, Vec<Problem>> {
        let kept = self.data.join(KEPT);
        let mut found = Found::default();
        self.resume_trust(&mut found).map_err(|(file, refusal)| vec![problem(&file, &refusal)])?;
        if kept.exists() {
            let floor = self.finder.resume(&kept, self.on_record.as_ref(), &mut found);
            self.floor = floor.map_err(|refusal| vec![problem(&kept.display().to_string(), &refusal)])?;
        }
        // What the log does not call active has to have keys that are valid now.
        self.finder.scan(self.floor.as_ref(), self.on_record.as_ref(), &mut found);
        let (checked, refused) = self.finder.choose(found, self.floor.as_ref(), Start::Yes);
        checked.ok_or_else(|| {
            let none = || vec![(self.finder.config.folder.display().to_string(), self.missing())];
            let refused = if refused.is_empty() { none() } else { refused };
            refused.iter().map(|(file, refusal)| problem(file, refusal)).collect()
        })
    }

    fn missing(&self) -> Refusal {
        let wanted = self.floor.as_ref().map_or(String::new(), |floor| format!(" from version {} on", floor.version));
        Refusal::new(
            Code::Version,
            format!("no bundle of the store `{}`{wanted} is here; bring one", self.finder.config.store),
        )
    }

    /// Reads, checks and activates the bundle to start with. Nobody is answered yet, so it is kept and recorded later:
    /// [`Bundles::settle`].
    pub(super) fn start(&mut self) -> Result<Vec<Problem>, Vec<Problem>> {
        let checked = self.find()?;
        self.floor = Some(Floor::from(&**checked.bundle()));
        self.active = Some(checked.revision().clone());
        self.finder.store.activate_bundle(checked)
    }

    /// Keeps the bundle and the trust files of the start and puts them on record, before anybody is answered.
    pub(super) fn settle(&mut self, log: &DecisionLog) -> io::Result<()> {
        self.finder.trust.taken().iter().try_for_each(|taken| keep_trust(&self.data, taken))?;
        if let Some(active) = self.finder.store.bundle() {
            keep(&self.data, &active.bundle)?;
        }
        self.record_active(log);
        Ok(())
    }

    /// Looks at the folder, and activates what follows. Blocks on files.
    pub(super) fn look(&mut self, log: &DecisionLog) {
        if self.recorded_at.is_none_or(|at| at.elapsed() >= AGAIN) && log.is_writable() {
            self.record_active(log);
        }
        let folder = &self.finder.config.folder;
        let now = Fingerprint::take(folder, folder);
        let is_still = now == self.seen;
        self.seen = now.clone();
        let is_due = self.waits && self.read_at.elapsed() >= TIMES;
        let is_known = now == self.read && !now.is_too_fresh() && !is_due;
        if is_known || !is_still {
            return;
        }
        self.look_again(log);
        self.read = now;
        self.read_at = Instant::now();
    }

    /// The same, whatever the times of files say.
    pub(super) fn look_again(&mut self, log: &DecisionLog) {
        let mut found = Found::default();
        let mut stuck = self.take_trust(log, &mut found).err();
        // Until then nobody knows who may sign: the newest trust file may remove somebody.
        if stuck.is_none() {
            self.finder.scan(self.floor.as_ref(), self.floor.as_ref(), &mut found);
        }
        self.keep_signed(&found.again);
        let (checked, refused) = self.finder.choose(found, self.floor.as_ref(), Start::No);
        self.tell(log, &refused);
        // Accounts that fit may come later than the policies.
        let waits = |code| code == Code::Future || (code == Code::Policies && self.finder.config.accounts.is_some());
        self.waits |= refused.iter().any(|(_, refusal)| waits(refusal.code));
        if let Some(checked) = checked {
            let version = checked.bundle().manifest().version;
            match self.activate(log, checked) {
                Ok(()) => {
                    self.told.retain(|told| refused.contains(told));
                    info!(version, "A new bundle is active.");
                }
                Err(error) => {
                    self.waits = true;
                    error!(version, "A new bundle is not active yet, and is tried again: {error}");
                    stuck = Some(Refusal::new(Code::Archive, format!("version {version} is tried again: {error}")));
                }
            }
        }
        // Two histories are an alarm, whatever else is wrong.
        let fork = refused.iter().find(|(_, refusal)| matches!(refusal.code, Code::Fork | Code::TrustFork));
        let told = fork.map(|(_, refusal)| refusal.clone()).or(stuck);
        self.finder.store.note_refused_bundle(told.or_else(|| refused.first().map(|(_, refusal)| refusal.clone())));
    }

    fn activate(&mut self, log: &DecisionLog, checked: CheckedBundle) -> Result<(), ActivationError> {
        let (bundle, revision) = (checked.bundle().clone(), checked.revision().clone());
        keep(&self.data, &bundle)?;
        log.record_bundle(BUNDLE_ACTIVATED, &bundle, &revision, &self.finder.trust.floor())?;
        // Checked before; a store with bundles takes it.
        drop(self.finder.store.activate_bundle(checked));
        self.floor = Some(Floor::from(&*bundle));
        self.on_record = self.floor.clone();
        self.active = Some(revision);
        self.recorded_at = Some(Instant::now());
        Ok(())
    }

    fn record_active(&mut self, log: &DecisionLog) {
        self.record_taken(log);
        let (Some(active), Some(revision)) = (self.finder.store.bundle(), &self.active) else { return };
        let event = if self.on_record == self.floor { BUNDLE_ACTIVE } else { BUNDLE_ACTIVATED };
        match log.record_bundle(event, &active.bundle, revision, &self.finder.trust.floor()) {
            Ok(()) => {
                self.on_record = self.floor.clone();
                self.recorded_at = Some(Instant::now());
            }
            Err(error) => warn!(%error, "The active bundle is not on record yet; it is tried again."),
        }
    }

    /// Puts what is refused on record and in the operators' log, once.
    fn tell(&mut self, log: &DecisionLog, refused: &[(String, Refusal)]) {
        for (file, refusal) in refused {
            let of_rule = self.told.iter().filter(|(_, told)| told.code == refusal.code).count();
            if of_rule >= MOST_TOLD || !self.told.insert((file.clone(), refusal.clone())) {
                continue;
            }
            self.refusals.add(1, &[KeyValue::new("code", refusal.code.name())]);
            error!(
                file = &*escape::line(file),
                "A bundle or a trust file is refused; what is active stays. {}",
                escape::line(&refusal.to_string())
            );
            if let Err(error) = log.record_refused_bundle(file, refusal) {
                warn!(%error, "The refusal of a bundle is not on record.");
            }
        }
    }
}

fn problem(file: &str, refusal: &Refusal) -> Problem {
    Problem::unreadable(refusal.code.name(), file, refusal.message.clone())
}

#[cfg(test)]
mod tests;
