//! Finds the causes of differences in one environment and direction. Each is a set of changed policies that suffices
//! for a difference, with a question that one side allows and the other does not.
//!
//! What holds here:
//! - Every difference has a question that the engine decided under both sides, and names changed policies.
//! - After a cause is found, the questions that it explains are excluded, so that the next one needs another change
//!   too.
//!
//! **Why the search ends.** A cause explains the questions that would be allowed if its policies alone had changed. Its
//! own question is one of them: a permit of the cause applies, and no unchanged policy forbids it or fails. So each
//! round excludes the cause that it found, no cause is found twice, and there are finitely many sets. The number of
//! rounds allows for each policy alone and for each pair; differences that need more causes than that are reported as
//! undecided.

use super::{
    Difference, Direction, Facts, Question, Reached, SideAnswer,
    effects::Reach,
    facts,
    new_questions::NewQuestions,
    pairing::{Half, Pairing},
    question::worded,
};
use crate::{
    review::proof::{
        Assumed, Compiled, Example, Expr, Rule, Scene, Search, Searched, Solver, assumptions, joined, meaning,
    },
    sources::snapshot::Snapshot,
    types::{decision::Verdict, language::Language, revision::Revision, texts::answers as texts},
};
use std::collections::BTreeSet;

/// How many causes are looked for in one environment and direction, whatever the number of changed policies.
const MOST: usize = 1_000;

/// Questions that one side allows and the other does not.
pub(super) struct OneWay<'a> {
    pub(super) pairing: &'a Pairing<'a>,
    /// Whose schema and directory count.
    pub(super) world: &'a Snapshot,
    pub(super) to: &'a Half<'a>,
    pub(super) from: Option<&'a Half<'a>>,
}

impl<'a> OneWay<'a> {
    /// Finds them all, and the accounts for whom they matter; or says why some may be missing.
    pub(super) fn run(
        &self,
        solver: &mut Solver,
        found: &mut Vec<Difference>,
        reached: &mut Vec<Reached>,
    ) -> Result<(), String> {
        let Self { to, from, world, .. } = self;
        if !to.rules.iter().any(|rule| rule.permits) {
            return Ok(());
        }
        let environment = self.pairing.environment;
        let scene = Scene::new(self.pairing.pair.known, environment);
        let mut read = to.rules.clone();
        read.extend(from.iter().flat_map(|from| from.rules.iter().copied()));
        let Assumed { light, heavy, narrow } = assumptions(&world.policies, environment, &read)?;
        let denied = match from {
            Some(from) => Some(scene.compile(meaning::allowed(&from.rules))?),
            None => None,
        };
        let confirm = |example: &Example| self.judge(example).map(|judged| judged.is_some());
        let search = Search {
            scene,
            environment,
            snapshot: world,
            heavy,
            narrow,
            read: &read,
            account: None,
            confirm: &confirm,
        };
        let only = self.pairing.pair.only.as_ref();
        let mut holds = vec![light, meaning::allowed(&to.rules)];
        holds.extend(only.map(NewQuestions::expression).transpose()?);
        let mut causes = Vec::new();
        let ended = self.search(solver, &search, holds.clone(), denied.as_ref(), &mut causes);
        self.conclude(solver, &search, (&holds, denied.as_ref()), causes, found, reached)?;
        ended
    }

