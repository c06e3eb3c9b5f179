//! The calls of `poort.v1.AccessEvaluation`.

use super::{convert, convert::Malformed, pb};
use crate::{
    api::{Config, call, status},
    pdp::{Call, Pdp, Refusal, Unread},
    trace::TraceContext,
};
use futures_util::{Stream, StreamExt as _};
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

/// How many questions of one stream are under way at once. What comes beyond waits in the connection, which slows its
/// sender down; enough to fill a commit of the decision log.
const PIPELINE: usize = 256;

#[derive(Debug)]
pub(in crate::api) struct Service {
    pdp: Arc<Pdp>,
    depth: usize,
    deadline: Duration,
    stopping: CancellationToken,
}

impl Service {
    pub(super) fn new(pdp: Arc<Pdp>, config: &Config, stopping: CancellationToken) -> Self {
        Self { pdp, depth: config.depth, deadline: config.deadline, stopping }
    }

    fn call<T>(&self, request: &Request<T>) -> Result<Call, Status> {
        let headers = request.metadata().as_ref();
        let deadline = call::grpc_deadline(headers, self.deadline).map_err(Status::invalid_argument)?;
        Ok(call::call(headers, request.extensions(), Some(deadline)))
    }
}

fn refused(refusal: &Refusal) -> Status {
    Status::new(status::of(refusal).1, refusal.to_string())
}

/// What never became a question, counted.
fn malformed(pdp: &Pdp, malformed: Malformed) -> Status {
    let status = match malformed {
        Malformed::Refused(refusal) => refused(&refusal),
        Malformed::TooDeep(message) => Status::resource_exhausted(message),
    };
    let is_limit = status.code() == Code::ResourceExhausted;
    pdp.count_unread(if is_limit { Unread::TooLarge } else { Unread::Invalid });
    status
}

#[tonic::async_trait]
impl pb::access_evaluation_server::AccessEvaluation for Service {
    async fn evaluate(&self, request: Request<pb::EvaluateRequest>) -> Result<Response<pb::EvaluateResponse>, Status> {
        let call = self.call(&request)?;
        let evaluation =
            convert::evaluation(request.into_inner(), self.depth).map_err(|fault| malformed(&self.pdp, fault))?;
        let answered = self.pdp.evaluate(&call, evaluation).await.map_err(|refusal| refused(&refusal))?;
        Ok(Response::new(convert::response(&answered.answer, answered.record, None)))
    }

    async fn evaluate_batch(
        &self,
        request: Request<pb::EvaluateBatchRequest>,
    ) -> Result<Response<pb::EvaluateBatchResponse>, Status> {
        let call = self.call(&request)?;
        let limit = self.pdp.batch_limit();
        let batch =
            convert::batch(request.into_inner(), self.depth, limit).map_err(|fault| malformed(&self.pdp, fault))?;
        let answered = self.pdp.evaluate_batch(&call, batch).await.map_err(|refusal| refused(&refusal))?;
        let evaluations = answered.answer.iter().enumerate();
        let evaluations =
            evaluations.map(|(index, answer)| convert::response(answer, answered.record, Some(index))).collect();
        let record = Some(convert::identity(answered.record));
        Ok(Response::new(pb::EvaluateBatchResponse { evaluations, record }))
    }

    type EvaluateStreamStream = Pin<Box<dyn Stream<Item = Result<pb::EvaluateStreamResponse, Status>> + Send>>;

    /// A message is a question of its own: it has its own record, its own deadline, and its own fault. The call as a whole
    /// ends with the caller's last message, at the deadline that the caller set for it, or when poort stops.
    async fn evaluate_stream(
        &self,
        request: Request<Streaming<pb::EvaluateStreamRequest>>,
    ) -> Result<Response<Self::EvaluateStreamStream>, Status> {
        let headers = request.metadata().as_ref();
        let whole = match headers.get("grpc-timeout") {
            Some(_) => Some(call::grpc_deadline(headers, self.deadline).map_err(Status::invalid_argument)?),
            None => None,
        };
        let origin = request.metadata().clone().into_headers();
        let connection = request.extensions().clone();
        let (pdp, depth, usual) = (self.pdp.clone(), self.depth, self.deadline);
        let answers = request
            .into_inner()
            .take_until(self.stopping.clone().cancelled_owned())
            .map(move |message| {
                let pdp = pdp.clone();
                // A fault of the stream itself ends it; there is no question to answer.
                let asked = message.map(|message| {
                    let usual = Instant::now() + usual;
                    let deadline = whole.map_or(usual, |whole| whole.min(usual));
                    let mut call = call::call(&origin, &connection, Some(deadline));
                    if !message.traceparent.is_empty() {
                        let state = Some(message.tracestate.as_str());
                        call.trace = TraceContext::from_headers(Some(&message.traceparent), state);
                    }
                    (message.id, message.evaluation.unwrap_or_default(), call)
                });
                async move {
                    match asked {
                        Ok((id, evaluation, call)) => Ok(answer(&pdp, id, evaluation, &call, depth).await),
                        Err(status) if status.code() == Code::OutOfRange => {
                            Err(Status::resource_exhausted(status.message()))
                        }
                        Err(status) => Err(status),
                    }
                }
            })
            .buffer_unordered(PIPELINE);
        let end = async move {
            match whole {
                Some(whole) => tokio::time::sleep_until(whole.into()).await,
                None => std::future::pending().await,
            }
        };
        let too_late = futures_util::stream::once(async move {
            match whole {
                Some(whole) if Instant::now() >= whole => {
                    Some(Err(Status::deadline_exceeded("the deadline of the stream passed")))
                }
                _ => None,
            }
        })
        .filter_map(std::future::ready);
        Ok(Response::new(Box::pin(answers.take_until(end).chain(too_late))))
    }
}

async fn answer(
    pdp: &Pdp,
    id: String,
    evaluation: pb::EvaluateRequest,
    call: &Call,
    depth: usize,
) -> pb::EvaluateStreamResponse {
    use pb::evaluate_stream_response::Result as Outcome;
    let answered = match convert::evaluation(evaluation, depth) {
        Ok(evaluation) => pdp.evaluate(call, evaluation).await.map_err(|refusal| refused(&refusal)),
        Err(fault) => Err(malformed(pdp, fault)),
    };
    let result = match answered {
        Ok(answered) => Outcome::Evaluation(convert::response(&answered.answer, answered.record, None)),
        Err(status) => {
            Outcome::Error(pb::StreamError { code: status.code() as i32, message: status.message().to_owned() })
        }
    };
    pb::EvaluateStreamResponse { id, result: Some(result) }
}
