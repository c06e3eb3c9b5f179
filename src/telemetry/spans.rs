//! Decisions as OpenTelemetry spans.
//!
//! A decision record gets its trace id and span id before anything is known about tracing, and the
//! span has to have the same two. A tracer chooses ids itself, so no tracer is used: the span is
//! built when the decision is over and handed to the SDK's batch processor.
//!
//! Spans are for operators and may be lost: the batch processor's queue is bounded, and what does
//! not fit is dropped. It says so in the log once, and how many were lost at the shutdown. The
//! decision record is another thing and is not affected.

use super::{Spans, otlp::SpanExport};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchSpanProcessor, Sampler, SamplingDecision, ShouldSample, SpanData, SpanEvents, SpanLinks, SpanProcessor,
    },
};
use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A decision that is over, as a span of kind "server".
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionSpan {
    /// The trace id of the decision record.
    pub trace_id: [u8; 16],
    /// The span id of the decision record.
    pub span_id: [u8; 8],
    /// The caller's span, if a trace came in with the question.
    pub parent_span_id: Option<[u8; 8]>,
    /// The W3C trace flags. The bit "sampled" is set in what is sent, whatever it is here, because
    /// only sampled spans are sent.
    pub trace_flags: u8,
    /// The W3C `tracestate` that came in. One that cannot be read is left out.
    pub tracestate: Option<String>,
    /// The span's name, from a small closed set.
    pub name: &'static str,
    /// When the question came in.
    pub start: SystemTime,
    /// When the answer was ready.
    pub end: SystemTime,
    /// What the span says about the decision.
    pub attributes: Vec<KeyValue>,
    /// Why no decision was made: status "error". A deny is a decision and has status "unset".
    pub error: Option<String>,
    /// The parts that have spans of their own, below this one.
    pub parts: Vec<Part>,
}

/// A part of a call: a span of kind "internal", with an id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The span's name, from a small closed set.
    pub name: &'static str,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
}

/// Takes spans to be sent. Clones are cheap and share one queue.
#[derive(Clone)]
pub struct SpanSink {
    shared: Arc<Shared>,
}

struct Shared {
    processor: BatchSpanProcessor,
    /// Decides about traces that start here.
    root_sampler: Sampler,
    scope: InstrumentationScope,
    spans: Spans,
    /// The processor logs a warning for every span that comes after its shutdown. Answers may still
    /// be leaving then, so the sink stops first.
    closed: AtomicBool,
}

impl fmt::Debug for SpanSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SpanSink")
            .field("root_sampler", &self.shared.root_sampler)
            .field("closed", &self.shared.closed)
            .finish_non_exhaustive()
    }
}

impl SpanSink {
    /// Starts the thread that sends spans.
    pub(super) fn new(export: SpanExport, resource: &Resource, scope: InstrumentationScope) -> Self {
        let SpanExport { exporter, ratio, spans } = export;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        processor.set_resource(resource);
        Self {
            shared: Arc::new(Shared {
                processor,
                root_sampler: Sampler::TraceIdRatioBased(ratio),
                scope,
                spans,
                closed: AtomicBool::new(false),
            }),
        }
    }

    /// Whether a decision's span is to be recorded. To be asked before [`record`](Self::record),
    /// so that nothing is built for a span that is not sampled.
    ///
    /// `parent_sampled` is the bit "sampled" of the trace that came in, which decides. Without one
    /// the trace starts here, and the configured share of trace ids is sampled: always the same
    /// ids, by the rule of OpenTelemetry's `TraceIdRatioBased`, so that services with the same
    /// share agree.
    pub fn samples(&self, parent_sampled: Option<bool>, trace_id: [u8; 16]) -> bool {
        parent_sampled.unwrap_or_else(|| {
            let sampling = self.shared.root_sampler.should_sample(
                None,
                TraceId::from_bytes(trace_id),
                "",
                &SpanKind::Server,
                &[],
                &[],
            );
            sampling.decision == SamplingDecision::RecordAndSample
        })
    }

    /// Whether the parts of a call have spans.
    #[must_use]
    pub fn wants_parts(&self) -> bool {
        self.shared.spans == Spans::Parts
    }

    /// Queues a span for sending. Never blocks, and drops the span if the queue is full, if
    /// telemetry is shut down, or if one of its ids is all zeros and so not an id.
    pub fn record(&self, span: DecisionSpan) {
        if self.shared.closed.load(Ordering::Relaxed) {
            return;
        }
        let DecisionSpan {
            trace_id,
            span_id,
            parent_span_id,
            trace_flags,
            tracestate,
            name,
            start,
            end,
            attributes,
            error,
            parts,
        } = span;
        let tracestate: TraceState = tracestate.and_then(|text| text.parse().ok()).unwrap_or_default();
        let span_context = SpanContext::new(
            TraceId::from_bytes(trace_id),
            SpanId::from_bytes(span_id),
            TraceFlags::new(trace_flags).with_sampled(true),
            false,
            tracestate,
        );
        if !span_context.is_valid() {
            return;
        }
        for Part { name, start, end } in parts {
            let id = SpanId::from_bytes(rand::random());
            let flags = span_context.trace_flags();
            let state = span_context.trace_state().clone();
            self.shared.processor.on_end(SpanData {
                span_context: SpanContext::new(span_context.trace_id(), id, flags, false, state),
                parent_span_id: span_context.span_id(),
                parent_span_is_remote: false,
                span_kind: SpanKind::Internal,
                name: Cow::Borrowed(name),
                start_time: start,
                end_time: end,
                attributes: Vec::new(),
                dropped_attributes_count: 0,
                events: SpanEvents::default(),
                links: SpanLinks::default(),
                status: Status::Unset,
                instrumentation_scope: self.shared.scope.clone(),
            });
        }
        self.shared.processor.on_end(SpanData {
            span_context,
            parent_span_id: parent_span_id.map_or(SpanId::INVALID, SpanId::from_bytes),
            parent_span_is_remote: parent_span_id.is_some(),
            span_kind: SpanKind::Server,
            name: Cow::Borrowed(name),
            start_time: start,
            end_time: end,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.shared.scope.clone(),
        });
    }

    /// Sends what is queued and stops. Blocks for `bound` at most.
    pub(super) fn close(&self, bound: Duration) -> OTelSdkResult {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.processor.shutdown_with_timeout(bound)
    }
}
