//! Groups what a change of the directory changes, so that a change that matters to many accounts in many environments is
//! read once.

use super::{AccountEffect, Comparison, Direction, EnvironmentChange, comparison};
use crate::types::{language::Language, texts::diff as texts};
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
    pub fn line(&self, language: Language) -> String {
        let mut whom = match self.accounts.as_slice() {
            [] => texts::whoever_asks(language).to_owned(),
            [one] => (*one).to_owned(),
            several => {
                let accounts = comparison::accounts(several.len(), language);
                texts::accounts_named(language, accounts, some(several.iter().copied(), language))
            }
        };
        for (place, uids) in self.named {
            whom = texts::where_place_is(language, whom, place, some(uids.iter().map(String::as_str), language));
        }
        texts::change_for(language, self.change.words(language), whom, self.environments(language))
    }

    /// The other changes that cause it too, if there are any.
    #[must_use]
    pub fn others(&self, language: Language) -> Option<String> {
        let (_, others) = self.because.split_first()?;
        (!others.is_empty()).then(|| texts::together_with(language, some(others.iter().map(String::as_str), language)))
    }

    fn environments(&self, language: Language) -> String {
        let names: BTreeSet<_> =
            self.members.iter().map(|(outcome, _)| format!("{} × {}", outcome.action, outcome.resource)).collect();
        some(names.iter().map(String::as_str), language)
    }
}

/// The first of them, and how many more.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>, language: Language) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<_> = names.take(NAMED).collect();
    let named = named.join(", ");
    if more > 0 { texts::and_more(language, named, more) } else { named }
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
