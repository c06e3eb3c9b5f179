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
    Change, Comparison, Direction, EnvironmentChange, Together,
    comparison::counted,
    lists::{joined, some, what},
    people,
};
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
    pub fn of(comparison: &Comparison) -> Self {
        let concerns = concerns(comparison);
        let mut sentences: Vec<_> =
            concerns.iter().take(SENTENCES).map(|concern| sentence(comparison, concern)).collect();
        let more = concerns.len().saturating_sub(SENTENCES);
        if more > 0 {
            let are = if more == 1 { "is" } else { "are" };
            sentences.push(format!("{}, of other accounts or operations, {are} below.", counted(more, "more change")));
        }
        sentences.extend(open(comparison));
        let is_equal = comparison.environments.iter().all(EnvironmentChange::is_equal);
        if is_equal && comparison.not_worked_out.is_none() {
            let part = if comparison.filtered > 0 { " in what was looked at" } else { "" };
            sentences.push(format!("No account can do more or less than before{part}."));
        }
        sentences.extend(asked_of_applications(comparison));
        sentences.extend(asked_by_applications(comparison));
        sentences.extend(renamed(comparison));
        let example = concerns.first().and_then(|concern| example::told(comparison, concern));
        Self { sentences, example }
    }

    /// All of it, line by line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().chain(&self.example).map(String::as_str)
    }
}

/// What became possible, or no longer is.
const fn can(change: Direction) -> &'static str {
    match change {
        Direction::NewlyAllowed => "can now",
        Direction::NewlyDenied => "can no longer",
    }
}

fn sentence(comparison: &Comparison, concern: &Concern<'_>) -> String {
    let Concern { change, whom, environments, at_least, example: _ } = concern;
    let (can, what) = (can(*change), what(environments));
    match whom {
        Whom::Asking(about) => format!("Whoever asks {can} {what}, where {about}."),
        Whom::Described(kind) => format!("{kind}s that questions describe {can} {what}."),
        Whom::Nobody(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.to_lowercase()).collect();
            let nobody = format!("No {} of the directory", kinds.join(" or "));
            match change {
                Direction::NewlyAllowed => format!("{nobody} can now {what}; another could."),
                Direction::NewlyDenied => format!("{nobody} loses this: {what}; another could."),
            }
        }
        Whom::Any(kind) => {
            format!("It is not known whether any {} of the directory {can} {what}.", kind.to_lowercase())
        }
        Whom::AnyOf(kind, count) => {
            format!("It is not known whether any of {} {can} {what}.", counted(*count, &kind.to_lowercase()))
        }
        Whom::Accounts(accounts) => {
            let least = if *at_least { "At least " } else { "" };
            format!("{least}{} {can} {what}{}.", who(comparison, accounts), groups(comparison, accounts))
        }
    }
}

/// How many of which type; who, if it is one.
fn who(comparison: &Comparison, accounts: &BTreeSet<&str>) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let word = |name: &&str| comparison.people.get(*name).map_or("account", |account| account.kind.as_str());
    accounts.iter().for_each(|name| *kinds.entry(word(name)).or_default() += 1);
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, count)| counted(count, kind)).collect();
    joined(&kinds)
}

/// What they have in common, such as ` (organisation politie; unit station-north-1 3, station-south 2)`.
fn groups(comparison: &Comparison, accounts: &BTreeSet<&str>) -> String {
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
        parts.push(format!("{name} {}", some(values.iter().map(String::as_str))));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

/// What is not known.
fn open(comparison: &Comparison) -> Vec<String> {
    let mut sentences = Vec::new();
    if comparison.undecided() > 0 {
        sentences.push(format!(
            "It is undecided whether accounts can do more or less in {} of {}.",
            comparison.undecided(),
            counted(comparison.environments.len(), "environment")
        ));
    }
    if let Some(reason) = &comparison.not_worked_out {
        sentences.push(format!("It is not known what the change of the directory allows: {reason}."));
    }
    if comparison.environments.iter().any(is_open_together) {
        sentences.push(
            "Policies and the directory changed together: for accounts and records that both concern it is not known what \
             could be done before."
                .to_owned(),
        );
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
fn asked_by_applications(comparison: &Comparison) -> Option<String> {
    let wider = comparison.applications.iter().filter(|change| !change.widened.is_empty());
    let names: Vec<_> = wider.map(|change| change.application.as_str()).collect();
    (!names.is_empty()).then(|| format!("Applications that may ask more than before: {}.", some(names.iter().copied())))
}

/// What answers ask of applications otherwise than before.
fn asked_of_applications(comparison: &Comparison) -> Vec<String> {
    let changed = comparison.policies.iter().filter_map(|change| Some((change, change.obligations.as_ref()?)));
    let mut sentences: Vec<_> = changed
        .flat_map(|(change, obligations)| {
            let quoted = |texts: &[String]| some(texts.iter().map(String::as_str));
            let lost = (!obligations.lost.is_empty()).then(|| match change.after {
                Some(_) => format!(
                    "Where `{}` decides, applications no longer have to: {}.",
                    change.id,
                    quoted(&obligations.lost)
                ),
                None => format!("`{}` is gone, and with it: {}.", change.id, quoted(&obligations.lost)),
            });
            // What a new policy asks is no change of what was allowed before.
            let gained = (change.before.is_some() && !obligations.gained.is_empty()).then(|| {
                format!("Where `{}` decides, applications now have to: {}.", change.id, quoted(&obligations.gained))
            });
            lost.into_iter().chain(gained)
        })
        .collect();
    let more = sentences.len().saturating_sub(SENTENCES);
    sentences.truncate(SENTENCES);
    if more > 0 {
        sentences.push(format!("{} more of obligations below.", counted(more, "change")));
    }
    sentences
}

fn renamed(comparison: &Comparison) -> Option<String> {
    let changes = comparison.policies.iter().chain(&comparison.guarantees);
    let renamed = changes.filter(|change| change.change == Change::Renamed || change.renamed_from.is_some());
    let names: Vec<_> = renamed.map(|change| format!("`{}`", change.named())).collect();
    (!names.is_empty()).then(|| format!("Renamed: {}.", some(names.iter().map(String::as_str))))
}
