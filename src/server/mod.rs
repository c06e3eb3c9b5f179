//! The server: what `poort serve` starts in order, runs, and stops in order.
//!
//! Start: sockets, so that addresses are known and taken; the operators' port; policies; the decision log; archive; shipping;
//! ready; the callers' port. Stop: not ready; for a while nothing else changes, where that is configured; no new connections or
//! streams; calls that were taken are answered; the log is synced and closed; its last records are shipped, within the grace.
//!
//! - `parts`: what is stopped, in order
//! - `ports`: sockets, for callers and for operators
//! - `supervisor`: the sockets that it passes, and what it is told
//! - `bundles`: signed bundles, where policies come from those
//! - `files`: policies and directory, read first and looked at again
//! - `log`: the decision log, its shipping, and signals that are found in it
//! - `readiness`: the health service follows the log
//! - `certificates`: the server's certificate while poort runs, and when each certificate ends
//! - `issuers`: the keys of those who issue subjects' tokens
//! - `signals`: what signals ask for
//! - `reload`: what SIGHUP reads again
//! - `check`: what would keep a start from succeeding

mod bundles;
mod certificates;
mod check;
mod files;
mod issuers;
mod log;
mod parts;
mod ports;
mod readiness;
mod reload;
mod signals;
mod supervisor;

pub use check::{Checked, check};
pub use reload::Rereading;
pub use supervisor::{SocketError, Sockets};

use crate::{
    api::{self, Health, admin::Admin, transport},
    config::Settings,
    pdp::{Clock, Pdp, cache::Cache},
    record::{retention, shipping::PARTING},
    sources::store::{Keeper, Store},
    telemetry::Telemetry,
    types::problem::Problem,
};
use bundles::Bundles;
use opentelemetry::metrics::Meter;
use parts::Parts;
use ports::{Callers, Operators};
use reload::Reload;
use signals::{Asked, Signals};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The store, and what brings it bundles, where those are configured.
fn sources(settings: &Settings, meter: &Meter) -> Result<(Arc<Store>, Option<Bundles>), StartError> {
    let Some(config) = &settings.bundle else { return Ok((Arc::new(Store::new(settings.store.clone(), meter)), None)) };
    let store = Arc::new(Store::of_bundles(settings.store.clone(), config, meter));
    let (data, records) = (&settings.log.data, settings.log.records());
    let bundles = Bundles::new(config, (data, records), store.clone(), settings.signals.clone(), meter)?;
    Ok((store, Some(bundles)))
}

/// A server whose parts have started.
#[derive(Debug)]
pub struct Server {
    signals: Signals,
    reload: Reload,
    health: Health,
    /// Cancelled when poort is about to stop: it is not ready any more.
    leaving: CancellationToken,
    /// How long calls are still taken after that.
    linger: Duration,
    /// Cancelled when no more calls are taken.
    stopping: CancellationToken,
    parts: Parts,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration asks for what cannot be.
    #[error(transparent)]
    Configuration(Box<dyn Error + Send + Sync>),
    /// The policies or the directory cannot be used.
    #[error("the policies cannot be used")]
    Policies(Vec<Problem>),
    /// Something that the server needs is not there: an address, a file, a thread.
    #[error(transparent)]
    System(Box<dyn Error + Send + Sync>),
}

impl StartError {
    fn configuration(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Configuration(Box::new(error))
    }

    fn system(error: impl Error + Send + Sync + 'static) -> Self {
        Self::System(Box::new(error))
    }
}

