//! What operators see of a running `poort`: its log, its metrics and its traces.
//!
//! What holds here:
//!
//! - **Nothing here is a decision record.** All three signals may lose data: a log line when
//!   standard error is gone, a measurement when the process ends abruptly, a span when the queue is
//!   full. What must not be lost does not pass through this module.
//! - **The path of a question never waits for telemetry.** Measurements are counted in memory and
//!   spans go into a bounded queue that drops when full; threads of their own do the sending.
//! - **A span has the ids of its decision record.** It is built from those ids
//!   ([`DecisionSpan`]), not started by a tracer that would choose its own
//!   (`tests.rs::a_span_reaches_the_collector_with_the_ids_of_its_record`).
//! - **A collector that is down changes nothing else.** [`Telemetry::start`] connects on first use,
//!   and [`Telemetry::shutdown`] gives up after [`SHUTDOWN_BOUND`]
//!   (`tests.rs::shutdown_is_bounded_when_the_collector_never_answers`).
//! - **Metrics are made once.** One OpenTelemetry provider feeds both the Prometheus text and, if
//!   it is configured, the OTLP exporter, so the two never disagree.
//! - **No globals but the log.** [`init_logging`] installs the process's only log subscriber;
//!   everything else is a value, and a test may start as many as it likes.
//!
//! OTLP is sent as gRPC to an `http://` endpoint, without TLS: a sidecar talks to a collector on
//! its own host or pod. The configuration knows no headers. The OpenTelemetry SDK additionally
//! reads a few variables of the environment: `OTEL_RESOURCE_ATTRIBUTES` adds attributes to the
//! resource, `OTEL_EXPORTER_OTLP_HEADERS` adds headers, and `OTEL_BSP_*` sizes the span queue. The
//! configuration wins wherever both say something.
//!
//! The SDK's own warnings, such as a queue that is full, are in the operators' log with targets that
//! start with `opentelemetry`. A collector that takes nothing is logged once, in poort's words.
//!
//! - [`config`]: what can be configured.
//! - [`logging`]: the operators' log on standard error.
//! - [`metrics`]: the metrics' text for Prometheus, and bucket boundaries.
//! - [`spans`]: decisions as OpenTelemetry spans.
//! - `lifecycle`: starting and shutting down; `start_error`: why it does not start.
//! - `otlp`: the connection to the collector; `told`: exporters that say once how their exports go.
//! - `process`: metrics about the process itself.

pub mod config;
mod lifecycle;
pub mod logging;
pub mod metrics;
mod otlp;
mod process;
pub mod spans;
mod start_error;
mod told;

#[cfg(test)]
mod fake_collector;
#[cfg(test)]
mod tests;

pub use config::{Config, Otlp, Spans};
pub use lifecycle::{SHUTDOWN_BOUND, Telemetry};
pub use logging::init_logging;
pub use metrics::{Exposition, ScrapeError};
pub use spans::{DecisionSpan, Part, SpanSink};
pub use start_error::StartError;
