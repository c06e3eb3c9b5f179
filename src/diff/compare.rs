//! The comparison, environment by environment.

use super::{
    Comparison, Difference, Direction, DirectoryChange, Named, Outcome, Policy, Question, Said, Settled, policies,
    schema,
};
use crate::{
    decision::Verdict,
    policy::{self, Policies, SCHEMA_FILE},
    problem::has_errors,
    proof::{
        Assumed, Cache, Compiled, Effort, Environment, Example, Expr, Key, Known, Rule, Scene, Search, Searched,
        Solver, assumptions, each, meaning,
    },
    revision::Revision,
    snapshot::{Snapshot, Sources},
};
use cedar_policy_core::ast::{ExprKind, Literal};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many causes of differences are looked for in one environment and direction.
const CAUSES: usize = 8;

/// One side of a comparison.
#[derive(Debug)]
pub struct Side {
    /// As it was named.
    pub name: String,
    /// The files.
    pub sources: Sources,
    /// What was made of them.
    pub snapshot: Snapshot,
}

/// How to compare.
#[derive(Debug, Default)]
pub struct Options {
    /// How much effort to take.
    pub effort: Effort,
    /// Only environments whose name holds this text.
    pub filter: Option<String>,
    /// Proofs that were made before.
    pub cache: Option<Cache>,
}

/// Compares two sides. `begin` is told how many environments need a proof, `done` is called after each.
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
    let base_rules = Rule::all(&base.snapshot.policies.set)?;
    let head_rules = Rule::all(&head.snapshot.policies.set)?;
    let (base_known, head_known) = (Known::of(&base.snapshot.policies)?, Known::of(&head.snapshot.policies)?);
    let base_declared = schema::Declared::of(&base.snapshot.policies);
    let head_declared = schema::Declared::of(&head.snapshot.policies);
    let schema_changes = schema::changes(&base_declared, &head_declared);
    // The base's policies with the head's types: how environments whose types changed are compared.
    let adapted = if schema_changes.is_empty() { None } else { Some(adapt(base, head)) };
    let base_judge = Snapshot::of(base.snapshot.policies.clone(), head.snapshot.directory.clone());
    let (adapted_judge, not_adapted) = match adapted {
        Some(Ok(policies)) => (Some(Snapshot::of(policies, head.snapshot.directory.clone())), None),
        Some(Err(message)) => (None, Some(message)),
        None => (None, None),
    };

    let (in_base, in_head): (BTreeSet<_>, BTreeSet<_>) = (
        Environment::all(&base.snapshot.policies.model).into_iter().collect(),
        Environment::all(&head.snapshot.policies.model).into_iter().collect(),
    );
    let mut environments: Vec<_> = in_base.union(&in_head).collect();
    environments.sort_by_cached_key(|it| (it.action.to_string(), it.principal.to_string(), it.resource.to_string()));
    let all = environments.len();
    if let Some(filter) = &options.filter {
        let wanted = |text: &str| text.to_lowercase().contains(&filter.to_lowercase());
        environments.retain(|environment| wanted(&environment.to_string()));
    }
    let filtered = all - environments.len();

    let mut tasks = Vec::new();
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    for environment in environments {
        let of = |rules: &[Rule], policies: &Policies| {
            let mut texts: Vec<_> =
                Rule::applicable(rules, environment, policies).iter().map(|rule| rule.text.clone()).collect();
            texts.sort();
            texts
        };
        let both = in_base.contains(environment) && in_head.contains(environment);
        let mut names = named_in(Rule::applicable(&base_rules, environment, &base.snapshot.policies));
        names.extend(named_in(Rule::applicable(&head_rules, environment, &head.snapshot.policies)));
        let same_types =
            both && base_declared.reachable(environment, &names) == head_declared.reachable(environment, &names);
        let same_texts = || of(&base_rules, &base.snapshot.policies) == of(&head_rules, &head.snapshot.policies);
        if same_types && same_texts() {
            outcomes.push(Some(outcome(environment, Settled::Unchanged)));
            continue;
        }
        let pair = match (both, same_types) {
            (true, true) => Ok(Pair {
                base: Some((&base_judge, &base_rules)),
                head: Some((&head.snapshot, &head_rules)),
                known: &head_known,
                note: None,
            }),
            (true, false) => match (
                schema::changed_meaning((&base_declared, &head_declared), environment, &names),
                &adapted_judge,
                &not_adapted,
            ) {
                (Some(line), ..) => Err(format!(
                    "what these questions mean changed with the schema ({line}), so that the two sides cannot be compared \
                     question by question"
                )),
                (None, Some(judge), _) => Ok(Pair {
                    base: Some((judge, &base_rules)),
                    head: Some((&head.snapshot, &head_rules)),
                    known: &head_known,
                    note: Some(
                        "compared under the new schema: for questions as it has them, and not for those that only the \
                         old schema accepts"
                            .to_owned(),
                    ),
                }),
                (None, None, reason) => Err(format!(
                    "the types changed, and the old policies are not valid under the new schema: {}",
                    reason.as_deref().unwrap_or("no reason is known")
                )),
            },
            _ if in_head.contains(environment) => Ok(Pair {
                base: None,
                head: Some((&head.snapshot, &head_rules)),
                known: &head_known,
                note: Some("the old schema does not have these questions: they were refused".to_owned()),
            }),
            _ => Ok(Pair {
                base: Some((&base.snapshot, &base_rules)),
                head: None,
                known: &base_known,
                note: Some("the new schema does not have these questions: they are refused".to_owned()),
            }),
        };
        match pair {
            Ok(pair) => {
                outcomes.push(None);
                tasks.push((environment, pair));
            }
            Err(reason) => {
                let undecided = vec![reason];
                outcomes.push(Some(Outcome { undecided, ..outcome(environment, Settled::Solver) }));
            }
        }
    }

    let policy_changes =
        policies::changes((&base.snapshot.policies, &base_rules), (&head.snapshot.policies, &head_rules));
    let changed = changed(&base_rules, &head_rules);
    begin(tasks.len());
    let results = each(&tasks, options.effort, done, &|solver, (environment, pair)| {
        Comparing { environment, pair, changed: &changed }.run_cached(solver, options)
    });
    let mut results = tasks.iter().zip(results).map(|((environment, _), result)| {
        result.unwrap_or_else(|| Outcome {
            undecided: vec!["the analysis broke off".to_owned()],
            ..outcome(environment, Settled::Solver)
        })
    });
    let environments = outcomes.into_iter().filter_map(|outcome| outcome.or_else(|| results.next())).collect();
    Ok(Comparison {
        base: named(base),
        head: named(head),
        environments,
        filtered,
        policies: policy_changes,
        schema: schema_changes,
        directory: directory_changes(&base.snapshot, &head.snapshot),
    })
}

