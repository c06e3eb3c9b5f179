//! Accepts connections, serves them, and closes them in order.
//!
//! tonic's own server serves gRPC alone. This port speaks HTTP/1.1 and HTTP/2 over three kinds of socket. And `grpc-timeout`
//! must reach the decision point, whose record says that a call was too late: tonic would end the call before that. So hyper
//! serves the connections.

use super::{
    super::peer::Peer,
    activity::{Closing, Observed},
    coalesce::CoalescedWrites,
    dispatch::Dispatch,
    limits::Limits,
    lingering_close::LingeringClose,
    listen::{Bound, Socket},
    places::{Place, Places},
    plain_http,
    tls::ReplaceableTls,
};
use crate::{
    pdp::{
        Quota,
        callers::{Callers, Leaf},
    },
    record::decision_log::{Caller, Identity},
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The window of one HTTP/2 stream in bytes (the protocol's own default), and of all streams of a connection. What callers
/// send within them is in memory before poort reads it, so all connections together hold at most
/// `limits.connections` × `CONNECTION_WINDOW` of it.
const STREAM_WINDOW: u32 = 65_535;
const CONNECTION_WINDOW: u32 = 256 << 10;

/// How long a connection that is closed has to tell the caller so, and how long the first call of a new one may be under way:
/// on any network that a sidecar is asked over.
const FAREWELL: Duration = Duration::from_secs(1);

/// A timer is set for a certificate that ends within this time: some systems cannot tell much later moments.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// A port: its name in metrics, and how many questions one of its connections may have under way.
#[derive(Debug, Clone)]
pub struct Port {
    /// `callers` or `operators`.
    pub name: &'static str,
    /// The share of one connection in `limits.concurrent`.
    pub share: usize,
    /// What recognises callers, if they are to be recognised.
    pub callers: Option<Arc<Callers>>,
    /// For its metrics.
    pub meter: Meter,
}

/// Serves until `stopping`, then lets the calls that were taken end within the grace period. Gives how many connections
/// were cut off after it.
pub async fn serve(
    bound: Vec<Bound>,
    dispatch: Dispatch,
    tls: Option<ReplaceableTls>,
    limits: Limits,
    port: Port,
    stopping: CancellationToken,
) -> usize {
    let connections = Connections::new(dispatch, limits, port, stopping.clone());
    let accepting = bound.into_iter().map(|bound| {
        // A Unix socket stays on this machine, where file permissions protect it.
        let tls = if matches!(bound.socket, Socket::Tcp(_)) { tls.clone() } else { None };
        accept(bound, tls, &connections, &stopping)
    });
    futures_util::future::join_all(accepting).await;
    connections.drain(limits.grace).await
}

struct Connections {
    builder: Builder<TokioExecutor>,
    dispatch: Dispatch,
    places: Arc<Places>,
    limits: Limits,
    share: usize,
    callers: Option<Arc<Callers>>,
    port: &'static str,
    closed: Counter<u64>,
    stopping: CancellationToken,
}

impl Connections {
    fn new(dispatch: Dispatch, limits: Limits, port: Port, stopping: CancellationToken) -> Self {
        let Port { name: port, share, callers, meter } = port;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // The time to a first call and between calls is kept here, for both versions of HTTP.
            .header_read_timeout(None)
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(limits.streams)
            // Finds out about peers that went away without a word.
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let places = Places::new(limits.connections, limits.handshake);
        let seen = places.clone();
        meter
            .u64_observable_gauge("poort.connections")
            .with_description("Open connections, by port.")
            .with_callback(move |gauge| gauge.observe(seen.taken() as u64, &[KeyValue::new("port", port)]))
            .build();
        let closed = meter
            .u64_counter("poort.connections.closed")
            .with_description("Connections that poort closed by itself, by port and reason.")
            .build();
        for reason in ["silent", "idle", "untaken", "displaced", "expired"] {
            closed.add(0, &[KeyValue::new("port", port), KeyValue::new("reason", reason)]);
        }
        Self { builder, dispatch, places, limits, share, callers, port, closed, stopping }
    }

    /// Serves one connection in a task of its own.
    fn start<F>(
        &self,
        caller: Caller,
        local: Option<SocketAddr>,
        place: Place,
        serve: impl FnOnce(Connection) -> F + Send + 'static,
    ) where
        F: Future<Output = Option<&'static str>> + Send,
    {
        let connection = Connection {
            builder: self.builder.clone(),
            dispatch: self.dispatch.clone(),
            share: Quota::new(self.share),
            limits: self.limits,
            caller,
            identity: None,
            callers: self.callers.clone(),
            until: None,
            local,
            place,
            stopping: self.stopping.clone(),
        };
        let (port, closed) = (self.port, self.closed.clone());
        tokio::spawn(async move {
            if let Some(reason) = serve(connection).await {
                closed.add(1, &[KeyValue::new("port", port), KeyValue::new("reason", reason)]);
            }
        });
    }

    async fn drain(self, grace: Duration) -> usize {
        match timeout(grace, self.places.all_free()).await {
            Ok(()) => 0,
            Err(_) => self.places.taken(),
        }
    }
}

struct Connection {
    builder: Builder<TokioExecutor>,
    dispatch: Dispatch,
    share: Quota,
    limits: Limits,
    caller: Caller,
    /// What the other end proves.
    identity: Option<Arc<Identity>>,
    callers: Option<Arc<Callers>>,
    /// When the certificate of the other end ends.
    until: Option<Instant>,
    local: Option<SocketAddr>,
    place: Place,
    stopping: CancellationToken,
}

impl Connection {
    /// Serves the connection to its end. Gives the reason if poort closed it by itself, before the stop.
    async fn serve<S>(self, stream: S) -> Option<&'static str>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (caller, identity) = (self.caller, self.identity.clone());
        let (local, share) = (self.local, self.share.clone());
        let (dispatch, activity) = (self.dispatch.clone(), self.place.activity.clone());
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            let arrived = Instant::now();
            let call = activity.begin(arrived);
            let (identity, share) = (identity.clone(), share.clone());
            request.extensions_mut().insert(Peer { caller, identity, local, share, arrived });
            let answer = dispatch.call(request);
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Observed::new(body, call))) }
        });
        let stream = TokioIo::new(CoalescedWrites::new(LingeringClose::new(stream)));
        let mut connection = pin!(self.builder.serve_connection(stream, service).into_owned());
        // Polled only when it is woken: the connection wakes for each call, and a token that all connections share has a lock.
        let mut closing: FuturesUnordered<_> = std::iter::once(self.closing()).collect();
        let why = tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "A connection failed.");
                }
                return None;
            }
            why = closing.next() => why.flatten(),
        };
        let activity = &self.place.activity;
        // At the stop also where no call was made: one may be under way, and HTTP/2 tells the caller which ones were taken.
        if activity.has_asked() || why.is_none() {
            connection.as_mut().graceful_shutdown();
            // Calls that poort works on are answered, unless another connection needs the place.
            while timeout(FAREWELL, connection.as_mut()).await.is_err()
                && activity.is_busy()
                && !self.place.leave.is_cancelled()
            {}
        }
        why
    }

    /// The same over TLS.
    async fn serve_tls(mut self, stream: TcpStream, tls: TlsAcceptor) -> Option<&'static str> {
        let shake = async {
            if plain_http::is_spoken(&stream).await? {
                plain_http::refuse(stream).await?;
                return Err(io::Error::other("the caller speaks plain HTTP"));
            }
            tls.accept(stream).await
        };
        let shaken = tokio::select! {
            shaken = shake => shaken,
            why = self.closing() => return why,
        };
        match shaken {
            Ok(stream) => {
                // rustls has verified it.
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                if let Some(Ok(leaf)) = chain.first().map(|leaf| Leaf::read(leaf)) {
                    self.identity = self.callers.as_ref().map(|callers| Arc::new(callers.of_certificate(&leaf.named)));
                    self.until = end(leaf.not_after);
                }
                self.serve(stream).await
            }
            Err(error) => {
                tracing::debug!(%error, "A TLS handshake failed.");
                None
            }
        }
    }

    /// Waits until the connection is to be closed: by its own silence, for another that needs its place, because the caller's
    /// certificate ended, or by the stop.
    /// Gives the reason, for metrics; the stop is none. A connection that was accepted just before the stop may still make its
    /// first call: a caller whose new connection breaks takes the address for dead, and lets calls fail for a second.
    async fn closing(&self) -> Option<&'static str> {
        let overdue = async {
            loop {
                match self.place.activity.closing(&self.limits, Instant::now()) {
                    Ok(Closing::Silent) => return "silent",
                    Ok(Closing::Idle) => return "idle",
                    Ok(Closing::Untaken) => return "untaken",
                    Err(later) => sleep_until(later.into()).await,
                }
            }
        };
        let expired = async {
            match self.until {
                Some(until) => sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        let stopped = async {
            self.stopping.cancelled().await;
            if !self.place.activity.has_asked() {
                sleep_until((self.place.activity.accepted() + FAREWELL).into()).await;
            }
        };
        tokio::select! {
            why = overdue => Some(why),
            () = self.place.leave.cancelled() => Some("displaced"),
            () = expired => Some("expired"),
            () = stopped => None,
        }
    }
}

