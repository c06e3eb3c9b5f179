//! The configuration of telemetry. [`Telemetry::start`](super::Telemetry::start) checks the values.

use super::logging;
use std::time::Duration;

/// The configuration of all telemetry, and what identifies this process in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The operators' log. Read by [`init_logging`](super::init_logging) alone.
    pub log: logging::Config,
    /// Where traces and metrics are sent. Without it there are no spans, and metrics are only
    /// available as Prometheus text.
    pub otlp: Option<Otlp>,
    /// The version of `poort`: attribute `service.version`, and label `version` of
    /// `poort_build_info`.
    pub service_version: String,
    /// The commit that `poort` was built from: label `commit` of `poort_build_info`.
    pub commit: String,
    /// The version of the Cedar engine: label `cedar_version` of `poort_build_info`.
    pub cedar_version: Option<String>,
    /// What tells this process from others of the same service: attribute `service.instance.id`.
    pub service_instance_id: String,
}

/// An OpenTelemetry collector that takes OTLP over gRPC.
#[derive(Debug, Clone, PartialEq)]
pub struct Otlp {
    /// The collector's address, such as `http://localhost:4317`. Only the scheme `http` is
    /// supported.
    pub endpoint: String,
    /// How long connecting may take, and how long one export may take including its retries.
    /// Longer than zero.
    pub timeout: Duration,
    /// The share of traces that start at `poort` and are sampled, from 0 to 1. A trace that comes
    /// in with a question is sampled if its caller says so, whatever this share is.
    pub trace_ratio: f64,
    /// What has a span.
    pub spans: Spans,
    /// The time between two exports of the metrics. Longer than zero.
    pub metrics_interval: Duration,
}

/// What has a span of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spans {
    /// A call.
    #[default]
    Calls,
    /// A call, and in it its decision and the commit of its record.
    Parts,
}
