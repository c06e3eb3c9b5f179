//! Exporters that log when the collector does not take telemetry any more, and when it does again.
//!
//! The SDK logs each export that fails, which is a line every few seconds for as long as a collector is down. So these
//! exporters say it once, and tell the SDK nothing. It loses nothing by that: it does not export again what failed.

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{SpanData, SpanExporter},
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tracing::{info, warn};

/// An exporter that says how its exports go.
#[derive(Debug)]
pub(super) struct Told<E> {
    exporter: E,
    signal: &'static str,
    is_failing: AtomicBool,
}

impl<E> Told<E> {
    /// `signal` is what it exports.
    pub(super) const fn new(exporter: E, signal: &'static str) -> Self {
        Self { exporter, signal, is_failing: AtomicBool::new(false) }
    }

    fn tell(&self, exported: OTelSdkResult) -> OTelSdkResult {
        let was_failing = self.is_failing.swap(exported.is_err(), Ordering::Relaxed);
        match exported {
            Err(error) if !was_failing => {
                warn!(signal = self.signal, %error, "The collector does not take telemetry; what fails is lost.");
            }
            Ok(()) if was_failing => info!(signal = self.signal, "The collector takes telemetry again."),
            _ => {}
        }
        Ok(())
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.tell(self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Told<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.tell(self.exporter.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