    /// Finds the causes, each with a question as the solver has it.
    fn search(
        &self,
        solver: &mut Solver,
        search: &Search<'_>,
        mut holds: Vec<Expr>,
        denied: Option<&Compiled>,
        causes: &mut Vec<(Vec<String>, Example)>,
    ) -> Result<(), String> {
        let rounds = self.rounds();
        for _ in 0..rounds {
            let example = match search.find(solver, &joined::all(holds.clone()), denied) {
                Searched::None => return Ok(()),
                Searched::Undecided(reason) => return Err(reason),
                Searched::Example(example) => *example,
            };
            let (difference, example) = self.narrowed(solver, search, &holds, denied, example)?;
            let cause = difference.policies;
            if causes.iter().any(|(known, _)| *known == cause) {
                return Err(format!("the cause {} came twice; this is a fault of poort", cause.join(", ")));
            }
            holds.push(Expr::not(self.explained(&cause)));
            causes.push((cause, example));
            if self.pairing.pair.only.is_some() {
                return Ok(());
            }
        }
        // The search is complete only after a proof that no difference is left.
        match search.find(solver, &joined::all(holds), denied) {
            Searched::None => Ok(()),
            Searched::Undecided(reason) => Err(reason),
            Searched::Example(_) => {
                Err(format!("there are more than {rounds} causes; what lies behind them was not looked at"))
            }
        }
    }

    /// Makes the questions readable, about real accounts where any fits, and says for which accounts they matter.
    fn conclude(
        &self,
        solver: &mut Solver,
        search: &Search<'_>,
        (holds, denied): (&[Expr], Option<&Compiled>),
        causes: Vec<(Vec<String>, Example)>,
        found: &mut Vec<Difference>,
        reached: &mut Vec<Reached>,
    ) -> Result<(), String> {
        if causes.is_empty() {
            return Ok(());
        }
        let same = |cause: &[String], example: &Example| self.difference(example).is_ok_and(|it| it.policies == cause);
        let plain: Vec<_> = causes
            .into_iter()
            .map(|(cause, example)| {
                let example = search.plain(example, &|example| same(&cause, example));
                (cause, example)
            })
            .collect();
        let examples = plain.iter().map(|(_, example)| example.clone()).collect();
        let (concerned, real) = self.reached(solver, examples);
        let whoever = concerned.whoever;
        reached.push(concerned);
        for (cause, example) in plain {
            let same = |example: &Example| same(&cause, example);
            let fits = real.iter().find(|example| same(example)).cloned();
            let fits = fits.map(|real| search.with_real_records(&real, &same).unwrap_or(real));
            let example = match fits.or_else(|| search.with_real_accounts(&example, &same)) {
                Some(real) => search.plain(real, &same),
                // Accounts that the directory does not hold were not looked at one by one.
                None if whoever => search.readable(solver, holds, denied, example, &same),
                None => example,
            };
            found.push(self.difference(&example)?);
        }
        Ok(())
    }

    /// The accounts for whom the differences matter, of which these are examples.
    fn reached(&self, solver: &mut Solver, examples: Vec<Example>) -> (Reached, Vec<Example>) {
        let Pairing { environment, direction, pair, changed, apart } = self.pairing;
        let differs = |example: &Example| self.judge(example).is_ok_and(|judged| judged.is_some());
        let Self { world, to, from, .. } = *self;
        let (known, directories) = (pair.known, pair.directories);
        Reach {
            environment,
            change: *direction,
            known,
            directories,
            to,
            from,
            changed,
            apart,
            world,
            only: pair.only.as_ref(),
            differs: &differs,
        }
        .find(solver, examples)
    }

    /// How many causes are looked for: as many as there are changed policies here, and pairs of them. Where the other side
    /// refuses, every policy counts as changed.
    fn rounds(&self) -> usize {
        let rules = self.to.rules.iter().chain(self.from.into_iter().flat_map(|from| from.rules.iter()));
        let is_changed = |id: &&str| self.from.is_none() || self.pairing.changed.contains(*id);
        let ids: BTreeSet<&str> = rules.map(|rule| rule.id.as_str()).filter(is_changed).collect();
        (ids.len() * (ids.len() + 1) / 2).clamp(1, MOST)
    }

