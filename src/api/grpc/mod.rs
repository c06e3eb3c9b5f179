//! The gRPC binding: `poort.v1.AccessEvaluation`, `grpc.health.v1.Health` and reflection.
//!
//! - `service`: the calls
//! - `convert`: messages to evaluations, answers to messages
//! - `collect`: whole messages, within their deadline and the quota of bytes
//! - `stream`: `EvaluateStream`
//! - `codec`: protobuf, with faults of decoding as the caller's
//! - `fault`: the status of a call that gets no answer
//! - `end_on_stop`: ends watches and reflection when poort stops
//! - `health`: SERVING only while questions can be answered

pub(crate) mod codec;
mod collect;
mod convert;
mod end_on_stop;
mod fault;
mod health;
mod service;
mod stream;

pub use health::Health;

use super::{Config, call};
use crate::pdp::{Pdp, Quota};
use axum::{Router, middleware::from_fn_with_state};
use collect::{Due, Held, Whole};
use http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use pb::access_evaluation_server::{AccessEvaluationServer, SERVICE_NAME};
use std::{convert::Infallible, sync::Arc, time::Duration};
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
#[derive(Debug, Clone)]
pub(super) struct Questions {
    server: AccessEvaluationServer<service::Service>,
    intake: Arc<Intake>,
}

/// What bounds the messages of questions.
#[derive(Debug)]
struct Intake {
    pdp: Arc<Pdp>,
    /// For the bytes of messages that arrive or are being answered, over all connections, and for their calls.
    unread: Quota,
    message: usize,
    deadline: Duration,
}

/// What answers questions.
pub(super) fn questions(pdp: &Arc<Pdp>, config: &Config, unread: &Quota, stopping: &CancellationToken) -> Questions {
    let service = service::Service::new(pdp.clone(), config, stopping.clone());
    let (message, deadline) = (config.message, config.deadline);
    Questions {
        // The limit is `Whole`'s.
        server: AccessEvaluationServer::new(service).max_decoding_message_size(usize::MAX),
        intake: Arc::new(Intake { pdp: pdp.clone(), unread: unread.clone(), message, deadline }),
    }
}

/// Whether a call is for [`Questions`].
pub(super) fn is_question<B>(request: &Request<B>) -> bool {
    let path = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(SERVICE_NAME));
    path.is_some_and(|method| method.starts_with('/'))
}

/// Whether a call is gRPC (gRPC over HTTP/2, "Content-Type").
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Answers a call that is for [`Questions`].
pub(super) fn answer(
    questions: &Questions,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response<tonic::body::Body>, Infallible>> + Send + use<> {
    let Intake { pdp, unread, message, deadline } = &*questions.intake;
    let due = if request.uri().path().ends_with("/EvaluateStream") {
        let held = Held::default();
        request.extensions_mut().insert(held.clone());
        Due::Each { time: *deadline, held }
    } else {
        // Not the caller's own deadline: a question that is there, and too late, leaves a record that says so.
        Due::At(call::arrival(request.extensions()) + *deadline)
    };
    let taken = Arc::new(unread.nothing());
    let request = request.map(|body| Whole::new(body, pdp, taken.clone(), *message, due));
    let response = questions.server.clone().call(request);
    async move {
        let response = response.await;
        // What the message of a unary call took is given back when it is answered.
        drop(taken);
        response
    }
}

/// Health alone, for probes of the operators' port. A probe without TLS, such as the kubelet's, reaches it.
pub(super) fn probes(health: &Health, stopping: &CancellationToken) -> Router {
    routes(Routes::new(health.service()), stopping)
}

/// Health and reflection.
pub(super) fn auxiliary(health: &Health, stopping: &CancellationToken) -> Router {
    let mut auxiliary = Routes::builder();
    auxiliary.add_service(health.service());
    // Both versions of reflection are in use: clients ask for `v1` first and fall back to `v1alpha`.
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // The descriptors come from this build, so they can be read (`tests/it/api/transport.rs`).
    match (described().build_v1(), described().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => drop(auxiliary.add_service(v1).add_service(v1alpha)),
        (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "Reflection is not served."),
    }
    routes(auxiliary.routes(), stopping)
}

fn routes(services: Routes, stopping: &CancellationToken) -> Router {
    let ends = from_fn_with_state(stopping.clone(), end_on_stop::ending);
    services.prepare().into_axum_router().reset_fallback().layer(ends)
}
