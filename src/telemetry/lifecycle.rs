//! The start and the shutdown of telemetry.

use super::{
    Config,
    metrics::{self, Exposition, ScrapeError},
    otlp::{self, Exports},
    process,
    spans::SpanSink,
    start_error::StartError,
};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Meter, MeterProvider},
};
use opentelemetry_sdk::{Resource, error::OTelSdkResult, metrics::SdkMeterProvider};
use std::{error::Error as StdError, io, thread, time::Duration};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tracing::warn;

/// The name of the service, of the meter and of the spans' scope.
const SERVICE_NAME: &str = "poort";

/// How long [`Telemetry::shutdown`] takes at most: long enough for a collector on this host, and it
/// prolongs each restart where the collector does not answer.
pub const SHUTDOWN_BOUND: Duration = Duration::from_secs(1);

/// Running metrics and traces. To be ended with [`shutdown`](Self::shutdown): dropping it instead
/// loses the spans that were not sent and, with [`Config::otlp`], blocks the thread while metrics
/// are sent, for the SDK's own bound of five seconds at most.
#[derive(Debug)]
pub struct Telemetry {
    meter_provider: SdkMeterProvider,
    exposition: Exposition,
    spans: Option<SpanSink>,
}

impl Telemetry {
    /// Starts metrics and, if [`Config::otlp`] is set, their export and that of spans. The log is
    /// not started here but by [`init_logging`](super::init_logging).
    ///
    /// With [`Config::otlp`] it must be called inside a tokio runtime with timers and I/O, which
    /// must outlive it. It does not wait for the collector: one that is down is no error.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a value is not acceptable, or if OTLP is configured and there is no
    /// runtime.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let Config { log: _, otlp, service_version, commit, cedar_version, service_instance_id } = config;
        let exports = otlp.as_ref().map(otlp::exports).transpose()?;
        let (span_export, metric_export) = match exports {
            Some(Exports { spans, metrics }) => (Some(spans), Some(metrics)),
            None => (None, None),
        };

        // These come after the attributes that the SDK finds in the environment, and so win.
        let resource = Resource::builder()
            .with_service_name(SERVICE_NAME)
            .with_attributes([
                KeyValue::new("service.version", service_version.clone()),
                KeyValue::new("service.instance.id", service_instance_id.clone()),
            ])
            .build();
        let scope = InstrumentationScope::builder(SERVICE_NAME).with_version(service_version.clone()).build();
        let spans = span_export.map(|export| SpanSink::new(export, &resource, scope));
        let (meter_provider, exposition) =
            metrics::provider(resource, metric_export).map_err(StartError::Prometheus)?;
        process::register(&meter_provider.meter(SERVICE_NAME), service_version, commit, cedar_version.as_deref());
        Ok(Self { meter_provider, exposition, spans })
    }

    /// Looks whether telemetry could be started with this configuration, without starting it.
    ///
    /// # Errors
    ///
    /// As [`Telemetry::start`].
    pub fn check(config: &Config) -> Result<(), StartError> {
        config.otlp.as_ref().map(otlp::exports).transpose().map(drop)
    }

    /// The meter, named "poort", from which modules make their instruments.
    pub fn meter(&self) -> Meter {
        self.meter_provider.meter(SERVICE_NAME)
    }

    /// The metrics' text for an endpoint to own, of type
    /// [`PROMETHEUS_CONTENT_TYPE`](metrics::PROMETHEUS_CONTENT_TYPE).
    pub fn exposition(&self) -> Exposition {
        self.exposition.clone()
    }

    /// The metrics as Prometheus text now: [`Exposition::text`].
    ///
    /// # Errors
    ///
    /// [`ScrapeError`] if a metric cannot be expressed in the format.
    pub fn prometheus_text(&self) -> Result<String, ScrapeError> {
        self.exposition.text()
    }

    /// Where decisions' spans go, or none if [`Config::otlp`] is not set.
    pub fn spans(&self) -> Option<SpanSink> {
        self.spans.clone()
    }

    /// Sends what is not yet sent, and stops. Takes [`SHUTDOWN_BOUND`] at most; what could not be
    /// sent by then is lost, which the log says. Spans and measurements that come
    /// later are dropped.
    ///
    /// The SDK's shutdown blocks its thread while the sending needs the runtime's tasks: on a
    /// worker of the runtime, with a single thread, the two would wait for each other. Hence each
    /// signal is shut down on a thread of its own, not even one of the runtime's blocking threads,
    /// which may all be taken, and the runtime is free. This future may run on any runtime.
    pub async fn shutdown(self) {
        let Self { meter_provider, exposition: _, spans } = self;
        let end = Instant::now() + SHUTDOWN_BOUND;
        // Both start before either is waited for, so that one bound holds for both.
        let spans = spans.map(|spans| on_own_thread(move || spans.close(SHUTDOWN_BOUND)));
        let metrics = on_own_thread(move || meter_provider.shutdown_with_timeout(SHUTDOWN_BOUND));
        if let Some(spans) = spans {
            warn_if_incomplete("spans", spans, end).await;
        }
        warn_if_incomplete("metrics", metrics, end).await;
    }
}

/// The end of one signal, which arrives when its thread is done.
type Ended = io::Result<oneshot::Receiver<OTelSdkResult>>;

/// Runs `end` on a new thread.
fn on_own_thread(end: impl FnOnce() -> OTelSdkResult + Send + 'static) -> Ended {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().name("telemetry-shutdown".to_owned()).spawn(move || {
        // The receiver is gone if the shutdown was abandoned, and then nobody wants to know.
        let _abandoned = sender.send(end());
    })?;
    Ok(receiver)
}

/// Waits for the end of one signal until then, and logs if it did not go well. The SDK has bounds of its own, and exceeds the
/// one that it is given.
async fn warn_if_incomplete(signal: &'static str, ended: Ended, end: Instant) {
    let error: Box<dyn StdError + Send + Sync> = match ended {
        Ok(receiver) => match timeout_at(end, receiver).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error.into(),
            Ok(Err(error)) => error.into(),
            Err(error) => error.into(),
        },
        Err(error) => error.into(),
    };
    warn!(%error, signal, "Telemetry was not delivered in full.");
}
