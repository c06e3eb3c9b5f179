//! Finds what would allow a question that is denied: the smallest changes of account, context or record, for each policy that
//! could permit it.
//!
//! A search begins at the question as it is. Each step changes one value so that one condition comes out as it must: one of a
//! forbid that applies, else one of the permit. The engine decides every step, so that a condition that a change breaks is
//! met by the next.
//!
//! **Invariant:** what is shown was decided by the engine, and was an allow
//! (`tests/it/review/explain/engine.rs::every_change_that_is_shown_allows_the_question`).
//!
//! It is bounded in steps, not in time: the same question has the same remedies on every machine.
//!
//! - `search`: from the question to an allow
//! - `flip`: the changes that make a condition come out otherwise
//! - `place`: the place of a value, and what it may be; `reading`: where a policy reads one
//! - `values`: the values that are tried
//! - `state`: the question and the directory with changes
//! - `change`: a change, for a person and as JSON

mod change;
mod flip;
mod place;
mod reading;
mod search;
mod state;
mod values;

pub use change::{Change, Held};
pub use search::{PolicyRemedies, Remedies, Remedy, remedies};

/// The most changes of a remedy: what takes more is no small change.
pub const MOST_CHANGES: usize = 3;
