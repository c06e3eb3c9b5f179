//! The supervisor, as systemd's protocols have it: the sockets that it passes, and what it is told of the state of poort.
//!
//! A supervisor that holds the sockets keeps connections in their queue while no poort runs, so a restart refuses none.
//! Sources: `sd_listen_fds(3)` and `sd_notify(3)`.

use crate::api::transport::Passed;
use listenfd::ListenFd;
use sd_notify::NotifyState;
use std::{env, io, iter};

/// The sockets that the supervisor passes.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For callers.
    pub(super) callers: Vec<Passed>,
    /// For operators.
    pub(super) operators: Vec<Passed>,
}

/// A socket that poort cannot take.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// It has no name that poort knows.
    #[error(
        "the supervisor passes a socket that is named `{0}`; name it `callers` or `admin`, in systemd with \
         FileDescriptorName="
    )]
    Name(String),
    /// It is neither a TCP nor a Unix socket.
    #[error("the supervisor passes a socket named `{name}` on which no connection can be accepted: {error}")]
    Kind {
        /// Its name.
        name: String,
        /// Why.
        error: io::Error,
    },
}

impl Sockets {
    /// Takes what was passed, once: before other threads run, because it removes the environment variables.
    ///
    /// # Errors
    /// A socket has another name, or is not a stream socket.
    pub fn take() -> Result<Self, SocketError> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').filter(|name| !name.is_empty()).chain(iter::repeat("unknown"));
        let mut passed = ListenFd::from_env();
        let mut sockets = Self::default();
        for (index, name) in (0..passed.len()).zip(names) {
            let whose = match name {
                "callers" => &mut sockets.callers,
                "admin" => &mut sockets.operators,
                other => return Err(SocketError::Name(other.to_owned())),
            };
            let tcp = passed.take_tcp_listener(index).map(|socket| socket.map(Passed::Tcp));
            let socket = tcp.or_else(|_| passed.take_unix_listener(index).map(|socket| socket.map(Passed::Unix)));
            whose.extend(socket.map_err(|error| SocketError::Kind { name: name.to_owned(), error })?);
        }
        Ok(sockets)
    }
}

/// Tells that poort answers.
pub(super) fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells that poort reads its configuration again; [`tell_ready`] ends that.
pub(super) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "The supervisor cannot be told of the state of poort."),
    }
}

/// Tells that poort stops.
pub(super) fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Without `NOTIFY_SOCKET` nobody is told.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "The supervisor cannot be told of the state of poort.");
    }
}
