//! Proofs: shows properties of policies for *all* requests, with a solver.
//!
//! The solver is asked whether some request has given properties, written as one Cedar expression. No answer, a
//! time-out or a fault is reported as "undecided": only what the solver refuted counts as proven.
//!
//! What holds here:
//! - What is proven is true of poort, which denies where a policy fails (`meaning`).
//! - Every example that is shown was decided by the engine, with the decision that is shown (`example`).
//!
//! - `environment`: request environments
//! - `prepared`: policies with their conditions; links of templates made static
//! - `meaning`: what a set of policies means to poort, as one expression; `joined`: joins expressions
//! - `missing_entities`: entities that are referred to and that the directory does not know
//! - `assumptions`, `parents`: what holds for every question; `limits`: the limits of the schema on values among it;
//!   `cedar_text`: their text
//! - `solver`: the program, its limits and its failures
//! - `workers`: several solvers in parallel
//! - `cache`, `prune`: the cache of proofs, by content, and its cleaning
//! - `example`: a request of the solver as a question; `fitting`, its values as the schema allows them
//! - `search`, `readable`, `made_up_ids`, `simplify`, `real_accounts`: from what the solver finds to a question that a person can read
//! - `check`, `redundant`: policies that never apply, that others make redundant, that can fail
//! - `implied`: what the form of conditions shows without a solver
//! - `guarantee`: what must hold whatever the policies say

mod assumptions;
mod cache;
mod cedar_text;
mod check;
mod environment;
mod example;
mod fitting;
mod guarantee;
mod guard;
mod implied;
pub(crate) mod joined;
mod limits;
mod made_up_ids;
pub(crate) mod meaning;
mod missing_entities;
mod parents;
mod prepared;
mod prune;
mod readable;
mod real_accounts;
mod redundant;
mod search;
mod simplify;
mod solver;
mod workers;

pub use cache::Cache;
pub use check::{Checked, check};
pub use environment::Environment;
pub use example::Example;
pub use guarantee::{Guarantee, Guarantees, Proven, prove};
pub use prepared::Rule;
pub use solver::{INSTALL, SolverMissing, find_solver};
pub use workers::Effort;

/// How proofs are made, and the callbacks for progress.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// How much time they get.
    pub effort: Effort,
    /// Where they are kept.
    pub cache: Option<&'a Cache>,
    /// Called with the number of steps.
    pub planned: &'a (dyn Fn(usize) + Sync),
    /// Called after each step.
    pub done: &'a (dyn Fn() + Sync),
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("effort", &self.effort).field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Work<'_> {
    /// What was found before under a key, or what is found now. `None` is not kept.
    pub(crate) fn remembered<T: serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        key: impl FnOnce() -> String,
        find: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let Some(cache) = self.cache else { return find() };
        let key = key();
        cache.get(&key).or_else(|| {
            let found = find()?;
            cache.put(&key, &found);
            Some(found)
        })
    }
}

pub(crate) use crate::sources::policy::cedar_core::ast::Expr;
pub(crate) use assumptions::{Assumed, assumptions};
pub(crate) use cache::Key;
pub(crate) use cedar_text::quoted;
pub(crate) use example::entity_json;
pub(crate) use guard::{KNOWN, is_absent};
pub(crate) use missing_entities::MissingEntities;
pub(crate) use real_accounts::{all_facts, attributes as read_attributes};
pub(crate) use search::{Search, Searched};
pub(crate) use solver::{Compiled, Scene, Solver};
pub(crate) use workers::each;
