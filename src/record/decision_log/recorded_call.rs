//! A call as its record has it: the request, and the response.

use crate::types::{
    decision::Answer,
    evaluation::{Batch, Evaluation},
};
use std::borrow::Cow;

/// The request of a call.
#[derive(Debug, Clone)]
pub enum RecordedRequest<'a> {
    /// One question: `adl.access_evaluation`.
    One(Cow<'a, Evaluation>),
    /// A batch: `adl.access_evaluations`.
    Several(Cow<'a, Batch>),
}

impl RecordedRequest<'_> {
    /// The `event_name` of the record, and the name of the span.
    #[must_use]
    pub const fn event_name(&self) -> &'static str {
        match self {
            Self::One(_) => "adl.access_evaluation",
            Self::Several(_) => "adl.access_evaluations",
        }
    }
}

/// The response to a call.
#[derive(Debug, Clone)]
pub enum RecordedResponse<'a> {
    /// The answer to one question.
    One(Cow<'a, Answer>),
    /// The answers to a batch.
    Several(Cow<'a, [Answer]>),
    /// No decision left.
    Nothing(Unanswered),
}

/// Why no decision left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The caller's deadline passed first.
    DeadlineExceeded,
    /// The caller is no application that may ask. So many refused calls before it left no record.
    UnknownCaller(u64),
    /// The application may not ask it. So many refused calls before it left no record.
    NotPermitted(u64),
    /// The subject's own token does not let the application ask: why. So many refused calls before it left no record.
    Token(&'static str, u64),
}

impl RecordedResponse<'_> {
    /// How many of the answers were found in the cache.
    pub(super) fn cache_hits(&self) -> usize {
        let hit = |answer: &Answer| usize::from(matches!(answer, Answer::Evaluated(evaluated) if evaluated.cached));
        match self {
            Self::One(answer) => hit(answer),
            Self::Several(answers) => answers.iter().map(hit).sum(),
            Self::Nothing(_) => 0,
        }
    }

    /// Why the status is `Error`, if it is: no decision left, or a policy could not be evaluated (ADL 1.0.0, section 3:
    /// missing attributes and faults of the engine). A batch is a completed call, whatever became of its items.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        match self {
            Self::One(answer) => match answer.as_ref() {
                Answer::Evaluated(evaluated) if !evaluated.verdict.errors.is_empty() => Some("evaluation_error"),
                _ => None,
            },
            Self::Several(_) => None,
            Self::Nothing(Unanswered::DeadlineExceeded) => Some("deadline_exceeded"),
            Self::Nothing(Unanswered::UnknownCaller(_)) => Some("unknown_caller"),
            Self::Nothing(Unanswered::NotPermitted(_)) => Some("not_permitted"),
            Self::Nothing(Unanswered::Token(why, _)) => Some(why),
        }
    }

    /// How many refused calls before this one left no record.
    pub(super) const fn unrecorded(&self) -> u64 {
        match self {
            Self::Nothing(
                Unanswered::UnknownCaller(unrecorded)
                | Unanswered::NotPermitted(unrecorded)
                | Unanswered::Token(_, unrecorded),
            ) => *unrecorded,
            Self::One(_) | Self::Several(_) | Self::Nothing(Unanswered::DeadlineExceeded) => 0,
        }
    }
}
