//! All that is wrong with one question, so that its developer mends it once.
//!
//! The path of a question stops at the first mistake. Only then is the question walked again, to its end. That costs a call
//! that gets no answer as much again, and a good question nothing.

use crate::sources::policy::Invalid;
use std::{collections::HashSet, fmt};

/// How many are told. Metadata of gRPC that is larger than 8 KiB does not arrive everywhere.
const MOST: usize = 8;

/// What does not fit the schema: at least one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    told: Vec<Invalid>,
    untold: usize,
}

impl Mistakes {
    /// Of each field the first is told: others can follow from it.
    pub(super) fn new(mut found: Vec<Invalid>) -> Self {
        let mut fields = HashSet::new();
        found.retain(|invalid| fields.insert(invalid.path.clone()));
        let untold = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        Self { told: found, untold }
    }

    /// The same of an item of a batch.
    #[must_use]
    pub fn in_item(mut self, index: usize) -> Self {
        for Invalid { path, .. } in &mut self.told {
            *path = format!("evaluations[{index}].{path}");
        }
        self
    }

    /// Those that are told.
    #[must_use]
    pub fn told(&self) -> &[Invalid] {
        &self.told
    }
}

impl From<Invalid> for Mistakes {
    fn from(one: Invalid) -> Self {
        Self::new(vec![one])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, invalid) in self.told.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{invalid}")?;
        }
        if self.untold > 0 { write!(f, "; and {} more", self.untold) } else { Ok(()) }
    }
}

impl std::error::Error for Mistakes {}
