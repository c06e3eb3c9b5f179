//! The operators' port: `/healthz`, `/readyz`, `/metrics`, gRPC health. It answers no questions and shows no police data.
//!
//! - `/healthz`: the process runs. For restarting it.
//! - `/readyz`: questions can be answered: 200, else 503; the body says why, and whether the newest change of policies or
//!   directory was refused. A refused change does not make it unready: the last good revision answers.
//! - `/metrics`: Prometheus text.
//! - `grpc.health.v1.Health`: SERVING under the same conditions as `/readyz`, for probes that have no TLS.

use super::grpc::{self, Health};
use crate::{
    pdp::Pdp,
    record::spool::State as LogState,
    sources::{
        snapshot::Snapshot,
        store::{ActiveBundle, Store},
    },
    telemetry::{Exposition, metrics::PROMETHEUS_CONTENT_TYPE},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{sync::Arc, time::SystemTime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the operators' port tells of.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Whether questions can be answered.
    pub pdp: Arc<Pdp>,
    /// Which revisions are active, and whether a change was refused.
    pub store: Arc<Store>,
    /// Whether records can be written; `None` while the log is being opened.
    pub log: watch::Receiver<Option<LogState>>,
    /// Whether poort is stopping.
    pub stopping: CancellationToken,
    /// The metrics.
    pub exposition: Exposition,
    /// What gRPC probes get, and what ends their watches.
    pub health: (Health, CancellationToken),
}

/// The operators' port.
pub fn router(admin: Admin) -> Router {
    let probes = grpc::probes(&admin.health.0, &admin.health.1);
    Router::new()
        .route("/healthz", routing::get(|| async { "ok\n" }))
        .route("/readyz", routing::get(ready))
        .route("/metrics", routing::get(metrics))
        .fallback(not_found)
        .with_state(admin)
        .merge(probes)
}

/// Whatever else is asked for, such as a question: a gRPC client cannot read a text.
async fn not_found(headers: HeaderMap) -> Response {
    if grpc::is_grpc(&headers) {
        let message =
            "this is the operators' port, which has grpc.health.v1.Health; questions are for the callers' port";
        return tonic::Status::unimplemented(message).into_http();
    }
    (StatusCode::NOT_FOUND, "there are /healthz, /readyz, /metrics and gRPC health\n").into_response()
}

async fn ready(State(admin): State<Admin>) -> Response {
    let ready = admin.pdp.is_ready() && !admin.stopping.is_cancelled();
    let snapshot = admin.store.snapshot();
    let revision = |of: fn(&Snapshot) -> &crate::types::revision::Revision| {
        snapshot.as_deref().map_or(Value::Null, |snapshot| of(snapshot).as_str().into())
    };
    let log = match &*admin.log.borrow() {
        None => "opening".to_owned(),
        Some(LogState::Writable) => "writable".to_owned(),
        Some(LogState::Full) => "full".to_owned(),
        Some(LogState::Failed(why)) => format!("failed: {why}"),
        Some(LogState::Closed) => "closed".to_owned(),
    };
    // It does not make poort unready (`record::spool`, `keeper`).
    let damaged = admin.pdp.damaged_segments();
    let damaged: Vec<_> = damaged
        .iter()
        .map(|found| json!({"segment": found.segment.display().to_string(), "what": found.damage.to_string()}))
        .collect();
    let reload = match (admin.store.hangs(), admin.store.refused()) {
        (Some(taken), _) => json!({
            "status": "hangs",
            "seconds": taken.as_secs(),
            "problems": ["reading the files of policies or directory does not end; is their file system there?"],
        }),
        (None, None) => json!({"status": "ok"}),
        (None, Some(refused)) => json!({
            "status": "refused",
            "at": Timestamp::try_from(refused.at).map_or(Value::Null, |at| format!("{at:.3}").into()),
            "problems": refused.problems,
        }),
    };
    let body = json!({
        "ready": ready,
        "stopping": admin.stopping.is_cancelled(),
        "revision": revision(|snapshot| &snapshot.policies.revision),
        "directory_revision": revision(|snapshot| &snapshot.directory.revision),
        "reload": reload,
        "bundle": admin.store.bundle().map(|active| bundle(&active)),
        "log": log,
        "damaged": damaged,
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body)).into_response()
}

/// The active bundle, who signed it, and why a newer one is not active.
fn bundle(ActiveBundle { bundle, validity, trust, refused }: &ActiveBundle) -> Value {
    let time = |at: SystemTime| Timestamp::try_from(at).map_or(Value::Null, |at| format!("{at:.3}").into());
    let signers = bundle.tally().signers.iter();
    json!({
        "version": bundle.manifest().version,
        "digest": bundle.digest().as_str(),
        "signers": signers.map(|signer| [&signer.person, &signer.organisation]).collect::<Vec<_>>(),
        "expires": bundle.manifest().expires.to_string(),
        "status": validity.at(Timestamp::now().as_millisecond()).name(),
        "trust": trust.as_ref().map(|trust| json!({"version": trust.version, "digest": trust.digest.as_str()})),
        "refused": refused.as_ref().map(|(at, refusal)| {
            json!({"at": time(*at), "code": refusal.code.name(), "message": refusal.message})
        }),
    })
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match admin.exposition.text() {
        Ok(text) => ([(header::CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
