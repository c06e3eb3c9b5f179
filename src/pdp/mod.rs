//! The policy decision point: the whole path of a question, in one place.
//!
//! Snapshot → may the caller ask → question → cache or engine → record → answer. What holds here:
//! - A call takes one snapshot and one moment, and uses no other.
//! - `Ok` is returned only when the record of exactly that answer is on disk.
//! - Every failure is a [`Refusal`]: no decision was made, and none is guessed.
//! - No queue is unbounded: beyond the limit of concurrent questions the answer is [`Refusal::Busy`] at once.
//!
//! - `engine`: the decision itself, pure
//! - `conditions`: splits policies into their smallest boolean parts
//! - `explain`: why, policy by policy and condition by condition, for people
//! - `cache`: equal questions have equal answers
//! - `callers`: which application asks, and whether it may
//! - `call`: how a call arrived, its answer, and why it has none
//! - `batch`: the items of a batch, one by one
//! - `clock`: the moment of a decision
//! - `config`: its configuration
//! - `description`: what questions may hold, as JSON Schema and OpenAPI
//! - `deciding`: the configuration that can change a decision
//! - `metrics`: what operators see of it
//! - `quota`: how much may be under way at once
//! - `refused`: callers that may not ask

mod batch;
pub mod cache;
mod call;
pub mod callers;
mod clock;
pub mod conditions;
mod config;
mod deciding;
pub mod description;
pub mod engine;
pub mod explain;
mod metrics;
mod quota;
mod refused;

pub use batch::{answers, parts};
pub use call::{Answered, Binding, Call, LONGEST_DEADLINE, Refusal, Unread};
pub use clock::Clock;
pub use config::Config;
pub use deciding::Deciding;
pub use quota::{Quota, Taken};

use crate::{
    record::{
        decision_log::{Appended, DecisionLog, Record, RecordedRequest, RecordedResponse, Unanswered},
        spool::{AppendError, DamagedSegment},
    },
    sources::{policy::obligations::Obligations, snapshot::Snapshot, store::Store},
    telemetry::{DecisionSpan, Part, SpanSink},
    types::{
        decision::Answer,
        evaluation::{Batch, Evaluation, Parts},
        moment::{Moment, PolicyAge},
    },
};
use cache::Cache;
use call::CallKind;
use callers::Callers;
use description::{Documents, Served, Unavailable};
use engine::Mistakes;
use explain::KnownConditions;
use metrics::Metrics;
use opentelemetry::{KeyValue, metrics::Meter};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime},
};

/// The policy decision point.
#[derive(Debug)]
pub struct Pdp {
    config: Config,
    store: Arc<Store>,
    callers: Option<Arc<Callers>>,
    cache: Cache,
    log: OnceLock<DecisionLog>,
    clock: Clock,
    under_way: Quota,
    metrics: Metrics,
    spans: Option<SpanSink>,
    described: Served,
    conditions: KnownConditions,
}

impl Pdp {
    /// Counts a call that the wire ended by itself. Refusals are counted here.
    pub fn count_unread(&self, why: Unread) {
        self.metrics.unread(why);
    }

    /// Puts the parts together, but for the log: reading what an old log holds can take a while, and health is told
    /// meanwhile.
    #[must_use]
    pub fn new(
        config: Config,
        store: Arc<Store>,
        cache: Cache,
        clock: Clock,
        meter: &Meter,
        spans: Option<SpanSink>,
    ) -> Self {
        let under_way = Quota::new(config.concurrent);
        let metrics = Metrics::new(meter, &under_way, config.concurrent, &store);
        let callers = Callers::new(&config.callers, meter).map(Arc::new);
        Self {
            config,
            store,
            callers,
            cache,
            log: OnceLock::new(),
            clock,
            under_way,
            metrics,
            spans,
            described: Served::default(),
            conditions: KnownConditions::default(),
        }
    }

    /// Gives it the log that its records go to. Until then nothing is answered. A second log is not taken.
    pub fn record_to(&self, log: DecisionLog) {
        // Only the first one counts; the sidecar opens one.
        let _ = self.log.set(log);
    }

