//! A call to the decision point: how it arrived, its answer, and why it has none.

use super::{
    Quota,
    callers::{
        NotPermitted,
        token::{GivenToken, TokenFault},
    },
    engine::Mistakes,
};
use crate::{
    record::decision_log::{Caller, Identity},
    types::{
        decision::Explanation,
        language::Language,
        texts::answers,
        trace::{RecordIdentity, TraceContext},
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use thiserror::Error;

/// The longest that a caller's own deadline can be. Beyond it a timer would overflow on some systems.
pub const LONGEST_DEADLINE: Duration = Duration::from_secs(3600);

/// The binding that a call came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// A gRPC call.
    Grpc,
    /// A message of a gRPC stream.
    GrpcStream,
    /// HTTP with JSON.
    Http,
}

impl Binding {
    /// The label in metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Grpc | Self::GrpcStream => "grpc",
            Self::Http => "http",
        }
    }

    /// What one question by this binding is.
    pub(super) const fn one(self) -> CallKind {
        match self {
            Self::Grpc | Self::Http => CallKind::One,
            Self::GrpcStream => CallKind::Stream,
        }
    }
}

/// What a call asks, for metrics.
#[derive(Debug, Clone, Copy)]
pub(super) enum CallKind {
    One,
    Batch,
    Stream,
}

impl CallKind {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Batch => "batch",
            Self::Stream => "stream",
        }
    }
}

/// How a call arrived, besides what it asks.
#[derive(Debug, Clone)]
pub struct Call {
    /// The binding.
    pub binding: Binding,
    /// The caller's trace, and the identity of the record.
    pub trace: TraceContext,
    /// After this moment nobody waits for an answer any more.
    pub deadline: Option<Instant>,
    /// How the calling application is connected, if it is.
    pub caller: Option<Caller>,
    /// What its connection proves, if that is anything.
    pub identity: Option<Arc<Identity>>,
    /// The subject's own token, if the call carries one.
    pub token: Option<GivenToken>,
    /// The places for questions that its connection may take at once; `None`: as many as there are.
    pub share: Option<Quota>,
    /// It asks for explanations, and may.
    pub asks_why: bool,
}

impl Call {
    /// Whether nobody waits for an answer any more.
    pub(in crate::pdp) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The answer to one question, with its record on disk.
#[derive(Debug, Clone)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// The record that it left.
    pub record: RecordIdentity,
    /// Why, for each answer whose call asks; empty for others.
    pub explanations: Vec<Option<Explanation>>,
}

/// Why no decision was made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The question does not fit the schema.
    #[error("{0}")]
    Invalid(#[from] Mistakes),
    /// A part of the question is missing.
    #[error("{0}: is missing")]
    Missing(String),
    /// The batch has too many items.
    #[error("evaluations: has {found} items; the limit is {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The caller is none of the applications that are configured.
    #[error("the caller is no application that may ask: it shows no credential, or one that no application has")]
    UnknownCaller,
    /// The application may not ask this.
    #[error("{0}")]
    NotPermitted(#[from] NotPermitted),
    /// The subject's own token is needed and is not there, or does not count.
    #[error("{0}")]
    Token(#[from] TokenFault),
    /// As many questions as may be are under way.
    #[error("{}", answers::busy(Language::English))]
    Busy,
    /// The record would be larger than the decision log takes.
    #[error("{}", answers::too_large_to_record(Language::English))]
    TooLarge,
    /// The deadline passed before the answer could leave. A record says so.
    #[error("{}", answers::late(Language::English))]
    Late,
    /// No policies are active, or the decision log is not open yet.
    #[error("{}", answers::not_ready(Language::English))]
    NotReady,
    /// The decision log cannot take the record, so there is no answer.
    #[error("{}", answers::no_record(Language::English))]
    NoRecord,
}

impl Refusal {
    /// Why, for a person. What is wrong with a question is for its developer, and in English.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        match self {
            Self::Invalid(_)
            | Self::Missing(_)
            | Self::TooMany { .. }
            | Self::UnknownCaller
            | Self::NotPermitted(_)
            | Self::Token(_) => self.to_string(),
            Self::Busy => answers::busy(language).to_owned(),
            Self::TooLarge => answers::too_large_to_record(language).to_owned(),
            Self::Late => answers::late(language).to_owned(),
            Self::NotReady => answers::not_ready(language).to_owned(),
            Self::NoRecord => answers::no_record(language).to_owned(),
        }
    }
}

/// Why the wire ended a call without a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is no question.
    Invalid,
    /// It is above a limit.
    TooLarge,
    /// It did not arrive before its deadline.
    Late,
    /// The caller did not take its answers before their deadlines.
    Untaken,
    /// The messages that are under way take all the memory that is for them.
    NoRoom,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_that_users_may_see_is_told_in_both_languages() {
        for (refusal, is_translated) in [
            (Refusal::Busy, true),
            (Refusal::TooLarge, true),
            (Refusal::Late, true),
            (Refusal::NotReady, true),
            (Refusal::NoRecord, true),
            (Refusal::Missing("subject".to_owned()), false),
            (Refusal::TooMany { found: 2, limit: 1 }, false),
            (Refusal::UnknownCaller, false),
            (Refusal::Token(TokenFault::Expired), false),
        ] {
            let [english, dutch] = Language::ALL.map(|language| refusal.message(language));
            assert_eq!(english, refusal.to_string());
            assert_eq!(english != dutch, is_translated, "{dutch}");
        }
    }
}
