//! Live signals: a thread that reads each decision record once it is on disk, and puts on record what it signals.
//!
//! It is not on the path of a question: it reads the log as shipping does, with a lower priority than the threads that answer.
//!
//! What holds here:
//! - **Each signal is on record once**, whenever poort ends: records are read again from where the kept state is, and signals that
//!   are on record already are left out (`recording`).
//! - Settings that are not valid change nothing: the last good ones stay, and the refusal is in the operators' log and in a metric.
//! - New settings are put on record first, and signal from there on. They read the whole log, so that there is a baseline.
//!
//! - `metrics`: how far it is, and how many signals there were
//! - `state`: what is kept of it on disk

mod metrics;
mod state;

use super::{
    accounts::pseudonym, detection::Detection, fact::Reader, json::json, recording::Recording, settings::SettingsFiles,
};
use crate::{
    oversight::replay::{Local, Worlds},
    record::{
        decision_log::{DecisionLog, Pseudonyms, PseudonymsError, SignalRecord, StoredRecord},
        spool::{
            AppendError,
            reader::{ReadError, Reader as Records},
            segments,
        },
    },
    sources::{policy::Policies, snapshot::Snapshot, store::Store},
    types::problem::{self, Problem},
};
use metrics::Metrics;
use opentelemetry::metrics::Meter;
use state::StateFile;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// How often it looks for new records, which costs one read of a number.
const LOOK: Duration = Duration::from_millis(10);
/// How often it looks at the files of the settings.
const SETTINGS: Duration = Duration::from_secs(1);
/// How long it waits after the log could not be read or written.
const AGAIN: Duration = Duration::from_secs(1);
/// How long it goes on at a stop with what is on disk.
const PARTING: Duration = Duration::from_secs(1);
/// How often the state is kept, at most.
const KEEP: Duration = Duration::from_secs(60);
/// Of its time, one part in so many goes into that.
const KEEPING: u32 = 50;
/// By how much it gives way to the threads that answer. It gives way less than what keeps the log, since somebody waits for a signal.
const NICE: i32 = 10;

/// Where live signals find what they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The policy folder, in which the settings are.
    pub policies: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The keys of the pseudonyms of accounts, if they are not in the data folder.
    pub pseudonyms: Option<PathBuf>,
}

impl Config {
    /// The path of the keys of pseudonyms.
    #[must_use]
    pub fn pseudonyms_path(&self) -> PathBuf {
        self.pseudonyms.clone().unwrap_or_else(|| self.data.join("signal-keys"))
    }

    /// The keys of pseudonyms. Where no file is named, they are made at the first start.
    fn read_pseudonyms(&self) -> Result<Pseudonyms, PseudonymsError> {
        match &self.pseudonyms {
            Some(path) => Pseudonyms::read(path),
            None => Pseudonyms::read_or_make(&self.pseudonyms_path()),
        }
    }

    /// Looks whether signals could be looked for, without starting that.
    ///
    /// # Errors
    /// They could not.
    pub fn check(&self, policies: &Policies) -> Result<(), StartError> {
        SettingsFiles::read(&self.policies)?.check(policies)?;
        match &self.pseudonyms {
            Some(path) => Ok(Pseudonyms::read(path).map(drop)?),
            None => Ok(()),
        }
    }
}

/// Live signals do not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The settings are not valid.
    #[error("signals.enabled: {}", problem::report(.0, false))]
    Settings(Vec<Problem>),
    /// The keys of pseudonyms.
    #[error("signals.pseudonyms: {0}")]
    Pseudonyms(#[from] PseudonymsError),
    /// No thread can be had.
    #[error("no thread can be had for signals: {0}")]
    Thread(#[from] io::Error),
}

impl From<Vec<Problem>> for StartError {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Settings(problems)
    }
}

/// Live signals that run.
#[derive(Debug)]
pub struct Live {
    running: mpsc::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Live {
    /// Starts the thread. It must be stopped before the log is closed.
    ///
    /// # Errors
    /// The settings are not valid, or what it needs is not there.
    pub fn start(config: Config, log: DecisionLog, store: Arc<Store>, meter: &Meter) -> Result<Self, StartError> {
        let pseudonyms = config.read_pseudonyms()?;
        let metrics = Metrics::new(meter, log.clone());
        let (running, stopped) = mpsc::channel();
        let (tell, ended) = oneshot::channel();
        let state = StateFile::new(&config.data, log.origin());
        let place = Place { config, log, store, pseudonyms, metrics, state, stopped };
        let files = place.fitting(SettingsFiles::read(&place.config.policies)?)?;
        thread::Builder::new().name("poort-signals".to_owned()).spawn(move || {
            // On Linux it holds for this thread alone.
            let _usual = rustix::process::nice(NICE);
            place.run(files);
            let _ = tell.send(());
        })?;
        Ok(Self { running, ended })
    }

    /// Ends it, after it read what is on disk, as far as that takes no longer than a second.
    pub async fn stop(self) {
        let Self { running, ended } = self;
        drop(running);
        let _ = tokio::time::timeout(PARTING * 3, ended).await;
    }
}

/// What the thread works with, whatever the settings.
#[derive(Debug)]
struct Place {
    config: Config,
    log: DecisionLog,
    store: Arc<Store>,
    pseudonyms: Pseudonyms,
    metrics: Metrics,
    state: StateFile,
    /// Disconnected when it has to stop.
    stopped: mpsc::Receiver<()>,
}

impl Place {
    fn run(&self, mut files: SettingsFiles) {
        // With new settings it begins anew. Those are on record already then.
        let mut is_on_record = false;
        while let Some(next) = Pass::new(self, files, is_on_record).run() {
            info!(settings = next.revision.short(), "Signals are looked for under new settings.");
            (files, is_on_record) = (next, true);
        }
    }

