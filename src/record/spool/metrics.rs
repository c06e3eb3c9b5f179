//! The metrics of the spool.

use super::entry::AppendError;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Metrics {
    commit_duration: Histogram<f64>,
    commit_records: Histogram<u64>,
    records: Counter<u64>,
    bytes: Counter<u64>,
    unrecorded: Counter<u64>,
    writable: Gauge<u64>,
    disk_bytes: Gauge<u64>,
}

// A good disk syncs in 100 µs; in a bad moment it takes seconds.
const SECONDS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0,
    10.0,
];

const RECORDS: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0, 16384.0];

impl Metrics {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            commit_duration: meter
                .f64_histogram("poort.log.commit.duration")
                .with_unit("s")
                .with_description("How long one write and its sync took.")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            commit_records: meter
                .u64_histogram("poort.log.commit.records")
                .with_unit("{record}")
                .with_description("Records in one commit.")
                .with_boundaries(RECORDS.to_vec())
                .build(),
            records: meter
                .u64_counter("poort.log.records")
                .with_unit("{record}")
                .with_description("Records on disk.")
                .build(),
            bytes: meter
                .u64_counter("poort.log.written")
                .with_unit("By")
                .with_description("Bytes on disk, with the frames around the records.")
                .build(),
            unrecorded: meter
                .u64_counter("poort.log.unrecorded")
                .with_unit("{record}")
                .with_description("Entries that were not recorded, whatever the reason.")
                .build(),
            writable: meter
                .u64_gauge("poort.log.writable")
                .with_description("1 while the spool takes entries, else 0.")
                .build(),
            disk_bytes: meter
                .u64_gauge("poort.log.disk")
                .with_unit("By")
                .with_description("Bytes that all segments take, with what is reserved.")
                .build(),
        }
    }

    pub(super) fn committed(&self, took: Duration, records: u64, bytes: u64) {
        self.commit_duration.record(took.as_secs_f64(), &[]);
        self.commit_records.record(records, &[]);
        self.records.add(records, &[]);
        self.bytes.add(bytes, &[]);
    }

    pub(super) fn unrecorded(&self, error: AppendError) {
        let reason = match error {
            AppendError::QueueFull => "queue_full",
            AppendError::DiskFull => "disk_full",
            AppendError::Failed | AppendError::TooLarge => "failed",
            AppendError::Closed => "closed",
        };
        self.unrecorded.add(1, &[KeyValue::new("reason", reason)]);
    }

    pub(super) fn writable(&self, writable: bool) {
        self.writable.record(u64::from(writable), &[]);
    }

    pub(super) fn disk_bytes(&self, bytes: u64) {
        self.disk_bytes.record(bytes, &[]);
    }
}
