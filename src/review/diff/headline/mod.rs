//! The headline: who can now do what, in words, and one example. It is what a reader sees who reads no further.
//!
//! **Invariant:** it says that nobody can do more or less only where that is proven of all that was compared
//! (`tests/it/review/diff/first_screen.rs`).
//!
//! - `concerns`: for whom something is different
//! - `example`: one question, with the facts that matter

mod concerns;
mod example;
#[cfg(test)]
mod tests;

use super::{
    Change, Comparison, Direction, EnvironmentChange, Together, comparison,
    lists::{joined, some, what},
    people,
};
use crate::types::{language::Language, texts::diff_headline as texts};
use concerns::{Concern, Whom, concerns};
use std::collections::{BTreeMap, BTreeSet};

/// How many sentences there are.
const SENTENCES: usize = 4;
/// How many kinds of groups are shown of the accounts.
const GROUPS: usize = 4;

/// What a reader sees first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The sentences; there is at least one.
    pub sentences: Vec<String>,
    /// One question, with the facts that matter; of the first sentence.
    pub example: Option<String>,
}

impl Headline {
    /// The headline of a comparison.
    #[must_use]
    pub fn of(comparison: &Comparison, language: Language) -> Self {
        let concerns = concerns(comparison);
        let mut sentences: Vec<_> =
            concerns.iter().take(SENTENCES).map(|concern| sentence(comparison, concern, language)).collect();
        let more = concerns.len().saturating_sub(SENTENCES);
        sentences.extend(match more {
            0 => None,
            1 => Some(texts::one_more(language).to_owned()),
            count => Some(texts::many_more(language, count)),
        });
        sentences.extend(open(comparison, language));
        let is_equal = comparison.environments.iter().all(EnvironmentChange::is_equal);
        if is_equal && comparison.not_worked_out.is_none() {
            let nobody = if comparison.filtered > 0 { texts::nobody_can_more_in_part } else { texts::nobody_can_more };
            sentences.push(nobody(language).to_owned());
        }
        sentences.extend(asked_of_applications(comparison, language));
        sentences.extend(asked_by_applications(comparison, language));
        sentences.extend(renamed(comparison, language));
        let example = concerns.first().and_then(|concern| example::told(comparison, concern, language));
        Self { sentences, example }
    }

    /// All of it, line by line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().chain(&self.example).map(String::as_str)
    }
}

/// What became possible, or no longer is.
fn sentence(comparison: &Comparison, concern: &Concern<'_>, language: Language) -> String {
    let Concern { change, whom, environments, at_least, example: _ } = concern;
    let what = what(environments, language);
    let is_allowed = *change == Direction::NewlyAllowed;
    match whom {
        Whom::Asking(places) => {
            let about = about(places, language);
            let words = if is_allowed { texts::asking_allowed } else { texts::asking_denied };
            words(language, what, about)
        }
        Whom::Described(kind) => {
            let words = if is_allowed { texts::described_allowed } else { texts::described_denied };
            words(language, kind, what)
        }
        Whom::Nobody(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.to_lowercase()).collect();
            let words = if is_allowed { texts::nobody_allowed } else { texts::nobody_denied };
            words(language, kinds.join(texts::or_kind(language)), what)
        }
        Whom::Any(kind) => {
            let words = if is_allowed { texts::any_allowed } else { texts::any_denied };
            words(language, kind.to_lowercase(), what)
        }
        Whom::AnyOf(kind, count) => {
            let words = if is_allowed { texts::any_of_allowed } else { texts::any_of_denied };
            words(language, counted(*count, &kind.to_lowercase(), language), what)
        }
        Whom::Accounts(accounts) => {
            let who = who(comparison, accounts, language);
            let who = if *at_least { texts::at_least(language, who) } else { who };
            let words = if is_allowed { texts::accounts_allowed } else { texts::accounts_denied };
            words(language, who, what, groups(comparison, accounts, language))
        }
    }
}

/// What questions are about, such as `resource.team is heron`.
fn about(places: &[(&str, Vec<String>)], language: Language) -> String {
    let named = places
        .iter()
        .map(|(place, ids)| texts::place_is(language, place, some(ids.iter().map(String::as_str), language)));
    named.collect::<Vec<_>>().join(texts::and_place(language))
}

/// A number of accounts of a type, whose name the schema has.
fn counted(count: usize, kind: &str, language: Language) -> String {
    match count {
        1 => format!("1 {kind}"),
        // Of no type that is known: the word has the same plural in both languages.
        _ if kind == texts::account(language) => format!("{count} {kind}s"),
        _ => texts::many_of_kind(language, count, kind),
    }
}

