//! The handle of shipping: all deliveries, started and stopped together.

use super::{
    again::Requests,
    config::{Name, Sink},
    delivery::{Delivery, Pace},
    metrics::Meters,
    quarantine::Quarantine,
    sink::{Any, SetupError},
    source::Source,
    waiting::Notice,
};
use crate::record::spool::{self, Cursor};
use opentelemetry::metrics::Meter;
use std::{io, path::Path, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How long shipping goes on at the stop, at most: long enough for the last checkpoint at a receiver that is well. Callers are
/// not answered before the next start, and what is left is sent after it.
pub const PARTING: Duration = Duration::from_secs(1);

/// How long a delivery that was cut off may take to sync its cursor.
const SYNC_BOUND: Duration = Duration::from_secs(2);

/// The deliveries to all sinks.
#[derive(Debug)]
pub struct Shipping {
    sinks: Vec<Running>,
    stopping: CancellationToken,
    cut_off: CancellationToken,
}

/// The cursors of all sinks.
#[derive(Debug, Clone)]
pub struct Cursors(Vec<Cursor>);

impl Cursors {
    /// Makes all cursors durable and returns the least of them: all records below it may go, as far as sinks are
    /// concerned. `None` without sinks.
    ///
    /// # Errors
    /// A cursor cannot be synced. Then nothing may go: after a power cut it could be before what was deleted.
    pub fn sync(&self) -> io::Result<Option<u64>> {
        let positions = self.0.iter().map(Cursor::sync).collect::<io::Result<Vec<_>>>()?;
        Ok(positions.into_iter().min())
    }
}

#[derive(Debug)]
struct Running {
    name: Name,
    cursor: Cursor,
    meters: Arc<Meters>,
    ended: oneshot::Receiver<()>,
}

/// Shipping did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The sink cannot be made.
    #[error("ship.{sink}: {error}")]
    Setup {
        /// The sink.
        sink: Name,
        /// What is wrong.
        error: SetupError,
    },
    /// The cursor cannot be opened, or no thread can be had.
    #[error("ship.{sink}: cannot {what}: {error}")]
    Io {
        /// The sink.
        sink: Name,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        error: io::Error,
    },
}

impl Shipping {
    /// Starts a delivery for each sink. It does not wait for receivers: one that is down is no error.
    ///
    /// It must be called inside a tokio runtime with timers and I/O, which must outlive it. `data` is the data folder, for
    /// the quarantine.
    ///
    /// # Errors
    /// A sink cannot be set up. Then none is started.
    pub fn start(sinks: Vec<Sink>, source: &Source, data: &Path, meter: &Meter) -> Result<Self, StartError> {
        let (stopping, cut_off) = (CancellationToken::new(), CancellationToken::new());
        let mut deliveries = Vec::new();
        let found = source.durable();
        for settings in sinks {
            let made = set_up(&settings, found)?;
            deliveries.push(delivery(settings, made, source, data, meter, &stopping)?);
        }
        let sinks = deliveries.into_iter().map(|delivery| run(delivery, &cut_off)).collect::<Result<_, _>>()?;
        Ok(Self { sinks, stopping, cut_off })
    }

    /// Looks whether these sinks could be started, without starting them.
    ///
    /// # Errors
    /// One cannot be set up.
    pub fn check(sinks: &[Sink]) -> Result<(), StartError> {
        sinks.iter().try_for_each(|settings| set_up(settings, 0).map(drop))
    }

    /// All records below this were taken by every sink, or are in its quarantine, and no power cut takes that back. `None`
    /// without sinks.
    #[must_use]
    pub fn acknowledged(&self) -> Option<u64> {
        self.sinks.iter().map(|sink| sink.meters.synced()).min()
    }

    /// How far all sinks are, for retention.
    #[must_use]
    pub fn cursors(&self) -> Cursors {
        Cursors(self.sinks.iter().map(|sink| sink.cursor.clone()).collect())
    }

