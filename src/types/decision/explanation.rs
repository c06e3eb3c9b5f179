//! The explanation of a decision: what each policy that matters made of the question, condition by condition. It is for
//! people. No decision reads it.

use super::PolicyFacts;
use crate::types::{language::Language, texts::explain};
use std::{fmt, sync::Arc};

/// The explanation of a decision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// The policies that decide, or that came nearest to it. Those that decide are first.
    pub policies: Vec<ExplainedPolicy>,
    /// How many others are about such questions, and are not told.
    pub others: usize,
}

/// What a policy made of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedPolicy {
    /// The policy.
    pub facts: Arc<PolicyFacts>,
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// Its place.
    pub place: SourceLine,
    /// Whether it applies.
    pub outcome: Outcome,
    /// Its scope, if it does not fit, and its clauses. None are looked at where the scope does not fit.
    pub clauses: Vec<ExplainedClause>,
}

/// The effect of a policy that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

/// A line of a file, counted from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file.
    pub file: Arc<str>,
    /// The line.
    pub line: usize,
}

/// What evaluation made of a policy, or of a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds; a policy applies.
    Met,
    /// It does not.
    NotMet,
    /// It could not be evaluated, for this reason.
    Failed(String),
    /// Evaluation ended before it.
    NotReached,
}

/// A clause of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedClause {
    /// Which kind.
    pub kind: ClauseKind,
    /// What is between its braces. Of an `unless` the policy applies where this does not hold.
    pub part: ExplainedPart,
}

/// The kinds of clauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClauseKind {
    /// Principal, action and resource.
    Scope,
    /// The policy applies only where it holds.
    When,
    /// An exception: the policy applies only where it does not hold.
    Unless,
}

/// A boolean part of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedPart {
    /// Whether it holds.
    pub outcome: Outcome,
    /// What it is.
    pub form: PartForm,
}

/// What a boolean part of a policy is.
#[derive(Debug, Clone, PartialEq)]
pub enum PartForm {
    /// A condition.
    Condition(ExplainedCondition),
    /// `true` or `false`.
    Constant,
    /// The opposite.
    Not(Box<ExplainedPart>),
    /// All of them (`&&`).
    All(Vec<ExplainedPart>),
    /// One of them at least (`||`).
    Any(Vec<ExplainedPart>),
    /// A test, what must hold where it holds, and what must hold else.
    If(Box<[ExplainedPart; 3]>),
}

/// A condition, with what it compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedCondition {
    /// Its text, on one line.
    pub text: String,
    /// Its place.
    pub place: SourceLine,
    /// The values of what it compares: expression and value, as a person reads them.
    pub values: Vec<(String, String)>,
}

/// A condition that made a policy apply or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deciding<'a> {
    /// The kind of clause that it is in.
    pub clause: ClauseKind,
    /// The condition.
    pub condition: &'a ExplainedCondition,
    /// Whether it holds.
    pub outcome: &'a Outcome,
}

impl Effect {
    /// Its word in Cedar.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

impl ClauseKind {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::When => "when",
            Self::Unless => "unless",
        }
    }
}

impl Outcome {
    /// Whether it holds.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        matches!(self, Self::Met)
    }

    /// Met, not met, or why neither can be said.
    #[must_use]
    pub const fn words(&self, language: Language) -> &'static str {
        match self {
            Self::Met => explain::met(language),
            Self::NotMet => explain::not_met(language),
            Self::Failed(_) => explain::failed(language),
            Self::NotReached => explain::not_looked_at(language),
        }
    }
}

impl From<Result<bool, String>> for Outcome {
    fn from(holds: Result<bool, String>) -> Self {
        match holds {
            Ok(true) => Self::Met,
            Ok(false) => Self::NotMet,
            Err(message) => Self::Failed(message),
        }
    }
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl SourceLine {
    /// Without the folders that the file is in on the host, for callers.
    #[must_use]
    pub fn inside(&self) -> String {
        format!("{}:{}", self.file.rsplit('/').next().unwrap_or(&self.file), self.line)
    }
}

impl ExplainedPolicy {
    /// The conditions that made it apply or not: of what must all hold and does not, the one that failed; of alternatives of
    /// which none holds, those of each.
    #[must_use]
    pub fn deciding(&self) -> Vec<Deciding<'_>> {
        let mut found = Vec::new();
        // A clause that keeps the policy from applying decides alone.
        let holds_back = |clause: &&ExplainedClause| match clause.kind {
            ClauseKind::Unless => clause.part.outcome != Outcome::NotMet,
            ClauseKind::When | ClauseKind::Scope => clause.part.outcome != Outcome::Met,
        };
        let decisive: Vec<_> = match self.clauses.iter().find(holds_back).filter(|_| !self.outcome.is_met()) {
            Some(one) => vec![one],
            None => self.clauses.iter().collect(),
        };
        decisive.into_iter().for_each(|clause| clause.part.deciding(clause.kind, &mut found));
        found
    }
}

impl ExplainedPart {
    fn deciding<'a>(&'a self, clause: ClauseKind, found: &mut Vec<Deciding<'a>>) {
        let mut each = |parts: &mut dyn Iterator<Item = &'a Self>| parts.for_each(|part| part.deciding(clause, found));
        let differs = |part: &&Self| part.outcome == self.outcome;
        match &self.form {
            PartForm::Condition(condition) => {
                found.push(Deciding { clause, condition, outcome: &self.outcome });
            }
            PartForm::Constant => {}
            PartForm::Not(inner) => inner.deciding(clause, found),
            PartForm::All(parts) if self.outcome.is_met() => each(&mut parts.iter()),
            PartForm::Any(parts) if self.outcome == Outcome::NotMet => each(&mut parts.iter()),
            PartForm::All(parts) | PartForm::Any(parts) => each(&mut parts.iter().find(differs).into_iter()),
            PartForm::If(parts) => {
                each(&mut parts.iter().filter(|part| part.outcome != Outcome::NotReached));
            }
        }
    }
}
