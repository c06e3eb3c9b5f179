//! `poort serve`: answers questions until it is told to stop.
//!
//! Start: configuration → sockets (so that addresses are known and taken) → policies → serving, not yet ready → log →
//! archive → shipping → ready. Stop, on SIGTERM or SIGINT: not ready → no new connections or streams → what was taken is
//! answered → log synced and closed → its last records shipped, within the grace → exit 0.

use super::{Common, Exit, output::Output};
use crate::{
    api::{
        self, Health,
        admin::{self, Admin},
        transport::{self, Address, Bound},
    },
    config::{Flags, Settings},
    pdp::{Clock, Pdp, cache::Cache},
    record::{
        decision_log::{DecisionLog, Producer},
        retention,
        shipping::{self, Shipping},
        spool::State as LogState,
    },
    sources::store::{Archive, Fingerprint, INTERVAL, Keeper, Store},
    telemetry::{Telemetry, init_logging},
    types::problem::{self, Problem},
};
use clap::Args;
use std::{
    convert::Infallible,
    error::Error,
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::{oneshot, watch},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(super) const EXAMPLES: &str = "Examples:
  poort serve                                       on 127.0.0.1:50051, with the policies in `policies`
  poort serve --listen unix:/run/poort/poort.sock   on a Unix socket
  poort serve --listen 127.0.0.1:0 --admin 127.0.0.1:0
                                                    on free ports, which are logged

SIGTERM stops it in order: what was taken is answered, the decision log is synced.";

/// The stack of the threads that answer questions, in bytes: the longest policy that is taken fits several times. Only what
/// is used of it takes memory.
const STACK: usize = 16 << 20;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where callers are heard, gRPC and JSON: an address or unix:PATH; can be given several times
    /// [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Where operators are heard: /healthz, /readyz, /metrics [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { listen, admin, common } = arguments;
    let mut flags = Flags::new();
    if !listen.is_empty() {
        flags.insert("listen".to_owned(), listen);
    }
    flags.extend(admin.map(|admin| ("admin".to_owned(), vec![admin])));
    let (settings, warnings) = common.settings(flags, output)?;
    init_logging(&settings.telemetry.log).map_err(|error| usage(output, &error))?;
    for warning in warnings {
        warn!("{warning}");
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().thread_name("poort").thread_stack_size(STACK).build();
    let runtime = runtime.map_err(|error| failed(output, &error))?;
    // Operators are answered however busy the threads of questions are.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let operators = builder.worker_threads(1).enable_all().thread_name("poort-operators").build();
    let operators = operators.map_err(|error| failed(output, &error))?;
    runtime.block_on(serve(settings, &operators, output))
}

fn failed(output: &mut Output, error: &dyn Error) -> Exit {
    output.failure(error);
    Exit::Failed
}

fn usage(output: &mut Output, error: &dyn Error) -> Exit {
    output.failure(error);
    Exit::Usage
}

async fn serve(settings: Settings, operators: &Runtime, output: &mut Output) -> Result<Exit, Exit> {
    let mut signals = Signals::new().map_err(|error| failed(output, &error))?;
    let settings = within_descriptors(settings);
    let telemetry = Telemetry::start(&settings.telemetry).map_err(|error| usage(output, &error))?;
    let tls = settings.tls.as_ref().map(transport::Tls::acceptor).transpose().map_err(|error| usage(output, &error))?;
    let bound = bind(&settings.listen, "callers", output)?;
    let admin_bound = {
        // The socket belongs to the runtime that it is bound in.
        let _operators = operators.enter();
        bind(std::slice::from_ref(&settings.admin), "operators", output)?
    };
    if let Address::Tcp(address) = &settings.admin
        && !address.ip().is_loopback()
    {
        warn!(%address, "Operators are heard beyond this machine, without TLS: whoever reaches the port reads the metrics.");
    }

    let meter = telemetry.meter();
    let store = Arc::new(Store::new(settings.store.clone(), &meter));
    let Some(loaded) = load(&store, &mut signals).await else { return Ok(Exit::Done) };
    if let Err(problems) = loaded {
        output.problems(&problems);
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        output.error(&format!("the policies cannot be used: {errors} problem{}", if errors == 1 { "" } else { "s" }));
        return Err(if problem::has_errors(&problems) { Exit::NotValid } else { Exit::Failed });
    }

    let clock = Clock::new(settings.time_zone.clone(), settings.application.as_deref());
    let cache = Cache::new(&settings.cache, &meter);
    let pdp = Arc::new(Pdp::new(settings.pdp.clone(), store.clone(), cache, clock, &meter, telemetry.spans()));
    let stopping = CancellationToken::new();
    let (log_state, log_seen) = watch::channel(None);
    let (dispatch, health) = api::dispatch(&pdp, &settings.api, &meter, &stopping);
    health.set(false).await;
    let admin_router = admin::router(Admin {
        pdp: pdp.clone(),
        store: store.clone(),
        log: log_seen,
        stopping: stopping.clone(),
        exposition: telemetry.exposition(),
    });
    let callers = transport::Port { name: "callers", share: settings.pdp.of_one_connection(), meter: meter.clone() };
    let serving = tokio::spawn(transport::serve(bound, dispatch, tls, settings.connections, callers, stopping.clone()));
    // Operators can look until the very end.
    let ended = CancellationToken::new();
    // A few: they are within the open files that callers' connections leave.
    let admin_limits = transport::Limits { connections: 32, grace: Duration::ZERO, ..settings.connections };
    let admin_port = transport::Port { name: "operators", share: 0, meter: meter.clone() };
    let admin = transport::serve(admin_bound, admin_router.into(), None, admin_limits, admin_port, ended.clone());
    let admin = operators.spawn(admin);

    let opened = tokio::select! {
        opened = open_log(&settings, &meter, output) => Some(opened?),
        name = signals.next() => {
            info!(signal = name, "Stopped while the decision log was being read.");
            None
        }
    };
    let Some(log) = opened else { return Ok(Exit::Done) };
    let keeper = Keeper::start(Archive::new(settings.store.archive.clone()), &meter);
    store.archive_to(keeper.map_err(|error| failed(output, &error))?);
    let shipping = start_shipping(&settings, &log, &meter, output)?;
    pdp.record_to(log.clone());
    let watching = watch_files(store.clone()).map_err(|error| failed(output, &error))?;
    let keep = settings.log.keep;
    let sweeping = keep.map(|keep| {
        let records = settings.log.records();
        retention::start(log.clone(), keep, shipping.cursors(), store.clone(), records, stopping.clone())
    });
    let telling = tell_health(health.clone(), log.clone(), log_state, stopping.clone());
    if log.is_writable() {
        info!("Ready for questions.");
    } else {
        warn!("Not ready for questions: the decision log has no room. It is tried again until it has.");
    }

    let name = signals.next().await;
    info!(signal = name, "Stopping: what was taken is answered.");
    // First the word, then the deed: who watches health hears of it.
    health.set(false).await;
    stopping.cancel();
    drop(watching);
    let cut_off = serving.await.unwrap_or_default();
    if cut_off > 0 {
        warn!(connections = cut_off, "The grace period ran out; calls on these connections were cut off.");
    }
    let _ = telling.await;
    if let Some(sweeping) = sweeping {
        let _ = sweeping.await;
    }
    let closing = move || {
        log.close();
        store.close();
    };
    if let Err(error) = tokio::task::spawn_blocking(closing).await {
        error!(%error, "The decision log was not closed.");
    }
    shipping.stop(settings.connections.grace).await;
    ended.cancel();
    let _ = admin.await;
    telemetry.shutdown().await;
    info!("Stopped.");
    Ok(Exit::Done)
}

fn bind(addresses: &[Address], whom: &str, output: &mut Output) -> Result<Vec<Bound>, Exit> {
    addresses
        .iter()
        .map(|address| {
            let bound = Bound::bind(address).map_err(|error| {
                output.error(&format!("cannot listen for {whom} on {address}: {error}"));
                Exit::Failed
            })?;
            info!(address = %bound.address(), "Listening for {whom}.");
            Ok(bound)
        })
        .collect()
}

async fn open_log(
    settings: &Settings,
    meter: &opentelemetry::metrics::Meter,
    output: &mut Output,
) -> Result<DecisionLog, Exit> {
    let version = env!("CARGO_PKG_VERSION");
    let producer = Producer::new(version, &settings.digest, &settings.instance, &settings.log.producer);
    let (config, instance, meter) = (settings.log.clone(), settings.instance.clone(), meter.clone());
    // Reads all that is there, which takes a while for a large log.
    let opened = tokio::task::spawn_blocking(move || DecisionLog::open(&config, &instance, producer, &meter)).await;
    match opened {
        Ok(Ok((log, recovery))) => {
            info!(
                folder = %settings.log.records().display(),
                records = recovery.records,
                cut_bytes = recovery.cut_bytes,
                "The decision log is open."
            );
            Ok(log)
        }
        Ok(Err(error)) => Err(failed(output, &error)),
        Err(error) => Err(failed(output, &error)),
    }
}

fn start_shipping(
    settings: &Settings,
    log: &DecisionLog,
    meter: &opentelemetry::metrics::Meter,
    output: &mut Output,
) -> Result<Shipping, Exit> {
    let (config, log) = (&settings.log, log.clone());
    let source = shipping::Source::new(config.records(), move || log.durable());
    Shipping::start(settings.ship.clone(), &source, &config.data, meter).map_err(|error| match error {
        shipping::StartError::Setup { .. } => usage(output, &error),
        shipping::StartError::Io { .. } => failed(output, &error),
    })
}

/// Raises the system's limit on open files, and takes no more connections than leave room for other files.
fn within_descriptors(mut settings: Settings) -> Settings {
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

/// Reads policies and directory for the first time. `None`: a signal came before that ended.
async fn load(store: &Arc<Store>, signals: &mut Signals) -> Option<Result<Vec<Problem>, Vec<Problem>>> {
    let (tell, mut told) = oneshot::channel();
    let reader = store.clone();
    // A thread for which nobody waits: where a file system hangs, it does not end.
    let spawned = thread::Builder::new().name("poort-load".to_owned()).spawn(move || tell.send(reader.load()));
    let failed = |message: String| Err(vec![Problem::unreadable("serve::load", "policies", message)]);
    if let Err(error) = spawned {
        return Some(failed(format!("no thread can be started: {error}")));
    }
    loop {
        tokio::select! {
            loaded = &mut told => {
                return Some(loaded.unwrap_or_else(|_| failed("reading broke off; this is a fault of poort".to_owned())));
            }
            name = signals.next() => {
                info!(signal = name, "Stopped while the policies were being read.");
                return None;
            }
            () = sleep(Duration::from_secs(5)) => {
                warn!("The policies are still being read. If their file system does not answer, this does not end.");
            }
        }
    }
}

/// Looks at the files a few times a second, on a thread for which nobody waits, and activates what changed. It ends after
/// what this gives is dropped.
fn watch_files(store: Arc<Store>) -> io::Result<mpsc::Sender<Infallible>> {
    let (watching, ended) = mpsc::channel::<Infallible>();
    let seen = store.clone();
    thread::Builder::new().name("poort-reload".to_owned()).spawn(move || {
        let mut seen = Fingerprint::default();
        while matches!(ended.recv_timeout(INTERVAL), Err(mpsc::RecvTimeoutError::Timeout)) {
            store.reload(&mut seen);
        }
    })?;
    tokio::spawn(async move {
        let mut hung = false;
        loop {
            sleep(Duration::from_secs(1)).await;
            let hangs = seen.hangs().is_some();
            match (hung, hangs) {
                (false, true) => error!("Reading policies or directory hangs; changes are not noticed until it ends."),
                (true, false) => info!("Policies and directory can be read again."),
                _ => {}
            }
            hung = hangs;
        }
    });
    Ok(watching)
}

/// Keeps the health service true.
fn tell_health(
    health: Health,
    decisions: DecisionLog,
    seen: watch::Sender<Option<LogState>>,
    stopping: CancellationToken,
) -> JoinHandle<()> {
    let mut log = decisions.watch();
    tokio::spawn(async move {
        loop {
            let state = log.borrow_and_update().clone();
            health.set(decisions.allows_answers_in(&state)).await;
            decisions.end_gap();
            let _ = seen.send(Some(state));
            tokio::select! {
                () = stopping.cancelled() => break,
                changed = log.changed() => if changed.is_err() { break }
            }
        }
        health.set(false).await;
    })
}

/// The signals that stop poort, and one that must not.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// A file size limit is answered like a full disk. Unhandled, its signal would end the process.
    _file_size: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
