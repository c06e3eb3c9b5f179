//! The metrics of witnesses.

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Meter},
};

/// What operators see of the witnesses.
#[derive(Debug)]
pub(super) struct Metrics {
    answers: Counter<u64>,
    quorum: Gauge<u64>,
}

impl Metrics {
    pub(super) fn new<'a>(meter: &Meter, witnesses: impl Iterator<Item = &'a str>) -> Self {
        let answers = meter
            .u64_counter("poort.witness.answers")
            .with_description("Checkpoints that a witness was asked to cosign, by what became of them.")
            .build();
        for witness in witnesses {
            for outcome in ["cosigned", "none", "fork"] {
                answers.add(0, &labels(witness, outcome));
            }
        }
        let quorum = meter
            .u64_gauge("poort.witness.quorum.timestamp")
            .with_unit("s")
            .with_description("When a quorum of witnesses cosigned the log last, in seconds since 1970.")
            .build();
        quorum.record(0, &[]);
        Self { answers, quorum }
    }

    pub(super) fn answered(&self, witness: &str, outcome: &'static str) {
        self.answers.add(1, &labels(witness, outcome));
    }

    /// A quorum cosigned, at this time in milliseconds since 1970.
    pub(super) fn quorum(&self, millis: u64) {
        self.quorum.record(millis / 1000, &[]);
    }
}

fn labels(witness: &str, outcome: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("witness", witness.to_owned()), KeyValue::new("outcome", outcome)]
}
