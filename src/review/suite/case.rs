//! A suite and its cases: single questions, each with the expected answer.

use crate::types::{
    evaluation::{Evaluation, Map},
    moment::TokenClaims,
    problem::SourceFile,
};
use jiff::{Timestamp, civil::Date};
use std::{ops::Range, sync::Arc};

/// One file.
#[derive(Debug, Clone)]
pub struct Suite {
    /// What it is called; the file's stem if it does not say.
    pub name: String,
    /// What it shows.
    pub note: Option<String>,
    /// The file.
    pub file: SourceFile,
    /// Its questions, in the order of the file; tables are expanded.
    pub cases: Vec<Case>,
}

/// One question with what is expected of the answer.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name of the case, or of the table that it comes from.
    pub name: String,
    /// What it shows.
    pub note: Option<String>,
    /// Subject, action, resource and, if it is named, context, with the suite's names for them.
    pub parts: String,
    /// Its place, in bytes: its name, or its row.
    pub place: Range<usize>,
    /// The line of it, counted from one.
    pub line: usize,
    /// The question.
    pub question: Question,
    /// What is expected.
    pub expected: Expected,
}

impl Case {
    /// `case: subject action resource`; unique in a suite unless two rows ask the same.
    #[must_use]
    pub fn title(&self) -> String {
        if self.parts.is_empty() { self.name.clone() } else { format!("{}: {}", self.name, self.parts) }
    }
}

/// A question, in the words of the wire or in those of Cedar.
#[derive(Debug, Clone)]
pub enum Question {
    /// As a caller asks it; the directory and the clock are poort's.
    Wire {
        /// What is asked.
        evaluation: Box<Evaluation>,
        /// When it is asked.
        when: When,
        /// Whether the directory does not know the subject or the resource, and the case is about that.
        unknown: bool,
        /// Whether the time of the policies is over.
        late: bool,
        /// What is known of the subject's own token, if the question has one.
        token: Option<Arc<TokenClaims>>,
    },
    /// As Cedar's `run-tests` asks it: with entities and context of its own.
    Cedar(Box<CedarQuestion>),
}

/// The moment of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// That of the run.
    #[default]
    Present,
    /// Noon of a day, in the organisation's time zone.
    Day(Date),
    /// Exactly this one.
    Moment(Timestamp),
}

/// A question in Cedar's words, as texts and JSON that are not checked yet.
#[derive(Debug, Clone)]
pub struct CedarQuestion {
    /// Such as `User::"alice"`.
    pub principal: String,
    /// Such as `Action::"view"`.
    pub action: String,
    /// Such as `Photo::"vacation.jpg"`.
    pub resource: String,
    /// The whole context.
    pub context: serde_json::Value,
    /// All entities, in Cedar's entity JSON.
    pub entities: serde_json::Value,
}

/// What is expected of an answer. What is `None` may be anything.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The decision.
    pub decision: ExpectedDecision,
    /// The determining policies.
    pub policies: Names,
    /// The obligations.
    pub obligations: Option<Vec<ExpectedObligation>>,
    /// The advice, each text as often as it is given.
    pub advice: Option<Vec<String>>,
    /// The policies that fail to evaluate.
    pub errors: Names,
}

/// The decision that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpectedDecision {
    /// The access may go ahead.
    Allow,
    /// It must not.
    #[default]
    Deny,
    /// The question does not fit the schema, so there is no decision.
    Invalid,
}

impl ExpectedDecision {
    /// `allow`, `deny` or `invalid`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Invalid => "invalid",
        }
    }
}

/// Which policies are expected.
#[derive(Debug, Clone, Default)]
pub enum Names {
    /// Any.
    #[default]
    Any,
    /// These and no others, in any order.
    Exactly(Vec<PlacedName>),
    /// At least these.
    Including(Vec<PlacedName>),
    /// So many.
    Count(usize),
}

impl Names {
    /// The policies that are named.
    #[must_use]
    pub fn named(&self) -> &[PlacedName] {
        match self {
            Self::Exactly(named) | Self::Including(named) => named,
            Self::Any | Self::Count(_) => &[],
        }
    }
}

/// A name with the place where it is written, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedName {
    /// The name.
    pub name: String,
    /// Its place.
    pub place: Range<usize>,
}

/// An obligation that is expected. What is `None` may be anything.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedObligation {
    /// Its id, which begins with the policy's.
    pub id: PlacedName,
    /// Its type.
    pub kind: Option<String>,
    /// Its properties, all of them.
    pub properties: Option<Map>,
}

/// The line of a place in a text, counted from one.
#[must_use]
pub(super) fn line_of(text: &str, place: usize) -> usize {
    text.get(..place).unwrap_or_default().matches('\n').count() + 1
}
