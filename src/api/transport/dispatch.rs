//! Dispatches a call: a question over gRPC straight to its service, any other call to the router.
//!
//! The router would find that service too. It would also clone itself, and box the call, its body and its answer several times
//! for each question: under load 12 % more processor time a call (`docs/benchmarks.md`, "What single measures gain").

use super::super::grpc::{self, Questions};
use axum::Router;
use futures_util::{FutureExt as _, TryFutureExt as _, future};
use http::{Request, Response};
use http_body_util::Either;
use hyper::body::Incoming;
use std::convert::Infallible;
use tonic::codegen::Service as _;

/// All that a port serves.
#[derive(Debug, Clone)]
pub struct Dispatch {
    questions: Option<Questions>,
    rest: Router,
}

/// A body of either binding.
pub(super) type Body = Either<tonic::body::Body, axum::body::Body>;

impl Dispatch {
    pub(in crate::api) const fn new(questions: Questions, rest: Router) -> Self {
        Self { questions: Some(questions), rest }
    }

    /// Serves a call. What it returns is small: it is moved into a task for each call.
    pub(super) fn call(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + use<> {
        match &self.questions {
            Some(questions) if grpc::is_question(&request) => {
                let answer = grpc::answer(questions, request);
                future::Either::Left(answer.map_ok(|response| response.map(Either::Left)))
            }
            _ => {
                let answer = self.rest.clone().call(request);
                future::Either::Right(answer.map_ok(|response| response.map(Either::Right)).boxed())
            }
        }
    }
}

impl From<Router> for Dispatch {
    /// Only what the router serves.
    fn from(rest: Router) -> Self {
        Self { questions: None, rest }
    }
}
