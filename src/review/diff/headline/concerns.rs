//! Who is concerned: the differences of all environments, put together where they are the same for the same accounts.

use super::super::{
    AccountEffect, Comparison, Direction, EnvironmentChange, Question, Reached, SideAnswer, Together, lists::what,
    people,
};
use crate::types::language::Language;
use std::collections::{BTreeMap, BTreeSet};

/// For whom something is different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom<'a> {
    /// These accounts of the directory; at least one.
    Accounts(BTreeSet<&'a str>),
    /// Some of so many accounts of this type, or none of them.
    AnyOf(&'a str, usize),
    /// Some accounts of this type, or none.
    Any(&'a str),
    /// No account of the directory, though another of these types.
    Nobody(BTreeSet<&'a str>),
    /// Whoever asks about these: the ids in places such as `resource.team`.
    Asking(Vec<(&'a str, Vec<String>)>),
    /// Whoever the question describes, by type.
    Described(&'a str),
}

/// An example, with what both sides make of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) outcome: &'a EnvironmentChange,
    pub(super) question: &'a Question,
    pub(super) head: &'a SideAnswer,
    /// The changed entities of the directory that cause it.
    pub(super) because: &'a [String],
}

/// What is different for them.
pub(super) struct Concern<'a> {
    pub(super) change: Direction,
    pub(super) whom: Whom<'a>,
    pub(super) environments: Vec<&'a EnvironmentChange>,
    /// It is not known whether it is different for others too.
    pub(super) at_least: bool,
    pub(super) example: Option<Shown<'a>>,
}

/// All that is different; what is newly allowed comes first, and then what concerns the most.
pub(super) fn concerns(comparison: &Comparison) -> Vec<Concern<'_>> {
    let mut all: BTreeMap<(Direction, Whom<'_>), Concern<'_>> = BTreeMap::new();
    for outcome in &comparison.environments {
        let is_settled = outcome.undecided.is_empty()
            && outcome.together != Together::Records
            && comparison.not_worked_out.is_none();
        for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
            for (whom, at_least, example) in here(outcome, change, is_settled) {
                let key = (change, whom.clone());
                let concern = Concern { change, whom, environments: Vec::new(), at_least: false, example: None };
                let concern = all.entry(key).or_insert(concern);
                concern.environments.push(outcome);
                concern.at_least |= at_least;
                if rank(example) < rank(concern.example) {
                    concern.example = example;
                }
            }
        }
    }
    let mut all = merged(all.into_values());
    let size = |whom: &Whom<'_>| match whom {
        Whom::Accounts(accounts) => accounts.len(),
        Whom::AnyOf(_, count) => *count,
        Whom::Any(_) | Whom::Nobody(_) => 0,
        Whom::Asking(_) | Whom::Described(_) => usize::MAX,
    };
    // Stable.
    all.sort_by_key(|it| (it.change, std::cmp::Reverse((size(&it.whom), it.environments.len()))));
    all
}

/// Whom one environment concerns in one direction, whether others may be concerned too, and the plainest example.
fn here(outcome: &EnvironmentChange, change: Direction, is_settled: bool) -> Vec<(Whom<'_>, bool, Option<Shown<'_>>)> {
    let effects: Vec<_> = outcome.accounts.iter().filter(|it| it.change == change).collect();
    let (asking, by_account): (Vec<_>, Vec<_>) = effects.into_iter().partition(|effect| effect.accounts.is_empty());
    let differences: Vec<_> = outcome.differences.iter().filter(|it| it.change == change).collect();
    let mut found: Vec<_> =
        asking.iter().map(|effect| (Whom::Asking(about(effect)), false, Some(of_effect(outcome, effect)))).collect();
    let reached = outcome.reached.iter().find(|it| it.change == change);
    if reached.is_none() && differences.is_empty() && by_account.is_empty() {
        return found;
    }
    let mut accounts: BTreeSet<&str> = reached.iter().flat_map(|it| &it.accounts).map(String::as_str).collect();
    if outcome.together == Together::Nothing {
        // Otherwise those of them that could not before are among the reached.
        accounts.extend(by_account.iter().flat_map(|effect| &effect.accounts).map(String::as_str));
    }
    let example = differences
        .iter()
        .map(|it| Shown { outcome, question: &it.example, head: &it.head, because: &[] })
        .chain(by_account.iter().map(|effect| of_effect(outcome, effect)))
        .filter(|shown| accounts.is_empty() || shown.account().is_none_or(|name| accounts.contains(name.as_str())))
        .min_by_key(|shown| rank(Some(*shown)));
    let kind = outcome.principal.as_str();
    let (whom, at_least) = match reached {
        Some(Reached { whoever: true, .. }) => (Whom::Described(kind), false),
        Some(Reached { open, .. }) if !accounts.is_empty() => {
            (Whom::Accounts(accounts), *open > 0 || !is_settled || !asking.is_empty())
        }
        Some(Reached { open: 0, .. }) if is_settled && asking.is_empty() => {
            (Whom::Nobody(BTreeSet::from([kind])), false)
        }
        Some(Reached { open: 0, .. }) => (Whom::Any(kind), false),
        Some(Reached { open, .. }) => (Whom::AnyOf(kind, *open), false),
        None if accounts.is_empty() => (Whom::Any(kind), false),
        None => (Whom::Accounts(accounts), !is_settled || !differences.is_empty() || !asking.is_empty()),
    };
    found.push((whom, at_least, example));
    found
}

/// The same operations that no account of several types gains or loses are one concern.
fn merged<'a>(concerns: impl Iterator<Item = Concern<'a>>) -> Vec<Concern<'a>> {
    let mut all: Vec<Concern<'a>> = Vec::new();
    for concern in concerns {
        let same = all.iter_mut().find(|it| {
            it.change == concern.change
                && matches!((&it.whom, &concern.whom), (Whom::Nobody(_), Whom::Nobody(_)))
                && what(&it.environments, Language::English) == what(&concern.environments, Language::English)
        });
        match (same, concern) {
            (Some(Concern { whom: Whom::Nobody(kinds), .. }), Concern { whom: Whom::Nobody(more), .. }) => {
                kinds.extend(more);
            }
            (_, concern) => all.push(concern),
        }
    }
    all
}

fn of_effect<'a>(outcome: &'a EnvironmentChange, effect: &'a AccountEffect) -> Shown<'a> {
    Shown { outcome, question: &effect.example, head: &effect.head, because: &effect.because }
}

impl Shown<'_> {
    /// The account of the directory that asks, as `Type::"id"`; `None`, if it is made up.
    pub(super) fn account(&self) -> Option<String> {
        self.question.real.then(|| people::name(&self.outcome.whole.principal, self.part("/subject/id")))
    }

    /// A part of the question.
    pub(super) fn part(&self, pointer: &str) -> &str {
        self.question.question.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// The least is the easiest to read.
fn rank(shown: Option<Shown<'_>>) -> (bool, bool, usize) {
    shown.map_or((true, true, 0), |shown| (false, !shown.question.real, shown.question.question.to_string().len()))
}

fn about(effect: &AccountEffect) -> Vec<(&str, Vec<String>)> {
    let ids = |uids: &[String]| uids.iter().map(|uid| people::id(uid)).collect();
    effect.named.iter().map(|(place, uids)| (place.as_str(), ids(uids))).collect()
}
