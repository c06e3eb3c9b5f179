//! `grpc.health.v1.Health`: SERVING only while questions can be answered.

use super::pb::access_evaluation_server::SERVICE_NAME;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// Tells callers whether questions can be answered: for the server as a whole (the empty name) and for the service.
#[derive(Debug, Clone)]
pub struct Health(HealthReporter);

impl Health {
    /// NOT_SERVING, where the library's own default is SERVING.
    pub async fn new() -> Self {
        let health = Self(HealthReporter::new());
        health.set(false).await;
        health
    }

    /// What answers on callers' port and on operators' port.
    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }

    /// Sets the status.
    pub async fn set(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", SERVICE_NAME] {
            self.0.set_service_status(service, status).await;
        }
    }
}
