//! `EvaluateStream`: answers many questions over one call, each as soon as it is decided.
//!
//! A task of its own works on the questions, so a question ends with its decision, whether or not the caller takes answers.
//! At most [`PIPELINE`] questions of a stream are under way or have an answer that is not taken. Beyond that no message is
//! read, which slows the sender down. An answer that is not taken by its question's deadline ends the stream.
//!
//! **Invariant:** a stream ends with OK only after its caller ended it, so OK says that every question has its answer
//! (`tests/it/server/streams.rs`).

use super::{
    collect::Held,
    convert::{self, Says},
    fault::{malformed, refused},
    pb,
};
use crate::{
    api::{
        AnswerContext,
        call::{self, Spoken},
    },
    pdp::{Binding, Call, Pdp, Unread},
    types::trace::TraceContext,
};
use futures_util::{Stream, StreamExt as _, stream::FuturesUnordered};
use http::{Extensions, HeaderMap};
use prost::Message as _;
use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, Streaming};

/// How many questions of one stream are under way or wait to be taken; enough to fill a commit of the decision log.
const PIPELINE: usize = 256;

type Answer = Result<pb::EvaluateStreamResponse, Status>;

/// What holds for all questions of a stream.
pub(super) struct Terms {
    pub(super) pdp: Arc<Pdp>,
    /// How deep lists and objects may lie in each other.
    pub(super) depth: usize,
    /// How long a question may take.
    pub(super) usual: Duration,
    /// Until when the caller waits for the stream.
    pub(super) whole: Option<Instant>,
    /// How much an answer says.
    pub(super) context: AnswerContext,
    /// Whether a question that asks for an explanation gets it.
    pub(super) explain: bool,
    /// The language of its sentences.
    pub(super) spoken: Spoken,
}

/// The answers, as the caller takes them.
#[derive(Debug)]
pub(in crate::api) struct Answers(Receiver<Answer>);

impl Stream for Answers {
    type Item = Answer;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        self.0.poll_recv(context)
    }
}

/// Answers the questions of a call.
pub(super) fn answers(
    request: Request<Streaming<pb::EvaluateStreamRequest>>,
    terms: Terms,
    stopping: CancellationToken,
) -> Answers {
    let headers = request.metadata().clone().into_headers();
    let extensions = request.extensions().clone();
    let held = extensions.get::<Held>().cloned().unwrap_or_default();
    // One more, for the status that ends the stream.
    let (sender, receiver) = mpsc::channel(PIPELINE + 1);
    let run = Run { headers, extensions, held, terms, answers: sender, untaken: VecDeque::new() };
    tokio::spawn(run.answer_all(request.into_inner(), stopping));
    Answers(receiver)
}

struct Run {
    headers: HeaderMap,
    extensions: Extensions,
    held: Held,
    terms: Terms,
    answers: Sender<Answer>,
    /// Until when each answer that is ready must be taken.
    untaken: VecDeque<Instant>,
}

