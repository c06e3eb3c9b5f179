//! The HTTPS+JSON binding: OpenID AuthZEN Authorization API 1.0.
//!
//! `POST /access/v1/evaluation`, `POST /access/v1/evaluations`, `GET /.well-known/authzen-configuration`. A deny is 200.
//! The body of an error is a JSON string that says what is wrong. `X-Request-ID` is returned as it was sent.

use super::{Config, call, grpc, origin, status};
use crate::{
    pdp::{Binding, Pdp, Quota, Refusal, Taken, Unread},
    types::authzen::{self, EvaluationsBody, Limits, ReadError},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, request::Parts},
    middleware::{self, Next},
    routing,
};
use http_body_util::BodyExt as _;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const METADATA: &str = "/.well-known/authzen-configuration";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Debug, Clone)]
struct Service {
    pdp: Arc<Pdp>,
    limits: Limits,
    message: usize,
    unread: Quota,
    deadline: Duration,
    public_url: Option<Arc<str>>,
    scheme: &'static str,
}

pub(super) fn routes(pdp: &Arc<Pdp>, config: &Config, unread: &Quota) -> Router {
    let service = Service {
        pdp: pdp.clone(),
        limits: Limits { depth: config.depth, batch: pdp.batch_limit() },
        message: config.message,
        unread: unread.clone(),
        deadline: config.deadline,
        public_url: config.public_url.as_deref().map(Arc::from),
        scheme: if config.tls { "https" } else { "http" },
    };
    let wrong_method = || async { error(StatusCode::METHOD_NOT_ALLOWED, "this address takes POST with a JSON body") };
    Router::new()
        .route(EVALUATION, routing::post(evaluation).fallback(wrong_method))
        .route(EVALUATIONS, routing::post(evaluations).fallback(wrong_method))
        .route(METADATA, routing::get(metadata))
        .layer(middleware::from_fn_with_state(service.public_url.clone(), own_origin))
        .with_state(service)
        .layer(middleware::from_fn(request_id))
}

/// Whatever else is asked for.
pub(super) async fn not_found(request: Request<Body>) -> Response<Body> {
    if grpc::is_grpc(request.headers()) {
        return tonic::Status::unimplemented("there is no such method; the service is poort.v1.AccessEvaluation")
            .into_http();
    }
    let known = format!("there is nothing here; there are {EVALUATION}, {EVALUATIONS} and {METADATA}");
    let mut response = error(StatusCode::NOT_FOUND, &known);
    if let Some(id) = request.headers().get(REQUEST_ID) {
        response.headers_mut().insert(REQUEST_ID, id.clone());
    }
    response
}

