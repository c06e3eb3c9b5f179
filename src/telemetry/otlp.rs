//! The connection to the OpenTelemetry collector: one channel that both exporters share.
//!
//! It connects on first use and again after a failure, so it makes no difference which of the two
//! processes starts first.

use super::{Otlp, Spans, StartError, told::Told};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig};
use std::time::Duration;
use tokio::runtime::Handle;
use tonic::transport::{Channel, Endpoint};

/// What is exported, and how.
#[derive(Debug)]
pub(super) struct Exports {
    pub(super) spans: SpanExport,
    pub(super) metrics: MetricExport,
}

/// The exporter of spans, the share of root spans to sample, and what has a span.
#[derive(Debug)]
pub(super) struct SpanExport {
    pub(super) exporter: Told<SpanExporter>,
    pub(super) ratio: f64,
    pub(super) spans: Spans,
}

/// The exporter of metrics, and the time between two exports.
#[derive(Debug)]
pub(super) struct MetricExport {
    pub(super) exporter: Told<MetricExporter>,
    pub(super) interval: Duration,
}

/// Checks the configuration and makes the exporters. Does not wait for the collector.
pub(super) fn exports(config: &Otlp) -> Result<Exports, StartError> {
    let Otlp { endpoint, timeout, trace_ratio, spans: parts, metrics_interval } = config;
    // A NaN is in no range.
    if !(0.0..=1.0).contains(trace_ratio) {
        return Err(StartError::OtlpRatio { ratio: *trace_ratio });
    }
    for (key, duration) in [("timeout", timeout), ("metrics_interval", metrics_interval)] {
        if duration.is_zero() {
            return Err(StartError::OtlpDuration { key });
        }
    }
    let channel = channel(endpoint, *timeout)?;
    let spans = SpanExporter::builder()
        .with_tonic()
        .with_channel(channel.clone())
        .with_timeout(*timeout)
        .build()
        .map_err(StartError::OtlpExporter)?;
    let metrics = MetricExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .with_timeout(*timeout)
        .build()
        .map_err(StartError::OtlpExporter)?;
    Ok(Exports {
        spans: SpanExport { exporter: Told::new(spans, "spans"), ratio: *trace_ratio, spans: *parts },
        metrics: MetricExport { exporter: Told::new(metrics, "metrics"), interval: *metrics_interval },
    })
}

/// The channel to `endpoint`. The exporters could make their own, but without a bound on the time
/// that connecting takes, and so an unreachable host would hold up all exports for minutes.
fn channel(endpoint: &str, timeout: Duration) -> Result<Channel, StartError> {
    let is_http = endpoint.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"));
    if !is_http {
        return Err(StartError::OtlpScheme { endpoint: endpoint.to_owned() });
    }
    let address = Endpoint::from_shared(endpoint.to_owned())
        .map_err(|source| StartError::OtlpEndpoint { endpoint: endpoint.to_owned(), source })?;
    // INVARIANT: a lazy channel spawns its task at once, which panics outside a runtime.
    Handle::try_current().map_err(StartError::NoRuntime)?;
    Ok(address.connect_timeout(timeout).timeout(timeout).connect_lazy())
}
