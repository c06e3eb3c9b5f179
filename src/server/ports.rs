//! The two ports: one for callers, one for operators.
//!
//! Sockets listen from the start, and nobody is accepted on them until the port is opened. Callers' connections wait in the
//! system's queue until then: a caller that is accepted gets answers, and none is told that poort is not ready yet.

use super::StartError;
use crate::{
    api::transport::{self, Address, Bound, Dispatch, Limits, Passed, Port, ReplaceableTls, Tls, TlsError},
    config::Settings,
    pdp::callers::{self, Application, own_token},
    sources::{policy::APPLICATIONS_FILE, store::Store},
};
use axum::Router;
use opentelemetry::metrics::Meter;
use std::{fs, io, path::Path, slice, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How many connections operators may have: they are within the open files that callers' connections leave.
const OPERATORS: usize = 32;

/// How long operators' connections have to end by themselves, such as that of a watch of health, which is told the end.
const OPERATORS_GRACE: Duration = Duration::from_millis(500);

/// Callers' sockets, on which nobody is answered yet.
pub(super) struct Callers {
    bound: Vec<Bound>,
    /// Its files, and what new connections get of them.
    pub(super) tls: Option<(Tls, ReplaceableTls)>,
}

/// Operators' sockets, on which nobody is answered yet.
pub(super) struct Operators(Vec<Bound>);

/// A port that is served.
pub(super) struct Open {
    /// Gives how many connections were cut off.
    serving: JoinHandle<usize>,
    /// Ends it.
    stop: CancellationToken,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for {whom} on {address}: {error}")]
pub(super) struct CannotListen {
    pub(super) whom: &'static str,
    pub(super) address: Address,
    pub(super) error: io::Error,
}

impl Callers {
    /// Takes the addresses, or the sockets that are there for them.
    pub(super) fn bind(settings: &Settings, passed: Vec<Passed>) -> Result<Self, StartError> {
        let tls = settings.tls.as_ref().map(|files| Ok((files.clone(), ReplaceableTls::new(files.read()?))));
        let tls = tls.transpose().map_err(|error: TlsError| StartError::configuration(error))?;
        let bound = bind(&settings.listen, passed, "callers")?;
        for bound in &bound {
            settings.exposed(bound.address()).map_err(StartError::configuration)?;
        }
        Ok(Self { bound, tls })
    }

    /// Its first TCP port.
    pub(super) fn port(&self) -> Option<u16> {
        self.bound.iter().find_map(|bound| match bound.address() {
            Address::Tcp(address) => Some(address.port()),
            Address::Unix(_) => None,
        })
    }

    /// Answers until `stopping`.
    pub(super) fn open(
        self,
        dispatch: Dispatch,
        callers: Option<Arc<callers::Callers>>,
        settings: &Settings,
        meter: &Meter,
        stopping: &CancellationToken,
    ) -> Open {
        let share = settings.pdp.of_one_connection();
        let port = Port { name: "callers", share, callers, meter: meter.clone() };
        let limits = settings.connections;
        let tls = self.tls.map(|(_, tls)| tls);
        let serving = tokio::spawn(transport::serve(self.bound, dispatch, tls, limits, port, stopping.clone()));
        Open { serving, stop: stopping.clone() }
    }
}

impl Operators {
    /// Takes the address, or the sockets that are there for it. `runtime` is the one in which operators are answered.
    pub(super) fn bind(settings: &Settings, passed: Vec<Passed>, runtime: &Runtime) -> Result<Self, StartError> {
        // The socket belongs to the runtime that it is bound in.
        let _runtime = runtime.enter();
        let bound = bind(slice::from_ref(&settings.admin), passed, "operators")?;
        for address in bound.iter().map(Bound::address) {
            if matches!(address, Address::Tcp(address) if !address.ip().is_loopback()) {
                warn!(%address, "Operators are heard beyond this machine, without TLS: whoever reaches the port reads the metrics.");
            }
        }
        Ok(Self(bound))
    }

    /// Answers.
    pub(super) fn open(self, admin: Router, settings: &Settings, runtime: &Runtime, meter: &Meter) -> Open {
        let stop = CancellationToken::new();
        let limits = Limits { connections: OPERATORS, grace: OPERATORS_GRACE, ..settings.connections };
        let port = Port { name: "operators", share: 0, callers: None, meter: meter.clone() };
        let serving = runtime.spawn(transport::serve(self.0, admin.into(), None, limits, port, stop.clone()));
        Open { serving, stop }
    }
}

impl Open {
    /// Lets the calls that were taken end within the grace period.
    pub(super) async fn end(self) {
        self.stop.cancel();
        let cut_off = self.serving.await.unwrap_or_default();
        if cut_off > 0 {
            warn!(connections = cut_off, "The grace period ran out; calls on these connections were cut off.");
        }
    }
}

/// Binds the addresses, unless sockets were passed in their place.
fn bind(addresses: &[Address], passed: Vec<Passed>, whom: &'static str) -> Result<Vec<Bound>, StartError> {
    let bind = |address: &Address| {
        let cannot = |error| StartError::system(CannotListen { whom, address: address.clone(), error });
        Bound::bind(address).map_err(cannot)
    };
    let bound = if passed.is_empty() {
        addresses.iter().map(bind).collect::<Result<Vec<_>, _>>()
    } else {
        info!("The supervisor passes the sockets of {whom}; configured addresses are not used.");
        passed.into_iter().map(|socket| Bound::adopt(socket).map_err(StartError::system)).collect()
    }?;
    for bound in &bound {
        info!(address = %bound.address(), "Listening for {whom}.");
    }
    Ok(bound)
}

/// Tells what is configured and has no effect, since the other half of it is missing.
pub(super) fn tell_of_applications(settings: &Settings, store: &Store) {
    let Some(snapshot) = store.snapshot() else { return };
    let configured = &settings.pdp.callers.applications;
    let named = snapshot.policies.applications.as_ref();
    if named.is_some() && configured.is_empty() {
        warn!("{APPLICATIONS_FILE} has no effect: no [callers] are configured, so nobody is recognised.");
    }
    let issuers = &settings.pdp.callers.issuers;
    for (name, issuer) in issuers {
        if snapshot.policies.model.entity(&issuer.kind).is_err() {
            warn!("issuers.{name}.type: the schema has no `{}`, so its tokens are of no account.", issuer.kind);
        }
    }
    for application in configured.keys().map(Application::as_str) {
        if issuers.is_empty() && own_token(&snapshot, application).is_some_and(|token| token.required) {
            warn!(
                "{APPLICATIONS_FILE} wants a token of `{application}`, and no [issuers] are configured: it may ask nothing."
            );
        }
        if named.and_then(|named| named.get(application)).is_none() {
            warn!("{APPLICATIONS_FILE} does not name `{application}`, so it may ask nothing.");
        }
    }
}

/// Raises the system's limit on open files, and takes no more connections than leave room for other files.
pub(super) fn within_descriptors(mut settings: Settings) -> Settings {
    let limit = transport::raise_limit();
    let connections = transport::connections_within(limit, settings.connections.connections);
    if connections < settings.connections.connections {
        warn!(
            connections,
            asked = settings.connections.connections,
            descriptors = limit,
            "The system's limit on open files allows fewer connections than limits.connections."
        );
        settings.connections.connections = connections;
    }
    settings
}

/// Writes the port, so that a test that waits for the file reads the whole number.
pub(super) fn write(port: u16, file: &Path) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("--port-file `{}`: {error}", file.display()));
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    fs::write(&unfinished, format!("{port}\n")).and_then(|()| fs::rename(&unfinished, file)).map_err(named)
}
