//! Configuration of the engine: what a question means that names what is not known.

use super::UndeclaredMembers;
use crate::types::decision::Party;

/// Configuration of the engine: what a question means that names what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Config {
    /// What becomes of accounts and records that the directory should know and does not.
    pub unknown: UnknownEntities,
    /// What becomes of members that the schema does not declare.
    pub undeclared: UndeclaredMembers,
}

impl Config {
    /// Every one that there can be.
    pub fn all() -> impl Iterator<Item = Self> {
        UnknownEntities::ALL
            .into_iter()
            .flat_map(|unknown| UndeclaredMembers::ALL.into_iter().map(move |undeclared| Self { unknown, undeclared }))
    }
}

impl From<UnknownEntities> for Config {
    fn from(unknown: UnknownEntities) -> Self {
        Self { unknown, ..Self::default() }
    }
}

/// What becomes of a subject or resource that the directory should know and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownEntities {
    /// It is denied: an account that left can do nothing, whatever the policies say.
    #[default]
    Deny,
    /// An account is denied. A record has Cedar's own meaning: an entity without attributes and parents.
    EvaluateResources,
    /// Both have Cedar's own meaning.
    Evaluate,
}

impl UnknownEntities {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Deny, Self::EvaluateResources, Self::Evaluate];

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::EvaluateResources => "evaluate-resources",
            Self::Evaluate => "evaluate",
        }
    }

    pub(super) const fn denies(self, party: Party) -> bool {
        match self {
            Self::Deny => true,
            Self::EvaluateResources => matches!(party, Party::Subject),
            Self::Evaluate => false,
        }
    }
}
