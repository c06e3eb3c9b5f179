//! Why a call has no answer, and what that is called in each binding: made here for both, so that they cannot drift apart.
//!
//! | what happened | HTTP | gRPC | reason |
//! |---|---|---|---|
//! | malformed or incomplete | 400 | `INVALID_ARGUMENT` | `INVALID_QUESTION` |
//! | a page of a foreign site asks (`Origin`) | 403 | | `FOREIGN_ORIGIN` |
//! | a caller that is no application (`[callers]`) | 403 | `PERMISSION_DENIED` | `UNKNOWN_CALLER` |
//! | an application asks what it may not | 403 | `PERMISSION_DENIED` | `NOT_PERMITTED` |
//! | the subject's own token is missing or does not count | 403 | `PERMISSION_DENIED` | `TOKEN_…`, see `TokenFault` |
//! | nothing is at this address | 404 | `UNIMPLEMENTED` | `NOT_FOUND` |
//! | an address that takes another method | 405 | | `WRONG_METHOD` |
//! | a message that did not arrive in time | 408 | `DEADLINE_EXCEEDED` | `NOT_ARRIVED` |
//! | a message or batch above a limit | 413 | `RESOURCE_EXHAUSTED` | `TOO_LARGE` |
//! | compressed, or no gRPC on a path of gRPC | 415 | `UNIMPLEMENTED` | `UNSUPPORTED_MEDIA_TYPE` |
//! | too much under way | 429 | `RESOURCE_EXHAUSTED` | `BUSY` |
//! | no policies active, or the log not open | 503 | `UNAVAILABLE` | `NOT_READY` |
//! | no record possible | 503 | `UNAVAILABLE` | `NO_RECORD` |
//! | too late | 504 | `DEADLINE_EXCEEDED` | `LATE` |
//!
//! A program reads the reason: in gRPC as `google.rpc.ErrorInfo`, with `google.rpc.BadRequest` for each field and
//! `google.rpc.RetryInfo` where asking again helps; in HTTP as a problem (RFC 9457), for a caller that accepts
//! `application/problem+json`. Other callers get a JSON string (AuthZEN 1.0, section 10).

use crate::{
    pdp::{Refusal, callers::token::TokenFault, engine::Invalid},
    types::{
        authzen::{self, ReadError},
        language::Language,
    },
};
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// `domain` of `google.rpc.ErrorInfo`.
const DOMAIN: &str = "poort";

/// When to ask again.
const SOON: Duration = Duration::from_secs(1);

/// Why a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    InvalidQuestion,
    ForeignOrigin,
    UnknownCaller,
    NotPermitted,
    Token(TokenFault),
    NotFound,
    WrongMethod,
    NotArrived,
    TooLarge,
    UnsupportedMediaType,
    Busy,
    NotReady,
    NoRecord,
    Late,
}

impl Reason {
    /// Its name, and its status in HTTP and in gRPC.
    const fn names(self) -> (&'static str, StatusCode, Code) {
        match self {
            Self::InvalidQuestion => ("INVALID_QUESTION", StatusCode::BAD_REQUEST, Code::InvalidArgument),
            Self::ForeignOrigin => ("FOREIGN_ORIGIN", StatusCode::FORBIDDEN, Code::PermissionDenied),
            Self::UnknownCaller => ("UNKNOWN_CALLER", StatusCode::FORBIDDEN, Code::PermissionDenied),
            Self::NotPermitted => ("NOT_PERMITTED", StatusCode::FORBIDDEN, Code::PermissionDenied),
            Self::Token(fault) => (fault.names().0, StatusCode::FORBIDDEN, Code::PermissionDenied),
            Self::NotFound => ("NOT_FOUND", StatusCode::NOT_FOUND, Code::Unimplemented),
            Self::WrongMethod => ("WRONG_METHOD", StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented),
            Self::NotArrived => ("NOT_ARRIVED", StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
            Self::TooLarge => ("TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
            Self::UnsupportedMediaType => {
                ("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Unimplemented)
            }
            Self::Busy => ("BUSY", StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
            Self::NotReady => ("NOT_READY", StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            Self::NoRecord => ("NO_RECORD", StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            Self::Late => ("LATE", StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded),
        }
    }

    /// When the same call can be answered; `None`: never, or only the caller knows.
    const fn again(self) -> Option<Duration> {
        match self {
            Self::Busy | Self::NotReady | Self::NoRecord => Some(SOON),
            _ => None,
        }
    }

    const fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Invalid(_) | Refusal::Missing(_) => Self::InvalidQuestion,
            Refusal::TooMany { .. } | Refusal::TooLarge => Self::TooLarge,
            Refusal::UnknownCaller => Self::UnknownCaller,
            Refusal::NotPermitted(_) => Self::NotPermitted,
            Refusal::Token(fault) => Self::Token(*fault),
            Refusal::Busy => Self::Busy,
            Refusal::NotReady => Self::NotReady,
            Refusal::NoRecord => Self::NoRecord,
            Refusal::Late => Self::Late,
        }
    }
}

/// A call without an answer.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) reason: Reason,
    message: String,
    /// The fields of the question that do not fit.
    fields: Vec<Invalid>,
}

impl Fault {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), fields: Vec::new() }
    }

