//! The gRPC binding: `poort.v1.AccessEvaluation`, `grpc.health.v1.Health` and reflection.
//!
//! - `service`: the calls
//! - `convert`: messages to words and back
//! - `codec`: protobuf, with decoding faults as the caller's fault
//! - `ending`: no call of a bystander holds up a stop
//! - `health`: SERVING only while questions can be answered

pub(crate) mod codec;
mod convert;
mod ending;
mod health;
mod service;

pub use health::Health;

use super::Config;
use crate::pdp::Pdp;
use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
};
use http::{HeaderValue, Response};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// The messages and the service, generated from `proto/poort/v1/access_evaluation.proto`.
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    unused_qualifications,
    reason = "generated code"
)]
pub mod pb {
    tonic::include_proto!("poort.v1");
}

/// The compiled descriptors of `proto/`, for reflection and for clients that build themselves at run time.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/poort_descriptor.bin"));

/// The gRPC services, and the handle by which health is told.
pub(super) fn routes(pdp: &Arc<Pdp>, config: &Config, stopping: &CancellationToken) -> (Router, Health) {
    let service = service::Service::new(pdp.clone(), config, stopping.clone());
    let service =
        pb::access_evaluation_server::AccessEvaluationServer::new(service).max_decoding_message_size(config.message);
    let (health, health_service) = Health::new();
    let mut beside = Routes::builder();
    beside.add_service(health_service);
    // Both versions of reflection are in use: clients ask for `v1` first and fall back to `v1alpha`.
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // The descriptors come from this build, so they can be read (`tests/it/transport.rs`).
    match (described().build_v1(), described().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => drop(beside.add_service(v1).add_service(v1alpha)),
        (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "Reflection is not served."),
    }
    let ends = from_fn_with_state(stopping.clone(), ending::ending);
    let beside = beside.routes().prepare().into_axum_router().reset_fallback().layer(ends);
    let main = Routes::new(service).prepare().into_axum_router().reset_fallback().layer(map_response(exhausted));
    (main.merge(beside), health)
}

/// A message above the limit: tonic says OUT_OF_RANGE, where gRPC's word is RESOURCE_EXHAUSTED. Nothing here uses
/// OUT_OF_RANGE otherwise.
async fn exhausted<B: Send>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    if headers.get("grpc-status").is_some_and(|status| status == "11") {
        headers.insert("grpc-status", HeaderValue::from_static("8"));
    }
    response
}
