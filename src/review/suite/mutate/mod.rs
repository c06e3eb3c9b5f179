//! Mutation testing: changes one condition of one policy at a time and checks whether a case notices. A mutation that
//! no case notices shows an untested rule: it could be lost, and all tests would still pass.
//!
//! **Invariant:** a mutation is tried on every case that evaluates the changed place, and is noticed as soon as one
//! case fails. Mutations that are invalid under the schema, or equal under it, are counted and not tried.
//!
//! A change that cannot matter is explained by a comment in the policy, on the line of the changed place or alone on the
//! line above it. It covers all changes of that line:
//!
//! ```text
//! // poort: equivalent, because the schema gives every partner an organisation
//! ```
//!
//! With the guarantees of the policy folder, each has a negative control: a mutation that breaks it in a case.
//!
//! - `changes`: the mutations
//! - `controls`: those that break guarantees
//! - `explained`: the comments
//! - `trial`: whether a case notices
//! - `validity`: whether a mutation is valid against the schema

mod changes;
mod controls;
mod explained;
mod trial;
mod validity;

pub use changes::Change;

use super::{
    coverage::Coverage,
    run::{CaseOutcome, Ran},
};
use crate::{
    pdp::conditions::Conditioned,
    review::all_cores::on_all_cores,
    sources::{policy::Policies, snapshot::Snapshot},
    types::{decision::Wording, problem::Problem},
};
use controls::{Breach, Controls};
use explained::Explanations;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};
use trial::{Fate, Trial};

/// The results of all mutations.
#[derive(Debug, Default)]
pub struct Mutation<'a> {
    /// The changes that no case notices, in the order of the files.
    pub unnoticed: Vec<Unnoticed<'a>>,
    /// How many some case notices.
    pub noticed: usize,
    /// How many do not fit the schema.
    pub invalid: usize,
    /// How many the schema makes the same as before.
    pub same: usize,
    /// The guarantees, ordered by id.
    pub guarantees: Vec<Control<'a>>,
    /// Explanations that explain nothing, or give no reason.
    pub problems: Vec<Problem>,
}

/// A guarantee and its negative control.
#[derive(Debug)]
pub struct Control<'a> {
    /// Its id.
    pub guarantee: String,
    /// What it says.
    pub title: Wording,
    /// The first change that breaks it, if one does.
    pub broken: Option<Broken<'a>>,
}

/// How a guarantee is broken.
#[derive(Debug)]
pub struct Broken<'a> {
    /// The changed policy.
    pub policy: &'a Conditioned,
    /// The change.
    pub change: Change,
    /// The other forbids that apply in the case, and are lost too.
    pub without: Vec<String>,
    /// A case, as `suite / case`, whose answer is then against the guarantee.
    pub case: String,
}

/// A change that no case notices.
#[derive(Debug)]
pub struct Unnoticed<'a> {
    /// The policy.
    pub policy: &'a Conditioned,
    /// The change.
    pub change: Change,
    /// The line of it, counted from one.
    pub line: usize,
    /// How many cases evaluate the changed place.
    pub reached: usize,
    /// Why it cannot matter, if the policy says so.
    pub explained: Option<String>,
}

impl Mutation<'_> {
    /// The changes that no case notices and no comment explains.
    pub fn unexplained(&self) -> impl Iterator<Item = &Unnoticed<'_>> {
        self.unnoticed.iter().filter(|unnoticed| unnoticed.explained.is_none())
    }

    /// The guarantees that no change breaks in a case.
    pub fn unbroken(&self) -> impl Iterator<Item = &Control<'_>> {
        self.guarantees.iter().filter(|control| control.broken.is_none())
    }
}

/// Tries all changes of all policies, also against guarantees. `begun` gets the number of changes, `tried` is called after each.
///
/// # Errors
/// A thread that could not be started or broke off.
pub fn mutate<'a>(
    snapshot: &Snapshot,
    coverage: &'a Coverage<'a>,
    ran: &[Ran],
    guarantees: Option<&Policies>,
    begun: impl FnOnce(usize),
    tried: impl Fn() + Sync,
) -> Result<Mutation<'a>, String> {
    let changes: Vec<_> = coverage
        .policies
        .iter()
        .filter(|covered| covered.can_apply())
        .flat_map(|covered| changes::of(covered.policy).into_iter().map(move |change| (covered, change)))
        .collect();
    begun(changes.len());
    let cases: Vec<_> = ran
        .iter()
        .flat_map(|ran| ran.suite.cases.iter().zip(&ran.outcomes))
        .map(|(case, outcome)| (case, outcome.asked().and_then(|asked| asked.world.as_ref())))
        .collect();
    let controls = Controls::new(guarantees, &cases);
    let trial = Trial::new(snapshot, coverage, &cases, &controls);
    let fates: Vec<_> = on_all_cores(|| {
        // One by one: those of one policy lie together, and some policies take far longer than others.
        let changes = changes.par_iter().enumerate().with_max_len(1);
        changes
            .map(|(number, (covered, change))| {
                let fate = trial.run(number, covered, change);
                tried();
                (*covered, change.clone(), fate)
            })
            .collect()
    })?;
    let mut mutation = Mutation::default();
    for (covered, change, fate) in fates {
        match fate {
            Fate::Noticed => mutation.noticed += 1,
            Fate::Invalid => mutation.invalid += 1,
            Fate::Same => mutation.same += 1,
            Fate::Unnoticed { reached } => {
                let policy = covered.policy;
                let line = policy.line(&change.place);
                mutation.unnoticed.push(Unnoticed { policy, change, line, reached, explained: None });
            }
        }
    }
    mutation.unnoticed.sort_by(|one, other| {
        let key =
            |it: &Unnoticed<'_>| (it.policy.place.file.name.clone(), it.change.place.start, it.change.with.clone());
        key(one).cmp(&key(other))
    });
    let mut explanations = Explanations::of(coverage.policies.iter().map(|covered| covered.policy));
    for unnoticed in &mut mutation.unnoticed {
        unnoticed.explained = explanations.find(unnoticed.policy, &unnoticed.change.place);
    }
    mutation.problems = explanations.problems();
    let suites: Vec<_> = ran.iter().flat_map(|ran| ran.suite.cases.iter().map(|_| ran.suite.name.as_str())).collect();
    let title = |id: &cedar_policy::PolicyId| {
        guarantees.and_then(|stated| stated.facts.get(id)).map(|facts| facts.title.clone()).unwrap_or_default()
    };
    mutation.guarantees = controls
        .tested()
        .map(|(guarantee, breach)| Control {
            guarantee: guarantee.id().to_string(),
            title: title(guarantee.id()),
            broken: breach.and_then(|Breach { takes_others, change, case }| {
                let (covered, change) = changes.get(change)?;
                let id: &str = covered.policy.id.as_ref();
                let others = coverage.found.get(case)?.forbids.iter().filter(|forbid| takes_others && *forbid != id);
                let without = others.cloned().collect();
                let (suite, (case, _)) = suites.get(case).zip(cases.get(case))?;
                let case = format!("{suite} / {}", case.title());
                Some(Broken { policy: covered.policy, change: change.clone(), without, case })
            }),
        })
        .collect();
    Ok(mutation)
}

/// Whether all cases passed, so that a difference can only come from a change.
#[must_use]
pub fn all_passed(ran: &[Ran]) -> bool {
    ran.iter().flat_map(|ran| &ran.outcomes).all(|outcome| matches!(outcome, CaseOutcome::Passed(_)))
}
