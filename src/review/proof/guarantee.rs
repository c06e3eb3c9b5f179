//! Guarantees: properties that must hold whatever the policies say, in Cedar, in `guarantees/*.cedar` of the policy
//! folder.
//!
//! A `forbid` states that no request that it matches is ever allowed, and a `permit` that every request that it matches
//! is always allowed. Guarantees decide nothing; they are proven.

use super::{
    Environment, Example, Key, MissingEntities, Rule, Work, assumptions,
    example::describe,
    implied::implies,
    joined::{all, any},
    meaning::allowed,
    search::{Search, Searched},
    solver::{Found, Scene, Solver},
    workers,
};
use crate::{
    pdp::engine::{self, UnknownEntities, World},
    sources::{
        policy::{
            Policies, SCHEMA_FILE, Sources,
            cedar_core::ast::{Expr, PolicySet},
        },
        snapshot::Snapshot,
    },
    types::problem::{Problem, has_errors},
};
use cedar_policy as cedar;
use std::{collections::HashSet, path::Path, sync::Arc};

/// Guarantees that are valid against the schema of the policies.
#[derive(Debug, Default)]
pub struct Guarantees {
    checked: Option<Arc<Policies>>,
    warnings: Vec<Problem>,
}

/// One guarantee.
#[derive(Debug, Clone)]
pub struct Guarantee {
    /// Its id.
    pub id: String,
    /// What it says, in one sentence.
    pub title: String,
    /// In how many environments it was proven.
    pub proven: usize,
    /// The environments in which it is broken, each with a question that shows it.
    pub broken: Vec<(Environment, Box<Example>)>,
    /// The environments that are undecided, with the reason.
    pub undecided: Vec<(Environment, String)>,
}

/// What became of the guarantees.
#[derive(Debug, Default)]
pub struct Proven {
    /// Each guarantee, ordered by id.
    pub guarantees: Vec<Guarantee>,
    /// What is broken or undecided; all are errors.
    pub problems: Vec<Problem>,
}

impl Guarantees {
    /// The folder of the guarantees in the policy folder.
    pub const FOLDER: &'static str = "guarantees";

    /// Reads the guarantees of a policy folder and checks them against its schema. A folder without guarantees has none.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn read(policies: &Path, sources: &Sources) -> Result<Self, Vec<Problem>> {
        match Self::sources(policies)? {
            Some(stated) => Self::of(&stated, sources),
            None => Ok(Self { checked: None, warnings: Vec::new() }),
        }
    }

    /// The files of the guarantees of a policy folder. `None`: there are none.
    ///
    /// # Errors
    /// The files that cannot be read.
    pub fn sources(policies: &Path) -> Result<Option<Sources>, Vec<Problem>> {
        let folder = policies.join(Self::FOLDER);
        if folder.exists() { Sources::read(&folder).map(Some) } else { Ok(None) }
    }

    /// Checks guarantees that were read, against the schema of the policies that they are about.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of(guarantees: &Sources, policies: &Sources) -> Result<Self, Vec<Problem>> {
        let schema = policies.files().filter(|(name, _)| *name == SCHEMA_FILE);
        let texts: Vec<_> = guarantees.files().filter(|(name, _)| *name != SCHEMA_FILE).chain(schema).collect();
        if texts.len() < 2 {
            return Ok(Self { checked: None, warnings: Vec::new() });
        }
        let texts = texts.iter().map(|(name, file)| (*name, file.text.as_ref()));
        let (_, checked, problems) = Policies::from_sources(&Sources::from_texts(guarantees.folder(), texts));
        match checked {
            Some(checked) if !has_errors(&problems) => {
                // Problems of the schema are reported with the policies.
                let warnings = problems.into_iter().filter(|problem| !problem.file().ends_with(SCHEMA_FILE)).collect();
                Ok(Self { checked: Some(Arc::new(checked)), warnings })
            }
            _ => Err(problems),
        }
    }

    /// The guarantees as policies, if there are any.
    #[must_use]
    pub fn stated(&self) -> Option<&Policies> {
        self.checked.as_deref()
    }

    /// What in them is probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.checked.as_ref().map_or(0, |checked| checked.set.num_of_policies())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Proves each guarantee for all requests, or finds a question that breaks it. A step is an environment.
