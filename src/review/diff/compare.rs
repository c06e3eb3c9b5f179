//! Compares two sides: plans each environment, proves in parallel those that need it, each direction by itself, and collects the
//! outcomes.

use super::{
    Comparison, Direction, EnvironmentChange, PolicyChange, Settled, Side, SideName, Together, applications, directory,
    effects::{Both, Effects, Found},
    naming,
    pairing::Pairing,
    people,
    plan::{Plan, Step},
    policies, together,
};
use crate::{
    review::proof::{Cache, Effort, Environment, Rule, each},
    sources::policy::cedar_core::ast::EntityUID,
    types::{language::Language, revision::Revision},
};
use std::collections::{BTreeMap, BTreeSet};

/// How to compare.
#[derive(Debug, Default)]
pub struct Options {
    /// How much effort to take.
    pub effort: Effort,
    /// Only environments whose name holds this text.
    pub filter: Option<String>,
    /// Proofs that were made before.
    pub cache: Option<Cache>,
    /// Actions that the tests no longer ask about.
    pub untested: Vec<String>,
}

/// Compares two sides. `begin` is told how many proofs there are, `done` is called after each.
///
/// # Errors
/// Policies that cannot be compared at all.
pub fn compare(
    base: &Side,
    head: &Side,
    options: &Options,
    begin: &dyn Fn(usize),
    done: &(dyn Fn() + Sync),
) -> Result<Comparison, String> {
    let plan = Plan::of(base, head)?;
    let mut environments = plan.environments();
    let all = environments.len();
    if let Some(filter) = &options.filter {
        let wanted = |text: &str| text.to_lowercase().contains(&filter.to_lowercase());
        environments.retain(|environment| wanted(&environment.to_string()));
    }
    let filtered = all - environments.len();
    let guarantees = guarantees(base, head)?;
    let all_environments = environments.clone();

    let both = Both::of(base, head);
    let mut otherwise: BTreeMap<&Environment, BTreeSet<EntityUID>> = BTreeMap::new();
    let mut settled: Vec<Option<EnvironmentChange>> = Vec::new();
    let mut tasks = Vec::new();
    for environment in environments {
        settled.push(match plan.step(environment) {
            Step::Settled(outcome) => Some(outcome),
            Step::Prove(pair) => {
                if let Some(both) = both.as_ref().filter(|_| plan.is_on_both_sides(environment)) {
                    otherwise.insert(environment, both.read_otherwise(environment));
                }
                let of_kind = |uid: &&EntityUID| *uid.entity_type() == environment.principal;
                let apart: BTreeSet<_> =
                    otherwise.get(environment).into_iter().flatten().filter(of_kind).cloned().collect();
                tasks.push((environment, pair, apart));
                None
            }
        });
    }
    let changed = plan.changed();
    let effects = Effects::of(base, head, &plan.head.known);
    let touched = effects.iter().flatten().flat_map(|effects| {
        let is_touched = |it: &&&Environment| plan.is_on_both_sides(it) && effects.touches(it);
        all_environments.iter().filter(is_touched).map(move |environment| (effects, *environment))
    });
    let touched: Vec<_> = touched.collect();
    let directions = [Direction::NewlyAllowed, Direction::NewlyDenied];
    let pairings: Vec<_> = tasks
        .iter()
        .flat_map(|(environment, pair, apart)| {
            let changed = &changed;
            directions.map(|direction| Pairing { environment, direction, pair, changed, apart })
        })
        .collect();
    begin(pairings.len() + touched.len());
    let cache = options.cache.as_ref();
    let proven = each(&pairings, options.effort, done, &|solver, pairing| pairing.run_cached(solver, cache));
    let mut proven = tasks.iter().zip(proven.chunks(directions.len())).map(|((environment, pair, _), outcomes)| {
        let mut whole = EnvironmentChange { note: pair.note, ..EnvironmentChange::equal(environment, Settled::Cache) };
        for (outcome, direction) in outcomes.iter().zip(directions) {
            whole.add(outcome.clone().unwrap_or_else(|| EnvironmentChange {
                undecided: vec![format!("{}: the analysis broke off", direction.words(Language::English))],
                ..EnvironmentChange::equal(environment, Settled::Solver)
            }));
        }
        whole.undecided_digest = (!whole.undecided.is_empty()).then(|| plan.digest(environment));
        whole
    });
    let mut environments: Vec<_> =
        settled.into_iter().filter_map(|outcome| outcome.or_else(|| proven.next())).collect();
    let found =
        each(&touched, options.effort, done, &|solver, (effects, environment)| effects.find(solver, environment));
    let mut found: BTreeMap<&Environment, _> = touched.iter().map(|(_, it)| *it).zip(found).collect();
    for (environment, outcome) in all_environments.iter().zip(&mut environments) {
        let Some(found) = found.remove(environment) else { continue };
        let found =
            found.unwrap_or_else(|| Found { undecided: vec!["the analysis broke off".to_owned()], ..Found::default() });
        outcome.accounts = found.effects;
        if !found.undecided.is_empty() {
            outcome.undecided.extend(found.undecided);
            let compared = plan.digest(environment);
            let sides = [base, head].map(|side| side.snapshot.directory.revision.as_str().as_bytes());
            let parts = [("policies", compared.as_bytes()), ("before", sides[0]), ("after", sides[1])];
            outcome.undecided_digest = Some(Revision::of(parts).to_string());
        }
    }
    for (environment, _, apart) in &tasks {
        let at = all_environments.iter().position(|it| it == environment);
        let outcome = at.and_then(|at| environments.get_mut(at));
        let (Some(outcome), Some(both), Some(uids)) = (outcome, &both, otherwise.get(environment)) else { continue };
        if !uids.is_empty() && (!outcome.differences.is_empty() || !outcome.undecided.is_empty()) {
            outcome.together = if both.are_named(uids, environment) { Together::Records } else { Together::Accounts };
            together::add(outcome, apart, base, head);
        }
    }
    naming::tell_apart(&mut environments);
    let reached = environments.iter().flat_map(|it| &it.reached).flat_map(|reached| &reached.accounts);
    let touched = environments.iter().flat_map(|it| &it.accounts).flat_map(|effect| &effect.accounts);
    let people = people::named(reached.chain(touched), &base.snapshot, &head.snapshot);
    Ok(Comparison {
        people,
        untested: options.untested.clone(),
        not_worked_out: effects.err(),
        base: named(base),
        head: named(head),
        environments,
        filtered,
        policies: policies::changes(Some(plan.base.stating()), Some(plan.head.stating())),
        guarantees,
        applications: applications::changes(&base.snapshot.policies, &head.snapshot.policies),
        schema: plan.schema.clone(),
        directory: directory::changes(&base.snapshot, &head.snapshot),
    })
}

/// What became of the guarantees.
fn guarantees(base: &Side, head: &Side) -> Result<Vec<PolicyChange>, String> {
    let rules = |side: &Side| side.guarantees.stated().map_or_else(|| Ok(Vec::new()), |stated| Rule::all(&stated.set));
    let (before, after) = (rules(base)?, rules(head)?);
    Ok(policies::changes(
        base.guarantees.stated().map(|stated| (stated, before.as_slice())),
        head.guarantees.stated().map(|stated| (stated, after.as_slice())),
    ))
}

fn named(side: &Side) -> SideName {
    SideName {
        name: side.name.clone(),
        policies: side.snapshot.policies.revision.to_string(),
        directory: side.snapshot.directory.revision.to_string(),
    }
}
