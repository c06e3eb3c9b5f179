//! Where a call goes: a question over gRPC straight to its service, all else through the router.
//!
//! The router would find that service too. It also would copy itself, and box the call, its body and its answer some times
//! over, for each question: a tenth of what a cached answer takes.

use super::grpc::{self, Questions};
use axum::Router;
use http::{Request, Response};
use http_body_util::Either;
use hyper::body::Incoming;
use std::convert::Infallible;
use tonic::codegen::Service as _;

/// All that a port serves.
#[derive(Debug, Clone)]
pub struct Front {
    questions: Option<Questions>,
    rest: Router,
}

/// A body of either binding.
pub(super) type Body = Either<tonic::body::Body, axum::body::Body>;

impl Front {
    pub(super) const fn new(questions: Questions, rest: Router) -> Self {
        Self { questions: Some(questions), rest }
    }

    /// Serves a call.
    pub(super) async fn call(mut self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        match self.questions {
            Some(questions) if grpc::is_question(&request) => {
                grpc::answer(questions, request).await.map(|response| response.map(Either::Left))
            }
            _ => self.rest.call(request).await.map(|response| response.map(Either::Right)),
        }
    }
}

impl From<Router> for Front {
    /// Only what the router serves.
    fn from(rest: Router) -> Self {
        Self { questions: None, rest }
    }
}
