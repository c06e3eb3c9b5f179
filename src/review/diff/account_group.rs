//! Groups what a change of the directory changes, so that a change that matters to many accounts in many environments is
//! read once.

use super::{AccountEffect, Comparison, Direction, EnvironmentChange, comparison::counted};
use std::collections::{BTreeMap, BTreeSet};

/// How many accounts or environments are named; the others are counted.
const NAMED: usize = 5;

/// Effects of one direction with the same cause on the same accounts.
#[derive(Debug)]
pub struct AccountGroup<'a> {
    /// What they are.
    pub change: Direction,
    /// The changed entities of the directory that cause them, ordered.
    pub because: &'a [String],
    /// The accounts, ordered; empty: whoever asks about what is in `named`.
    pub accounts: Vec<&'a str>,
    /// The entities that questions name, where they matter.
    pub named: &'a [(String, Vec<String>)],
    /// The effects with their environments, in order. The first has the easiest example to read.
    pub members: Vec<(&'a EnvironmentChange, &'a AccountEffect)>,
}

/// What a change of the directory changes: first what is newly allowed, then what is newly denied.
#[must_use]
pub fn account_groups(comparison: &Comparison) -> Vec<AccountGroup<'_>> {
    type Named = [(String, Vec<String>)];
    type Cause<'a> = (Direction, &'a [String], &'a Named);
    type Members<'a> = Vec<(&'a EnvironmentChange, &'a AccountEffect)>;
    let mut found: BTreeMap<(Cause<'_>, BTreeSet<&str>), Members<'_>> = BTreeMap::new();
    for outcome in &comparison.environments {
        // Which accounts are alike is another question in each environment; who is affected is not.
        let mut here: BTreeMap<Cause<'_>, (BTreeSet<&str>, &AccountEffect)> = BTreeMap::new();
        for effect in &outcome.accounts {
            let cause: Cause<'_> = (effect.change, &effect.because, &effect.named);
            let (accounts, example) = here.entry(cause).or_insert_with(|| (BTreeSet::new(), effect));
            accounts.extend(effect.accounts.iter().map(String::as_str));
            if (!effect.example.real, length(effect)) < (!example.example.real, length(example)) {
                *example = effect;
            }
        }
        for (cause, (accounts, example)) in here {
            found.entry((cause, accounts)).or_default().push((outcome, example));
        }
    }
    found
        .into_iter()
        .map(|(((change, because, named), accounts), mut members)| {
            // Stable: equally readable examples keep the order of the environments.
            members.sort_by_key(|(_, effect)| (!effect.example.real, length(effect)));
            AccountGroup { change, because, accounts: accounts.into_iter().collect(), named, members }
        })
        .collect()
}

fn length(effect: &AccountEffect) -> usize {
    effect.example.question.to_string().len()
}

impl AccountGroup<'_> {
    /// In one line: for whom, and what.
    #[must_use]
    pub fn line(&self) -> String {
        let mut whom = match self.accounts.as_slice() {
            [] => "whoever asks".to_owned(),
            [one] => (*one).to_owned(),
            several => format!("{} ({})", counted(several.len(), "account"), some(several.iter().copied())),
        };
        for (place, uids) in self.named {
            whom.push_str(&format!(", where {place} is {}", some(uids.iter().map(String::as_str))));
        }
        format!("{} for {whom}: {}", self.change.words(), self.environments())
    }

    /// The other changes that cause it too, if there are any.
    #[must_use]
    pub fn others(&self) -> Option<String> {
        let (_, others) = self.because.split_first()?;
        (!others.is_empty())
            .then(|| format!("together with what changed of {}", some(others.iter().map(String::as_str))))
    }

    fn environments(&self) -> String {
        let names: BTreeSet<_> =
            self.members.iter().map(|(outcome, _)| format!("{} × {}", outcome.action, outcome.resource)).collect();
        some(names.iter().map(String::as_str))
    }
}

/// The first of them, and how many more.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<_> = names.take(NAMED).collect();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

impl Comparison {
    /// For how many accounts something is newly allowed, or newly denied, because the directory changed.
    #[must_use]
    pub fn accounts(&self, change: Direction) -> usize {
        let effects = self.environments.iter().flat_map(|outcome| &outcome.accounts);
        let accounts = effects.filter(|effect| effect.change == change).flat_map(|effect| &effect.accounts);
        accounts.collect::<BTreeSet<_>>().len()
    }
}
