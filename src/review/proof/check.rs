//! Finds policies that have no effect, or that can fail, by proofs for all requests.

use super::{
    Environment, Example, Expr, Key, MissingEntities, Rule, Work, assumptions,
    example::describe,
    joined::{all, any},
    meaning::does_not_fail,
    search::{Search, Searched},
    solver::{Found, Scene, Solver},
    workers,
};
use crate::{
    sources::{policy::Policies, snapshot::Snapshot},
    types::problem::Problem,
};
use cedar_policy as cedar;
use std::collections::BTreeSet;

/// What was found about the policies of a set.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is to be looked at; all are warnings.
    pub problems: Vec<Problem>,
    /// How many policies were looked at.
    pub policies: usize,
    /// How many policies have something that could not be decided.
    pub undecided: usize,
    /// The policies that fail, and so deny, only where an entity is referred to that the directory does not know, each with a
    /// question that shows it.
    pub at_unknown: Vec<(String, Box<Example>)>,
}

/// What one policy turned out to be.
struct Finding {
    index: usize,
    /// `None`: undecided.
    matches: Option<bool>,
    /// Where it cannot be evaluated though all entities are known, with a question that shows it.
    fails: Option<(Environment, Box<Example>)>,
    /// A question with which it reads an entity that the directory does not know.
    at_unknown: Option<Box<Example>>,
    /// Whether what it matches is matched by others of its effect, everywhere.
    covered: bool,
    undecided: Option<String>,
}

impl Finding {
    /// What is so until something else is found.
    const fn of(index: usize) -> Self {
        Self { index, matches: Some(false), fails: None, at_unknown: None, covered: true, undecided: None }
    }
}

/// Checks every policy of a set. A step is a policy. `alone`: policies that some question shows to apply where no other of their
/// effect does, so that the solver need not look for one.
#[must_use]
pub fn check(snapshot: &Snapshot, alone: &BTreeSet<String>, work: Work<'_>) -> Checked {
    let policies = &snapshot.policies;
    let rules = match Rule::all(&policies.set) {
        Ok(rules) => rules,
        Err(message) => {
            return Checked {
                problems: vec![Problem::unreadable("policy::undecided", "policies", message)],
                undecided: 1,
                ..Checked::default()
            };
        }
    };
    let environments = Environment::all(&policies.model);
    let known = match MissingEntities::of(policies) {
        Ok(known) => known,
        Err(message) => {
            return Checked {
                problems: vec![Problem::unreadable("policy::undecided", "policies", message).as_warning()],
                policies: rules.len(),
                undecided: rules.len(),
                ..Checked::default()
            };
        }
    };
    let world = World { snapshot, policies, known, rules: &rules, environments: &environments, alone };
    let indexes: Vec<_> = (0..rules.len()).collect();
    (work.planned)(indexes.len());
    let found = workers::each(&indexes, work.effort, work.done, &|solver, index| {
        let mut other = None;
        let unsuspicious = work.remembered(
            || world.key(*index),
            || {
                let finding = world.look(solver, *index);
                let is_sound = finding.fails.is_none() && finding.at_unknown.is_none();
                let keep = is_sound && finding.undecided.is_none() && finding.matches == Some(true);
                let covered = finding.covered;
                other = Some(finding);
                keep.then_some(covered)
            },
        );
        other.or_else(|| {
            let covered = unsuspicious?;
            Some(Finding { index: *index, matches: Some(true), covered, ..Finding::of(*index) })
        })
    });
    let found = found.into_iter().map(Option::flatten);
    let mut checked = Checked { policies: rules.len(), ..Checked::default() };
    let mut covered = Vec::new();
    for (index, finding) in found.enumerate() {
        let Some(rule) = rules.get(index) else { continue };
        let Some(finding) = finding else {
            checked.undecided += 1;
            checked.problems.push(world.warning(rule, "policy::undecided", "the analysis of this policy broke off"));
            continue;
        };
        if let Some(reason) = &finding.undecided {
            checked.undecided += 1;
            let message = format!("`{}` could not be decided about: {reason}", rule.id);
            let problem = world.warning(rule, "policy::undecided", &message);
            checked.problems.push(problem.help("give the solver more time with --timeout SECONDS"));
        }
        if finding.matches == Some(false) {
            let message = format!("`{}` never applies: no request meets all its conditions", rule.id);
            let problem = world.warning(rule, "policy::never-matches", &message);
            checked.problems.push(problem.help("delete it, or mend the condition that excludes the others"));
        }
        if let Some(example) = &finding.at_unknown {
            checked.at_unknown.push((rule.id.clone(), example.clone()));
        }
        if let Some((environment, example)) = &finding.fails {
            let example = describe(example);
            let message =
                format!("`{}` cannot be evaluated for some requests of {environment}, such as {example}", rule.id);
            let problem = world.warning(rule, "policy::can-fail", &message);
            checked.problems.push(problem.help(
                "poort denies such a request, whatever the other policies say; test the size of numbers before calculating with them",
            ));
        }
        if finding.covered && finding.matches == Some(true) {
            covered.push(finding.index);
        }
    }
    let redundant = world.redundant(&covered, work);
    checked.undecided += redundant.iter().filter(|problem| problem.kind() == "policy::undecided").count();
    checked.problems.extend(redundant);
    checked.problems.sort_by_key(|problem| (problem.file().to_owned(), problem.position(), problem.kind()));
    checked
}

pub(super) struct World<'a> {
    snapshot: &'a Snapshot,
    pub(super) known: MissingEntities,
    pub(super) policies: &'a Policies,
    pub(super) rules: &'a [Rule],
    pub(super) environments: &'a [Environment],
    alone: &'a BTreeSet<String>,
}