#[must_use]
pub fn prove(snapshot: &Snapshot, guarantees: &Guarantees, work: Work<'_>) -> Proven {
    let Some(stated) = &guarantees.checked else { return Proven::default() };
    let policies = &snapshot.policies;
    let (rules, stated_rules, known) =
        match (Rule::all(&policies.set), Rule::all(&stated.set), MissingEntities::of(policies)) {
            (Ok(rules), Ok(stated), Ok(known)) => (rules, stated, known),
            (Err(message), ..) | (_, Err(message), _) | (.., Err(message)) => {
                let problems = vec![Problem::unreadable("guarantee::undecided", Guarantees::FOLDER, message)];
                return Proven { problems, ..Proven::default() };
            }
        };
    let environments = Environment::all(&policies.model);
    let tasks: Vec<(&Environment, Vec<(usize, &Rule)>)> = environments
        .iter()
        .map(|environment| {
            let applies = |(_, rule): &(usize, &Rule)| rule.applies(environment, &stated.action_entities);
            (environment, stated_rules.iter().enumerate().filter(applies).collect())
        })
        .filter(|(_, stated): &(_, Vec<_>)| !stated.is_empty())
        .collect();
    let stating = Snapshot::of(stated.clone(), snapshot.directory.clone());
    let prover = Prover { snapshot, stating, rules, known };
    (work.planned)(tasks.len());
    let found = workers::each(&tasks, work.effort, work.done, &|solver, (environment, stated)| {
        prover.all(solver, stated, environment, work)
    });
    let mut proven = Proven {
        guarantees: stated_rules
            .iter()
            .map(|rule| Guarantee {
                id: rule.id.clone(),
                title: stated
                    .facts
                    .get(&cedar::PolicyId::new(&rule.id))
                    .map(|facts| facts.title.base().to_owned())
                    .unwrap_or_default(),
                proven: 0,
                broken: Vec::new(),
                undecided: Vec::new(),
            })
            .collect(),
        problems: Vec::new(),
    };
    for ((environment, stated), found) in tasks.iter().zip(found) {
        let mut found = found.into_iter().flatten();
        for (index, _) in stated {
            let Some(guarantee) = proven.guarantees.get_mut(*index) else { continue };
            match found.next().unwrap_or_else(|| Searched::Undecided("the analysis broke off".to_owned())) {
                Searched::None => guarantee.proven += 1,
                Searched::Example(example) => guarantee.broken.push(((*environment).clone(), example)),
                Searched::Undecided(reason) => guarantee.undecided.push(((*environment).clone(), reason)),
            }
        }
    }
    for (guarantee, rule) in proven.guarantees.iter().zip(&stated_rules) {
        proven.problems.extend(problems_of(guarantee, rule.permits, stated));
    }
    proven
}

struct Prover<'a> {
    snapshot: &'a Snapshot,
    stating: Snapshot,
    rules: Vec<Rule>,
    known: MissingEntities,
}

