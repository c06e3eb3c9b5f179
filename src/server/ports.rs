//! The two ports: one for callers, one for operators.

use super::StartError;
use crate::{
    api::transport::{self, Address, Bound, Dispatch, Limits, Port},
    config::Settings,
};
use axum::Router;
use opentelemetry::metrics::Meter;
use std::{io, slice, time::Duration};
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How many connections operators may have: they are within the open files that callers' connections leave.
const OPERATORS: usize = 32;

/// Sockets on which nobody is answered yet.
pub(super) struct Ports {
    callers: Vec<Bound>,
    operators: Vec<Bound>,
    tls: Option<TlsAcceptor>,
}

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
struct CannotListen {
    whom: &'static str,
    address: Address,
    error: io::Error,
}

impl Ports {
    /// Takes the addresses. `operators` is the runtime in which operators are answered.
    pub(super) fn bind(settings: &Settings, operators: &Runtime) -> Result<Self, StartError> {
        let tls = settings.tls.as_ref().map(transport::Tls::acceptor).transpose().map_err(StartError::configuration)?;
        let callers = bind(&settings.listen, "callers")?;
        // The socket belongs to the runtime that it is bound in.
        let _operators = operators.enter();
        let operators = bind(slice::from_ref(&settings.admin), "operators")?;
        if let Address::Tcp(address) = &settings.admin
            && !address.ip().is_loopback()
        {
            warn!(%address, "Operators are heard beyond this machine, without TLS: whoever reaches the port reads the metrics.");
        }
        Ok(Self { callers, operators, tls })
    }

    /// Answers on both: on the callers' until `stopping`.
    pub(super) fn open(
        self,
        dispatch: Dispatch,
        admin: Router,
        settings: &Settings,
        operators: &Runtime,
        meter: &Meter,
        stopping: &CancellationToken,
    ) -> (Open, Open) {
        let limits = settings.connections;
        let port = Port { name: "callers", share: settings.pdp.of_one_connection(), meter: meter.clone() };
        let serving = tokio::spawn(transport::serve(self.callers, dispatch, self.tls, limits, port, stopping.clone()));
        let callers = Open { serving, stop: stopping.clone() };
        let stop = CancellationToken::new();
        let limits = Limits { connections: OPERATORS, grace: Duration::ZERO, ..limits };
        let port = Port { name: "operators", share: 0, meter: meter.clone() };
        let serving = operators.spawn(transport::serve(self.operators, admin.into(), None, limits, port, stop.clone()));
        (callers, Open { serving, stop })
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

fn bind(addresses: &[Address], whom: &'static str) -> Result<Vec<Bound>, StartError> {
    let bind = |address: &Address| {
        let cannot = |error| StartError::system(CannotListen { whom, address: address.clone(), error });
        let bound = Bound::bind(address).map_err(cannot)?;
        info!(address = %bound.address(), "Listening for {whom}.");
        Ok(bound)
    };
    addresses.iter().map(bind).collect()
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
