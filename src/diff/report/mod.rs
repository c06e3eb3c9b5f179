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

use super::{Accepted, Comparison, Difference, Judged};
use std::collections::HashSet;

/// What a report is about.
#[derive(Debug)]
pub struct Report<'a> {
    comparison: &'a Comparison,
    strict: bool,
    judged: Judged<'a>,
    open: HashSet<*const Difference>,
}

impl<'a> Report<'a> {
    /// A report on a comparison, of which reviewers accepted a part. `strict`: what is newly denied asks for acceptance too.
    #[must_use]
    pub fn new(comparison: &'a Comparison, accepted: &Accepted, strict: bool) -> Self {
        let judged = accepted.judge(comparison, strict);
        let open = judged.open.iter().map(|(_, difference)| std::ptr::from_ref(*difference)).collect();
        Self { comparison, strict, judged, open }
    }

    /// What the accepted entries make of it.
    #[must_use]
    pub const fn judged(&self) -> &Judged<'a> {
        &self.judged
    }

    /// Whether the change may go on.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.open.is_empty() && self.comparison.undecided() == 0
    }

    fn is_open(&self, difference: &Difference) -> bool {
        self.open.contains(&std::ptr::from_ref(difference))
    }

    /// The verdict in one line.
    #[must_use]
    pub fn verdict(&self) -> String {
        let judged = &self.judged;
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