/// The moment of a time in seconds since the Unix epoch. `None`: so far away that no connection lasts until then.
fn end(not_after: i64) -> Option<Instant> {
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(not_after).ok()?))?;
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    (left < LONGEST).then(|| Instant::now() + left)
}

async fn accept(bound: Bound, tls: Option<ReplaceableTls>, connections: &Connections, stopping: &CancellationToken) {
    let mut failures = Failures::default();
    loop {
        let accepted = async {
            match &bound.socket {
                Socket::Tcp(listener) => {
                    let (stream, peer) = listener.accept().await?;
                    // Answers are small and wait for nothing more.
                    let _ = stream.set_nodelay(true);
                    let Some(place) = connections.places.take().await else { return Ok(()) };
                    let local = stream.local_addr().ok();
                    let caller = Caller::Tcp(peer);
                    match tls.as_ref().map(ReplaceableTls::acceptor) {
                        None => connections.start(caller, local, place, |connection| connection.serve(stream)),
                        Some(tls) => {
                            connections.start(caller, local, place, |connection| connection.serve_tls(stream, tls));
                        }
                    }
                }
                Socket::Unix(listener) => {
                    let (stream, _) = listener.accept().await?;
                    let Some(place) = connections.places.take().await else { return Ok(()) };
                    // Of when it connected; a socket that it was handed on to speaks for that user.
                    let uid = stream.peer_cred().map(|user| user.uid());
                    connections.start(Caller::Unix, None, place, |mut connection| {
                        let known = connection.callers.as_ref().zip(uid.ok());
                        connection.identity = known.map(|(callers, uid)| Arc::new(callers.of_user(uid)));
                        connection.serve(stream)
                    });
                }
            }
            Ok(())
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            result = accepted => if let Err(error) = result {
                after_failure(&error, &mut failures).await;
            }
        }
    }
}

/// A peer that went away is nothing; out of file descriptors needs a pause, or the loop spins. The log is told once a minute.
async fn after_failure(error: &io::Error, failures: &mut Failures) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    if failures.warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
        tracing::warn!(%error, since_last_warning = failures.untold, "A connection could not be taken.");
        *failures = Failures { warned: Some(Instant::now()), untold: 0 };
    } else {
        failures.untold += 1;
    }
    sleep(Duration::from_millis(100)).await;
}

const WARN_EVERY: Duration = Duration::from_secs(60);

/// Connections that could not be taken.
#[derive(Default)]
struct Failures {
    warned: Option<Instant>,
    /// How many there were since the log was told.
    untold: u64,
}
