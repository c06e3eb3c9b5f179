//! The active bundle: the only source of policies where signed bundles are configured.
//!
//! **Invariant:** a store with bundles never opens the policy folder. Policies, profiles and all else of a policy folder are the
//! bytes that were verified (`tests/it/sources/bundles/activation.rs::nothing_unsigned_is_ever_read`).

use super::{Config, Fingerprint, Read, Store};
use crate::{
    sources::{
        bundle::{self, Floor, Refusal, Verified},
        snapshot::{self, Snapshot, Validity},
    },
    types::{problem::Problem, revision::Revision},
};
use arc_swap::ArcSwapOption;
use jiff::SignedDuration;
use opentelemetry::metrics::Meter;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// The active bundle, and the refusal of a newer one.
#[derive(Debug)]
pub(super) struct Bundled {
    accounts: Option<PathBuf>,
    late: Duration,
    active: ArcSwapOption<Verified>,
    trust: ArcSwapOption<Floor>,
    refused: Mutex<Option<(SystemTime, Refusal)>>,
}

/// A bundle that this poort can use.
#[derive(Debug)]
pub struct CheckedBundle {
    bundle: Arc<Verified>,
    read: Read,
    fingerprint: Fingerprint,
}

/// What operators are told of bundles.
#[derive(Debug, Clone)]
pub struct ActiveBundle {
    /// The active one.
    pub bundle: Arc<Verified>,
    /// How long it holds.
    pub validity: Validity,
    /// The trust file that counts for what comes.
    pub trust: Option<Arc<Floor>>,
    /// Why a newer one is not active.
    pub refused: Option<(SystemTime, Refusal)>,
}

impl CheckedBundle {
    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Arc<Verified> {
        &self.bundle
    }

    /// What would answer.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.read.snapshot
    }

    /// What is doubtful in it.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.read.warnings
    }

    /// The revision of its policies.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        &self.read.snapshot.policies.revision
    }
}

impl Bundled {
    pub(super) fn active(&self) -> Result<Arc<Verified>, Vec<Problem>> {
        let missing = || Problem::unreadable("bundle::missing", "bundle", "no bundle is active".to_owned());
        self.active.load_full().ok_or_else(|| vec![missing()])
    }

    /// That of the accounts; what is in memory does not change.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.accounts.as_ref().map_or_else(Fingerprint::default, |accounts| Fingerprint::take(accounts, accounts))
    }

    fn validity(&self, bundle: &Verified) -> Validity {
        let expires = bundle.manifest().expires;
        let late = SignedDuration::try_from(self.late).unwrap_or(SignedDuration::ZERO);
        let denies = expires.checked_add(late).unwrap_or(expires);
        Validity { expires: expires.as_millisecond(), denies: denies.as_millisecond() }
    }
}

impl Store {
    /// A store whose policies come from bundles. [`Store::activate_bundle`] gives it a snapshot.
    #[must_use]
    pub fn of_bundles(config: Config, bundles: &bundle::Config, meter: &Meter) -> Self {
        let (accounts, late) = (bundles.accounts.clone(), bundles.late);
        let (active, trust) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        let bundled = Arc::new(Bundled { accounts, late, active, trust, refused: Mutex::default() });
        observe(meter, &bundled);
        Self { bundled: Some(bundled), ..Self::new(config, meter) }
    }

    /// Reads and checks what is in a bundle. Nothing changes. Blocks on the files of the directory.
    ///
    /// # Errors
    /// All problems.
    pub fn check_bundle(&self, bundle: Arc<Verified>) -> Result<CheckedBundle, Vec<Problem>> {
        let bundled = self.bundled()?;
        let fingerprint = self.reading.during(|| bundled.fingerprint());
        let read = self.read_bundle(bundled, &bundle)?;
        Ok(CheckedBundle { bundle, read, fingerprint })
    }

    /// Makes a bundle the active one. Returns the warnings.
    ///
    /// # Errors
    /// This store has no bundles.
    pub fn activate_bundle(&self, checked: CheckedBundle) -> Result<Vec<Problem>, Vec<Problem>> {
        let CheckedBundle { bundle, read, fingerprint } = checked;
        let bundled = self.bundled()?;
        // First: what is read from now on is of this bundle.
        bundled.active.store(Some(bundle));
        self.activate(Ok(read), fingerprint)
    }

    /// Notes which trust file counts.
    pub fn note_trust(&self, trust: &Floor) {
        self.bundled.iter().for_each(|bundled| bundled.trust.store(Some(Arc::new(trust.clone()))));
    }

    /// Notes why a newer bundle is not active, or that none is refused.
    pub fn note_refused_bundle(&self, refusal: Option<Refusal>) {
        let Some(bundled) = &self.bundled else { return };
        let mut refused = bundled.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.as_ref().map(|(_, refusal)| refusal) != refusal.as_ref() {
            *refused = refusal.map(|refusal| (SystemTime::now(), refusal));
        }
    }

    /// The active bundle. `None` where policies come from a folder, or before the first one.
    #[must_use]
    pub fn bundle(&self) -> Option<ActiveBundle> {
        let bundled = self.bundled.as_ref()?;
        let bundle = bundled.active.load_full()?;
        let refused = bundled.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (validity, trust) = (bundled.validity(&bundle), bundled.trust.load_full());
        Some(ActiveBundle { bundle, validity, trust, refused })
    }

    fn bundled(&self) -> Result<&Bundled, Vec<Problem>> {
        let missing = || Problem::unreadable("bundle::none", "bundle", "no bundles are configured".to_owned());
        self.bundled.as_deref().ok_or_else(|| vec![missing()])
    }

    pub(super) fn read_bundle(&self, bundled: &Bundled, bundle: &Verified) -> Result<Read, Vec<Problem>> {
        let files = self.reading.during(|| snapshot::files_of(bundle.bundle(), bundled.accounts.as_deref()))?;
        self.check(files, Some(bundled.validity(bundle)))
    }
}

fn observe(meter: &Meter, bundled: &Arc<Bundled>) {
    let gauge = |name: &'static str, description: &'static str, of: fn(&Bundled, &Verified) -> u64| {
        let seen = bundled.clone();
        let observe = move |gauge: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
            if let Some(bundle) = seen.active.load_full() {
                gauge.observe(of(&seen, &bundle), &[]);
            }
        };
        meter.u64_observable_gauge(name).with_description(description).with_callback(observe).build();
    };
    gauge("poort.bundle.version", "The version of the active bundle.", |_, bundle| bundle.manifest().version);
    gauge("poort.bundle.trust", "The version of the trust file.", |bundled, _| {
        bundled.trust.load().as_ref().map_or(0, |trust| trust.version)
    });
    gauge("poort.bundle.expires", "When the time of the active bundle is over, in seconds since 1970.", |_, bundle| {
        u64::try_from(bundle.manifest().expires.as_second()).unwrap_or_default()
    });
    gauge(
        "poort.bundle.late",
        "1 while the time of the active bundle is over and it still answers; 2 while everything is denied for that.",
        |bundled, bundle| bundled.validity(bundle).at(jiff::Timestamp::now().as_millisecond()) as u64,
    );
    gauge(
        "poort.bundle.refused",
        "1 while a newer bundle than the active one, or a trust file, is refused.",
        |bundled, _| u64::from(bundled.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()),
    );
}
