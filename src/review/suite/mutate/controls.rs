//! Negative controls of guarantees: the changes of the policies that break them in a case. A guarantee that no change breaks
//! says nothing that the suites show: nobody would notice if it were about nothing at all.
//!
//! Where several rules keep to a guarantee, no change of one breaks it. Then the control is a change together with the loss
//! of the other forbids that apply in the case.

use super::super::{case::Case, coverage::Found};
use crate::{
    pdp::engine::World,
    sources::policy::{Policies, cedar_core::ast::Policy},
};
use cedar_policy as cedar;
use std::sync::{Mutex, PoisonError};

/// What the changes do to the guarantees, while they are tried.
pub(super) struct Controls<'a> {
    guarantees: Vec<Tried<'a>>,
    /// For each case, the guarantees that are about it.
    about: Vec<Vec<usize>>,
}

struct Tried<'a> {
    guarantee: &'a cedar::Policy,
    /// The best so far.
    breach: Mutex<Option<Breach>>,
}

/// A change that breaks a guarantee. The less, the better: alone, then the first of the changes, then of the cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Breach {
    /// Whether other forbids are lost with it.
    pub(super) takes_others: bool,
    /// The number of the change.
    pub(super) change: usize,
    /// The number of the case.
    pub(super) case: usize,
}

impl<'a> Controls<'a> {
    pub(super) fn new(stated: Option<&'a Policies>, cases: &[(&Case, Option<&World>)]) -> Self {
        let mut guarantees: Vec<_> = stated.into_iter().flat_map(|stated| stated.set.policies()).collect();
        guarantees.sort_by(|one, other| one.id().cmp(other.id()));
        let about = cases.iter().map(|(_, world)| {
            let Some(evaluator) = world.map(World::evaluator) else { return Vec::new() };
            let applies =
                |guarantee: &&cedar::Policy| evaluator.applies(AsRef::<Policy>::as_ref(*guarantee)) == Ok(true);
            guarantees.iter().enumerate().filter(|(_, guarantee)| applies(guarantee)).map(|(index, _)| index).collect()
        });
        let about = about.collect();
        let tried = |guarantee| Tried { guarantee, breach: Mutex::new(None) };
        Self { guarantees: guarantees.into_iter().map(tried).collect(), about }
    }

    /// Whether a change can be the first that breaks, alone, a guarantee that is about a case.
    pub(super) fn are_open(&self, change: usize, case: usize) -> bool {
        let wanted = Breach { takes_others: false, change, case };
        self.of(case).any(|tried| tried.best().is_none_or(|best| wanted < best))
    }

    /// A change makes this of a case.
    pub(super) fn found(&self, change: usize, case: usize, found: &Found) {
        let is_permitted = found.errors.is_empty() && !found.permits.is_empty();
        let is_allowed = is_permitted && found.forbids.is_empty();
        for tried in self.of(case) {
            let takes_others = match tried.guarantee.effect() {
                cedar::Effect::Forbid if is_allowed => false,
                cedar::Effect::Forbid if is_permitted => true,
                cedar::Effect::Permit if !is_allowed => false,
                _ => continue,
            };
            let breach = Breach { takes_others, change, case };
            let mut best = tried.breach.lock().unwrap_or_else(PoisonError::into_inner);
            *best = Some(best.map_or(breach, |best| best.min(breach)));
        }
    }

    fn of(&self, case: usize) -> impl Iterator<Item = &Tried<'a>> {
        self.about.get(case).into_iter().flatten().filter_map(|index| self.guarantees.get(*index))
    }

    /// The guarantees, each with what breaks it.
    pub(super) fn tested(&self) -> impl Iterator<Item = (&'a cedar::Policy, Option<Breach>)> {
        self.guarantees.iter().map(|tried| (tried.guarantee, tried.best()))
    }
}

impl Tried<'_> {
    fn best(&self) -> Option<Breach> {
        *self.breach.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