/// The types and actions that policies name.
fn named_in(rules: Vec<&Rule>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for part in rules.into_iter().flat_map(|rule| rule.condition().subexpressions()) {
        match part.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) if uid.is_action() => drop(names.insert(uid.to_string())),
            ExprKind::Lit(Literal::EntityUID(uid)) => drop(names.insert(uid.entity_type().to_string())),
            ExprKind::Is { entity_type, .. } => drop(names.insert(entity_type.to_string())),
            _ => {}
        }
    }
    names
}

fn named(side: &Side) -> Named {
    Named {
        name: side.name.clone(),
        policies: side.snapshot.policies.revision.to_string(),
        directory: side.snapshot.directory.revision.to_string(),
    }
}

/// The base's policies, checked against the head's schema.
fn adapt(base: &Side, head: &Side) -> Result<Arc<Policies>, String> {
    let schema = head.sources.policies.files().filter(|(name, _)| *name == SCHEMA_FILE);
    let policies = base.sources.policies.files().filter(|(name, _)| *name != SCHEMA_FILE);
    let texts: Vec<_> = policies.chain(schema).map(|(name, file)| (name, file.text.as_ref())).collect();
    let sources = policy::Sources::from_texts(base.sources.policies.folder(), texts);
    let (_, policies, problems) = Policies::from_sources(&sources);
    match policies {
        Some(policies) if !has_errors(&problems) => Ok(Arc::new(policies)),
        _ => Err(problems.iter().find(|problem| problem.is_error()).map_or_else(String::new, |it| it.one_line())),
    }
}

/// The policies whose texts differ between the sides.
fn changed(base: &[Rule], head: &[Rule]) -> BTreeSet<String> {
    let texts = |rules: &[Rule]| -> BTreeMap<String, Arc<str>> {
        rules.iter().map(|rule| (rule.id.clone(), rule.text.clone())).collect()
    };
    let (before, after) = (texts(base), texts(head));
    before.keys().chain(after.keys()).filter(|id| before.get(*id) != after.get(*id)).cloned().collect()
}

