//! The HTTPS+JSON binding: OpenID AuthZEN Authorization API 1.0.
//!
//! `POST /access/v1/evaluation`, `POST /access/v1/evaluations`, `GET /.well-known/authzen-configuration`. A deny is 200.
//! What has no answer says why, as [`status`](super::status) has it. `X-Request-ID` is returned as it was sent.

use super::{
    AnswerContext, Config,
    call::{self, Spoken},
    documents, grpc, origin,
    status::{Fault, Reason},
};
use crate::{
    pdp::{Answered, Binding, Call, Pdp, Quota, Refusal, Taken, Unread, description},
    types::{
        authzen::{
            self, EvaluationsBody, Limits,
            addresses::{EVALUATION, EVALUATIONS, METADATA, OPENAPI, SCHEMA},
        },
        language::Language,
    },
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
    context: AnswerContext,
    explain: bool,
    language: Language,
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
        context: config.context,
        explain: config.explain,
        language: config.language,
    };
    let public_url = service.public_url.clone();
    let wrong_method = async |request: Request<Body>| {
        Fault::new(Reason::WrongMethod, "this address takes POST with a JSON body").response(request.headers())
    };
    Router::new()
        .route(EVALUATION, routing::post(evaluation).fallback(wrong_method))
        .route(EVALUATIONS, routing::post(evaluations).fallback(wrong_method))
        .route(METADATA, routing::get(metadata))
        .with_state(service)
        .merge(documents::routes(pdp))
        .layer(middleware::from_fn_with_state(public_url, own_origin))
        .layer(middleware::from_fn(request_id))
}

/// Whatever else is asked for.
pub(super) async fn not_found(request: Request<Body>) -> Response<Body> {
    if grpc::is_grpc(request.headers()) {
        let known = "there is no such method; poort.v1.AccessEvaluation has Evaluate, EvaluateBatch and EvaluateStream";
        return Fault::new(Reason::NotFound, known).status().into_http();
    }
    let mut response = if grpc::method(request.uri().path()).is_some() {
        grpc::not_grpc().response(request.headers())
    } else {
        let known =
            format!("there is nothing here; there are {EVALUATION}, {EVALUATIONS}, {METADATA}, {SCHEMA} and {OPENAPI}");
        Fault::new(Reason::NotFound, known).response(request.headers())
    };
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
        let message = "Origin: is not an address of this decision point; set public_url to it";
        return Fault::new(Reason::ForeignOrigin, message).response(request.headers());
    }
    next.run(request).await
}

async fn evaluation(State(service): State<Service>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    service.evaluation(&head, body).await.unwrap_or_else(|unanswered| service.told(&unanswered, &head.headers))
}

async fn evaluations(State(service): State<Service>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    service.evaluations(&head, body).await.unwrap_or_else(|unanswered| service.told(&unanswered, &head.headers))
}

async fn metadata(State(service): State<Service>, request: Request<Body>) -> Response<Body> {
    service.metadata(request.headers(), request.extensions())
}

impl Service {
    async fn evaluation(&self, head: &Parts, body: Body) -> Result<Response<Body>, Unanswered> {
        let (body, deadline, _taken) = self.take(head, body).await?;
        let evaluation = authzen::read_evaluation(&body, self.limits).map_err(Fault::from)?;
        self.one(&self.call(head, &body, deadline), head, evaluation).await
    }

    async fn evaluations(&self, head: &Parts, body: Body) -> Result<Response<Body>, Unanswered> {
        let (body, deadline, _taken) = self.take(head, body).await?;
        match authzen::read_batch(&body, self.limits).map_err(Fault::from)? {
            EvaluationsBody::One(evaluation) => self.one(&self.call(head, &body, deadline), head, evaluation).await,
            EvaluationsBody::Several(batch) => {
                let answered = self.pdp.evaluate_batch(&self.call(head, &body, deadline), batch).await?;
                let Answered { answer, record, explanations } = &answered;
                Ok(self.answer(&head.headers, |out, context, language| match context {
                    AnswerContext::Full => {
                        authzen::write_explained_answers(out, answer, language, Some(*record), explanations);
                    }
                    AnswerContext::None => authzen::write_minimal_answers(out, &answered.answer, language),
                }))
            }
        }
    }

