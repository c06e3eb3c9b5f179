//! The decision log and its shipping: opens, starts and closes them.

use super::{StartError, bundles::Bundles, signals::Signals};
use crate::{
    config::Settings,
    oversight::signals::live::{self, Live},
    record::{
        decision_log::{DecisionLog, Producer},
        shipping::{self, Shipping},
        witness::{WitnessError, Witnesses},
    },
    sources::store::Store,
    types::{build::Build, revision::Revision},
};
use opentelemetry::metrics::Meter;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info};

/// Opens the log. `None`: a signal came meanwhile.
pub(super) async fn open(
    settings: &Settings,
    meter: &Meter,
    signals: &mut Signals,
) -> Result<Option<DecisionLog>, StartError> {
    let (config, instance, meter) = (settings.log.clone(), settings.instance.clone(), meter.clone());
    let language = settings.api.language;
    let configuration = Revision::of_texts(&settings.store.configuration);
    // Reads all that is there, which takes a while for a large log; and the binary.
    let opening = spawn_blocking(move || {
        let producer = Producer::of_build(&Build::this(), &configuration, &instance, &config.producer);
        let producer = producer.in_language(language);
        DecisionLog::open(&config, &instance, producer, &meter)
    });
    let opened = tokio::select! {
        opened = opening => opened.map_err(StartError::system)?,
        name = signals.stop() => {
            info!(signal = name, "Stopped while the decision log was being read.");
            return Ok(None);
        }
    };
    let (log, recovery) = opened.map_err(StartError::system)?;
    info!(
        folder = %settings.log.records().display(),
        records = recovery.records,
        cut_bytes = recovery.cut_bytes,
        "The decision log is open."
    );
    Ok(Some(log))
}

/// Witnesses that are being asked. To drop it ends that.
pub(super) type Asking = AbortOnDropHandle<Result<Witnesses, WitnessError>>;

/// Begins to ask the witnesses about the log before it is opened: to open it is to sign for it. `None` without witnesses.
pub(super) fn ask_witnesses(settings: &Settings, meter: &Meter) -> Option<Asking> {
    let (config, log, meter) = (settings.witness.clone()?, settings.log.clone(), meter.clone());
    Some(AbortOnDropHandle::new(tokio::spawn(async move {
        let mut witnesses = Witnesses::new(config, &log, &meter)?;
        witnesses.before_start().await?;
        Ok(witnesses)
    })))
}

/// Waits for their answers. `None`: a signal came meanwhile.
pub(super) async fn asked(asking: Asking, signals: &mut Signals) -> Result<Option<Witnesses>, StartError> {
    let asked = tokio::select! {
        asked = asking => asked.map_err(StartError::system)?,
        name = signals.stop() => {
            info!(signal = name, "Stopped while the witnesses were being asked.");
            return Ok(None);
        }
    };
    asked.map(Some).map_err(|error| match error {
        WitnessError::Policy(_) | WitnessError::Client(..) => StartError::configuration(error),
        WitnessError::Head(_) | WitnessError::Forked(_) => StartError::system(error),
    })
}

/// The witnesses of the configuration, which are not asked anything yet. `None` without any.
pub(super) fn witnesses(settings: &Settings, meter: &Meter) -> Result<Option<Witnesses>, StartError> {
    let witnesses = settings.witness.clone().map(|config| Witnesses::new(config, &settings.log, meter));
    witnesses.transpose().map_err(StartError::configuration)
}

/// Keeps the bundle of the start and puts it on record, where there are bundles.
pub(super) async fn settle(
    bundles: Option<Bundles>,
    log: &DecisionLog,
) -> Result<Option<(Bundles, DecisionLog)>, StartError> {
    let Some(mut bundles) = bundles else { return Ok(None) };
    let log = log.clone();
    let settling = spawn_blocking(move || bundles.settle(&log).map(|()| (bundles, log)));
    settling.await.map_err(StartError::system)?.map(Some).map_err(StartError::system)
}

/// Starts to ship what is in the log.
pub(super) fn ship(settings: &Settings, log: &DecisionLog, meter: &Meter) -> Result<Shipping, StartError> {
    let (config, log) = (&settings.log, log.clone());
    let source = shipping::Source::new(config.records(), move || log.durable());
    Shipping::start(settings.ship.clone(), &source, &config.data, meter).map_err(|error| match error {
        shipping::StartError::Setup { .. } => StartError::configuration(error),
        shipping::StartError::Io { .. } => StartError::system(error),
    })
}

/// Starts to look for signals of atypical use, where that is configured.
pub(super) fn look_for_signals(
    settings: &Settings,
    log: &DecisionLog,
    store: &Arc<Store>,
    meter: &Meter,
) -> Result<Option<Live>, StartError> {
    let started = settings.signals.clone().map(|config| Live::start(config, log.clone(), store.clone(), meter));
    started.transpose().map_err(|error| match error {
        live::StartError::Thread(_) => StartError::system(error),
        live::StartError::Settings(_) | live::StartError::Pseudonyms(_) | live::StartError::Streams(_) => {
            StartError::configuration(error)
        }
    })
}

/// Syncs and closes the log, and the archive of the revisions that it names.
pub(super) async fn close(log: DecisionLog, store: Arc<Store>) {
    let closing = move || {
        log.close();
        store.close();
    };
    if let Err(error) = spawn_blocking(closing).await {
        error!(%error, "The decision log was not closed.");
    }
}