    /// Settings, if they fit the active policies.
    fn fitting(&self, files: SettingsFiles) -> Result<SettingsFiles, Vec<Problem>> {
        if let Some(active) = self.store.snapshot() {
            files.check(&active.policies)?;
        }
        Ok(files)
    }

    /// Waits. Returns whether it has to stop.
    fn waits(&self, time: Duration) -> bool {
        matches!(self.stopped.recv_timeout(time), Err(mpsc::RecvTimeoutError::Disconnected))
    }
}

/// A pass through the log under some settings.
struct Pass<'p> {
    place: &'p Place,
    files: SettingsFiles,
    /// The settings that were refused.
    refused: Option<String>,
    reader: Reader,
    detection: Detection,
    recording: Recording,
    snapshot: Option<Arc<Snapshot>>,
    records: Option<Records>,
    /// The next record.
    next: u64,
    /// How far the log was when the pass began. Until there, it is not known what is on record.
    known_at: u64,
    /// Whether a record of the settings has to be made.
    is_new: bool,
    /// The record that could not be read last.
    unread: Option<u64>,
    /// When the state was kept, and how long that took.
    kept: (Instant, Duration),
    /// Up to which record it was kept.
    kept_at: u64,
}

impl<'p> Pass<'p> {
    fn new(place: &'p Place, files: SettingsFiles, is_on_record: bool) -> Self {
        let worlds = Worlds::new(place.store.archive().clone(), Local::default());
        let reader = Reader::new(worlds, &files);
        let durable = place.log.durable();
        let (is_new, next, is_active, detection) = match place.state.read(&files.revision, durable) {
            Some((next, is_active, known)) => (false, next, is_active, Detection::resume(&files, known)),
            // A second record of the same settings does no harm.
            None => (!is_on_record, 0, false, Detection::new(&files)),
        };
        let recording = Recording::new(files.revision.clone(), is_active);
        let kept = (Instant::now(), Duration::ZERO);
        let (refused, snapshot, records, unread) = Default::default();
        let (known_at, kept_at) = (durable, next);
        Self {
            place,
            files,
            refused,
            reader,
            detection,
            recording,
            snapshot,
            records,
            next,
            known_at,
            is_new,
            unread,
            kept,
            kept_at,
        }
    }

    /// Goes on until poort stops. Returns new settings, if there are any.
    fn run(mut self) -> Option<SettingsFiles> {
        let mut looked = Instant::now();
        let mut wait = Duration::ZERO;
        while !self.place.waits(wait) {
            let until = Instant::now() + SETTINGS;
            wait = self.go_on(until);
            let unjudged = self.reader.unjudged().map(|(_, count)| count).sum();
            self.place.metrics.at(self.next, &self.detection, unjudged);
            self.keep(false);
            if looked.elapsed() >= SETTINGS {
                if let Some(next) = self.changed()
                    && self.gives_way_to(&next)
                {
                    return Some(next);
                }
                looked = Instant::now();
            }
        }
        self.go_on(Instant::now() + PARTING);
        self.keep(true);
        None
    }

    /// Puts other settings on record, and goes on until it reads that: what is before it is of these settings. Returns whether they
    /// are on record.
    fn gives_way_to(&mut self, next: &SettingsFiles) -> bool {
        if let Err(error) = self.place.log.record_signal_settings(&next.revision) {
            warn!(%error, "New settings of signals cannot be put on record; it is tried again.");
            return false;
        }
        let mut wait = Duration::ZERO;
        while (self.recording.is_active() || self.recording.due().is_some()) && !self.place.waits(wait) {
            wait = self.go_on(Instant::now() + SETTINGS);
        }
        true
    }

