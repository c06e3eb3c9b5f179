//! Metrics about the process itself, under the names that Prometheus' client libraries use, and
//! `poort_build_info`.
//!
//! The Prometheus crate has a collector for this too, but it brings in a parser for all of `/proc`
//! and would exist beside the OpenTelemetry provider, so that OTLP would not have these. The three
//! values here take a line each. Where there is no `/proc`, the two that need it are left out.

use opentelemetry::{KeyValue, metrics::Meter};
use std::{
    fs,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Registers the instruments on `meter`. Their values are read whenever metrics are collected.
pub(super) fn register(meter: &Meter, version: &str, commit: &str, cedar_version: Option<&str>) {
    // Telemetry starts first of all, so its start is the process's, without clock ticks since boot.
    let (started, steady) = (seconds_now(), Instant::now());
    meter
        .f64_observable_gauge("process.start_time")
        .with_unit("s")
        .with_description("Start of the process, in seconds since the Unix epoch.")
        .with_callback(move |gauge| gauge.observe(started, &[]))
        .build();
    meter
        .u64_observable_gauge("process.resident_memory")
        .with_unit("By")
        .with_description("Memory of the process that is resident.")
        .with_callback(|gauge| {
            if let Some(bytes) = resident_memory() {
                gauge.observe(bytes, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("process.open_fds")
        .with_description("File descriptors that the process has open.")
        .with_callback(|gauge| {
            if let Some(n_open) = open_file_descriptors() {
                gauge.observe(n_open, &[]);
            }
        })
        .build();

    // Steady time does not jump, so the difference shows each jump of the machine's clock.
    meter
        .f64_observable_gauge("poort.clock.shift")
        .with_unit("s")
        .with_description("How far the machine's clock has moved against steady time since the start.")
        .with_callback(move |gauge| gauge.observe(seconds_now() - started - steady.elapsed().as_secs_f64(), &[]))
        .build();

    let mut labels = vec![KeyValue::new("version", version.to_owned()), KeyValue::new("commit", commit.to_owned())];
    if let Some(cedar_version) = cedar_version {
        labels.push(KeyValue::new("cedar_version", cedar_version.to_owned()));
    }
    meter
        .u64_observable_gauge("poort.build_info")
        .with_description("Always 1; the labels say what is running.")
        .with_callback(move |gauge| gauge.observe(1, &labels))
        .build();
}

/// Seconds since the Unix epoch, by the machine's clock.
fn seconds_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Resident memory, in bytes. `status` has it in KiB, where `statm` has pages of a size that takes
/// a system call to know.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The number of open file descriptors, without the one that the counting itself opens.
fn open_file_descriptors() -> Option<u64> {
    let n_entries = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(n_entries.saturating_sub(1)).ok()
}
