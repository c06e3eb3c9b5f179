//! Tries whether a case notices a mutation, and whether it breaks a guarantee there. Only the changed policy is parsed, validated and evaluated again; coverage
//! has the results of the others on each case.

use super::{
    changes::{Change, MutationKind},
    controls::Controls,
    validity::Validity,
};
use crate::{
    pdp::{conditions::Conditioned, engine::World},
    review::suite::{
        case::Case,
        coverage::{Coverage, Covered, Found},
        run::differences,
    },
    sources::{
        policy::cedar_core::{
            self,
            ast::{Policy, PolicyID, Template},
        },
        snapshot::Snapshot,
    },
    types::{
        decision::{ErrorKind, EvaluationError},
        language::Language,
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// A case notices.
    Noticed,
    /// None does.
    Unnoticed {
        /// How many cases evaluate the changed place.
        reached: usize,
    },
    /// It does not fit the schema.
    Invalid,
    /// The schema makes it the same as before.
    Same,
}

/// Tries changes on cases.
pub(super) struct Trial<'a> {
    snapshot: &'a Snapshot,
    coverage: &'a Coverage<'a>,
    cases: &'a [(&'a Case, Option<&'a World>)],
    controls: &'a Controls<'a>,
    validity: Validity<'a>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        coverage: &'a Coverage<'a>,
        cases: &'a [(&'a Case, Option<&'a World>)],
        controls: &'a Controls<'a>,
    ) -> Self {
        let validity = Validity::new(snapshot.policies.schema.as_ref());
        Self { snapshot, coverage, cases, controls, validity }
    }

    /// What becomes of a change, which has this number.
    pub(super) fn run(&self, number: usize, covered: &Covered<'_>, change: &Change) -> Fate {
        let policy = covered.policy;
        let condition = change.condition.and_then(|index| policy.conditions.get(index));
        if change.kind == MutationKind::Wider && condition.is_some_and(|condition| !condition.sides.fails) {
            return Fate::Same;
        }
        let changed = match change.kind {
            MutationKind::Removed => Vec::new(),
            _ => match self.changed(policy, change) {
                Some(changed) => changed,
                None => return Fate::Invalid,
            },
        };
        let differing = self.differing(covered, change);
        let mut is_noticed = false;
        for case in &differing {
            if is_noticed && !self.controls.are_open(number, *case) {
                continue;
            }
            let Some(found) = self.found(*case, policy, &changed) else { continue };
            self.controls.found(number, *case, &found);
            is_noticed = is_noticed || self.notices(*case, &found);
        }
        if is_noticed {
            return Fate::Noticed;
        }
        let seen = change.condition.and_then(|index| covered.conditions.get(index));
        let reached = match seen {
            Some(seen) => seen.reached().collect::<BTreeSet<_>>().len(),
            None => differing.len(),
        };
        Fate::Unnoticed { reached }
    }

    /// The cases whose answer can change: those that evaluate the changed place, with an outcome that the mutation can
    /// alter.
    fn differing(&self, covered: &Covered<'_>, change: &Change) -> BTreeSet<usize> {
        let Some(seen) = change.condition.and_then(|index| covered.conditions.get(index)) else {
            return match change.kind {
                MutationKind::Removed => covered.applied.iter().chain(&covered.errors).copied().collect(),
                _ => (0..self.cases.len()).collect(),
            };
        };
        match change.kind {
            MutationKind::True | MutationKind::Wider => seen.fails.iter().chain(&seen.errors).copied().collect(),
            MutationKind::False => seen.holds.iter().chain(&seen.errors).copied().collect(),
            _ => seen.reached().collect(),
        }
    }

    /// What is evaluated instead of the policy, or instead of the links of the template. `None` if it is not valid.
    fn changed(&self, policy: &Conditioned, change: &Change) -> Option<Vec<Policy>> {
        let text = policy.place.text();
        let start = policy.place.span.start;
        let before = text.get(..change.place.start.checked_sub(start)?)?;
        let after = text.get(change.place.end.checked_sub(start)?..)?;
        let id = PolicyID::from_string(&policy.id);
        let template = cedar_core::parse(Some(id), &format!("{before}{}{after}", change.with))?;
        if !self.validity.of(&template) {
            return None;
        }
        let template = Arc::new(template);
        if template.is_static() {
            return Some(vec![Template::try_as_policy(template).ok()?]);
        }
        let links = policy.deciding.iter();
        links
            .map(|link| {
                let values = link.env().clone();
                // A slot that the mutation removed has no value any more.
                let values = values.into_iter().filter(|(slot, _)| template.slots().any(|it| it.id == *slot));
                Template::link(template.clone(), link.id().clone(), values.collect()).ok()
            })
            .collect()
    }

    /// What matters to a case with the changed policy. `None` if the same policies apply and fail as before.
    fn found(&self, case: usize, policy: &Conditioned, changed: &[Policy]) -> Option<Found> {
        let ((_, world), found) = self.cases.get(case).zip(self.coverage.found.get(case))?;
        let world = (*world)?;
        let evaluator = world.evaluator();
        let mut now = found.clone();
        for deciding in &policy.deciding {
            now.remove(deciding.id().as_ref());
        }
        for policy in changed {
            let id: &str = policy.id().as_ref();
            match evaluator.applies(policy) {
                Ok(true) => now.add(policy, id),
                Ok(false) => {}
                Err(message) => {
                    now.errors.push(EvaluationError { policy: id.to_owned(), kind: ErrorKind::Other, message });
                }
            }
        }
        (!now.is_like(found)).then_some(now)
    }

    fn notices(&self, case: usize, found: &Found) -> bool {
        let case = self.cases.get(case).map(|(case, _)| case);
        case.is_some_and(|case| {
            !differences(&case.expected, &Ok(found.verdict(self.snapshot)), Language::English).is_empty()
        })
    }
}

impl Found {
    fn remove(&mut self, id: &str) {
        self.permits.remove(id);
        self.forbids.remove(id);
        self.errors.retain(|error| error.policy != id);
    }

    /// Whether the same policies apply and fail.
    fn is_like(&self, other: &Self) -> bool {
        let failing = |found: &Self| found.errors.iter().map(|error| error.policy.clone()).collect::<BTreeSet<_>>();
        self.permits == other.permits && self.forbids == other.forbids && failing(self) == failing(other)
    }
}