async fn request_id(request: Request<Body>, next: Next) -> Response<Body> {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Refuses what a browser asks for a page of a foreign site.
async fn own_origin(State(public_url): State<Option<Arc<str>>>, request: Request<Body>, next: Next) -> Response<Body> {
    if origin::is_foreign(request.headers(), request.extensions(), public_url.as_deref()) {
        return error(StatusCode::FORBIDDEN, "Origin: is not an address of this decision point; set public_url to it");
    }
    next.run(request).await
}

async fn evaluation(State(service): State<Service>, request: Request<Body>) -> Response<Body> {
    service.evaluation(request).await.unwrap_or_else(|fault| service.told(&fault))
}

async fn evaluations(State(service): State<Service>, request: Request<Body>) -> Response<Body> {
    service.evaluations(request).await.unwrap_or_else(|fault| service.told(&fault))
}

async fn metadata(State(service): State<Service>, request: Request<Body>) -> Response<Body> {
    service.metadata(request.headers(), request.extensions())
}

impl Service {
    async fn evaluation(&self, request: Request<Body>) -> Result<Response<Body>, Fault> {
        let (head, body, deadline, _taken) = self.take(request).await?;
        let evaluation = authzen::read_evaluation(&body, self.limits)?;
        self.one(&head, evaluation, deadline).await
    }

    async fn evaluations(&self, request: Request<Body>) -> Result<Response<Body>, Fault> {
        let (head, body, deadline, _taken) = self.take(request).await?;
        match authzen::read_batch(&body, self.limits)? {
            EvaluationsBody::One(evaluation) => self.one(&head, evaluation, deadline).await,
            EvaluationsBody::Several(batch) => {
                let answered = self
                    .pdp
                    .evaluate_batch(&call::call(&head.headers, &head.extensions, Some(deadline), Binding::Http), batch)
                    .await?;
                let mut out = Vec::with_capacity(1024);
                authzen::write_answers(&mut out, &answered.answer, Some(answered.record));
                Ok(json(StatusCode::OK, out))
            }
        }
    }

    fn told(&self, fault: &Fault) -> Response<Body> {
        if !fault.counted {
            self.pdp.count_unread(match fault.status {
                StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge,
                StatusCode::TOO_MANY_REQUESTS => Unread::NoRoom,
                StatusCode::REQUEST_TIMEOUT => Unread::Late,
                _ => Unread::Invalid,
            });
        }
        error(fault.status, &fault.message)
    }

    async fn one(
        &self,
        head: &Parts,
        evaluation: crate::types::evaluation::Evaluation,
        deadline: Instant,
    ) -> Result<Response<Body>, Fault> {
        let answered = self
            .pdp
            .evaluate(&call::call(&head.headers, &head.extensions, Some(deadline), Binding::Http), evaluation)
            .await?;
        let mut out = Vec::with_capacity(1024);
        authzen::write_answer(&mut out, &answered.answer, Some(answered.record));
        Ok(json(StatusCode::OK, out))
    }

    /// The body, which has to be there before the deadline, with what it takes from the budget.
    async fn take(&self, request: Request<Body>) -> Result<(Parts, Bytes, Instant, Taken), Fault> {
        let (head, body) = request.into_parts();
        let deadline = call::arrival(&head.extensions) + self.deadline;
        if head.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let message = "Content-Encoding: compressed bodies are not taken; send it as it is";
            return Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        if !is_json(&head.headers) {
            return Err(Fault::new(StatusCode::BAD_REQUEST, "Content-Type: must be application/json"));
        }
        let too_large =
            || Fault::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {} bytes", self.message));
        let taken = self.unread.nothing();
        match tokio::time::timeout_at(deadline.into(), read(body, self.message, &taken)).await {
            Ok(Ok(Read::Whole(body))) => Ok((head, body, deadline, taken)),
            Ok(Ok(Read::TooLarge)) => Err(too_large()),
            Ok(Ok(Read::NoRoom)) => {
                let message = "too many bytes of messages are under way; ask again shortly";
                Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, message))
            }
            Ok(Err(_)) => Err(Fault::new(StatusCode::BAD_REQUEST, "the body broke off")),
            Err(_) => Err(Fault::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
        }
    }

    /// AuthZEN 1.0, section 9: where the endpoints are.
    fn metadata(&self, headers: &HeaderMap, extensions: &Extensions) -> Response<Body> {
        let base = origin::base(headers, extensions, self.public_url.as_deref(), self.scheme);
        let kinds = self.pdp.obligation_kinds();
        let mut metadata = serde_json::json!({
            "policy_decision_point": base,
            "access_evaluation_endpoint": format!("{base}{EVALUATION}"),
            "access_evaluations_endpoint": format!("{base}{EVALUATIONS}"),
        });
        if let (Some(fields), false) = (metadata.as_object_mut(), kinds.is_empty()) {
            fields.insert("supported_obligations".to_owned(), kinds.into_iter().collect());
        }
        json(StatusCode::OK, metadata.to_string().into_bytes())
    }
}

/// How much of a body that is too large is still taken, in times the limit.
const PATIENCE: usize = 16;

/// What was read of a body.
enum Read {
    Whole(Bytes),
    /// It is larger than the limit.
    TooLarge,
    /// The budget has no room for it.
    NoRoom,
}

/// The body. Many HTTP/1.1 callers look at the answer only when they have sent all,
/// and lose it if the connection is closed before that. So what is too much is read too, up to a bound, and thrown away.
async fn read(mut body: Body, limit: usize, taken: &Taken) -> Result<Read, axum::Error> {
    let mut kept = Vec::new();
    let mut n_bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        n_bytes = n_bytes.saturating_add(data.len());
        if n_bytes <= limit {
            if !taken.take(data.len()) {
                return Ok(Read::NoRoom);
            }
            kept.extend_from_slice(&data);
        } else if n_bytes > limit.saturating_mul(PATIENCE) {
            break;
        }
    }
    Ok(if n_bytes <= limit { Read::Whole(kept.into()) } else { Read::TooLarge })
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(kind)), None) = (types.next().map(HeaderValue::to_str), types.next()) else { return false };
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// An error as the caller sees it.
#[derive(Debug)]
struct Fault {
    status: StatusCode,
    message: String,
    /// Whether the decision point saw the question, and so has counted its refusal.
    counted: bool,
}

impl Fault {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), counted: false }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        let status = if error.is_limit() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        Self::new(status, error.to_string())
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self { counted: true, ..Self::new(status::of(&refusal).0, refusal.to_string()) }
    }
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    let mut body = Vec::new();
    authzen::write_string(&mut body, message);
    let mut response = json(status, body);
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // An answer holds for the moment it was given in.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