    /// The same, with as few policies as are enough: the others get an example of their own.
    fn narrowed(
        &self,
        solver: &mut Solver,
        search: &Search<'_>,
        holds: &[Expr],
        denied: Option<&Compiled>,
        mut example: Example,
    ) -> Result<(Difference, Example), String> {
        let mut difference = self.difference(&example)?;
        for id in difference.policies.clone() {
            if difference.policies.len() < 2 {
                break;
            }
            let without = self.uninvolved(std::slice::from_ref(&id));
            let narrower = joined::all(holds.iter().cloned().chain([without]));
            if let Searched::Example(other) = search.find(solver, &narrower, denied) {
                let narrower = self.difference(&other)?;
                if narrower.policies.len() < difference.policies.len() {
                    (difference, example) = (narrower, *other);
                }
            }
        }
        Ok((difference, example))
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
        if parts.is_empty() { joined::any(failing) } else { joined::any(parts) }
    }

    /// What both sides say, if the question is such a one.
    fn judge(&self, example: &Example) -> Result<Option<(Verdict, Option<Verdict>)>, String> {
        if self.pairing.pair.only.as_ref().is_some_and(|only| !only.has(&example.evaluation)) {
            return Ok(None);
        }
        let own = if example.real { None } else { Some(example.directory(&self.world.policies)?) };
        let decide = |half: &Half<'_>| match &own {
            // Each side already has the real directory.
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
        let changed = self.pairing.changed;
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
        if let Some(only) = &self.pairing.pair.only {
            policies = vec![only.cause()];
        }
        let refused = || SideAnswer {
            allowed: false,
            policies: Vec::new(),
            reason: worded(|language| texts::refused(language).to_owned()),
        };
        let (to, from) = (SideAnswer::of(&allowed), denied.as_ref().map_or_else(refused, SideAnswer::of));
        let (base, head) = match self.pairing.direction {
            Direction::NewlyAllowed => (from, to),
            Direction::NewlyDenied => (to, from),
        };
        let digest = self.digest(&policies);
        let example = self.question(example, &policies);
        Ok(Difference { change: self.pairing.direction, policies, digest, example, base, head })
    }

    /// Names exactly this change of these policies.
    fn digest(&self, ids: &[String]) -> String {
        let (before, after) = match self.pairing.direction {
            Direction::NewlyAllowed => (self.from, Some(self.to)),
            Direction::NewlyDenied => (Some(self.to), self.from),
        };
        let mut parts = Vec::new();
        for (side, half) in [("before", before), ("after", after)] {
            let Some(half) = half else { continue };
            // What new questions are allowed depends on all policies.
            let counts = |rule: &&&Rule| self.pairing.pair.only.is_some() || ids.contains(&rule.id);
            for rule in half.rules.iter().filter(counts) {
                parts.push((format!("{side} {}", rule.id), rule.text.as_bytes()));
            }
            if !ids.iter().any(|id| self.pairing.changed.contains(id)) {
                parts.push((format!("{side} schema"), half.snapshot.policies.schema_text.as_bytes()));
            }
        }
        Revision::of(parts.iter().map(|(name, text)| (name.as_str(), *text))).to_string()
    }

    fn question(&self, example: &Example, ids: &[String]) -> Question {
        let halves = [Some(self.to), self.from];
        let policies: Vec<_> = halves.iter().flatten().map(|half| half.snapshot.policies.as_ref()).collect();
        if let Some(only) = &self.pairing.pair.only {
            let facts = only.facts(&example.evaluation);
            return Question { facts, ..Question::of(example, self.pairing.environment, &policies) };
        }
        let question = Question::of(example, self.pairing.environment, &policies);
        let rule = |half: Option<&'a Half<'a>>, id: &String| half?.rules.iter().find(|rule| rule.id == *id).copied();
        let sides: Vec<facts::Sides<'_>> =
            ids.iter().map(|id| (rule(self.from, id), rule(Some(self.to), id))).collect();
        let (environment, directory) = (self.pairing.environment, &self.world.directory);
        Question {
            facts: Facts::of(&sides, example, environment, directory, question.when(Language::English)),
            ..question
        }
    }
}
