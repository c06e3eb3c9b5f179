//! Connections, from the first byte to an orderly end.
//!
//! tonic's own server would do for gRPC alone. Here one port speaks HTTP/1.1 and HTTP/2, over three kinds of socket, and
//! `grpc-timeout` has to reach the decision point, whose record says that a call was too late: tonic's server would cut
//! the call off before that. So connections are taken here, with hyper.

use super::{
    front::Front,
    gather::Gathering,
    linger::Lingering,
    listen::{Bound, Socket},
};
use crate::decision_log::Caller;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Bounds on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections may be open. One more waits in the kernel until another ends.
    pub connections: usize,
    /// How many calls may be under way on one HTTP/2 connection.
    pub streams: u32,
    /// How long a TLS handshake or the head of an HTTP/1.1 request may take.
    pub handshake: Duration,
    /// How long calls that were taken may take to end after the stop signal.
    pub grace: Duration,
}

impl Default for Limits {
    /// 1024 connections: a sidecar has one application, with a pool of a few dozen. 256 calls on one, which bounds what
    /// their messages can take; clients keep further calls back by themselves. 10 s to introduce oneself. 10 s of grace:
    /// twice the usual deadline.
    fn default() -> Self {
        Self { connections: 1024, streams: 256, handshake: Duration::from_secs(10), grace: Duration::from_secs(10) }
    }
}

/// Serves until `stopping`, then lets the calls that were taken end within the grace period. Comes back with how many
/// connections were cut off after it.
pub async fn serve(
    bound: Vec<Bound>,
    front: Front,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    stopping: CancellationToken,
) -> usize {
    let connections = Connections::new(front, limits, stopping.clone());
    let accepting = bound.into_iter().map(|bound| {
        // A Unix socket stays on this machine, where file permissions protect it.
        let tls = if matches!(bound.socket, Socket::Tcp(_)) { tls.clone() } else { None };
        accept(bound, tls, &connections, &stopping)
    });
    futures_util::future::join_all(accepting).await;
    connections.drain(limits.grace).await
}

struct Connections {
    graceful: GracefulShutdown,
    builder: Builder<TokioExecutor>,
    front: Front,
    open: Arc<Semaphore>,
    limits: Limits,
    stopping: CancellationToken,
}

impl Connections {
    fn new(front: Front, limits: Limits, stopping: CancellationToken) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.handshake)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            // Finds out about peers that went away without a word.
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let open = Arc::new(Semaphore::new(limits.connections));
        Self { graceful: GracefulShutdown::new(), builder, front, open, limits, stopping }
    }

    /// Serves one connection in a task of its own.
    fn start<S>(&self, stream: S, caller: Caller, tls: Option<TlsAcceptor>, permit: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let builder = self.builder.clone();
        let front = self.front.clone();
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(caller);
            front.clone().call(request)
        });
        let watcher = self.graceful.watcher();
        let (handshake, stopping) = (self.limits.handshake, self.stopping.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let ended = match tls {
                None => {
                    let connection =
                        builder.serve_connection(TokioIo::new(Gathering::new(Lingering::new(stream))), service);
                    watcher.watch(connection.into_owned()).await
                }
                Some(tls) => {
                    let shaken = tokio::select! {
                        shaken = tokio::time::timeout(handshake, tls.accept(stream)) => shaken,
                        // Nothing was asked yet.
                        () = stopping.cancelled() => return,
                    };
                    match shaken {
                        Ok(Ok(stream)) => {
                            let connection =
                                builder.serve_connection(TokioIo::new(Gathering::new(Lingering::new(stream))), service);
                            watcher.watch(connection.into_owned()).await
                        }
                        Ok(Err(error)) => Err(error.into()),
                        Err(_) => Err("the TLS handshake took too long".into()),
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "A connection ended badly.");
            }
        });
    }

    async fn drain(self, grace: Duration) -> usize {
        let Self { graceful, open, limits, builder: _, front: _, stopping: _ } = self;
        if tokio::time::timeout(grace, graceful.shutdown()).await.is_ok() {
            return 0;
        }
        limits.connections.saturating_sub(open.available_permits())
    }
}

async fn accept(bound: Bound, tls: Option<TlsAcceptor>, connections: &Connections, stopping: &CancellationToken) {
    loop {
        let accepted = async {
            // One connection too many waits in the kernel.
            let permit = connections.open.clone().acquire_owned().await.map_err(io::Error::other)?;
            match &bound.socket {
                Socket::Tcp(listener) => {
                    let (stream, peer) = listener.accept().await?;
                    // Answers are small and wait for nothing more.
                    let _ = stream.set_nodelay(true);
                    connections.start(stream, Caller::Tcp(peer), tls.clone(), permit);
                }
                Socket::Unix(listener) => {
                    let (stream, _) = listener.accept().await?;
                    connections.start(stream, Caller::Unix, None, permit);
                }
            }
            Ok(())
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            result = accepted => if let Err(error) = result {
                after_failure(&error).await;
            }
        }
    }
}

/// A peer that went away is nothing; out of file descriptors needs a pause, or the loop spins.
async fn after_failure(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "A connection could not be taken.");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