/// How many of which type; who, if it is one.
fn who(comparison: &Comparison, accounts: &BTreeSet<&str>, language: Language) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let word =
        |name: &&str| comparison.people.get(*name).map_or(texts::account(language), |account| account.kind.as_str());
    accounts.iter().for_each(|name| *kinds.entry(word(name)).or_default() += 1);
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, count)| counted(count, kind, language)).collect();
    joined(&kinds, language)
}

/// What they have in common, such as ` (organisation politie; unit station-north-1 3, station-south 2)`.
fn groups(comparison: &Comparison, accounts: &BTreeSet<&str>, language: Language) -> String {
    let mut by_name: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for account in accounts.iter().filter_map(|name| comparison.people.get(*name)) {
        for (name, ids) in &account.groups {
            let (count, values) = by_name.entry(name).or_default();
            *count += 1;
            ids.iter().for_each(|id| *values.entry(id).or_default() += 1);
        }
    }
    let mut names: Vec<_> = by_name.into_iter().collect();
    // First what all have, and what is the same for all.
    names.sort_by_key(|(name, (count, values))| (std::cmp::Reverse(*count), values.len(), *name));
    let mut parts: Vec<String> = match accounts.first() {
        Some(only) if accounts.len() == 1 => vec![people::id(only)],
        _ => Vec::new(),
    };
    for (name, (_, values)) in names.into_iter().take(GROUPS) {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let all = |count: usize| count == accounts.len();
        let values =
            values.iter().map(|(id, count)| if all(*count) { (*id).to_owned() } else { format!("{id} {count}") });
        let values: Vec<String> = values.collect();
        parts.push(format!("{name} {}", some(values.iter().map(String::as_str), language)));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

/// What is not known.
fn open(comparison: &Comparison, language: Language) -> Vec<String> {
    let mut sentences = Vec::new();
    if comparison.undecided() > 0 {
        let all = comparison::environments(comparison.environments.len(), language);
        sentences.push(texts::undecided_in(language, comparison.undecided(), all));
    }
    if let Some(reason) = &comparison.not_worked_out {
        sentences.push(texts::not_worked_out(language, reason));
    }
    if comparison.environments.iter().any(is_open_together) {
        sentences.push(texts::changed_together(language).to_owned());
    }
    sentences
}

/// Whether it is open what could be done before both changes.
fn is_open_together(outcome: &EnvironmentChange) -> bool {
    match outcome.together {
        Together::Nothing => false,
        Together::Accounts => outcome.reached.iter().any(|reached| reached.open > 0),
        Together::Records => true,
    }
}

/// Applications that may ask more than before.
fn asked_by_applications(comparison: &Comparison, language: Language) -> Option<String> {
    let wider = comparison.applications.iter().filter(|change| !change.widened.is_empty());
    let names: Vec<_> = wider.map(|change| change.application.as_str()).collect();
    (!names.is_empty()).then(|| texts::applications_ask_more(language, some(names.iter().copied(), language)))
}

/// What answers ask of applications otherwise than before.
fn asked_of_applications(comparison: &Comparison, language: Language) -> Vec<String> {
    let changed = comparison.policies.iter().filter_map(|change| Some((change, change.obligations.as_ref()?)));
    let mut sentences: Vec<_> = changed
        .flat_map(|(change, obligations)| {
            let quoted = |all: &[String]| some(all.iter().map(String::as_str), language);
            let lost = (!obligations.lost.is_empty()).then(|| match change.after {
                Some(_) => texts::no_longer_have_to(language, &change.id, quoted(&obligations.lost)),
                None => texts::gone_with_it(language, &change.id, quoted(&obligations.lost)),
            });
            // What a new policy asks is no change of what was allowed before.
            let gained = (change.before.is_some() && !obligations.gained.is_empty())
                .then(|| texts::now_have_to(language, &change.id, quoted(&obligations.gained)));
            lost.into_iter().chain(gained)
        })
        .collect();
    let more = sentences.len().saturating_sub(SENTENCES);
    sentences.truncate(SENTENCES);
    sentences.extend(match more {
        0 => None,
        1 => Some(texts::one_more_obligation(language).to_owned()),
        count => Some(texts::many_more_obligations(language, count)),
    });
    sentences
}

fn renamed(comparison: &Comparison, language: Language) -> Option<String> {
    let changes = comparison.policies.iter().chain(&comparison.guarantees);
    let renamed = changes.filter(|change| change.change == Change::Renamed || change.renamed_from.is_some());
    let names: Vec<_> = renamed.map(|change| format!("`{}`", change.named())).collect();
    (!names.is_empty()).then(|| texts::renamed(language, some(names.iter().map(String::as_str), language)))
}