    /// What recognises callers, if they are to be recognised.
    #[must_use]
    pub fn callers(&self) -> Option<Arc<Callers>> {
        self.callers.clone()
    }

    /// Whether questions can be answered now: a snapshot is active and records are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.store.snapshot().is_some() && self.log.get().is_some_and(DecisionLog::allows_answers)
    }

    /// The segments of the log in which damage was found since the start.
    #[must_use]
    pub fn damaged_segments(&self) -> Vec<DamagedSegment> {
        self.log.get().map(|log| log.damaged().borrow().clone()).unwrap_or_default()
    }

    /// How many items a batch may have.
    #[must_use]
    pub const fn batch_limit(&self) -> usize {
        self.config.batch
    }

    /// The types of obligations that the active policies can give, ordered.
    #[must_use]
    pub fn obligation_kinds(&self) -> BTreeSet<String> {
        let snapshot = self.store.snapshot();
        let facts = snapshot.iter().flat_map(|snapshot| snapshot.policies.facts.values());
        facts.flat_map(|facts| &facts.obligations).map(|obligation| obligation.kind.clone()).collect()
    }

    /// The obligations that the active policies declare.
    #[must_use]
    pub fn declared_obligations(&self) -> Obligations {
        self.store.snapshot().map(|snapshot| snapshot.policies.model.obligations.clone()).unwrap_or_default()
    }

    /// What describes the questions that the active policies answer.
    ///
    /// # Errors
    /// Why there is no description.
    pub async fn documents(&self) -> Result<Documents, Unavailable> {
        self.described.documents(&self.store).await
    }

    /// Answers one question.
    ///
    /// # Errors
    /// No decision was made.
    pub async fn evaluate(&self, call: &Call, evaluation: Evaluation) -> Result<Answered<Answer>, Refusal> {
        let run = Run::start();
        let answered = self.evaluate_one(call, evaluation, &run).await;
        self.metrics.finish(&answered, run.started, call.binding, call.binding.one());
        answered
    }

    async fn evaluate_one(&self, call: &Call, evaluation: Evaluation, run: &Run) -> Result<Answered<Answer>, Refusal> {
        let _places = self.enter(call, 1)?;
        let (snapshot, mut moment) = self.snapshot_and_moment(call)?;
        if let Err(refusal) = self.permit(call, &snapshot, &mut moment, (&evaluation).into()) {
            let asked = refused::one(&evaluation);
            return Err(self.refuse(call, refusal, asked, &snapshot, &moment, run).await);
        }
        let asked = RecordedRequest::One(Cow::Borrowed(&evaluation));
        if call.is_late() {
            return self.too_late(call, asked, &snapshot, &moment, run).await;
        }
        let answer = self.answer(&snapshot, &evaluation, &moment)?;
        let explanations = match call.asks_why {
            true => {
                let asked = vec![(Some(Parts::from(&evaluation)), &answer)];
                self.conditions.explanations(call, &snapshot, &moment, self.config.engine, asked).await
            }
            false => Vec::new(),
        };
        let decided = RecordedResponse::One(Cow::Borrowed(&answer));
        self.keep(call, record(call, asked, decided, &snapshot, &moment), run).await?;
        self.metrics.decided(&answer);
        Ok(Answered { answer, record: call.trace.identity, explanations })
    }

    /// Answers a batch under one snapshot.
    ///
    /// # Errors
    /// No decision was made. A fault in one item is not an error here: it is that item's answer.
    pub async fn evaluate_batch(&self, call: &Call, batch: Batch) -> Result<Answered<Vec<Answer>>, Refusal> {
        let run = Run::start();
        let answered = self.evaluate_several(call, batch, &run).await;
        self.metrics.finish(&answered, run.started, call.binding, CallKind::Batch);
        answered
    }

    async fn evaluate_several(&self, call: &Call, batch: Batch, run: &Run) -> Result<Answered<Vec<Answer>>, Refusal> {
        let found = batch.items.len();
        if found > self.config.batch {
            return Err(Refusal::TooMany { found, limit: self.config.batch });
        }
        let _places = self.enter(call, found.max(1))?;
        let (snapshot, mut moment) = self.snapshot_and_moment(call)?;
        // Who may ask nothing is refused as a whole, within the bound on records; else each item is judged.
        let known = self.application(call).and_then(|application| {
            let Some(name) = application else { return Ok((None, None)) };
            callers::check_named(&snapshot, name)?;
            Ok((application, self.token(call, &snapshot, name)?))
        });
        let (application, token) = match known {
            Ok(known) => known,
            Err(refusal) => {
                let asked = refused::several(&batch);
                return Err(self.refuse(call, refusal, asked, &snapshot, &moment, run).await);
            }
        };
        moment.token = token.as_ref().map(|token| token.claims.clone());
        let mut answers = Vec::with_capacity(found);
        let mut turn = Instant::now();
        for (index, item) in batch.items.iter().enumerate() {
            if call.is_late() {
                return self
                    .too_late(call, RecordedRequest::Several(Cow::Borrowed(&batch)), &snapshot, &moment, run)
                    .await;
            }
            let answer = |parts: Parts<'_>| match self.fault(&snapshot, application, token.as_deref(), parts) {
                Some(fault) => Ok(fault),
                None => self.answer(&snapshot, parts, &moment),
            };
            let (answer, is_last) = batch::step(&batch, index, item, answer);
            answers.push(answer);
            if is_last {
                break;
            }
            // A long batch lets other calls of this thread go on: by time, since items can be as large as a message.
            if turn.elapsed() >= TURN {
                tokio::task::yield_now().await;
                turn = Instant::now();
            }
        }
        let mut explanations = Vec::new();
        if call.asks_why {
            let mut asked = Vec::with_capacity(answers.len());
            for (index, (item, answer)) in batch.items.iter().zip(&answers).enumerate() {
                asked.push((parts(&batch, item, index), answer));
            }
            explanations = self.conditions.explanations(call, &snapshot, &moment, self.config.engine, asked).await;
        }
        // Its record is made at one stretch.
        tokio::task::yield_now().await;
        let (asked, decided) =
            (RecordedRequest::Several(Cow::Borrowed(&batch)), RecordedResponse::Several(Cow::Borrowed(&answers)));
        self.keep(call, record(call, asked, decided, &snapshot, &moment), run).await?;
        answers.iter().for_each(|answer| self.metrics.decided(answer));
        Ok(Answered { answer: answers, record: call.trace.identity, explanations })
    }

    /// The places of these questions: of their connection's share, and of all.
    fn enter(&self, call: &Call, questions: usize) -> Result<(Option<Taken>, Taken), Refusal> {
        let take = |places: &Quota| places.take(questions).ok_or(Refusal::Busy);
        Ok((call.share.as_ref().map(take).transpose()?, take(&self.under_way)?))
    }

    /// The one snapshot and the one moment of a call.
    fn snapshot_and_moment(&self, call: &Call) -> Result<(Arc<Snapshot>, Moment), Refusal> {
        // A question that cannot be recorded need not be evaluated.
        if !self.log.get().ok_or(Refusal::NotReady)?.allows_answers() {
            return Err(Refusal::NoRecord);
        }
        let snapshot = self.store.snapshot().ok_or(Refusal::NotReady)?;
        let mut moment = self.clock.now();
        if self.callers.is_some() {
            moment.application = call.identity.as_ref().and_then(|identity| identity.application.clone());
        }
        moment.policies = snapshot.validity.map_or(PolicyAge::Live, |validity| validity.at(moment.now));
        Ok((snapshot, moment))
    }

    fn answer<'a>(
        &self,
        snapshot: &'a Snapshot,
        evaluation: impl Into<Parts<'a>>,
        moment: &'a Moment,
    ) -> Result<Answer, Mistakes> {
        let checked = engine::check_question(snapshot, evaluation, moment, self.config.engine)?;
        let decide = || checked.question().map(|question| engine::decide(snapshot, &question));
        let (verdict, cached) = self.cache.verdict(checked.key(), decide)?;
        Ok(Answer::Evaluated(checked.answer(verdict, snapshot.revisions().clone(), cached)))
    }

    /// Records that the deadline passed before anything was decided.
    async fn too_late<T>(
        &self,
        call: &Call,
        asked: RecordedRequest<'_>,
        snapshot: &Snapshot,
        moment: &Moment,
        run: &Run,
    ) -> Result<T, Refusal> {
        let nothing = RecordedResponse::Nothing(Unanswered::DeadlineExceeded);
        let record = record(call, asked, nothing, snapshot, moment);
        // A record without an answer has no late form, so the deadline has no effect.
        self.keep(call, record, run).await?;
        Err(Refusal::Late)
    }

    /// Waits until the record is on disk. Only then may the answer leave.
    async fn keep(&self, call: &Call, record: Record<'_>, run: &Run) -> Result<(), Refusal> {
        let span = self.span(&record);
        let decided = run.started.elapsed();
        let log = self.log.get().ok_or(Refusal::NotReady)?;
        let appended = log.append(record, call.deadline).await.map_err(|error| match error {
            AppendError::QueueFull => Refusal::Busy,
            AppendError::TooLarge => Refusal::TooLarge,
            AppendError::DiskFull | AppendError::Failed | AppendError::Closed => Refusal::NoRecord,
        })?;
        if let (Some(sink), Some(mut span)) = (&self.spans, span) {
            span.start = run.wall;
            span.end = run.wall + run.started.elapsed();
            if sink.wants_parts() {
                let decided = run.wall + decided;
                span.parts = vec![
                    Part { name: "poort.decide", start: span.start, end: decided },
                    Part { name: "poort.commit", start: decided, end: span.end },
                ];
            }
            if appended == Appended::Late {
                span.error = Some("deadline_exceeded".to_owned());
            }
            sink.record(span);
        }
        match appended {
            Appended::Durable => Ok(()),
            Appended::Unrecorded => {
                self.metrics.unrecorded();
                Ok(())
            }
            Appended::Late => Err(Refusal::Late),
        }
    }

    /// The OpenTelemetry span of a call: the same ids and name as its record. `None` if traces are off or not sampled.
    fn span(&self, record: &Record<'_>) -> Option<DecisionSpan> {
        let sink = self.spans.as_ref()?;
        let identity = record.trace.identity;
        let parent = record.trace.parent.as_ref();
        let sampled = parent.map(|parent| parent.flags & 1 == 1);
        sink.samples(sampled, identity.trace_id.bytes()).then(|| {
            let mut attributes = vec![KeyValue::new("poort.revision", record.policies.to_string())];
            if let RecordedResponse::One(answer) = &record.decided {
                attributes.push(KeyValue::new("poort.decision", answer.decision().name()));
            }
            DecisionSpan {
                trace_id: identity.trace_id.bytes(),
                span_id: identity.span_id.bytes(),
                parent_span_id: parent.map(|parent| parent.span_id.bytes()),
                trace_flags: parent.map_or(1, |parent| parent.flags),
                tracestate: parent.map(|parent| parent.state.clone()).filter(|state| !state.is_empty()),
                name: record.asked.event_name(),
                start: SystemTime::UNIX_EPOCH,
                end: SystemTime::UNIX_EPOCH,
                attributes,
                error: record.decided.outcome().map(str::to_owned),
                parts: Vec::new(),
            }
        })
    }
}

fn record<'a>(
    call: &'a Call,
    asked: RecordedRequest<'a>,
    decided: RecordedResponse<'a>,
    snapshot: &'a Snapshot,
    moment: &'a Moment,
) -> Record<'a> {
    let Snapshot { policies, directory, .. } = snapshot;
    Record {
        trace: &call.trace,
        caller: call.caller,
        identity: call.identity.as_deref(),
        moment,
        asked,
        decided,
        model: &policies.model,
        policies: &policies.revision,
        directory: &directory.revision,
    }
}

/// When a call began: for its duration, and for its span.
struct Run {
    started: Instant,
    wall: SystemTime,
}

impl Run {
    fn start() -> Self {
        Self { started: Instant::now(), wall: SystemTime::now() }
    }
}

/// How long a batch keeps a thread at a stretch, when one item is not longer: some fifty questions of usual size, which others
/// hardly notice.
const TURN: Duration = Duration::from_micros(500);