fn directory_changes(base: &Snapshot, head: &Snapshot) -> DirectoryChange {
    let mut change = DirectoryChange::default();
    for entity in head.directory.iter() {
        match base.directory.get(entity.uid()) {
            None => change.added.push(entity.uid().to_string()),
            Some(before) if !before.deep_eq(entity) => change.changed.push(entity.uid().to_string()),
            Some(_) => {}
        }
    }
    let gone = base.directory.iter().filter(|entity| head.directory.get(entity.uid()).is_none());
    change.removed.extend(gone.map(|entity| entity.uid().to_string()));
    for list in [&mut change.added, &mut change.removed, &mut change.changed] {
        list.sort();
    }
    change
}

fn outcome(environment: &Environment, settled: Settled) -> Outcome {
    Outcome {
        principal: environment.principal_name(),
        action: environment.action_name().to_owned(),
        resource: environment.resource_name(),
        differences: Vec::new(),
        undecided: Vec::new(),
        note: None,
        settled,
    }
}

/// What decides on each side; a side that does not have the environment refuses.
struct Pair<'a> {
    base: Option<(&'a Snapshot, &'a [Rule])>,
    head: Option<(&'a Snapshot, &'a [Rule])>,
    /// The schema that counts: the head's, where it has the environment.
    known: &'a Known,
    note: Option<String>,
}

/// The comparison in one environment.
struct Comparing<'a> {
    environment: &'a Environment,
    pair: &'a Pair<'a>,
    changed: &'a BTreeSet<String>,
}

/// One side in one environment.
#[derive(Clone)]
struct Half<'a> {
    snapshot: &'a Snapshot,
    rules: Vec<&'a Rule>,
}

impl<'a> Comparing<'a> {
    fn half(&self, side: Option<(&'a Snapshot, &'a [Rule])>) -> Option<Half<'a>> {
        let (snapshot, rules) = side?;
        Some(Half { snapshot, rules: Rule::applicable(rules, self.environment, &snapshot.policies) })
    }

    fn run_cached(&self, solver: &mut Solver, options: &Options) -> Outcome {
        let Some(cache) = &options.cache else { return self.run(solver) };
        let key = self.key();
        if let Some(mut found) = cache.get::<Outcome>(&key) {
            found.settled = Settled::Cache;
            return found;
        }
        let outcome = self.run(solver);
        if outcome.undecided.is_empty() {
            cache.put(&key, &outcome);
        }
        outcome
    }

    /// Everything that the outcome depends on.
    fn key(&self) -> String {
        let mut key = Key::new();
        key.part(&format!("{:?}", self.environment));
        key.part(self.pair.note.as_deref().unwrap_or_default());
        for side in [self.pair.base, self.pair.head] {
            let Some(half) = self.half(side) else {
                key.part("refused");
                continue;
            };
            let policies = &half.snapshot.policies;
            key.part(half.snapshot.directory.revision.as_str());
            key.part(&policies.schema_text);
            key.part(&format!("{}", half.rules.len()));
            for rule in &half.rules {
                key.part(&rule.id);
                key.part(&rule.text);
                key.part(if self.changed.contains(&rule.id) { "changed" } else { "same" });
                key.part(&format!("{:?}", policies.facts.get(&cedar_policy::PolicyId::new(&rule.id))));
            }
            // What the engine reads of the moment depends on all policies of the action.
            key.part(&format!("{:?}", policies.reads.pdp(&self.environment.action)));
        }
        key.finish()
    }

    fn run(&self, solver: &mut Solver) -> Outcome {
        let mut result = outcome(self.environment, Settled::Solver);
        result.note.clone_from(&self.pair.note);
        let (base, head) = (self.half(self.pair.base), self.half(self.pair.head));
        for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
            let (to, from) = match change {
                Direction::NewlyAllowed => (&head, &base),
                Direction::NewlyDenied => (&base, &head),
            };
            let Some(to) = to else { continue };
            // The schema and the directory that count are the head's, where it has the environment.
            let Some(world) = head.as_ref().or(base.as_ref()) else { continue };
            let one_way = OneWay { comparing: self, change, world: world.snapshot, to, from: from.as_ref() };
            if let Err(reason) = one_way.run(solver, &mut result.differences) {
                result.undecided.push(format!("{}: {reason}", change.words()));
            }
        }
        // The solver finds causes in no order.
        result.differences.sort_by(|one, other| (one.change, &one.policies).cmp(&(other.change, &other.policies)));
        result
    }
}