impl World<'_> {
    pub(super) fn warning(&self, rule: &Rule, code: &'static str, message: &str) -> Problem {
        match self.policies.places.get(&cedar::PolicyId::new(&rule.id)) {
            Some(place) => Problem::warning(code, &place.file, message).at(place.first_line(), "this policy"),
            None => Problem::unreadable(code, "policies", message).as_warning(),
        }
    }

    /// Everything that the finding about a policy depends on.
    fn key(&self, index: usize) -> String {
        let mut key = Key::new();
        key.part("check");
        key.part(&self.policies.schema_text);
        let Some(rule) = self.rules.get(index) else { return key.finish() };
        key.part(&rule.text);
        key.part(if self.has_no_words(rule) { "silent" } else { "with words" });
        for environment in self.environments.iter().filter(|it| rule.applies(it, &self.policies.action_entities)) {
            key.part(&format!("{environment:?}"));
            for other in Rule::applicable(self.rules, environment, self.policies) {
                if other.permits == rule.permits && other.id != rule.id {
                    key.part(&other.text);
                }
            }
        }
        key.finish()
    }

    fn look(&self, solver: &mut Solver, index: usize) -> Finding {
        let mut finding = Finding::of(index);
        let Some(rule) = self.rules.get(index) else { return finding };
        if self.alone.contains(&rule.id) {
            (finding.matches, finding.covered) = (Some(true), false);
        }
        // A policy that fails denies, so it has an effect.
        let can_be_covered = self.has_no_words(rule) && !rule.may_fail();
        for environment in self.environments.iter().filter(|it| rule.applies(it, &self.policies.action_entities)) {
            if let Err(message) = self.look_in(solver, rule, environment, can_be_covered, &mut finding) {
                finding.undecided = Some(format!("{environment}: {message}"));
                if finding.matches == Some(false) {
                    finding.matches = None;
                }
                finding.covered = false;
                // Each of hundreds of environments may take the solver's whole time.
                break;
            }
            let settled = finding.matches == Some(true)
                && (!rule.calculates || finding.fails.is_some())
                && (!rule.looks_further || finding.at_unknown.is_some());
            if settled && !(finding.covered && can_be_covered) {
                break;
            }
        }
        finding.covered &= can_be_covered;
        finding
    }

    fn look_in(
        &self,
        solver: &mut Solver,
        rule: &Rule,
        environment: &Environment,
        can_be_covered: bool,
        finding: &mut Finding,
    ) -> Result<(), String> {
        let scene = Scene::new(&self.known, environment);
        let asks_cover = can_be_covered && finding.covered;
        let condition = || rule.condition.clone();
        let asks_failure = rule.calculates && finding.fails.is_none();
        let is_read = if rule.may_fail() { scene.is_read(condition())? } else { None };
        let asks_unknown = is_read.is_some() && finding.at_unknown.is_none();
        if finding.matches == Some(true) && !asks_cover && !asks_failure && !asks_unknown {
            return Ok(());
        }
        let others: Vec<_> = Rule::applicable(self.rules, environment, self.policies)
            .into_iter()
            .filter(|other| other.permits == rule.permits && other.id != rule.id)
            .collect();
        let mut read = others.clone();
        read.push(rule);
        let assumed = assumptions(self.policies, environment, &read)?;
        let holds = all([assumed.light.clone(), rule.condition.clone()]);
        if asks_cover {
            // One question for both: a request that it matches and no other one does.
            let rest = scene.compile(any(others.iter().map(|other| other.condition.clone())))?;
            match solver.find_where(&scene, holds.clone(), Some(&rest)) {
                Found::Request(_) => (finding.matches, finding.covered) = (Some(true), false),
                Found::None => {}
                Found::Undecided(message) => return Err(message),
            }
        }
        if finding.matches != Some(true) {
            match solver.find_where(&scene, holds, None) {
                Found::Request(_) => finding.matches = Some(true),
                Found::None => {}
                Found::Undecided(message) => return Err(message),
            }
        }
        if !asks_failure && !asks_unknown {
            return Ok(());
        }
        let confirm = |example: &Example| self.fails(rule, example);
        let search = Search {
            scene,
            environment,
            snapshot: self.snapshot,
            read: &read,
            account: None,
            heavy: assumed.heavy,
            narrow: assumed.narrow,
            confirm: &confirm,
        };
        if asks_failure {
            let evaluates = search.scene.compile(does_not_fail(condition()))?;
            match search.find(
                solver,
                &all([assumed.light.clone()].into_iter().chain(is_read.clone())),
                Some(&evaluates),
            ) {
                Searched::Example(example) => finding.fails = Some((environment.clone(), example)),
                Searched::None => {}
                Searched::Undecided(message) => return Err(message),
            }
        }
        if let Some(is_read) = is_read.filter(|_| asks_unknown) {
            match search.find(solver, &all([assumed.light, Expr::not(is_read)]), None) {
                Searched::Example(example) => finding.at_unknown = Some(example),
                Searched::None => {}
                Searched::Undecided(message) => return Err(message),
            }
        }
        Ok(())
    }

    /// Whether the engine says that a policy cannot be evaluated.
    fn fails(&self, rule: &Rule, example: &Example) -> Result<bool, String> {
        let own = example.directory(self.policies)?;
        let verdict = example.decide(&Snapshot::of(self.snapshot.policies.clone(), own))?;
        Ok(verdict.errors.iter().any(|error| error.policy == rule.id))
    }

    /// Whether a policy says nothing to callers, so that it would not be missed where another one decides the same.
    fn has_no_words(&self, rule: &Rule) -> bool {
        self.policies
            .facts
            .get(&cedar::PolicyId::new(&rule.id))
            .is_none_or(|facts| facts.obligations.is_empty() && facts.advice.is_none())
    }
}
