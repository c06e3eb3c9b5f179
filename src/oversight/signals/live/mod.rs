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
//! - `pass`: reading the log under some settings
//! - `log`: what such a log is; `own`: that of a sidecar; `stream`: the streams of all sidecars
//! - `metrics`: how far it is, and how many signals there were
//! - `state`: what is kept of it on disk

mod log;
mod metrics;
mod own;
mod pass;
mod state;
mod stream;

pub use stream::Config as Streams;

use super::settings::SettingsFiles;
use crate::{
    record::{
        decision_log::{DecisionLog, Pseudonyms, PseudonymsError},
        shipping::{self, SetupError},
    },
    sources::{bundle::Bundle, policy::Policies, store::Store},
    types::problem::{self, Problem},
};
use log::Log;
use metrics::Metrics;
use opentelemetry::metrics::Meter;
use own::Own;
use pass::Place;
use state::StateFile;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use stream::Stream;
use thiserror::Error;
use tokio::{runtime::Handle, sync::oneshot};

/// How often it looks for new records, which costs one read of a number.
const LOOK: Duration = Duration::from_millis(10);
/// How long it goes on at a stop with what is on disk.
const PARTING: Duration = Duration::from_secs(1);
/// By how much it gives way to the threads that answer. It gives way less than what keeps the log, since somebody waits for a signal.
const NICE: i32 = 10;

/// Where live signals find what they need.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The policy folder, in which the settings are.
    pub policies: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The keys of the pseudonyms of accounts, if they are not in the data folder.
    pub pseudonyms: Option<PathBuf>,
    /// The streams of all sidecars, if signals are looked for in those. Without them: in the own log.
    pub streams: Option<Streams>,
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

    /// The settings: of the active bundle, where policies come from bundles, else of the policy folder.
    fn settings(&self, bundle: Option<&Bundle>) -> Result<SettingsFiles, Vec<Problem>> {
        let Some(bundle) = bundle else { return SettingsFiles::read(&self.policies) };
        let texts = bundle.files().iter().map(|(path, text)| (path.as_str(), text.as_str()));
        SettingsFiles::of_texts(&format!("bundle {}", bundle.manifest().version), texts)
    }

    /// Looks whether the files that the streams need can be used.
    fn check_streams(&self) -> Result<(), SetupError> {
        self.streams.as_ref().map_or(Ok(()), |streams| shipping::check(&streams.server))
    }

    /// Looks whether the settings in a bundle can be used with its policies.
    ///
    /// # Errors
    /// They cannot.
    pub fn check_settings(&self, policies: &Policies, bundle: &Bundle) -> Result<(), Vec<Problem>> {
        self.settings(Some(bundle))?.check(policies).map(drop)
    }

    /// Looks whether signals could be looked for, without starting that.
    ///
    /// # Errors
    /// They could not.
    pub fn check(&self, policies: &Policies, bundle: Option<&Bundle>) -> Result<(), StartError> {
        self.check_streams()?;
        self.settings(bundle)?.check(policies)?;
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
    /// A file that the streams need.
    #[error("signals.stream: {0}")]
    Streams(#[from] SetupError),
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
    /// Starts the thread, within a runtime. It must be stopped before the log is closed.
    ///
    /// # Errors
    /// The settings are not valid, or what it needs is not there.
    pub fn start(config: Config, log: DecisionLog, store: Arc<Store>, meter: &Meter) -> Result<Self, StartError> {
        config.check_streams()?;
        let pseudonyms = config.read_pseudonyms()?;
        let metrics = Metrics::new(meter, config.streams.is_none().then(|| log.clone()));
        let runtime = Handle::current();
        let (running, stopped) = mpsc::channel();
        let (tell, ended) = oneshot::channel();
        let (origin, mut log): (String, Box<dyn Log>) = match config.streams.clone() {
            None => (log.origin().to_owned(), Box::new(Own::new(log))),
            Some(streams) => {
                (format!("stream {}", streams.decisions), Box::new(Stream::new(streams, log, runtime.clone())))
            }
        };
        let state = StateFile::new(&config.data, origin);
        let place = Place { config, store, pseudonyms, metrics, state, stopped };
        let files = place.fitting(place.settings()?)?;
        thread::Builder::new().name("poort-signals".to_owned()).spawn(move || {
            // A connection needs it until it is dropped.
            let _within = runtime.enter();
            // On Linux it holds for this thread alone.
            let _usual = rustix::process::nice(NICE);
            place.run(&mut *log, files);
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
