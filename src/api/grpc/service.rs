//! The calls of `poort.v1.AccessEvaluation`.

use super::{
    convert::{self, Says},
    fault::{malformed, refused},
    pb,
    stream::{self, Terms},
};
use crate::{
    api::{
        AnswerContext, Config,
        call::{self, Spoken},
        status::{Fault, Reason},
    },
    pdp::{Binding, Call, Pdp},
    types::language::Language,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

#[derive(Debug)]
pub(in crate::api) struct Service {
    pdp: Arc<Pdp>,
    depth: usize,
    deadline: Duration,
    context: AnswerContext,
    explain: bool,
    language: Language,
    stopping: CancellationToken,
}

impl Service {
    pub(super) fn new(pdp: Arc<Pdp>, config: &Config, stopping: CancellationToken) -> Self {
        let Config { depth, deadline, context, explain, language, .. } = *config;
        Self { pdp, depth, deadline, context, explain, language, stopping }
    }

    fn call<T>(&self, request: &Request<T>) -> Result<Call, Status> {
        Ok(call::call(request.metadata().as_ref(), request.extensions(), Some(self.deadline(request)?), Binding::Grpc))
    }

    fn context<T>(&self, request: &Request<T>) -> AnswerContext {
        call::preferred(request.metadata().as_ref()).unwrap_or(self.context)
    }

    fn spoken<T>(&self, request: &Request<T>) -> Spoken {
        Spoken::of(request.metadata().as_ref(), self.language)
    }

    fn deadline<T>(&self, request: &Request<T>) -> Result<Instant, Status> {
        let headers = request.metadata().as_ref();
        call::grpc_deadline(headers, request.extensions(), self.deadline)
            .map_err(|message| Fault::new(Reason::InvalidQuestion, message).status())
    }
}

/// A response that names its language to a caller that has preferences.
fn told<T>(spoken: Spoken, message: T) -> Response<T> {
    let mut response = Response::new(message);
    spoken.tell_in(response.metadata_mut());
    response
}

#[tonic::async_trait]
impl pb::access_evaluation_server::AccessEvaluation for Service {
    async fn evaluate(&self, request: Request<pb::EvaluateRequest>) -> Result<Response<pb::EvaluateResponse>, Status> {
        let (call, context, spoken) = (self.call(&request)?, self.context(&request), self.spoken(&request));
        let call = Call { asks_why: self.explain && request.get_ref().explain, ..call };
        let evaluation = convert::evaluation(request.into_inner(), self.depth)
            .map_err(|fault| malformed(&self.pdp, fault, spoken))?;
        let answered = self.pdp.evaluate(&call, evaluation).await.map_err(|refusal| refused(&refusal, spoken))?;
        let explanation = answered.explanations.first().and_then(Option::as_ref);
        let says = Says { context, language: spoken.language };
        Ok(told(spoken, convert::response(says, &answered.answer, answered.record, None, explanation)))
    }

    async fn evaluate_batch(
        &self,
        request: Request<pb::EvaluateBatchRequest>,
    ) -> Result<Response<pb::EvaluateBatchResponse>, Status> {
        let (call, context, spoken) = (self.call(&request)?, self.context(&request), self.spoken(&request));
        let call = Call { asks_why: self.explain && request.get_ref().explain, ..call };
        let limit = self.pdp.batch_limit();
        let batch = convert::batch(request.into_inner(), self.depth, limit)
            .map_err(|fault| malformed(&self.pdp, fault, spoken))?;
        let answered = self.pdp.evaluate_batch(&call, batch).await.map_err(|refusal| refused(&refusal, spoken))?;
        let says = Says { context, language: spoken.language };
        let evaluations = answered.answer.iter().enumerate();
        let evaluations = evaluations
            .map(|(index, answer)| {
                let explanation = answered.explanations.get(index).and_then(Option::as_ref);
                convert::response(says, answer, answered.record, Some(index), explanation)
            })
            .collect();
        let record = Some(convert::identity(answered.record));
        Ok(told(spoken, pb::EvaluateBatchResponse { evaluations, record }))
    }

    type EvaluateStreamStream = stream::Answers;

    /// A message is a question of its own: it has its own record, its own deadline, and its own fault. The call as a whole
    /// ends with the caller's last message, at the deadline that the caller set for it, when the caller does not take
    /// answers, or when poort stops: then with UNAVAILABLE.
    async fn evaluate_stream(
        &self,
        request: Request<Streaming<pb::EvaluateStreamRequest>>,
    ) -> Result<Response<Self::EvaluateStreamStream>, Status> {
        let headers = request.metadata().as_ref();
        let whole = match headers.get("grpc-timeout") {
            Some(_) => Some(self.deadline(&request)?),
            None => None,
        };
        let (pdp, depth, usual) = (self.pdp.clone(), self.depth, self.deadline);
        let (context, explain, spoken) = (self.context(&request), self.explain, self.spoken(&request));
        let terms = Terms { pdp, depth, usual, whole, context, explain, spoken };
        Ok(told(spoken, stream::answers(request, terms, self.stopping.clone())))
    }
}
