//! Metrics: one OpenTelemetry provider, and its Prometheus text.
//!
//! An instrument is named as OpenTelemetry does it, such as `poort.questions` or, with unit `s`,
//! `poort.question.duration`. The Prometheus text spells those `poort_questions_total` and
//! `poort_question_duration_seconds`. Units in braces, such as `{question}`, are left out of names.
//!
//! A module makes its own instruments from [`Telemetry::meter`](super::Telemetry::meter). Values of
//! attributes come from closed sets and never from a question, because each new value is a new time
//! series.

use super::otlp::MetricExport;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkError,
    metrics::{PeriodicReader, SdkMeterProvider},
};
use prometheus::{Registry, TextEncoder};
use thiserror::Error;

/// The content type of [`Exposition::text`].
pub const PROMETHEUS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bucket boundaries for a histogram of durations, in seconds: from 25 µs, about the quickest
/// answer, to the longest deadlines that callers set; the usual one is 5 s.
///
/// Without boundaries a histogram gets OpenTelemetry's own, which are made for milliseconds and put
/// nearly every answer in the first bucket.
pub const DURATION_BOUNDARIES: [f64; 19] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0, 30.0,
];

/// The metrics could not be written as text.
#[derive(Debug, Error)]
#[error("cannot write the metrics as text")]
pub struct ScrapeError(#[source] prometheus::Error);

/// The metrics of one [`Telemetry`](super::Telemetry) as Prometheus text. Clones are cheap and show
/// the same metrics, so that an endpoint can own one.
#[derive(Debug, Clone)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// Collects all metrics and writes them in Prometheus' text format, of type
    /// [`PROMETHEUS_CONTENT_TYPE`]. It is empty after the shutdown.
    ///
    /// Besides the formatting, it reads two small files and a directory of `/proc`.
    ///
    /// # Errors
    ///
    /// [`ScrapeError`] if a metric cannot be expressed in the format.
    pub fn text(&self) -> Result<String, ScrapeError> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(ScrapeError)
    }
}

/// Makes the provider, read by the returned exposition and, if there is one, by `export`.
pub(super) fn provider(
    resource: Resource,
    export: Option<MetricExport>,
) -> Result<(SdkMeterProvider, Exposition), OTelSdkError> {
    let registry = Registry::new();
    // The labels `otel_scope_*` and the metric `target_info` are left out: there is one scope, and
    // what Prometheus scrapes it already knows by its own labels.
    let prometheus = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .without_target_info()
        .build()?;
    let mut builder = SdkMeterProvider::builder().with_resource(resource).with_reader(prometheus);
    if let Some(MetricExport { exporter, interval }) = export {
        builder = builder.with_reader(PeriodicReader::builder(exporter).with_interval(interval).build());
    }
    Ok((builder.build(), Exposition { registry }))
}