impl Prover<'_> {
    /// What became of each guarantee in an environment. Most hold, so they are tried as one question first.
    fn all(
        &self,
        solver: &mut Solver,
        stated: &[(usize, &Rule)],
        environment: &Environment,
        work: Work<'_>,
    ) -> Vec<Searched> {
        let is_open = |rule: &&Rule| work.remembered::<()>(|| self.key(rule, environment), || None).is_none();
        let open: Vec<_> = stated.iter().map(|(_, rule)| *rule).filter(is_open).collect();
        let scene = Scene::new(&self.known, environment);
        let applicable = Rule::applicable(&self.rules, environment, &self.snapshot.policies);
        let mut simply = self.evident(environment, &open, &applicable);
        let may_join = |rule: &&Rule| !rule.permits && !rule.calculates && !simply.contains(rule.id.as_str());
        let open: Vec<_> = open.into_iter().filter(may_join).collect();
        Self::find_simple(solver, &scene, &open, &applicable, &mut simply);
        let each = |(_, rule): &(usize, &Rule)| {
            let mut other = None;
            let is_tried = open.iter().any(|open| open.id == rule.id);
            let mut find = || match self.one(solver, rule, environment, is_tried).unwrap_or_else(Searched::Undecided) {
                Searched::None => Some(()),
                found => {
                    other = Some(found);
                    None
                }
            };
            let find = || if simply.contains(rule.id.as_str()) { Some(()) } else { find() };
            match work.remembered(|| self.key(rule, environment), find) {
                Some(()) => Searched::None,
                None => other.unwrap_or_else(|| Searched::Undecided("nothing was found".to_owned())),
            }
        };
        stated.iter().map(each).collect()
    }

    /// Those that are about nothing in an environment, or are kept there by the form of the others: forbids say as much, or for each
    /// permit it cannot apply to what they speak of, or forbids say as much of that.
    fn evident<'r>(&self, environment: &Environment, stated: &[&'r Rule], applicable: &[&Rule]) -> HashSet<&'r str> {
        let Environment { principal, action, resource } = environment;
        let policies = &self.snapshot.policies;
        let folded = |rule: &Rule| policies.folded(principal, action, resource, &rule.condition);
        let conditions = |permits: bool| -> Vec<_> {
            applicable.iter().filter(|rule| rule.permits == permits).filter_map(|rule| folded(rule)).collect()
        };
        let (permits, forbids) = (conditions(true), conditions(false));
        let keep = |condition: &Expr| {
            implies(&[condition], &forbids) || permits.iter().all(|permit| implies(&[condition, permit], &forbids))
        };
        let is_evident = |stated: &&&Rule| !stated.permits && folded(stated).is_none_or(|condition| keep(&condition));
        stated.iter().filter(is_evident).map(|rule| rule.id.as_str()).collect()
    }

    /// Finds those that hold simply: together, or in halves where they do not, so that one of many costs few questions more.
    fn find_simple<'r>(
        solver: &mut Solver,
        scene: &Scene<'_>,
        stated: &[&'r Rule],
        applicable: &[&Rule],
        found: &mut HashSet<&'r str>,
    ) {
        if stated.is_empty() || Self::hold_simply(solver, scene, stated, applicable) {
            found.extend(stated.iter().map(|rule| rule.id.as_str()));
        } else if stated.len() > 1 {
            let (one, other) = stated.split_at(stated.len() / 2);
            Self::find_simple(solver, scene, one, applicable, found);
            Self::find_simple(solver, scene, other, applicable, found);
        }
    }

    /// `is_tried`: whether it does not hold simply.
    fn one(
        &self,
        solver: &mut Solver,
        stated: &Rule,
        environment: &Environment,
        is_tried: bool,
    ) -> Result<Searched, String> {
        let policies = &self.snapshot.policies;
        let scene = Scene::new(&self.known, environment);
        let applicable = Rule::applicable(&self.rules, environment, policies);
        if !stated.permits && !is_tried && Self::hold_simply(solver, &scene, &[stated], &applicable) {
            return Ok(Searched::None);
        }
        let mut read = applicable.clone();
        read.push(stated);
        let assumed = assumptions(policies, environment, &read)?;
        let allowed = allowed(&applicable);
        let (holds, fails) = if stated.permits {
            (all([assumed.light, stated.condition.clone()]), Some(scene.compile(allowed)?))
        } else {
            (all([assumed.light, stated.condition.clone(), allowed]), None)
        };
        let confirm = |example: &Example| self.confirm(example, stated);
        let search = Search {
            scene,
            environment,
            snapshot: self.snapshot,
            heavy: assumed.heavy,
            narrow: assumed.narrow,
            read: &read,
            account: None,
            confirm: &confirm,
        };
        Ok(match search.find(solver, &holds, fails.as_ref()) {
            Searched::Example(example) => {
                let same = |example: &Example| confirm(example).unwrap_or(false);
                let readable = search.readable(solver, &[holds], fails.as_ref(), *example, &same);
                Searched::Example(Box::new(readable))
            }
            other => other,
        })
    }

    /// Everything that a proof depends on.
    fn key(&self, stated: &Rule, environment: &Environment) -> String {
        let policies = &self.snapshot.policies;
        let mut key = Key::new();
        key.part("guarantee");
        key.part(&policies.schema_text);
        key.part(&format!("{environment:?}"));
        key.part(&stated.text);
        for rule in Rule::applicable(&self.rules, environment, policies) {
            key.part(&rule.text);
        }
        key.finish()
    }

    /// Whether nothing that these match is allowed, as far as the simple policies show. `false` says nothing.
    ///
    /// An allowed request meets a permit and no forbid. So it suffices to refute that a request meets a guarantee, a
    /// permit, and none of the forbids that do not calculate. That leaves out what costs the solver most: arithmetic on
    /// dates. A request with which a policy fails is denied.
    fn hold_simply(solver: &mut Solver, scene: &Scene<'_>, stated: &[&Rule], applicable: &[&Rule]) -> bool {
        fn conditions(rules: &[&Rule], wanted: impl Fn(&Rule) -> bool) -> Expr {
            any(rules.iter().filter(|rule| wanted(rule)).map(|rule| rule.condition.clone()))
        }
        if !applicable.iter().any(|rule| rule.permits) {
            return true;
        }
        // Each apart: where one fails, it does not match, and the others may.
        let Ok(stated) =
            stated.iter().map(|stated| scene.guarded(stated.condition.clone())).collect::<Result<Vec<_>, _>>()
        else {
            return false;
        };
        let forbids = conditions(applicable, |rule| !rule.permits && !rule.calculates);
        let may_be_allowed = all([conditions(applicable, |rule| rule.permits), Expr::not(forbids)]);
        let question = scene
            .guarded(may_be_allowed)
            .and_then(|may_be_allowed| scene.compile_guarded(all([any(stated), may_be_allowed])));
        question.is_ok_and(|question| matches!(solver.find(&question, None), Found::None))
    }

    /// Whether the engine says that the guarantee matches, and that poort decides otherwise.
    fn confirm(&self, example: &Example, stated: &Rule) -> Result<bool, String> {
        if example.real {
            return Self::confirm_in(example, stated, self.snapshot, &self.stating);
        }
        let own = example.directory(&self.snapshot.policies)?;
        let with = |snapshot: &Snapshot| Snapshot::of(snapshot.policies.clone(), own.clone());
        Self::confirm_in(example, stated, &with(self.snapshot), &with(&self.stating))
    }

    fn confirm_in(example: &Example, stated: &Rule, deciding: &Snapshot, stating: &Snapshot) -> Result<bool, String> {
        let verdict = example.decide(deciding)?;
        if verdict.decision.is_allow() == stated.permits {
            return Ok(false);
        }
        let question = engine::translate(stating, &example.evaluation, &example.moment, UnknownEntities::Deny)
            .map_err(|error| error.to_string())?;
        let world = World::of(stating, &question)?;
        let rules: &PolicySet = stating.policies.set.as_ref();
        let policy = rules.policies().find(|policy| AsRef::<str>::as_ref(policy.id()) == stated.id);
        let matches = world.zip(policy).is_some_and(|(world, policy)| world.evaluator().applies(policy) == Ok(true));
        Ok(matches)
    }
}

