//! Finds policies that can be removed, since others cover them. Of policies that cover each other, one stays.
//!
//! Policies are removed from the last to the first: of two equal ones, the first stays. Which others cover a policy is
//! proven for all policies in parallel; which of those are still there is known only at its turn.

use super::{
    Rule, Work, assumptions,
    check::World,
    joined::{all, any},
    solver::{Found, Scene, Solver},
    workers,
};
use crate::types::problem::Problem;
use std::collections::BTreeSet;

/// What covers a policy, as far as that does not depend on which others have gone.
#[derive(Default)]
struct Cover {
    /// Policies that cover it alone, by their number, in order, up to the first that cannot go before it.
    alone: Vec<usize>,
    /// Whether those that cannot go before it cover it together.
    together: bool,
    /// Why something is not known.
    undecided: Option<String>,
}

/// Whether a policy cannot go before it is another one's turn.
fn stays(other: usize, index: usize, covered: &[usize]) -> bool {
    other < index || !covered.contains(&other)
}

impl World<'_> {
    /// What can go, each as a warning; and what is undecided, once a policy. A step is a policy.
    pub(super) fn redundant(&self, covered: &[usize], work: Work<'_>) -> Vec<Problem> {
        (work.planned)(covered.len());
        let covers =
            workers::each(covered, work.effort, work.done, &|solver, index| self.cover(solver, *index, covered));
        let mut last = Solver::new(work.effort.limit).ok();
        let mut gone = BTreeSet::new();
        let mut problems = Vec::new();
        for (index, cover) in covered.iter().zip(covers).rev() {
            let Some(rule) = self.rules.get(*index) else { continue };
            let broken = || Cover { undecided: Some("the analysis broke off".to_owned()), ..Cover::default() };
            let Cover { alone, together, mut undecided } = cover.unwrap_or_else(broken);
            let mut by = alone.iter().find(|other| !gone.contains(*other)).and_then(|other| self.name(*other));
            let left: Vec<_> =
                self.others(*index).map(|(other, _)| other).filter(|other| !gone.contains(other)).collect();
            // Without one that might have gone, the answer is known.
            let is_asked = left.iter().any(|other| !stays(*other, *index, covered));
            if by.is_none() && (together || is_asked && self.left_cover(last.as_mut(), *index, &left, &mut undecided)) {
                by = Some("the others together".to_owned());
            }
            match (by, undecided) {
                (Some(by), _) => {
                    gone.insert(*index);
                    let verb = if rule.permits { "permits" } else { "forbids" };
                    let message = format!("`{}` has no effect: all that it {verb}, {by} {verb} too", rule.id);
                    let problem = self.warning(rule, "policy::redundant", &message);
                    problems.push(problem.help("delete it, or write down what it should add"));
                }
                (None, Some(reason)) => {
                    let message = format!("whether `{}` has an effect could not be decided: {reason}", rule.id);
                    let problem = self.warning(rule, "policy::undecided", &message);
                    problems.push(problem.help("give the solver more time with --timeout SECONDS"));
                }
                (None, None) => {}
            }
        }
        problems
    }

    fn name(&self, index: usize) -> Option<String> {
        self.rules.get(index).map(|rule| format!("`{}`", rule.id))
    }

    /// The others of a policy's effect, by number.
    fn others(&self, index: usize) -> impl Iterator<Item = (usize, &Rule)> {
        let permits = self.rules.get(index).map(|rule| rule.permits);
        let others = self.rules.iter().enumerate();
        others.filter(move |(other, rule)| *other != index && Some(rule.permits) == permits)
    }

    fn cover(&self, solver: &mut Solver, index: usize, covered: &[usize]) -> Cover {
        let mut cover = Cover::default();
        let Some(rule) = self.rules.get(index) else { return cover };
        for (other, candidate) in self.others(index) {
            match self.covers(solver, rule, &[candidate]) {
                Ok(true) => cover.alone.push(other),
                Ok(false) => continue,
                Err(reason) => cover.undecided = Some(reason),
            }
            // One policy that covers it says more than all together.
            if cover.alone.last() == Some(&other) && stays(other, index, covered) {
                return cover;
            }
        }
        let staying: Vec<_> =
            self.others(index).filter(|(other, _)| stays(*other, index, covered)).map(|(_, rule)| rule).collect();
        if staying.len() > 1 {
            match self.covers(solver, rule, &staying) {
                Ok(together) => cover.together = together,
                Err(reason) => cover.undecided = Some(reason),
            }
        }
        cover
    }

    /// Whether those that are left cover a policy together.
    fn left_cover(
        &self,
        solver: Option<&mut Solver>,
        index: usize,
        left: &[usize],
        undecided: &mut Option<String>,
    ) -> bool {
        let (Some(solver), Some(rule)) = (solver, self.rules.get(index)) else { return false };
        let left: Vec<_> = left.iter().filter_map(|other| self.rules.get(*other)).collect();
        if left.len() < 2 {
            return false;
        }
        self.covers(solver, rule, &left).unwrap_or_else(|reason| {
            *undecided = Some(reason);
            false
        })
    }

    /// Whether these policies match all that one matches, in all environments.
    fn covers(&self, solver: &mut Solver, rule: &Rule, others: &[&Rule]) -> Result<bool, String> {
        for environment in self.environments.iter().filter(|it| rule.applies(it, &self.policies.action_entities)) {
            let others: Vec<_> = others
                .iter()
                .filter(|other| other.applies(environment, &self.policies.action_entities))
                .copied()
                .collect();
            if others.iter().any(|other| other.text == rule.text) {
                continue;
            }
            let scene = Scene::new(&self.known, environment);
            let mut read = others.clone();
            read.push(rule);
            let assumed = assumptions(self.policies, environment, &read)?.light;
            let rest = scene.compile(any(others.iter().map(|other| other.condition.clone())))?;
            match solver.find_where(&scene, all([assumed, rule.condition.clone()]), Some(&rest)) {
                Found::None => {}
                Found::Request(_) => return Ok(false),
                Found::Undecided(message) => return Err(message),
            }
        }
        Ok(true)
    }
}
