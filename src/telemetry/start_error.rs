//! Why telemetry does not start.

use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::error::OTelSdkError;
use thiserror::Error;
use tokio::runtime::TryCurrentError;

/// Telemetry did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The log's filter is not in the syntax of `EnvFilter`.
    #[error("telemetry.log: cannot read `{filter}`")]
    InvalidFilter {
        /// The filter as configured.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process already has a log.
    #[error("the log is already installed")]
    LogInstalled(#[source] tracing_subscriber::util::TryInitError),
    /// The collector's address has another scheme than `http`.
    #[error("telemetry.otlp.endpoint: `{endpoint}` does not start with `http://`, the only scheme supported")]
    OtlpScheme {
        /// The address as configured.
        endpoint: String,
    },
    /// The collector's address is not an address.
    #[error("telemetry.otlp.endpoint: cannot read `{endpoint}`")]
    OtlpEndpoint {
        /// The address as configured.
        endpoint: String,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
    /// A duration is zero.
    #[error("telemetry.otlp.{key}: must be longer than zero")]
    OtlpDuration {
        /// The key below `telemetry.otlp`.
        key: &'static str,
    },
    /// The share of sampled traces is not a share.
    #[error("telemetry.otlp.trace_ratio: {ratio} is not between 0 and 1")]
    OtlpRatio {
        /// The share as configured.
        ratio: f64,
    },
    /// The SDK did not accept its settings, some of which it reads from the environment.
    #[error("telemetry.otlp: cannot make the exporter")]
    OtlpExporter(#[source] ExporterBuildError),
    /// Exporting needs a tokio runtime, and there is none here.
    #[error("telemetry.otlp: cannot start outside a runtime")]
    NoRuntime(#[source] TryCurrentError),
    /// The metrics' text could not be set up.
    #[error("cannot set up the metrics for prometheus")]
    Prometheus(#[source] OTelSdkError),
}
