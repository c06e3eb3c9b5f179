//! A pass through a log of decisions under some settings, and the next one where those change.

use super::{
    super::{
        accounts::pseudonym, detection::Detection, fact::Reader, json::json, last_read::LastRead, recording::Recording,
        settings::SettingsFiles,
    },
    Config, LOOK, PARTING,
    log::{Log, Unavailable},
    metrics::Metrics,
    state::{Kept, Read, StateFile},
};
use crate::{
    oversight::replay::{Local, Worlds},
    record::decision_log::{Pseudonyms, SignalRecord, StoredRecord},
    sources::{snapshot::Snapshot, store::Store},
    types::problem::{self, Problem},
};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tracing::{error, info, warn};

/// How often it looks at the files of the settings.
const SETTINGS: Duration = Duration::from_secs(1);
/// How long it waits after the log could not be read or written.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the state is kept, at most.
const KEEP: Duration = Duration::from_secs(60);
/// Of its time, one part in so many goes into that.
const KEEPING: u32 = 50;

/// What the thread works with, whatever the settings.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) config: Config,
    pub(super) store: Arc<Store>,
    pub(super) pseudonyms: Pseudonyms,
    pub(super) metrics: Metrics,
    pub(super) state: StateFile,
    /// Disconnected when it has to stop.
    pub(super) stopped: mpsc::Receiver<()>,
}

impl Place {
    pub(super) fn run(&self, log: &mut dyn Log, mut files: SettingsFiles) {
        // With new settings it begins anew. Those are on record already then.
        let mut is_on_record = false;
        while let Some(next) = Pass::new(self, log, files, is_on_record).run() {
            info!(settings = next.revision.short(), "Signals are looked for under new settings.");
            (files, is_on_record) = (next, true);
        }
    }

    pub(super) fn settings(&self) -> Result<SettingsFiles, Vec<Problem>> {
        let active = self.store.bundle();
        self.config.settings(active.as_ref().map(|active| active.bundle.bundle()))
    }

    /// Settings, if they fit the active policies.
    pub(super) fn fitting(&self, files: SettingsFiles) -> Result<SettingsFiles, Vec<Problem>> {
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
    log: &'p mut dyn Log,
    files: SettingsFiles,
    /// The settings that were refused.
    refused: Option<String>,
    reader: Reader,
    last_read: LastRead,
    detection: Detection,
    recording: Recording,
    snapshot: Option<Arc<Snapshot>>,
    /// Whether a record of the settings has to be made.
    is_new: bool,
    /// Why the log could not be read or written last.
    trouble: Option<String>,
    /// When the state was kept, and how long that took.
    kept: (Instant, Duration),
    /// Up to where it was kept. `None`: not since it began anew.
    kept_at: Option<u64>,
}

impl<'p> Pass<'p> {
    fn new(place: &'p Place, log: &'p mut dyn Log, files: SettingsFiles, is_on_record: bool) -> Self {
        let worlds = Worlds::new(place.store.archive().clone(), Local::default());
        let reader = Reader::new(worlds, &files);
        let kept = place.state.read(&files.revision).filter(|kept| log.seek(kept.read.position));
        let is_new = kept.is_none() && !is_on_record;
        let (read, detection) = match kept {
            Some(Kept { read, known }) => (read, Detection::resume(&files, known)),
            None => (Read::default(), Detection::new(&files)),
        };
        let Read { position, is_active, last_read } = read;
        log.seek(position);
        let recording = Recording::new(files.revision.clone(), is_active);
        let kept = (Instant::now(), Duration::ZERO);
        let kept_at = Some(position.next);
        let (refused, snapshot, trouble) = Default::default();
        Self {
            place,
            log,
            files,
            refused,
            reader,
            last_read,
            detection,
            recording,
            snapshot,
            is_new,
            trouble,
            kept,
            kept_at,
        }
    }

