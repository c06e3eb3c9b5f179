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
    pub(super) fn new() -> (Self, HealthServer<HealthService>) {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        (Self(reporter), HealthServer::new(service))
    }

    /// Sets the status. Until it is called the first time, the status of the server as a whole is the library's own
    /// default, which is SERVING: call it before the first connection is taken.
    pub async fn set(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", SERVICE_NAME] {
            self.0.set_service_status(service, status).await;
        }
    }
}
