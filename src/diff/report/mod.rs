//! A comparison in the forms that people and CI systems read.
//!
//! What holds here: no form leaves out a difference or something undecided, and none calls a comparison with either of
//! them passed.

mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod terminal;

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::terminal;

use super::{Accepted, Comparison, Difference, Outcome};

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The comparison.
    pub comparison: &'a Comparison,
    /// What reviewers accepted.
    pub accepted: &'a Accepted,
    /// Whether what is newly denied asks for acceptance too.
    pub strict: bool,
}

impl<'a> Report<'a> {
    /// The differences that ask for acceptance and have none.
    #[must_use]
    pub fn open(&self) -> Vec<(&'a Outcome, &'a Difference)> {
        self.accepted.judge(self.comparison, self.strict).open
    }

    /// Whether the change may go on.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.open().is_empty() && self.comparison.undecided() == 0
    }

    fn is_open(&self, difference: &Difference) -> bool {
        self.open().iter().any(|(_, other)| std::ptr::eq(*other, difference))
    }

    /// The verdict in one line.
    #[must_use]
    pub fn verdict(&self) -> String {
        let judged = self.accepted.judge(self.comparison, self.strict);
        let undecided = self.comparison.undecided();
        let mut parts = Vec::new();
        if !judged.open.is_empty() {
            parts.push(format!("{} not accepted", counted(judged.open.len(), "difference")));
        }
        if judged.accepted > 0 {
            parts.push(format!("{} accepted", counted(judged.accepted, "difference")));
        }
        if undecided > 0 {
            parts.push(format!("{} undecided", counted(undecided, "environment")));
        }
        let word = if self.passes() { "passed" } else { "not passed" };
        if parts.is_empty() { word.to_owned() } else { format!("{word}: {}", parts.join(", ")) }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
