//! Reports the results of suites, for people and for CI.
//!
//! - `human`: for a terminal
//! - `json`: for scripts; its field names are documented there and stay
//! - `coverage`: what was seen of the policies
//! - `html`: coverage as a page
//! - `mutation`: what no case notices
//! - `junit`: JUnit XML, which every CI system reads

mod coverage;
mod html;
mod human;
mod json;
mod junit;
mod mutation;
#[cfg(test)]
mod tests;

pub use coverage::coverage_lines;
pub use html::html;
pub use human::{human, listing};
pub use json::json;
pub use junit::junit;
pub use mutation::mutation_lines;

use super::{
    coverage::Coverage,
    mutate::Mutation,
    run::{CaseOutcome, Ran},
};
use crate::types::problem::{Problem, has_errors};

/// The results of a run.
#[derive(Debug, Default)]
pub struct Results {
    /// The result of each suite.
    pub ran: Vec<Ran>,
    /// What is wrong with the files of suites, warnings too. Mistakes of single cases are in their outcomes.
    pub problems: Vec<Problem>,
}

/// The optional results besides those of the cases.
#[derive(Debug, Clone, Copy, Default)]
pub struct More<'a> {
    /// What was seen of the policies.
    pub coverage: Option<&'a Coverage<'a>>,
    /// What no case notices.
    pub mutation: Option<&'a Mutation<'a>>,
}

/// How many cases there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Could not be asked as they are meant.
    pub mistaken: usize,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> usize {
        self.passed + self.failed + self.mistaken
    }

    fn add(&mut self, outcome: &CaseOutcome) {
        match outcome {
            CaseOutcome::Passed(_) => self.passed += 1,
            CaseOutcome::Failed(..) => self.failed += 1,
            CaseOutcome::Mistaken(_) => self.mistaken += 1,
        }
    }
}

impl Ran {
    /// How many cases of this suite there are of each kind.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.outcomes.iter().for_each(|outcome| counts.add(outcome));
        counts
    }
}

impl Results {
    /// How many cases there are of each kind, over all suites.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.ran.iter().flat_map(|ran| &ran.outcomes).for_each(|outcome| counts.add(outcome));
        counts
    }

    /// Everything that is wrong with the suites, those of single cases included; the same mistake once.
    #[must_use]
    pub fn all_problems(&self) -> Vec<Problem> {
        let of_cases = self.ran.iter().flat_map(|ran| {
            let mistakes = ran.outcomes.iter().filter_map(|outcome| match outcome {
                CaseOutcome::Mistaken(problem) => Some(problem),
                CaseOutcome::Passed(_) | CaseOutcome::Failed(..) => None,
            });
            mistakes.chain(&ran.warnings)
        });
        let mut seen = std::collections::BTreeSet::new();
        self.problems.iter().chain(of_cases).filter(|problem| seen.insert(problem.one_line())).cloned().collect()
    }

    /// Whether something keeps the suites from being run as they are meant.
    #[must_use]
    pub fn are_invalid(&self) -> bool {
        has_errors(&self.problems) || self.counts().mistaken > 0
    }
}