    fn told(&self, unanswered: &Unanswered, headers: &HeaderMap) -> Response<Body> {
        let spoken = Spoken::of(headers, self.language);
        let (spoken, mut response) = match unanswered {
            Unanswered::Unread(fault) => {
                self.pdp.count_unread(match fault.reason {
                    Reason::TooLarge => Unread::TooLarge,
                    Reason::Busy => Unread::NoRoom,
                    Reason::NotArrived => Unread::Late,
                    _ => Unread::Invalid,
                });
                (spoken.for_developers(), fault.response(headers))
            }
            Unanswered::Refused(refusal) => {
                let spoken = spoken.of_refusal(refusal);
                (spoken, Fault::of(refusal, spoken.language).response(headers))
            }
        };
        spoken.tell(response.headers_mut());
        response
    }

    fn call(&self, head: &Parts, body: &[u8], deadline: Instant) -> Call {
        let call = call::call(&head.headers, &head.extensions, Some(deadline), Binding::Http);
        Call { asks_why: self.explain && authzen::asks_why(body), ..call }
    }

    async fn one(
        &self,
        call: &Call,
        head: &Parts,
        evaluation: crate::types::evaluation::Evaluation,
    ) -> Result<Response<Body>, Unanswered> {
        let answered = self.pdp.evaluate(call, evaluation).await?;
        let explanation = answered.explanations.first().and_then(Option::as_ref);
        Ok(self.answer(&head.headers, |out, context, language| match context {
            AnswerContext::Full => {
                authzen::write_explained_answer(out, &answered.answer, language, Some(answered.record), explanation);
            }
            AnswerContext::None => authzen::write_minimal_answer(out, &answered.answer, language),
        }))
    }

    /// An answer that says as much as the caller prefers, in the language that it prefers.
    fn answer(&self, headers: &HeaderMap, write: impl FnOnce(&mut Vec<u8>, AnswerContext, Language)) -> Response<Body> {
        let preferred = call::preferred(headers);
        let spoken = Spoken::of(headers, self.language);
        let mut out = Vec::with_capacity(1024);
        write(&mut out, preferred.unwrap_or(self.context), spoken.language);
        let mut response = json(StatusCode::OK, out);
        spoken.tell(response.headers_mut());
        if let Some(preferred) = preferred {
            let applied = match preferred {
                AnswerContext::Full => "return=representation",
                AnswerContext::None => "return=minimal",
            };
            response.headers_mut().insert("preference-applied", HeaderValue::from_static(applied));
        }
        response
    }

    /// The body, which has to be there before the deadline, with what it takes from the budget.
    async fn take(&self, head: &Parts, body: Body) -> Result<(Bytes, Instant, Taken), Fault> {
        let deadline = call::arrival(&head.extensions) + self.deadline;
        if head.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let message = "Content-Encoding: compressed bodies are not taken; send it as it is";
            return Err(Fault::new(Reason::UnsupportedMediaType, message));
        }
        if !is_json(&head.headers) {
            return Err(Fault::new(Reason::InvalidQuestion, "Content-Type: must be application/json"));
        }
        let taken = self.unread.nothing();
        match tokio::time::timeout_at(deadline.into(), read(body, self.message, &taken)).await {
            Ok(Ok(Read::Whole(body))) => Ok((body, deadline, taken)),
            Ok(Ok(Read::TooLarge)) => {
                Err(Fault::new(Reason::TooLarge, format!("the body is larger than {} bytes", self.message)))
            }
            Ok(Ok(Read::NoRoom)) => {
                Err(Fault::new(Reason::Busy, "too many bytes of messages are under way; ask again shortly"))
            }
            Ok(Err(_)) => Err(Fault::new(Reason::InvalidQuestion, "the body broke off")),
            Err(_) => Err(Fault::new(Reason::NotArrived, "the body did not arrive in time")),
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
            "evaluation_request_schema": format!("{base}{SCHEMA}"),
            "openapi_document": format!("{base}{OPENAPI}"),
        });
        if let (Some(fields), false) = (metadata.as_object_mut(), kinds.is_empty()) {
            fields.insert("supported_obligations".to_owned(), kinds.into_iter().collect());
        }
        let declared = self.pdp.declared_obligations();
        if let (Some(fields), false) = (metadata.as_object_mut(), declared.is_empty()) {
            fields.insert("obligations".to_owned(), description::obligations(&declared));
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

/// Why a call has no answer. The decision point counts what it refuses; what it never saw is counted here.
#[derive(Debug)]
enum Unanswered {
    Unread(Fault),
    Refused(Refusal),
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Unread(fault)
    }
}

impl From<Refusal> for Unanswered {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
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
