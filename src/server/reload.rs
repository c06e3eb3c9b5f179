//! SIGHUP: reads again what may change while poort runs.
//!
//! Changes of policies, directory and certificates are noticed without a signal; with one they are read at once, whatever the
//! times of their files say. Of the configuration, the keys in [`CHANGEABLE`] take effect, and others are named: they are the
//! shape of the process, and a restart fails no call.

use crate::{
    config::{Settings, Written},
    telemetry::logging::Filter,
};
use std::{collections::BTreeSet, fmt, sync::Arc, sync::mpsc, thread, time::Duration};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// The keys that take effect without a restart.
const CHANGEABLE: [&str; 2] = ["limits.linger", "telemetry.log"];

/// Reads the configuration, or says what is wrong with it.
type Reading = Arc<dyn Fn() -> Result<Settings, Vec<String>> + Send + Sync>;

/// How the configuration is read again, and what of it can be changed in place.
pub struct Rereading {
    settings: Reading,
    log: Filter,
}

impl fmt::Debug for Rereading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rereading")
    }
}

impl Rereading {
    /// `settings` reads the configuration as the start did; it may block. `log` is the filter of the operators' log.
    pub fn new(settings: impl Fn() -> Result<Settings, Vec<String>> + Send + Sync + 'static, log: Filter) -> Self {
        Self { settings: Arc::new(settings), log }
    }
}

/// What a signal reads again.
#[derive(Debug)]
pub(super) struct Reload {
    pub(super) rereading: Rereading,
    /// The configuration that the process was started with.
    pub(super) started: Written,
    /// Wakes those that watch files: policies and directory, certificates.
    pub(super) watching: Vec<mpsc::Sender<()>>,
}

impl Reload {
    /// Reads everything again. Changes `linger` where the configuration has another.
    pub(super) async fn run(&self, linger: &mut Duration) {
        for watching in &self.watching {
            // One that ended has nothing to read.
            let _ = watching.send(());
        }
        match self.settings().await {
            Ok(settings) => self.take(&settings, linger),
            Err(mistakes) => error!("The configuration is refused; the one before goes on. {}", mistakes.join("; ")),
        }
    }

    /// Reads the configuration on a thread that nothing joins: where the file system hangs, it does not end.
    async fn settings(&self) -> Result<Settings, Vec<String>> {
        let (tell, told) = oneshot::channel();
        let read = self.rereading.settings.clone();
        let spawned = thread::Builder::new().name("poort-config".to_owned()).spawn(move || drop(tell.send(read())));
        spawned.map_err(|error| vec![format!("no thread can be started: {error}")])?;
        told.await.unwrap_or_else(|_| Err(vec!["reading it broke off; this is a fault of poort".to_owned()]))
    }

    fn take(&self, settings: &Settings, linger: &mut Duration) {
        if let Err(error) = self.rereading.log.replace(&settings.telemetry.log.filter) {
            error!("The configuration is refused; the one before goes on. {error}");
            return;
        }
        *linger = settings.connections.linger;
        let changed = self.started.changed(&settings.written);
        let (taken, left): (BTreeSet<_>, BTreeSet<_>) =
            changed.into_iter().partition(|key| CHANGEABLE.contains(&key.as_str()));
        info!(changed = ?taken, "The configuration was read again.");
        if !left.is_empty() {
            warn!(keys = ?left, "These keys of the configuration changed, and take effect at the next start.");
        }
    }
}