    /// Its status in gRPC.
    pub(super) fn status(&self) -> Status {
        let (name, _, code) = self.reason.names();
        let mut details = ErrorDetails::new();
        details.set_error_info(name, DOMAIN, HashMap::new());
        if let Some(again) = self.reason.again() {
            details.set_retry_info(Some(again));
        }
        if !self.fields.is_empty() {
            let violation = |invalid: &Invalid| FieldViolation::new(&invalid.path, &invalid.message);
            details.set_bad_request(self.fields.iter().map(violation).collect::<Vec<_>>());
        }
        Status::with_error_details(code, &self.message, details)
    }

    /// Its response in HTTP, in the form that a caller with these headers takes.
    pub(super) fn response(&self, headers: &HeaderMap) -> Response<Body> {
        let (name, status, _) = self.reason.names();
        let (kind, body) = if accepts_problem(headers) {
            let field = |invalid: &Invalid| serde_json::json!({"path": invalid.path, "detail": invalid.message});
            let mut problem = serde_json::json!({
                "type": "about:blank",
                "title": status.canonical_reason(),
                "status": status.as_u16(),
                "detail": self.message,
                "reason": name,
            });
            if let (Some(members), false) = (problem.as_object_mut(), self.fields.is_empty()) {
                members.insert("errors".to_owned(), self.fields.iter().map(field).collect());
            }
            (PROBLEM, problem.to_string().into_bytes())
        } else {
            let mut body = Vec::new();
            authzen::write_string(&mut body, &self.message);
            ("application/json", body)
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(again) = self.reason.again() {
            headers.insert(header::RETRY_AFTER, again.as_secs().into());
        }
        response
    }

    /// Why a call was refused, in this language; for what is wrong with a question that is English.
    pub(super) fn of(refusal: &Refusal, language: Language) -> Self {
        let fields = match refusal {
            Refusal::Invalid(mistakes) => mistakes.told().to_vec(),
            Refusal::Missing(path) => vec![Invalid { path: path.clone(), message: "is missing".to_owned() }],
            _ => Vec::new(),
        };
        Self { fields, ..Self::new(Reason::of(refusal), refusal.message(language)) }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        let reason = if error.is_limit() { Reason::TooLarge } else { Reason::InvalidQuestion };
        let message = error.to_string();
        let fields = match error {
            ReadError::Form { path, message } => vec![Invalid { path, message }],
            _ => Vec::new(),
        };
        Self { fields, ..Self::new(reason, message) }
    }
}

const PROBLEM: &str = "application/problem+json";

fn accepts_problem(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case(PROBLEM))
}

/// The status of a message that cannot be decoded: it names the field.
pub(super) fn of_decoding(error: &prost::DecodeError) -> Status {
    // Fields are named as in Rust, where `type` needs a prefix.
    let error = error.to_string().replace("r#", "");
    // The library's bound on nesting lies above ours, and has no kind of its own.
    if error.contains("recursion limit") {
        Fault::new(Reason::TooLarge, "the message is nested too deep").status()
    } else {
        Fault::new(Reason::InvalidQuestion, error).status()
    }
}
