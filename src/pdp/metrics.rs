//! The metrics of the decision point: questions, refusals, failed policies, time to a record.

use super::{Answered, Quota, Refusal, Unread};
use crate::{telemetry::metrics::DURATION_BOUNDARIES, types::decision::Answer};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Metrics {
    questions: Counter<u64>,
    refused: Counter<u64>,
    policy_errors: Counter<u64>,
    undeclared: Counter<u64>,
    duration: Histogram<f64>,
}

impl Metrics {
    pub(super) fn new(meter: &Meter, under_way: &Quota, limit: usize) -> Self {
        let seen = under_way.clone();
        meter
            .u64_observable_gauge("poort.questions.under_way")
            .with_description("Questions that are being answered now.")
            .with_callback(move |gauge| gauge.observe(limit.saturating_sub(seen.left()) as u64, &[]))
            .build();
        Self {
            questions: meter
                .u64_counter("poort.questions")
                .with_description("Questions that were answered, by decision; items of batches one by one.")
                .build(),
            refused: meter
                .u64_counter("poort.calls.refused")
                .with_description("Calls on which no decision was made, by reason.")
                .build(),
            policy_errors: meter
                .u64_counter("poort.policy.errors")
                .with_description("Policies that could not be evaluated, by policy. Each made its question a deny.")
                .build(),
            undeclared: meter
                .u64_counter("poort.questions.undeclared")
                .with_description(
                    "Questions with members that the schema does not declare and that were ignored; the answer names them.",
                )
                .build(),
            duration: meter
                .f64_histogram("poort.call.duration")
                .with_unit("s")
                .with_description("Time from a call's arrival to its record on disk.")
                .with_boundaries(DURATION_BOUNDARIES.to_vec())
                .build(),
        }
    }

    pub(super) fn decided(&self, answer: &Answer) {
        self.questions.add(1, &[KeyValue::new("decision", answer.decision().name())]);
        if let Answer::Evaluated(evaluated) = answer {
            for error in &evaluated.verdict.errors {
                self.policy_errors.add(1, &[KeyValue::new("policy", error.policy.clone())]);
            }
            if !evaluated.undeclared.is_empty() {
                self.undeclared.add(1, &[]);
            }
        }
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

    pub(super) fn finish<T>(&self, outcome: &Result<Answered<T>, Refusal>, started: Instant) {
        match outcome {
            Ok(_) => self.duration.record(started.elapsed().as_secs_f64(), &[]),
            Err(refusal) => self.refused.add(1, &[KeyValue::new("reason", refusal.kind())]),
        }
    }
}

impl Refusal {
    /// A name from a closed set, for metrics.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Missing(_) => "invalid",
            Self::TooMany { .. } | Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Late => "deadline_exceeded",
            Self::NotReady => "not_ready",
            Self::NoRecord => "no_record",
        }
    }
}
