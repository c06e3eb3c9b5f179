//! `poort validate --prove`: proves guarantees and finds policies without effect, for all requests.

use super::{Exit, output::Output, solver_options};
use crate::{
    config::Settings,
    review::proof::{self, Cache, Checked, Guarantees, Work},
    sources::{policy, snapshot::Snapshot},
    types::problem::Problem,
};
use clap::Args;
use std::collections::BTreeSet;

#[derive(Debug, Args)]
pub(super) struct Proving {
    /// Also prove the guarantees in guarantees/*.cedar for all requests, and find policies without effect (needs cvc5)
    #[arg(long)]
    prove: bool,
    #[command(flatten)]
    effort: solver_options::SolverOptions,
}

/// What was found, and one line that sums it up.
pub(super) struct Found {
    pub(super) problems: Vec<Problem>,
    pub(super) summary: String,
}

/// Runs the proofs, if the flag is given. Broken and undecided guarantees are errors. `alone`: the policies that alone determined an
/// answer to a case of a suite.
pub(super) fn run(
    arguments: &Proving,
    snapshot: &Snapshot,
    alone: &BTreeSet<String>,
    settings: &Settings,
    output: &mut Output,
) -> Result<Option<Found>, Exit> {
    let policies = settings.store.policies.as_path();
    if !arguments.prove {
        return Ok(None);
    }
    solver_options::check_meaning(settings, output)?;
    let effort = arguments.effort.effort(output)?;
    let read = policy::Sources::read(policies).and_then(|sources| Guarantees::read(policies, &sources));
    let guarantees = match read {
        Ok(guarantees) => guarantees,
        Err(problems) => return Ok(Some(Found { problems, summary: String::new() })),
    };
    let bar = output.progress("proofs");
    let cache = arguments.effort.cache();
    let work =
        Work { effort, cache: cache.as_ref(), planned: &|steps| bar.inc_length(steps as u64), done: &|| bar.inc(1) };
    let proven = proof::prove(snapshot, &guarantees, work);
    let checked = proof::check(snapshot, alone, work);
    bar.finish_and_clear();
    cache.iter().for_each(Cache::prune);
    let count = |code: &str| checked.problems.iter().filter(|problem| problem.kind() == code).count();
    let held = proven.guarantees.iter().filter(|it| it.broken.is_empty() && it.undecided.is_empty()).count();
    let broken = proven.guarantees.iter().filter(|it| !it.broken.is_empty()).count();
    let summary = format!(
        "guarantees: {held} of {} proven, {broken} broken, {} undecided\nchecked {} policies: {} never apply, {} have no \
         effect, {} can fail, {} undecided",
        proven.guarantees.len(),
        proven.guarantees.len() - held - broken,
        checked.policies,
        count("policy::never-matches"),
        count("policy::redundant"),
        count("policy::can-fail"),
        checked.undecided,
    );
    let summary = summary + &at_unknown(&checked);
    let mut problems = proven.problems;
    problems.extend(checked.problems);
    Ok(Some(Found { problems, summary }))
}

/// The policies that fail where an entity is unknown. That is no warning, since poort then denies; it is reported,
/// since it denies whatever the other policies say.
fn at_unknown(checked: &Checked) -> String {
    let Some((_, example)) = checked.at_unknown.first() else { return String::new() };
    let ids: Vec<_> = checked.at_unknown.iter().map(|(id, _)| format!("`{id}`")).collect();
    format!(
        "\n{} of them fail, and poort then denies, where a question leads to an entity that the directory does not know: {}; \
         such as {}",
        ids.len(),
        ids.join(", "),
        example.json()
    )
}