/// Questions that one side allows and the other does not.
struct OneWay<'a> {
    comparing: &'a Comparing<'a>,
    change: Direction,
    /// Whose schema and directory count.
    world: &'a Snapshot,
    to: &'a Half<'a>,
    from: Option<&'a Half<'a>>,
}

impl OneWay<'_> {
    fn run(&self, solver: &mut Solver, found: &mut Vec<Difference>) -> Result<(), String> {
        let Self { to, from, world, .. } = self;
        if !to.rules.iter().any(|rule| rule.permits) {
            return Ok(());
        }
        let environment = self.comparing.environment;
        let scene = Scene::new(self.comparing.pair.known, environment);
        let mut read = to.rules.clone();
        read.extend(from.iter().flat_map(|from| from.rules.iter().copied()));
        let Assumed { light, heavy } = assumptions(&world.policies, environment, &read)?;
        let denied = match from {
            Some(from) => Some(scene.compile(meaning::allowed(&from.rules))?),
            None => None,
        };
        let confirm = |example: &Example| self.judge(example).map(|judged| judged.is_some());
        let search = Search { scene, environment, snapshot: world, heavy, read: &read, confirm: &confirm };
        let mut holds = vec![light, meaning::allowed(&to.rules)];
        for _ in 0..CAUSES {
            let example = match search.find(solver, &meaning::all(holds.clone()), denied.as_ref()) {
                Searched::None => return Ok(()),
                Searched::Undecided(reason) => return Err(reason),
                Searched::Example(example) => *example,
            };
            let mut difference = self.difference(&example)?;
            let mut example = example;
            // Of several policies, the ones that are enough: the others get an example of their own.
            for id in difference.policies.clone() {
                if difference.policies.len() < 2 {
                    break;
                }
                let without = self.uninvolved(std::slice::from_ref(&id));
                let narrower = meaning::all(holds.iter().cloned().chain([without]));
                if let Searched::Example(other) = search.find(solver, &narrower, denied.as_ref()) {
                    let narrower = self.difference(&other)?;
                    if narrower.policies.len() < difference.policies.len() {
                        (difference, example) = (narrower, *other);
                    }
                }
            }
            self.make_readable(solver, &search, &holds, denied.as_ref(), &mut difference, example)?;
            let cause = difference.policies.clone();
            found.push(difference);
            if cause.is_empty() {
                return Ok(());
            }
            holds.push(Expr::not(self.explained(&cause)));
        }
        Err(format!("there are more than {CAUSES} causes; what lies behind them was not looked at"))
    }

    /// Holds for what would be allowed if these policies alone had changed. What is left needs another change as well.
    fn explained(&self, ids: &[String]) -> Expr {
        let named = |rule: &&Rule| ids.contains(&rule.id);
        let rules: Vec<_> = match self.from {
            Some(from) => {
                let kept = from.rules.iter().copied().filter(|rule| !named(rule));
                kept.chain(self.to.rules.iter().copied().filter(named)).collect()
            }
            None => self.to.rules.iter().copied().filter(|rule| !rule.permits || named(rule)).collect(),
        };
        meaning::allowed(&rules)
    }

    /// Holds where at least one of these policies has no part in the decision.
    fn uninvolved(&self, ids: &[String]) -> Expr {
        let of = |half: Option<&Half<'_>>, permits: bool| -> Vec<Expr> {
            let rules = half.into_iter().flat_map(|half| half.rules.iter());
            rules
                .filter(|rule| rule.permits == permits && ids.contains(&rule.id))
                .map(|rule| Expr::not(rule.condition().clone()))
                .collect()
        };
        let mut parts = of(Some(self.to), true);
        parts.extend(of(self.from, false));
        let failing = self.from.into_iter().flat_map(|from| from.rules.iter());
        let failing = failing.filter(|rule| rule.permits && rule.may_fail() && ids.contains(&rule.id));
        let failing: Vec<_> = failing.map(|rule| meaning::does_not_fail(rule.condition().clone())).collect();
        if parts.is_empty() && failing.is_empty() {
            return Expr::val(false);
        }
        if parts.is_empty() { meaning::any(failing) } else { meaning::any(parts) }
    }

    /// What both sides say, if the question is such a one.
    fn judge(&self, example: &Example) -> Result<Option<(Verdict, Option<Verdict>)>, String> {
        let own = if example.real { None } else { Some(example.directory(&self.world.policies)?) };
        let decide = |half: &Half<'_>| match &own {
            // Each side has the real directory already.
            None => example.decide(half.snapshot),
            Some(own) => example.decide(&Snapshot::of(half.snapshot.policies.clone(), own.clone())),
        };
        let allowed = decide(self.to)?;
        let denied = self.from.map(decide).transpose()?;
        let differs = allowed.decision.is_allow() && denied.as_ref().is_none_or(|denied| !denied.decision.is_allow());
        Ok(differs.then_some((allowed, denied)))
    }

    fn difference(&self, example: &Example) -> Result<Difference, String> {
        let (allowed, denied) = self.judge(example)?.ok_or("the engine does not confirm the difference")?;
        let changed = self.comparing.changed;
        let mut policies: Vec<_> = allowed
            .policies
            .iter()
            .chain(denied.iter().flat_map(|denied| denied.policies.iter()))
            .map(|facts| facts.id.clone())
            .chain(denied.iter().flat_map(|denied| denied.errors.iter().map(|error| error.policy.clone())))
            .filter(|id| changed.contains(id))
            .collect();
        if policies.is_empty() {
            // The types changed and not the policies: those that allow it are the cause.
            policies = allowed.policies.iter().map(|facts| facts.id.clone()).collect();
        }
        policies.sort();
        policies.dedup();
        let refused = || Said {
            allowed: false,
            policies: Vec::new(),
            reason: "Refused: the schema does not have this question.".to_owned(),
        };
        let (to, from) = (said(&allowed), denied.as_ref().map_or_else(refused, said));
        let (base, head) = match self.change {
            Direction::NewlyAllowed => (from, to),
            Direction::NewlyDenied => (to, from),
        };
        let digest = self.digest(&policies);
        Ok(Difference { change: self.change, policies, digest, example: self.question(example), base, head })
    }

    /// Names exactly this change of these policies.
    fn digest(&self, ids: &[String]) -> String {
        let (before, after) = match self.change {
            Direction::NewlyAllowed => (self.from, Some(self.to)),
            Direction::NewlyDenied => (Some(self.to), self.from),
        };
        let mut parts = Vec::new();
        for (side, half) in [("before", before), ("after", after)] {
            let Some(half) = half else { continue };
            for rule in half.rules.iter().filter(|rule| ids.contains(&rule.id)) {
                parts.push((format!("{side} {}", rule.id), rule.text.as_bytes()));
            }
            if !ids.iter().any(|id| self.comparing.changed.contains(id)) {
                parts.push((format!("{side} schema"), half.snapshot.policies.schema_text.as_bytes()));
            }
        }
        Revision::of(parts.iter().map(|(name, text)| (name.as_str(), *text))).to_string()
    }

    fn question(&self, example: &Example) -> Question {
        let action = &self.comparing.environment.action;
        let halves = [Some(self.to), self.from];
        let time_matters = halves.iter().flatten().any(|half| {
            let reads = half.snapshot.policies.reads.pdp(action);
            reads.hour || reads.today || reads.now
        });
        Question {
            question: example.json(),
            today: example.moment.today.clone(),
            hour: example.moment.hour,
            now: example.moment.now_text.clone(),
            application: example.moment.application.as_ref().map(ToString::to_string),
            time_matters,
            real: example.real,
            entities: if example.real { Vec::new() } else { example.entities.clone() },
        }
    }

    /// Replaces the example by one that a person can read, which has the same cause.
    fn make_readable(
        &self,
        solver: &mut Solver,
        search: &Search<'_>,
        holds: &[Expr],
        denied: Option<&Compiled>,
        difference: &mut Difference,
        example: Example,
    ) -> Result<(), String> {
        let cause = difference.policies.clone();
        let same = |example: &Example| -> bool { self.difference(example).is_ok_and(|found| found.policies == cause) };
        let readable = search.readable(solver, holds, denied, example, &same);
        *difference = self.difference(&readable)?;
        Ok(())
    }
}

fn said(verdict: &Verdict) -> Said {
    Said {
        allowed: verdict.decision.is_allow(),
        policies: verdict
            .policies
            .iter()
            .map(|facts| Policy { id: facts.id.clone(), title: facts.title.clone() })
            .collect(),
        reason: verdict.reason.clone(),
    }
}
