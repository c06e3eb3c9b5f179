//! The metrics of a sink, and its progress, which others read.

use super::config::Name;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

/// The numbers of one sink.
pub(super) struct Meters {
    sink: KeyValue,
    shipped: Counter<u64>,
    quarantined: Counter<u64>,
    lost: Counter<u64>,
    duplicates: Counter<u64>,
    retries: Counter<u64>,
    state: Arc<State>,
}

/// The progress, which is read when metrics are collected.
#[derive(Debug)]
struct State {
    /// All seq below this were taken, or are in quarantine.
    acknowledged: AtomicU64,
    /// What of that survives a power cut.
    synced: AtomicU64,
    /// The time of the oldest record that was not taken, in milliseconds since the Unix epoch; 0 if there is none.
    oldest: AtomicU64,
    /// Why it waits: one of [`REASONS`], counted from 1; 0 if it does not.
    waiting: AtomicUsize,
}

/// Why a sink waits. With the last two a person has to act.
const REASONS: [&str; 7] = ["unavailable", "deadline", "transport", "io", "fault", REFUSED, DUPLICATE];
/// The receiver refuses poort itself.
pub(super) const REFUSED: &str = "refused";
/// The receiver has records that were never sent.
pub(super) const DUPLICATE: &str = "duplicate";

impl State {
    /// Why the sink waits, if it does.
    fn reason(&self) -> Option<&'static str> {
        self.waiting.load(Ordering::Relaxed).checked_sub(1).and_then(|index| REASONS.get(index).copied())
    }

    fn is_held(&self) -> bool {
        self.reason().is_some_and(|reason| [REFUSED, DUPLICATE].contains(&reason))
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").field("sink", &self.sink).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Meters {
    /// `durable` says how far the log is.
    pub(super) fn new(
        meter: &Meter,
        sink: &Name,
        position: u64,
        durable: impl Fn() -> u64 + Clone + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(State {
            acknowledged: AtomicU64::new(position),
            synced: AtomicU64::new(position),
            oldest: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        });
        let sink = KeyValue::new("sink", sink.to_string());
        observe(meter, &sink, &state, durable);
        let counter = |name, description| {
            let counter = meter.u64_counter(name).with_unit("{record}").with_description(description).build();
            // A sink without trouble shows zeros, so that an alert has something to look at.
            counter.add(0, std::slice::from_ref(&sink));
            counter
        };
        let retries = meter
            .u64_counter("poort.ship.retries")
            .with_description("Sends that were not taken and come again.")
            .build();
        for reason in ["unavailable", "deadline", "transport", "io", "fault", "halved"] {
            retries.add(0, &[sink.clone(), KeyValue::new("reason", reason)]);
        }
        Self {
            shipped: counter("poort.ship.records", "Records that the sink took."),
            quarantined: counter("poort.ship.quarantined", "Records that the sink refused for good."),
            lost: counter("poort.ship.lost", "Records that were deleted before the sink had them."),
            duplicates: counter("poort.ship.duplicates", "Records that the receiver had before they were sent at all."),
            retries,
            sink,
            state,
        }
    }

    pub(super) fn shipped(&self, count: usize) {
        self.shipped.add(count as u64, std::slice::from_ref(&self.sink));
    }

    pub(super) fn quarantined(&self, count: usize) {
        self.quarantined.add(count as u64, std::slice::from_ref(&self.sink));
    }

    pub(super) fn lost(&self, count: u64) {
        self.lost.add(count, std::slice::from_ref(&self.sink));
    }

    pub(super) fn duplicate(&self) {
        self.duplicates.add(1, std::slice::from_ref(&self.sink));
    }

    pub(super) fn retried(&self, reason: &'static str) {
        self.retries.add(1, &[self.sink.clone(), KeyValue::new("reason", reason)]);
    }

    /// Sets why the sink waits, if it does. Returns whether it was held: waited for a person.
    pub(super) fn wait(&self, reason: Option<&str>) -> bool {
        let was_held = self.state.is_held();
        let index = reason.and_then(|reason| REASONS.iter().position(|known| *known == reason));
        self.state.waiting.store(index.map_or(0, |index| index.saturating_add(1)), Ordering::Relaxed);
        was_held
    }

    /// The time of the oldest record that was read and not taken.
    pub(super) fn front(&self, timestamp: Option<u64>) {
        self.state.oldest.store(timestamp.unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn set_acknowledged(&self, position: u64) {
        // What is sent again does not take it back.
        self.state.acknowledged.fetch_max(position, Ordering::Relaxed);
    }

    pub(super) fn set_synced(&self, position: u64) {
        self.state.synced.store(position, Ordering::Relaxed);
    }

    pub(super) fn synced(&self) -> u64 {
        self.state.synced.load(Ordering::Relaxed)
    }
}

/// The gauges, which are read when metrics are collected: a sink that hangs must not show an old number.
fn observe(
    meter: &Meter,
    sink: &KeyValue,
    state: &Arc<State>,
    durable: impl Fn() -> u64 + Clone + Send + Sync + 'static,
) {
    let gauge = |name, unit, description, value: Box<dyn Fn(&State) -> u64 + Send + Sync>| {
        let (sink, state) = ([sink.clone()], state.clone());
        meter
            .u64_observable_gauge(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |gauge| gauge.observe(value(&state), &sink))
            .build();
    };
    let taken = |state: &State| state.acknowledged.load(Ordering::Relaxed);
    let backlog = move |state: &State| durable().saturating_sub(taken(state));
    let behind = backlog.clone();
    let age = move |state: &State| {
        let oldest = state.oldest.load(Ordering::Relaxed);
        if behind(state) == 0 || oldest == 0 { 0 } else { now().saturating_sub(oldest).div_ceil(1000) }
    };
    gauge(
        "poort.ship.acknowledged",
        "{record}",
        "All records with a lower number were taken, or are in quarantine.",
        Box::new(taken),
    );
    gauge("poort.ship.backlog", "{record}", "Records on disk that wait for the sink.", Box::new(backlog));
    gauge("poort.ship.lag", "s", "Age of the oldest record that waits for the sink.", Box::new(age));
    gauge(
        "poort.ship.held",
        "",
        "1 while all records wait for a person: the receiver refuses poort itself, or has records that were never sent.",
        Box::new(|state| u64::from(state.is_held())),
    );
    let (sink, state) = (sink.clone(), state.clone());
    meter
        .u64_observable_gauge("poort.ship.waiting")
        .with_description("1 for the reason why all records wait; no reason has 1 while they are taken.")
        .with_callback(move |gauge| {
            for reason in REASONS {
                let is_it = state.reason() == Some(reason);
                gauge.observe(u64::from(is_it), &[sink.clone(), KeyValue::new("reason", reason)]);
            }
        })
        .build();
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
