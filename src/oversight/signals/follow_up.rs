//! What people do with a signal: they follow it up, and close it with a verdict.
//!
//! Who may do that is a question to the policies like any other. The decision that allows it is on record, and that is what says what
//! became of the signal. So nothing is kept beside the log, and an application that keeps signals needs no other interface.

use crate::types::{
    evaluation::{Parts, Value},
    language::Language,
    texts::signals as texts,
};
use serde::{Deserialize, Serialize};

/// The questions that the policies decide, in `[follow_up]` of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// The type of a signal in the schema, with or without its namespace.
    pub resource: String,
    /// The action that follows a signal up, and closes it where the question has a verdict.
    pub change: String,
    /// The action that shows whose account it is about.
    pub reveal: String,
}

/// The property of a signal that closes it.
pub const VERDICT: &str = "verdict";

/// What a person found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The use had a reason that poort did not know.
    Justified,
    /// It was not meant, such as a record that was opened by mistake.
    Mistake,
    /// It was wrong.
    Misuse,
    /// It cannot be said.
    Unclear,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Justified, Self::Mistake, Self::Misuse, Self::Unclear];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Mistake => "mistake",
            Self::Misuse => "misuse",
            Self::Unclear => "unclear",
        }
    }

    /// It in one sentence.
    #[must_use]
    pub fn sentence(self, language: Language) -> &'static str {
        match self {
            Self::Justified => texts::justified(language),
            Self::Mistake => texts::mistake(language),
            Self::Misuse => texts::misuse(language),
            Self::Unclear => texts::unclear(language),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// What a decision allows to do with a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The id of the signal.
    pub signal: String,
    /// It closes it so. `None`: it follows it up.
    pub verdict: Option<Verdict>,
}

impl FollowUp {
    /// What a question asks to do with a signal. `None`: it is about something else, or its verdict is none.
    pub(super) fn act(&self, question: &Parts<'_>) -> Option<Act> {
        let Parts { action, resource, .. } = question;
        if action.name != self.change || last(&resource.kind) != last(&self.resource) {
            return None;
        }
        let verdict = match resource.properties.get(VERDICT) {
            None => None,
            Some(Value::String(name)) => Some(Verdict::named(name)?),
            Some(_) => return None,
        };
        Some(Act { signal: resource.id.clone(), verdict })
    }
}

/// The name of a type without its namespace.
pub(super) fn last(kind: &str) -> &str {
    kind.rsplit("::").next().unwrap_or(kind)
}