    /// Sends what is on disk, for so long at most and only while receivers take it, and ends. What could not be sent is sent by
    /// the next process.
    pub async fn stop(self, bound: Duration) {
        let Self { sinks, stopping, cut_off } = self;
        let end = Instant::now() + bound;
        stopping.cancel();
        let mut late = Vec::new();
        for mut sink in sinks {
            if timeout_at(end, &mut sink.ended).await.is_err() {
                warn!(sink = %sink.name, "The sink did not take all in time; the rest is sent after the next start.");
                late.push(sink);
            }
        }
        cut_off.cancel();
        let end = Instant::now() + SYNC_BOUND;
        for sink in late {
            if timeout_at(end, sink.ended).await.is_err() {
                warn!(sink = %sink.name, "The delivery did not end in time.");
            }
        }
    }
}

/// `found`: how many records are in the log at the start.
fn set_up(settings: &Sink, found: u64) -> Result<Any, StartError> {
    Any::new(settings, found).map_err(|error| StartError::Setup { sink: settings.name.clone(), error })
}

fn delivery(
    settings: Sink,
    sink: Any,
    source: &Source,
    data: &Path,
    meter: &Meter,
    stopping: &CancellationToken,
) -> Result<Delivery<Any>, StartError> {
    let cursor = open_cursor(source, &settings.name).map_err(|error| StartError::Io {
        sink: settings.name.clone(),
        what: "open the cursor",
        error,
    })?;
    let durable = source.clone();
    let meters = Meters::new(meter, &settings.name, cursor.position(), move || durable.durable());
    info!(sink = %settings.name, from = cursor.position(), "Shipping records.");
    Ok(Delivery {
        records: source.clone().open_at(cursor.position()),
        quarantine: Quarantine::new(data, &settings.name),
        notice: Notice::none(data, &settings.name),
        requests: Requests::new(data, &settings.name),
        meters: Arc::new(meters),
        stopping: stopping.clone(),
        state: Pace::new(settings.batch),
        settings,
        cursor,
        sink,
    })
}

/// Opens the cursor. A sink that is new begins at the oldest record: what was deleted before it came is not missing there.
/// A cursor that is ahead of the log belongs to a log that is gone: its number would hide new records.
fn open_cursor(source: &Source, sink: &Name) -> io::Result<Cursor> {
    let is_new = !Cursor::exists(source.records(), sink.as_str())?;
    let cursor = Cursor::open(source.records(), sink.as_str())?;
    if is_new {
        cursor.advance(spool::segments(source.records())?.first().copied().unwrap_or(0))?;
        return Ok(cursor);
    }
    if cursor.position() <= source.durable() {
        return Ok(cursor);
    }
    error!(
        %sink, cursor = cursor.position(), log = source.durable(),
        "The cursor is ahead of the log, so it belongs to another one; sending begins at the oldest record."
    );
    drop(cursor);
    Cursor::remove(source.records(), sink.as_str())?;
    Cursor::open(source.records(), sink.as_str())
}

/// Runs a delivery on a thread of its own: it reads and writes files, which must not keep a thread of the runtime.
fn run(mut delivery: Delivery<Any>, cut_off: &CancellationToken) -> Result<Running, StartError> {
    let (name, meters, cursor) = (delivery.settings.name.clone(), delivery.meters.clone(), delivery.cursor.clone());
    let (ending, ended) = oneshot::channel();
    let (runtime, cut_off, sink) = (Handle::current(), cut_off.clone(), name.clone());
    let thread = std::thread::Builder::new().name(format!("ship-{name}")).spawn(move || {
        runtime.block_on(async {
            let is_stuck = delivery.state.is_stuck.clone();
            tokio::select! {
                () = cut_off.cancelled() => {}
                () = is_stuck.notified() => {
                    info!(%sink, "The sink takes nothing now; the rest is sent after the next start.");
                }
                () = delivery.run() => {}
            }
        });
        delivery.sync_cursor();
        // Nothing waits any more if the server itself was cut off.
        let _ = ending.send(());
    });
    match thread {
        Ok(_) => Ok(Running { name, cursor, meters, ended }),
        Err(error) => Err(StartError::Io { sink: name, what: "start a thread", error }),
    }
}