impl Server {
    /// Starts all parts. `sockets` are those that the supervisor passes. `rereading` is what SIGHUP reads. `operators` is the
    /// runtime on which operators are answered. `None`: a signal stopped it before it was ready.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn build(
        settings: Settings,
        rereading: Rereading,
        sockets: Sockets,
        operators: &Runtime,
    ) -> Result<Option<Self>, StartError> {
        let mut signals = Signals::new().map_err(StartError::system)?;
        let settings = ports::within_descriptors(settings);
        let telemetry = Telemetry::start(&settings.telemetry).map_err(StartError::configuration)?;
        let callers = Callers::bind(&settings, sockets.callers)?;
        let port = Operators::bind(&settings, sockets.operators, operators)?;
        let meter = telemetry.meter();
        let (store, bundles) = sources(&settings, &meter)?;
        let clock = Clock::new(settings.time_zone.clone(), settings.application.as_deref());
        let clock = clock.on(settings.ephemeral.today);
        let cache = Cache::new(&settings.cache, &meter);
        let pdp = Arc::new(Pdp::new(settings.pdp.clone(), store.clone(), cache, clock, &meter, telemetry.spans()));
        let (leaving, stopping) = (CancellationToken::new(), CancellationToken::new());
        let (log_state, log_seen) = watch::channel(None);
        let health = Health::new().await;
        let admin = api::admin::router(Admin {
            pdp: pdp.clone(),
            store: store.clone(),
            log: log_seen,
            stopping: leaving.clone(),
            exposition: telemetry.exposition(),
            health: (health.clone(), stopping.clone()),
        });
        let operators = port.open(admin, &settings, operators, &meter);

        let asking = log::ask_witnesses(&settings, &meter);
        let Some(loaded) = files::load(&store, bundles, &mut signals).await else { return Ok(None) };
        let bundles = loaded.map_err(StartError::Policies)?;
        ports::tell_of_applications(&settings, &store);
        let witnesses = match asking {
            None => None,
            Some(asking) => match log::asked(asking, &mut signals).await? {
                None => return Ok(None),
                asked => asked,
            },
        };
        let Some(log) = log::open(&settings, &meter, &mut signals).await? else { return Ok(None) };
        let bundles = log::settle(bundles, &log).await?;
        let keeper = Keeper::start(store.archive().clone(), settings.store.configuration.clone(), &meter);
        store.archive_to(keeper.map_err(StartError::system)?);
        let shipping = log::ship(&settings, &log, &meter)?;
        pdp.record_to(log.clone());
        let watching = files::watch(store.clone(), bundles).map_err(StartError::system)?;
        let certificates = certificates::watch(&settings, callers.tls.clone(), &meter).map_err(StartError::system)?;
        let reload = Reload {
            rereading,
            started: settings.written.clone(),
            watching: vec![watching.clone(), certificates.clone()],
        };
        let sweeping = settings.log.keep.map(|keep| {
            let records = settings.log.records();
            retention::start(log.clone(), keep, shipping.cursors(), store.clone(), records, stopping.clone())
        });
        let signalling = log::look_for_signals(&settings, &log, &store, &meter)?;
        let dispatch = api::dispatch(&pdp, &settings.api, &health, &meter, &stopping);
        let watched = witnesses.map(|witnesses| witnesses.start(log.clone(), stopping.clone()));
        let telling = readiness::tell(health.clone(), log.clone(), log_state, leaving.clone()).await;
        let issuers = issuers::read(pdp.callers(), stopping.clone()).await;
        let port = callers.port();
        let callers = callers.open(dispatch, pdp.callers(), &settings, &meter, &stopping);
        if let (Some(file), Some(port)) = (&settings.ephemeral.port_file, port) {
            ports::write(port, file).map_err(StartError::system)?;
        }
        supervisor::tell_ready();
        if log.is_writable() && !log.is_held() {
            info!("Ready for questions.");
        } else if !log.is_held() {
            warn!("Not ready for questions: the decision log has no room. It is tried again until it has.");
        }

        let transport::Limits { linger, grace, .. } = settings.connections;
        let mut parts = Parts::default();
        parts.push("reload", async move { drop((watching, certificates)) });
        parts.push("callers", callers.end());
        parts.push("issuers", async { drop(futures_util::future::OptionFuture::from(issuers).await) });
        parts.push("health", async { drop(telling.await) });
        parts.push("retention", async { drop(futures_util::future::OptionFuture::from(sweeping).await) });
        parts.push("witnesses", async { drop(futures_util::future::OptionFuture::from(watched).await) });
        parts.push("signals", async {
            if let Some(live) = signalling {
                live.stop().await;
            }
        });
        parts.push("decision log", log::close(log, store));
        parts.push("shipping", shipping.stop(grace.min(PARTING)));
        // Operators can look until the very end.
        parts.push("operators", operators.end());
        parts.push("telemetry", telemetry.shutdown());
        Ok(Some(Self { signals, reload, health, leaving, linger, stopping, parts }))
    }

    /// Answers until a signal comes, then stops all parts.
    pub async fn run(mut self) {
        let name = self.until_stop().await;
        // Nobody watches files any more once the parts stop.
        self.reload.watching.clear();
        // Not ready first, so that a caller that watches health asks elsewhere.
        self.leaving.cancel();
        self.health.set(false).await;
        supervisor::tell_stopping();
        if !self.linger.is_zero() {
            info!(signal = name, linger = ?self.linger, "About to stop: calls are still taken. Another signal ends that.");
            tokio::select! {
                () = sleep(self.linger) => {}
                _ = self.signals.stop() => {}
            }
        }
        info!(signal = name, "Stopping: what was taken is answered.");
        self.stopping.cancel();
        self.parts.stop().await;
        info!("Stopped.");
    }

    /// Waits for a signal to stop, and reads again what another one asks for. Gives the name of the signal.
    async fn until_stop(&mut self) -> &'static str {
        loop {
            match self.signals.next().await {
                Asked::Stop(name) => return name,
                Asked::Reload => {
                    supervisor::tell_reloading();
                    tokio::select! {
                        () = self.reload.run(&mut self.linger) => supervisor::tell_ready(),
                        name = self.signals.stop() => return name,
                    }
                }
            }
        }
    }
}
