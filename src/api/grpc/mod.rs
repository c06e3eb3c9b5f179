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
use axum::{Router, middleware::from_fn_with_state};
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use pb::access_evaluation_server::SERVICE_NAME;
use std::{convert::Infallible, sync::Arc};
use tokio_util::sync::CancellationToken;
use tonic::{codegen::Service as _, service::Routes};

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

/// Answers `poort.v1.AccessEvaluation`.
pub(super) type Questions = pb::access_evaluation_server::AccessEvaluationServer<service::Service>;

/// What answers questions.
pub(super) fn questions(pdp: &Arc<Pdp>, config: &Config, stopping: &CancellationToken) -> Questions {
    let service = service::Service::new(pdp.clone(), config, stopping.clone());
    Questions::new(service).max_decoding_message_size(config.message)
}

/// Whether a call is for [`Questions`].
pub(super) fn is_question<B>(request: &Request<B>) -> bool {
    let path = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(SERVICE_NAME));
    path.is_some_and(|method| method.starts_with('/'))
}

/// Answers a call that is for [`Questions`].
pub(super) async fn answer(
    mut questions: Questions,
    request: Request<Incoming>,
) -> Result<Response<tonic::body::Body>, Infallible> {
    let mut response = questions.call(request).await?;
    // A message above the limit: tonic says OUT_OF_RANGE, where gRPC's word is RESOURCE_EXHAUSTED. Nothing here uses
    // OUT_OF_RANGE otherwise.
    let headers = response.headers_mut();
    if headers.get("grpc-status").is_some_and(|status| status == "11") {
        headers.insert("grpc-status", HeaderValue::from_static("8"));
    }
    Ok(response)
}

/// The services beside the questions, and the handle by which health is told.
pub(super) fn beside(stopping: &CancellationToken) -> (Router, Health) {
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
    (beside.routes().prepare().into_axum_router().reset_fallback().layer(ends), health)
}