    /// Reads what is on disk, until then. Returns how long to wait before the next look.
    fn go_on(&mut self, until: Instant) -> Duration {
        self.hold();
        while self.next < self.place.log.durable() {
            match self.read() {
                Ok(true) => {}
                Ok(false) => return LOOK,
                Err(error) => {
                    self.records = None;
                    if !self.passes_over(&error) {
                        return AGAIN;
                    }
                }
            }
            if let Err(error) = self.write() {
                self.place.metrics.failed();
                warn!(%error, "A signal cannot be put on record; it is tried again.");
                return AGAIN;
            }
            if Instant::now() >= until {
                return Duration::ZERO;
            }
        }
        match self.write() {
            Ok(()) => LOOK,
            Err(_) => AGAIN,
        }
    }

    /// Holds the active snapshot, which the next records name. The archive has it a little later.
    fn hold(&mut self) {
        let active = self.place.store.snapshot();
        let is_new = match (&active, &self.snapshot) {
            (Some(active), Some(held)) => !Arc::ptr_eq(active, held),
            (active, _) => active.is_some(),
        };
        if is_new {
            self.reader.hold(active.iter().cloned());
            self.snapshot = active;
        }
    }

    /// Goes on after records that are damaged, if there are any.
    fn passes_over(&mut self, error: &ReadError) -> bool {
        let is_told = self.unread.replace(self.next) == Some(self.next);
        let later = error.damage().and_then(|_| {
            let segments = segments(self.place.log.spool().dir()).unwrap_or_default();
            segments.into_iter().find(|first| *first > self.next)
        });
        if !is_told {
            error!(%error, from = self.next, on = later, "Records cannot be read, so signals are not looked for in them.");
        }
        self.next = later.unwrap_or(self.next);
        later.is_some()
    }

    /// Reads the next record. Returns whether there was one.
    fn read(&mut self) -> Result<bool, ReadError> {
        let records = match &mut self.records {
            Some(records) => records,
            none => none.insert(Records::open_at(self.place.log.spool().dir(), self.next)?),
        };
        let Some(frame) = records.next().transpose()? else { return Ok(false) };
        self.next = frame.seq.saturating_add(1);
        match StoredRecord::read(&frame.payload) {
            Ok(Some(recorded)) => match self.reader.facts(&recorded) {
                Ok(facts) => {
                    let brought = facts.iter().flat_map(|fact| self.detection.step(fact)).collect();
                    self.recording.brought(frame.seq, brought);
                }
                Err(_) => self.place.metrics.unreadable(),
            },
            Ok(None) => {
                if SignalRecord::read(&frame.payload).is_some_and(|record| self.recording.read(&record)) {
                    self.detection.forget_open();
                }
            }
            Err(_) => self.place.metrics.unreadable(),
        }
        Ok(true)
    }

    /// Puts on record what has to be, once it is known what is on record already.
    fn write(&mut self) -> Result<(), AppendError> {
        if self.is_new {
            // At once, so that what happens while the log is read is signalled too.
            self.place.log.record_signal_settings(&self.files.revision)?;
            self.is_new = false;
            self.kept_at = u64::MAX;
            self.keep(true);
        }
        if self.next < self.known_at {
            return Ok(());
        }
        while let Some((cause, signal)) = self.recording.due() {
            let (cause, mut shown) = (*cause, json(signal));
            if let Some(account) = shown.get_mut("account") {
                *account = pseudonym(&self.place.pseudonyms, &signal.account).into();
            }
            self.place.log.record_signal(cause, &shown)?;
            self.place.metrics.recorded(signal);
            self.recording.recorded(cause);
        }
        Ok(())
    }

    /// New settings that are valid.
    fn changed(&mut self) -> Option<SettingsFiles> {
        let read = SettingsFiles::read(&self.place.config.policies);
        let is_same = read.as_ref().is_ok_and(|files| files.revision == self.files.revision);
        match read.and_then(|files| if is_same { Ok(files) } else { self.place.fitting(files) }) {
            Ok(files) => {
                if self.refused.take().is_some() {
                    self.place.metrics.refused(false);
                }
                (!is_same).then_some(files)
            }
            Err(problems) => {
                let report = problem::report(&problems, false);
                if self.refused.as_ref() != Some(&report) {
                    self.place.metrics.refused(true);
                    error!("The change of the settings of signals is refused; the last good ones stay.\n{report}");
                    self.refused = Some(report);
                }
                None
            }
        }
    }

    /// Keeps the state, where that is due and all is on record.
    fn keep(&mut self, now: bool) {
        let (at, took) = self.kept;
        let is_due = now || at.elapsed() >= KEEP.max(took * KEEPING);
        // What is due is not on record yet, and no part of the state.
        if !is_due || self.next == self.kept_at || self.recording.due().is_some() {
            return;
        }
        let started = Instant::now();
        let is_active = self.recording.is_active();
        let kept = self.place.state.write(&self.files.revision, self.next, is_active, self.detection.known());
        match kept {
            Ok(()) => self.kept_at = self.next,
            Err(error) => {
                warn!(%error, "The state of signals cannot be kept; after the next start, more of the log is read again.");
            }
        }
        self.kept = (Instant::now(), started.elapsed());
    }
}