impl Run {
    async fn answer_all(mut self, mut messages: Streaming<pb::EvaluateStreamRequest>, stopping: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        let mut reads = true;
        let mut is_cut_short = false;
        let answers = self.answers.clone();
        let mut timer = pin!(sleep_until(self.next_look().into()));
        loop {
            self.forget_taken();
            if !reads && under_way.is_empty() {
                if is_cut_short {
                    self.send(Err(Status::unavailable("poort stops; ask again what has no answer")));
                }
                return;
            }
            let has_room = under_way.len() + self.untaken.len() < PIPELINE;
            tokio::select! {
                biased;
                () = answers.closed() => return,
                Some((answer, deadline)) = under_way.next(), if !under_way.is_empty() => {
                    self.untaken.push_back(deadline);
                    self.send(Ok(answer));
                }
                () = stopping.cancelled(), if reads => (reads, is_cut_short) = (false, true),
                message = messages.next(), if reads && has_room => match message {
                    Some(Ok(message)) => under_way.push(self.ask(message)),
                    // A fault of the stream itself ends it; there is no question to answer.
                    Some(Err(status)) => return self.send(Err(status)),
                    None => reads = false,
                },
                // Another place is free once an answer is taken.
                _ = answers.reserve_many(2), if !has_room && under_way.is_empty() => {}
                () = timer.as_mut() => {
                    self.forget_taken();
                    let is_past = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= Instant::now());
                    if is_past(self.terms.whole) {
                        return self.send(Err(Status::deadline_exceeded("the deadline of the stream passed")));
                    }
                    if is_past(self.untaken.front().copied()) {
                        self.terms.pdp.count_unread(Unread::Untaken);
                        return self.send(Err(Status::deadline_exceeded("answers were not taken by their deadline")));
                    }
                    timer.as_mut().reset(self.next_look().into());
                }
            }
        }
    }

    /// When to look for deadlines that passed. An answer that becomes ready before that is found untaken one look later.
    fn next_look(&self) -> Instant {
        let next = Instant::now() + self.terms.usual;
        self.untaken.front().into_iter().chain(&self.terms.whole).fold(next, |next, deadline| next.min(*deadline))
    }

    /// Answers are taken in their order.
    fn forget_taken(&mut self) {
        let waiting = self.answers.max_capacity() - self.answers.capacity();
        self.untaken.drain(..self.untaken.len().saturating_sub(waiting));
    }

    fn send(&self, answer: Answer) {
        // There is room for all that is counted in `untaken`, and for one more. A caller that is gone needs no answer.
        let _ = self.answers.try_send(answer);
    }

    /// Answers one question.
    fn ask(
        &self,
        message: pb::EvaluateStreamRequest,
    ) -> impl Future<Output = (pb::EvaluateStreamResponse, Instant)> + use<> {
        let pb::EvaluateStreamRequest { id, evaluation, traceparent, tracestate } = message;
        let usual = Instant::now() + self.terms.usual;
        let deadline = self.terms.whole.map_or(usual, |whole| whole.min(usual));
        let mut call = call::call(&self.headers, &self.extensions, Some(deadline), Binding::GrpcStream);
        if !traceparent.is_empty() {
            call.trace = TraceContext::from_headers(Some(&traceparent), Some(&tracestate));
        }
        let Terms { ref pdp, depth, context, explain, spoken, .. } = self.terms;
        call.asks_why = explain && evaluation.as_ref().is_some_and(|evaluation| evaluation.explain);
        let (pdp, taken) = (pdp.clone(), self.held.pop());
        async move {
            let answer = answer(&pdp, id, evaluation.unwrap_or_default(), &call, depth, (context, spoken)).await;
            drop(taken);
            (answer, deadline)
        }
    }
}

async fn answer(
    pdp: &Pdp,
    id: String,
    evaluation: pb::EvaluateRequest,
    call: &Call,
    depth: usize,
    (context, spoken): (AnswerContext, Spoken),
) -> pb::EvaluateStreamResponse {
    use pb::evaluate_stream_response::Result as Outcome;
    let answered = match convert::evaluation(evaluation, depth) {
        Ok(evaluation) => pdp.evaluate(call, evaluation).await.map_err(|refusal| refused(&refusal, spoken)),
        Err(fault) => Err(malformed(pdp, fault, spoken)),
    };
    let result = match answered {
        Ok(answered) => {
            let explanation = answered.explanations.first().and_then(Option::as_ref);
            let says = Says { context, language: spoken.language };
            Outcome::Evaluation(convert::response(says, &answered.answer, answered.record, None, explanation))
        }
        Err(status) => {
            // They are poort's own, and so can be read.
            let details = tonic_types::pb::Status::decode(status.details()).map(|status| status.details);
            let (code, message) = (status.code() as i32, status.message().to_owned());
            Outcome::Error(pb::StreamError { code, message, details: details.unwrap_or_default() })
        }
    };
    pb::EvaluateStreamResponse { id, result: Some(result) }
}
