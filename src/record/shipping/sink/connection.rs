//! A connection to NATS JetStream.

use super::{super::config::NatsServer, SetupError, client, client::innermost};
use async_nats::{ConnectErrorKind, ConnectOptions, Event, jetstream};
use std::time::Duration;
use thiserror::Error;
use tracing::debug;

/// There is no connection to the NATS server.
#[derive(Debug, Error)]
pub enum NoConnection {
    /// A file that the configuration names cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The server does not accept who asks, which does not pass by itself.
    #[error("{0}")]
    Refused(String),
    /// The server cannot be reached now.
    #[error("{0}")]
    Failed(String),
}

/// Connects, with the files as they are now.
///
/// # Errors
/// The server is not there or does not accept the connection, or a file cannot be used.
pub async fn connect(server: &NatsServer, timeout: Duration) -> Result<jetstream::Context, NoConnection> {
    let address = server.endpoint.to_string();
    let client = options(server, timeout)?.connect(address.trim_end_matches('/')).await.map_err(|error| {
        let why = innermost(&error);
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                NoConnection::Refused(match &server.credentials {
                    Some(path) => format!("the server does not accept the credentials in `{}`: {why}", path.display()),
                    None => format!("the server asks for credentials; name their file as `credentials`: {why}"),
                })
            }
            // A receiver may get another certificate at any time, so this may pass without a change of ours.
            _ if why.contains("peer certificate") => NoConnection::Failed(match &server.tls.ca {
                Some(path) => format!("{why}; the roots that are trusted are those of `{}` (tls.ca)", path.display()),
                None => format!("{why}; the roots that are trusted are those of the system; tls.ca names others"),
            }),
            _ => NoConnection::Failed(why),
        }
    })?;
    let mut context = jetstream::new(client);
    context.set_timeout(timeout);
    Ok(context)
}

/// Looks whether the files that a connection needs can be used.
///
/// # Errors
/// One cannot.
pub fn check(server: &NatsServer) -> Result<(), SetupError> {
    options(server, Duration::ZERO).map(drop)
}

/// How to connect, from the files as they are now.
fn options(server: &NatsServer, timeout: Duration) -> Result<ConnectOptions, SetupError> {
    let mut options = ConnectOptions::new()
        .name("poort")
        .connection_timeout(timeout)
        // What is wrong with a connection shows in the send that needs it.
        .event_callback(|event: Event| async move { debug!(%event, "NATS") });
    if server.endpoint.scheme() == "tls" {
        options = options.require_tls(true).tls_client_config(client::config(&server.tls)?);
    }
    if let Some(path) = &server.credentials {
        let text = std::fs::read_to_string(path).map_err(|error| SetupError::file(path)(&error))?;
        options = options.credentials(&text).map_err(|error| SetupError::file(path)(&error))?;
    }
    Ok(options)
}
