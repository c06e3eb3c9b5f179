//! The answer: allow or deny, and why.
//!
//! *Allow* and *deny* are decisions; *permit* and *forbid* are effects of a policy. A deny is an answer, never an error.
//!
//! - `explanation`: why, condition by condition, for people
//! - `reason`: why, in a sentence for people
//! - `undeclared`: members of the question that were ignored
//! - `unknown`: references that the directory does not know
//! - `wording`: what a policy says, in its languages

mod explanation;
mod reason;
mod undeclared;
mod unknown;
mod wording;

pub use explanation::{
    ClauseKind, Deciding, Effect, ExplainedClause, ExplainedCondition, ExplainedPart, ExplainedPolicy, Explanation,
    Outcome, PartForm, SourceLine,
};
pub use reason::Cause;
pub use undeclared::Undeclared;
pub use unknown::{MOST, Named, UnknownReference};
pub use wording::Wording;

use crate::types::{evaluation::Map, language::Language, revision::Revision};
use std::{fmt, sync::Arc};

/// May the access go ahead?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may.
    Allow,
    /// It must not.
    Deny,
}

impl Decision {
    /// Whether the access may go ahead.
    #[must_use]
    pub const fn is_allow(self) -> bool {
        matches!(self, Self::Allow)
    }

    /// `allow` or `deny`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the engine found on one question. It depends on the snapshot and the question alone, so it can be cached.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// The policies that determine this decision, ordered by id.
    pub policies: Vec<Arc<PolicyFacts>>,
    /// The policies that could not be evaluated, ordered by id. Any of these makes the decision a deny.
    pub errors: Vec<EvaluationError>,
    /// Why it is what it is. The sentence for it is made in the language of whom it is for.
    pub cause: Cause,
}

/// The one or the other entity of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The subject.
    Subject,
    /// The resource.
    Resource,
}

impl Party {
    /// AuthZEN's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Resource => "resource",
        }
    }
}

/// What a policy says about itself, for people and for the caller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyFacts {
    /// The policy's `@id`.
    pub id: String,
    /// The policy's `@title`; empty if it has none.
    pub title: Wording,
    /// The articles of law that the policy rests on (`@basis`); empty if it names none.
    pub basis: String,
    /// What the caller must do when this policy determines the decision.
    pub obligations: Vec<Obligation>,
    /// What the caller may do when this policy determines the decision.
    pub advice: Option<Wording>,
    /// What the user of the application is told when this policy denies (`@reason_user`). `None`: nothing.
    pub reason_user: Option<Wording>,
}

/// The type of the obligation that ends all sessions of a subject (AuthZEN obligations profile).
pub const SESSION_TERMINATION: &str = "session_termination";

/// Something that the caller must do with a decision (AuthZEN obligations profile).
#[derive(Debug, Clone, PartialEq)]
pub struct Obligation {
    /// Unique within an answer: it begins with the policy's id.
    pub id: String,
    /// `step-up`, `notification`, `session_termination` or `custom`.
    pub kind: String,
    /// What the kind asks for.
    pub properties: Map,
}

impl Obligation {
    /// What it asks for, by the keys under which an application knows it: the properties of a custom one, else its type.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let is_custom = self.kind == "custom" && !self.properties.is_empty();
        let properties = self.properties.keys().map(String::as_str).filter(move |_| is_custom);
        properties.chain((!is_custom).then_some(self.kind.as_str()))
    }
}

/// A policy that failed while it was evaluated. Cedar skips it; poort denies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvaluationError {
    /// The policy's `@id`.
    pub policy: String,
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// What went wrong. It can quote values and ids of the question and of the directory.
    pub message: String,
}

/// What kind of thing went wrong while a policy was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// An entity is not there.
    MissingEntity,
    /// An attribute or a tag is not there.
    MissingAttribute,
    /// A value is of another type than the operation takes.
    WrongType,
    /// A sum, difference or product is too large.
    Overflow,
    /// A function such as `ip` or `datetime` does not take the value.
    Function,
    /// Expressions nest too deep.
    TooDeep,
    /// Something else.
    Other,
}

impl ErrorKind {
    /// What went wrong, without any value.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::MissingEntity => "an entity is missing",
            Self::MissingAttribute => "an attribute is missing",
            Self::WrongType => "a value is of the wrong type",
            Self::Overflow => "a number is too large",
            Self::Function => "a function does not take its argument",
            Self::TooDeep => "an expression is nested too deep",
            Self::Other => "the policy could not be evaluated",
        }
    }
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The question was evaluated.
    Evaluated(Evaluated),
    /// An item of a batch had a fault in its form; the item is denied.
    Fault(Fault),
}

/// A verdict with the revisions under which it was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// What the engine found.
    pub verdict: Arc<Verdict>,
    /// The revision of the policies.
    pub revision: Revision,
    /// The revision of the directory.
    pub directory_revision: Revision,
    /// Whether the verdict was found in the cache.
    pub cached: bool,
    /// What of the question was ignored. It is no part of the verdict, which other questions can share.
    pub undeclared: Undeclared,
    /// What the directory says of the subject and the schema wants named (`@recorded`), such as its profile with the
    /// version. It is no part of the verdict either.
    pub subject: Option<Arc<Map>>,
    /// The references of the question that the directory does not know; at most [`MOST`].
    pub unknown: Vec<UnknownReference>,
}

/// Why an item of a batch was not evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status that the same fault gives on its own.
    pub status: u16,
    /// What is wrong and where.
    pub message: String,
}

impl Answer {
    /// Whether the access may go ahead.
    #[must_use]
    pub fn decision(&self) -> Decision {
        match self {
            Self::Evaluated(evaluated) => evaluated.verdict.decision,
            Self::Fault(_) => Decision::Deny,
        }
    }

    /// The reason, if the application alone is why this is a deny: it cannot do what the access asks for.
    #[must_use]
    pub fn unsupported(&self, language: Language) -> Option<String> {
        match self {
            Self::Evaluated(evaluated) => {
                evaluated.verdict.is_told_to_anybody().then(|| evaluated.verdict.reason(language))
            }
            Self::Fault(_) => None,
        }
    }
}
