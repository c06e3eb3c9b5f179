//! The metrics of the decision point: questions, refusals, failed policies, time to a record.

use super::{Answered, Binding, Quota, Refusal, Unread, call::CallKind};
use crate::{
    sources::store::Store,
    telemetry::metrics::DURATION_BOUNDARIES,
    types::decision::{Answer, Decision},
};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

#[derive(Debug)]
pub(super) struct Metrics {
    questions: Counter<u64>,
    refused: Counter<u64>,
    policy_errors: Arc<PolicyErrors>,
    undeclared: Counter<u64>,
    unrecorded: Counter<u64>,
    duration: Histogram<f64>,
}

/// How many policies have a series. OpenTelemetry counts what comes after 2000 in one that names no policy.
const SERIES: usize = 1_900;

/// How often each policy failed. Few do, so that a lock does.
#[derive(Debug, Default)]
struct PolicyErrors(Mutex<BTreeMap<String, u64>>);

impl PolicyErrors {
    fn count(&self, policy: &str) {
        let mut errors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match errors.get_mut(policy) {
            Some(count) => *count = count.saturating_add(1),
            None => drop(errors.insert(policy.to_owned(), 1)),
        }
    }

    /// The counts of the policies that failed, and then zeros of other active ones, up to [`SERIES`] in all.
    fn with_zeros(&self, store: &Store) -> Vec<(String, u64)> {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let room = SERIES.saturating_sub(failed.len());
        let mut counts = Vec::new();
        if let Some(snapshot) = store.snapshot() {
            let active = snapshot.policies.facts.keys().map(AsRef::<str>::as_ref);
            let others = active.filter(|id| !failed.contains_key(*id)).take(room);
            counts.extend(others.map(|id| (id.to_owned(), 0)));
        }
        // Those that failed come first.
        failed.into_iter().chain(counts).collect()
    }
}

impl Metrics {
    /// Counters begin with zeros: an alert that asks whether one rose misses the first event of one that was not there.
    pub(super) fn new(meter: &Meter, under_way: &Quota, limit: usize, store: &Arc<Store>) -> Self {
        let seen = under_way.clone();
        meter
            .u64_observable_gauge("poort.questions.under_way")
            .with_description("Questions that are being answered now.")
            .with_callback(move |gauge| gauge.observe(limit.saturating_sub(seen.left()) as u64, &[]))
            .build();
        let policy_errors = Arc::<PolicyErrors>::default();
        let (seen, active) = (policy_errors.clone(), store.clone());
        meter
            .u64_observable_counter("poort.policy.errors")
            .with_description("Policies that could not be evaluated, by policy. Each made its question a deny.")
            .with_callback(move |counter| {
                for (policy, count) in seen.with_zeros(&active) {
                    counter.observe(count, &[KeyValue::new("policy", policy)]);
                }
            })
            .build();
        let metrics = Self {
            questions: meter
                .u64_counter("poort.questions")
                .with_description("Questions that were answered, by decision; items of batches one by one.")
                .build(),
            refused: meter
                .u64_counter("poort.calls.refused")
                .with_description("Calls on which no decision was made, by reason.")
                .build(),
            policy_errors,
            undeclared: meter
                .u64_counter("poort.questions.undeclared")
                .with_description(
                    "Questions with members that the schema does not declare and that were ignored; the answer names them.",
                )
                .build(),
            unrecorded: meter
                .u64_counter("poort.calls.unrecorded")
                .with_description("Calls that were answered without a record, as log.failure = \"open\" says.")
                .build(),
            duration: meter
                .f64_histogram("poort.call.duration")
                .with_unit("s")
                .with_description("Time from a call's arrival to its record on disk, by binding and kind.")
                .with_boundaries(DURATION_BOUNDARIES.to_vec())
                .build(),
        };
        for decision in [Decision::Allow, Decision::Deny] {
            metrics.questions.add(0, &[KeyValue::new("decision", decision.name())]);
        }
        for reason in REASONS {
            metrics.refused.add(0, &[KeyValue::new("reason", reason)]);
        }
        metrics.undeclared.add(0, &[]);
        metrics.unrecorded.add(0, &[]);
        metrics
    }

    pub(super) fn decided(&self, answer: &Answer) {
        self.questions.add(1, &[KeyValue::new("decision", answer.decision().name())]);
        if let Answer::Evaluated(evaluated) = answer {
            for error in &evaluated.verdict.errors {
                self.policy_errors.count(&error.policy);
            }
            if !evaluated.undeclared.is_empty() {
                self.undeclared.add(1, &[]);
            }
        }
    }

    /// An answer leaves without a record.
    pub(super) fn unrecorded(&self) {
        self.unrecorded.add(1, &[]);
    }

    pub(super) fn unread(&self, why: Unread) {
        let reason = match why {
            Unread::Invalid => "invalid",
            Unread::TooLarge => "too_large",
            Unread::Late => "deadline_exceeded",
            Unread::Untaken => "untaken",
            Unread::NoRoom => "no_room",
        };
        self.refused.add(1, &[KeyValue::new("reason", reason)]);
    }

    pub(super) fn finish<T>(
        &self,
        outcome: &Result<Answered<T>, Refusal>,
        started: Instant,
        binding: Binding,
        kind: CallKind,
    ) {
        match outcome {
            Ok(_) => {
                let labels = [KeyValue::new("binding", binding.label()), KeyValue::new("kind", kind.label())];
                self.duration.record(started.elapsed().as_secs_f64(), &labels);
            }
            Err(refusal) => self.refused.add(1, &[KeyValue::new("reason", refusal.kind())]),
        }
    }
}

/// Why calls are refused: what [`Metrics::unread`] and [`Refusal::kind`] say.
const REASONS: [&str; 11] = [
    "busy",
    "deadline_exceeded",
    "invalid",
    "no_record",
    "no_room",
    "not_permitted",
    "not_ready",
    "subject_token",
    "too_large",
    "unknown_caller",
    "untaken",
];

impl Refusal {
    /// A name from a closed set, for metrics.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Missing(_) => "invalid",
            Self::TooMany { .. } | Self::TooLarge => "too_large",
            Self::UnknownCaller => "unknown_caller",
            Self::NotPermitted(_) => "not_permitted",
            Self::Token(_) => "subject_token",
            Self::Busy => "busy",
            Self::Late => "deadline_exceeded",
            Self::NotReady => "not_ready",
            Self::NoRecord => "no_record",
        }
    }
}
