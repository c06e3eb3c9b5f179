//! The metrics of the spool.

use super::entry::AppendError;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};
use std::time::{Duration, SystemTime};

#[derive(Debug)]
pub(super) struct Metrics {
    commit_duration: Histogram<f64>,
    commit_records: Histogram<u64>,
    records: Counter<u64>,
    bytes: Counter<u64>,
    unrecorded: Counter<u64>,
    writable: Gauge<u64>,
    disk_bytes: Gauge<u64>,
    room: Gauge<u64>,
    checkpoint: Gauge<f64>,
    damaged: Gauge<u64>,
    unchecked: Gauge<u64>,
}

// A good disk syncs in 100 µs; in a bad moment it takes seconds.
const SECONDS: [f64; 20] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0,
    2.0, 5.0, 10.0, 30.0,
];

const RECORDS: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0, 16384.0];

impl Metrics {
    /// `max_bytes` is the bound of the log. Counters begin with zeros, so that an alert sees the first event.
    pub(super) fn new(meter: &Meter, max_bytes: u64) -> Self {
        meter
            .u64_gauge("poort.log.max")
            .with_unit("By")
            .with_description("The bound of the log: log.max.")
            .build()
            .record(max_bytes, &[]);
        let metrics = Self {
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
            room: meter
                .u64_gauge("poort.log.room")
                .with_unit("By")
                .with_description("Bytes that are left to the log, of its bound and on its disk.")
                .build(),
            checkpoint: meter
                .f64_gauge("poort.log.checkpoint.timestamp")
                .with_unit("s")
                .with_description("When the last signed checkpoint was written, in seconds since the Unix epoch.")
                .build(),
            damaged: meter
                .u64_gauge("poort.log.damaged")
                .with_unit("{segment}")
                .with_description("Segments in which damage was found since the start.")
                .build(),
            unchecked: meter
                .u64_gauge("poort.log.unchecked")
                .with_unit("{segment}")
                .with_description("Packed segments that were not read since the start.")
                .build(),
        };
        metrics.records.add(0, &[]);
        metrics.bytes.add(0, &[]);
        for reason in ["queue_full", "disk_full", "failed", "closed"] {
            metrics.unrecorded.add(0, &[KeyValue::new("reason", reason)]);
        }
        metrics
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

    pub(super) fn damaged(&self, segments: usize) {
        self.damaged.record(segments as u64, &[]);
    }

    pub(super) fn unchecked(&self, segments: usize) {
        self.unchecked.record(segments as u64, &[]);
    }

    /// How much the segments take, and what is left: of the bound, and on the disk if that can be asked.
    pub(super) fn room(&self, bytes: u64, of_bound: u64, on_disk: Option<u64>) {
        self.disk_bytes.record(bytes, &[]);
        self.room.record(of_bound, &[KeyValue::new("bound", "log.max")]);
        if let Some(left) = on_disk {
            self.room.record(left, &[KeyValue::new("bound", "disk")]);
        }
    }

    /// A checkpoint is on disk.
    pub(super) fn attested(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.checkpoint.record(now.as_secs_f64(), &[]);
    }
}