    /// Goes on until poort stops. Returns new settings, if there are any.
    fn run(mut self) -> Option<SettingsFiles> {
        let mut looked = Instant::now();
        let mut wait = Duration::ZERO;
        while !self.place.waits(wait) {
            wait = self.go_on(Instant::now() + SETTINGS);
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
        match self.log.activate(&next.revision) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                warn!(%error, "New settings of signals cannot be put on record; it is tried again.");
                return false;
            }
        }
        let mut wait = Duration::ZERO;
        while (self.recording.is_active() || self.recording.due().is_some()) && !self.place.waits(wait) {
            wait = self.go_on(Instant::now() + SETTINGS);
        }
        true
    }

    /// Reads what is there, until then. Returns how long to wait before the next look.
    fn go_on(&mut self, until: Instant) -> Duration {
        self.hold();
        let wait = loop {
            match self.read().and_then(|found| self.write().map(|()| found)) {
                Ok(found) => {
                    if self.trouble.take().is_some() {
                        self.place.metrics.stalled(false);
                        info!("Signals are looked for again.");
                    }
                    if !found {
                        break LOOK;
                    }
                }
                Err(error) => {
                    let error = Some(error.to_string());
                    if self.trouble != error {
                        self.place.metrics.stalled(true);
                        warn!(error, "Signals wait: their log cannot be read or written. It is tried again.");
                        self.trouble = error;
                    }
                    break AGAIN;
                }
            }
            if Instant::now() >= until {
                break Duration::ZERO;
            }
        };
        let unjudged = self.reader.unjudged().map(|(_, count)| count).sum();
        self.place.metrics.at(self.log.position().next, self.log.end(), &self.detection, unjudged);
        wait
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

    /// Reads the next record. Returns whether there was one.
    fn read(&mut self) -> Result<bool, Unavailable> {
        let Some((place, record)) = self.log.next()? else { return Ok(false) };
        match StoredRecord::read(&record) {
            Ok(Some(recorded)) if self.last_read.is_new(&recorded) => match self.reader.facts(&recorded) {
                Ok(facts) => {
                    let brought = facts.iter().flat_map(|fact| self.detection.step(fact)).collect();
                    self.recording.brought(place, brought);
                }
                Err(_) => self.place.metrics.unreadable(),
            },
            Ok(Some(_)) => self.place.metrics.repeated(),
            Ok(None) => {
                if SignalRecord::read(&record).is_some_and(|record| self.recording.read(&record)) {
                    self.detection.forget_open();
                }
            }
            Err(_) => self.place.metrics.unreadable(),
        }
        Ok(true)
    }

    /// Puts on record what has to be, once it is known what is on record already.
    fn write(&mut self) -> Result<(), Unavailable> {
        if self.is_new && self.log.activate(&self.files.revision)? {
            // At once, so that what happens while the log is read is signalled too.
            self.is_new = false;
            self.kept_at = None;
            self.keep(true);
        }
        while let Some((cause, signal)) = self.recording.due() {
            let (cause, mut shown) = (*cause, json(signal));
            for member in ["account", "record"] {
                if let Some(name) = shown.get_mut(member).filter(|name| name.is_string()) {
                    *name = pseudonym(&self.place.pseudonyms, signal.about.name()).into();
                }
            }
            if !self.log.record(cause, shown)? {
                break;
            }
            self.place.metrics.recorded(signal);
            self.recording.recorded(cause);
        }
        Ok(())
    }

    /// New settings that are valid.
    fn changed(&mut self) -> Option<SettingsFiles> {
        let read = self.place.settings();
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
        let position = self.log.position();
        // What is due is not on record yet, and no part of the state.
        if !is_due || self.kept_at == Some(position.next) || self.recording.due().is_some() {
            return;
        }
        let started = Instant::now();
        let read = Read { position, is_active: self.recording.is_active(), last_read: self.last_read.clone() };
        match self.place.state.write(&self.files.revision, &read, self.detection.known()) {
            Ok(()) => self.kept_at = Some(position.next),
            Err(error) => {
                warn!(%error, "The state of signals cannot be kept; after the next start, more of the log is read again.");
            }
        }
        self.kept = (Instant::now(), started.elapsed());
    }
}
