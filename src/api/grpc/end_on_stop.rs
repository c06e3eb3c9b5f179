//! A middleware that ends long calls when poort stops: watches of health, and reflection.
//!
//! Without it, each such call would hold up the stop until the grace period is over.

use axum::{body::Body, extract::State, middleware::Next};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper::body::{Bytes, Frame};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A body that ends when poort stops and nothing more is ready.
struct Ending {
    inner: Body,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    /// What is said at the end, unless it comes by itself.
    last: Option<Frame<Bytes>>,
    ended: bool,
}

fn body(inner: Body, stopping: &CancellationToken, last: Option<Frame<Bytes>>) -> Body {
    Body::new(Ending { inner, stopping: Box::pin(stopping.clone().cancelled_owned()), last, ended: false })
}

/// Serves a call whose questions and answers end when poort stops; the answers with UNAVAILABLE.
pub(super) async fn ending(
    State(stopping): State<CancellationToken>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let response = next.run(request.map(|questions| body(questions, &stopping, None))).await;
    let trailers = HeaderMap::from_iter([
        (HeaderName::from_static("grpc-status"), HeaderValue::from_static("14")),
        (HeaderName::from_static("grpc-message"), HeaderValue::from_static("poort stops")),
    ]);
    response.map(|answers| body(answers, &stopping, Some(Frame::trailers(trailers))))
}

impl hyper::body::Body for Ending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            return Poll::Ready(frame);
        }
        ready!(self.stopping.as_mut().poll(context));
        self.ended = true;
        Poll::Ready(self.last.take().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}