fn problems_of(guarantee: &Guarantee, permits: bool, stated: &Policies) -> Vec<Problem> {
    let error = |code: &'static str, message: String| match stated.places.get(&cedar::PolicyId::new(&guarantee.id)) {
        Some(place) => Problem::error(code, &place.file, message).at(place.first_line(), "this guarantee"),
        None => Problem::unreadable(code, Guarantees::FOLDER, message),
    };
    let mut problems = Vec::new();
    let more = |several: usize| match several {
        0 | 1 => String::new(),
        several => format!(" (and in {} more environments)", several - 1),
    };
    if let Some((environment, example)) = guarantee.broken.first() {
        let decision = if permits { "is denied" } else { "is allowed" };
        let accounts = if example.real { "" } else { "; its accounts are made up" };
        let message = format!(
            "the guarantee `{}` does not hold in {environment}{}: {decision}: {}{accounts}",
            guarantee.id,
            more(guarantee.broken.len()),
            describe(example),
        );
        problems.push(error("guarantee::broken", message).help(if permits {
            "change the policies so that this is allowed, or the guarantee if it says too much"
        } else {
            "change the policies so that this is denied, or the guarantee if it says too much"
        }));
    }
    if let Some((environment, reason)) = guarantee.undecided.first() {
        let message = format!(
            "the guarantee `{}` is undecided in {environment}{}: {reason}",
            guarantee.id,
            more(guarantee.undecided.len()),
        );
        problems.push(error("guarantee::undecided", message).help("give the solver more time with --timeout SECONDS"));
    }
    problems
}
