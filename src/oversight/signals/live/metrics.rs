//! The metrics of live signals. No account is in a label.

use super::super::{
    detection::Detection,
    signal::{Change, Family, Signal},
};
use crate::record::decision_log::DecisionLog;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Meter},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

#[derive(Debug)]
pub(super) struct Metrics {
    next: Arc<AtomicU64>,
    end: Arc<AtomicU64>,
    accounts: Arc<AtomicU64>,
    unjudged: Arc<AtomicU64>,
    threshold: Gauge<f64>,
    budget: Gauge<f64>,
    recorded: Counter<u64>,
    unreadable: Counter<u64>,
    repeated: Counter<u64>,
    refused: Gauge<u64>,
    stalled: Gauge<u64>,
}

impl Metrics {
    /// `own`: the log that is read, if it is the own one.
    pub(super) fn new(meter: &Meter, own: Option<DecisionLog>) -> Self {
        let [next, end, accounts, unjudged]: [Arc<AtomicU64>; 4] = Default::default();
        let (at, until) = (Arc::clone(&next), Arc::clone(&end));
        meter
            .u64_observable_gauge("poort.signals.behind")
            .with_description("Durable records in which signals were not looked for yet.")
            .with_callback(move |gauge| {
                let end = own.as_ref().map_or_else(|| until.load(Ordering::Relaxed), DecisionLog::durable);
                gauge.observe(end.saturating_sub(at.load(Ordering::Relaxed)), &[]);
            })
            .build();
        let known = Arc::clone(&accounts);
        meter
            .u64_observable_gauge("poort.signals.accounts")
            .with_description("Accounts that are known to the search for signals.")
            .with_callback(move |gauge| gauge.observe(known.load(Ordering::Relaxed), &[]))
            .build();
        let counted = Arc::clone(&unjudged);
        meter
            .u64_observable_gauge("poort.signals.unjudged")
            .with_description("Decisions whose reasons could not be looked for, under the present settings.")
            .with_callback(move |gauge| gauge.observe(counted.load(Ordering::Relaxed), &[]))
            .build();
        let refused = meter
            .u64_gauge("poort.signals.refused")
            .with_description("1 while the newest settings of signals are refused, and the last good ones stay.")
            .build();
        refused.record(0, &[]);
        let stalled = meter
            .u64_gauge("poort.signals.stalled")
            .with_description(
                "1 while the log or the streams of signals cannot be read or written, which is tried again.",
            )
            .build();
        stalled.record(0, &[]);
        let metrics = Self {
            next,
            end,
            accounts,
            unjudged,
            threshold: meter
                .f64_gauge("poort.signals.threshold")
                .with_description(
                    "The score that is needed for a signal; 0 while there is no baseline, and only rules signal.",
                )
                .build(),
            budget: meter
                .f64_gauge("poort.signals.budget")
                .with_description("Signals for each workday that the settings allow for, those of rules apart.")
                .build(),
            recorded: meter
                .u64_counter("poort.signals.recorded")
                .with_description("What became of signals and was put on record, by family and change.")
                .build(),
            unreadable: meter
                .u64_counter("poort.signals.unreadable")
                .with_description("Records in which signals could not be looked for.")
                .build(),
            repeated: meter
                .u64_counter("poort.signals.repeated")
                .with_description(
                    "Decision records that came a second time, or after a later one of their log, and are left out.",
                )
                .build(),
            refused,
            stalled,
        };
        // Counters are there before their first event.
        for family in Family::ALL {
            for change in Change::ALL {
                metrics.recorded.add(0, &labels(family, change));
            }
        }
        metrics.threshold.record(0.0, &[]);
        metrics.budget.record(0.0, &[]);
        metrics.unreadable.add(0, &[]);
        metrics.repeated.add(0, &[]);
        metrics
    }

    /// How far it is.
    pub(super) fn at(&self, next: u64, end: u64, detection: &Detection, unjudged: u64) {
        self.next.store(next, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        self.accounts.store(detection.accounts() as u64, Ordering::Relaxed);
        self.unjudged.store(unjudged, Ordering::Relaxed);
        self.threshold.record(detection.threshold().unwrap_or_default(), &[]);
        self.budget.record(detection.budget(), &[]);
    }

    pub(super) fn recorded(&self, signal: &Signal) {
        self.recorded.add(1, &labels(signal.family, signal.change));
    }

    pub(super) fn unreadable(&self) {
        self.unreadable.add(1, &[]);
    }

    pub(super) fn repeated(&self) {
        self.repeated.add(1, &[]);
    }

    pub(super) fn stalled(&self, stalled: bool) {
        self.stalled.record(u64::from(stalled), &[]);
    }

    pub(super) fn refused(&self, refused: bool) {
        self.refused.record(u64::from(refused), &[]);
    }
}

impl Drop for Metrics {
    /// A thread that ends by a fault of poort looks for nothing more.
    fn drop(&mut self) {
        if thread::panicking() {
            self.stalled(true);
        }
    }
}

fn labels(family: Family, change: Change) -> [KeyValue; 2] {
    [KeyValue::new("family", family.name()), KeyValue::new("change", change.name())]
}
