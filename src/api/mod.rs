//! The interfaces of poort: gRPC and HTTPS+JSON for callers on one port, over TCP, TLS or a Unix socket; HTTP for operators on
//! another.
//!
//! Both bindings make the same [`Evaluation`](crate::types::evaluation::Evaluation) and call the same
//! [`crate::pdp::Pdp`], so they cannot decide differently. Statuses of both are made in one place.
//!
//! - `grpc`: `poort.v1.AccessEvaluation`, health and reflection
//! - `http`: AuthZEN 1.0 JSON
//! - `documents`: the descriptions of questions
//! - `admin`: the operators' port: health, readiness, metrics
//! - `status`: the status of a refusal in each binding
//! - `call`: trace context, deadline and language of a call
//! - `peer`: the connection of a call
//! - `origin`: the names of this decision point, in `Host` and `Origin`
//! - `transport`: sockets, TLS and connections

pub mod admin;
mod call;
mod documents;
mod grpc;
mod http;
mod origin;
mod peer;
mod status;
pub mod transport;

pub use call::AnswerContext;
pub use grpc::{FILE_DESCRIPTOR_SET, Health, pb};

use crate::{
    pdp::{Pdp, Quota},
    types::language::Language,
};
use opentelemetry::metrics::Meter;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use transport::Dispatch;

/// Configuration of the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The largest message in bytes: a gRPC message, or the body of a JSON request.
    pub message: usize,
    /// How many bytes of messages may be under way together: arriving, or not answered yet.
    pub unread: usize,
    /// How deep lists and objects may lie in each other, the question itself included.
    pub depth: usize,
    /// How long a question may take whose caller sets no deadline.
    pub deadline: Duration,
    /// The address by which callers know this decision point, for AuthZEN metadata; `None`: the address that they reached.
    pub public_url: Option<String>,
    /// Whether callers reach the port over TLS.
    pub tls: bool,
    /// How much an answer says to a caller that has no preference.
    pub context: AnswerContext,
    /// Whether callers get explanations of answers when they ask for them.
    pub explain: bool,
    /// The language of sentences for a caller that prefers none of poort's languages.
    pub language: Language,
}

impl Default for Config {
    /// 64 MiB under way: 15 messages of the largest size, or more than 10 000 calls of usual size, which is as many as are
    /// answered at once.
    /// 4 MiB: what gRPC libraries send and take by themselves, so that a limit is met here and not in between. 16 deep:
    /// twice what a schema of records in records needs. 5 s: long enough for a disk that stalls, short enough that a
    /// caller without a deadline does not hang.
    fn default() -> Self {
        Self {
            message: 4 << 20,
            unread: 64 << 20,
            depth: 16,
            deadline: Duration::from_secs(5),
            public_url: None,
            tls: false,
            context: AnswerContext::Full,
            explain: false,
            language: Language::default(),
        }
    }
}

/// All that is served to callers.
///
/// `stopping` ends what would otherwise go on for as long as the caller likes, such as streams.
pub fn dispatch(
    pdp: &Arc<Pdp>,
    config: &Config,
    health: &Health,
    meter: &Meter,
    stopping: &CancellationToken,
) -> Dispatch {
    let auxiliary = grpc::auxiliary(health, stopping);
    let unread = Quota::new(config.unread);
    observe(&unread, config.unread, meter);
    let rest = auxiliary.merge(http::routes(pdp, config, &unread)).fallback(http::not_found);
    Dispatch::new(grpc::questions(pdp, config, &unread, stopping), rest)
}

/// Tells operators how much of this budget of bytes is taken.
fn observe(unread: &Quota, limit: usize, meter: &Meter) {
    let seen = unread.clone();
    meter
        .u64_observable_gauge("poort.messages.bytes")
        .with_description("Bytes of messages that arrive or are being answered, of limits.unread.")
        .with_callback(move |gauge| gauge.observe(limit.saturating_sub(seen.left()) as u64, &[]))
        .build();
}
