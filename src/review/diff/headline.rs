//! The headline: who can now do what, in words, and one example. It is what a reader sees who reads no further.
//!
//! **Invariant:** it says that nobody can do more or less only where that is proven of all that was compared
//! (`tests/it/review/diff/first_screen.rs`).

use super::lists::{joined, some, what};
use super::{
    AccountEffect, Change, Comparison, Difference, Direction, EntityChange, EnvironmentChange, Fact, Question,
    SideAnswer, comparison::counted,
};
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

/// For whom something is different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Whom<'a> {
    /// These accounts of the directory, and so many of whom it is not known.
    Accounts(BTreeSet<&'a str>, usize),
    /// Whoever asks about these, such as `resource.team is "heron"`.
    Asking(String),
    /// Whoever the question describes, by type.
    Described(&'a str),
}

/// An example, with what both sides make of it.
type Shown<'a> = (&'a EnvironmentChange, &'a Question, [&'a SideAnswer; 2], Option<&'a [String]>);

struct Concern<'a> {
    environments: Vec<&'a EnvironmentChange>,
    example: Option<Shown<'a>>,
}

impl Headline {
    /// The headline of a comparison.
    #[must_use]
    pub fn of(comparison: &Comparison) -> Self {
        let concerns = concerns(comparison);
        let mut ordered: Vec<_> = concerns.iter().collect();
        let size = |whom: &Whom<'_>| match whom {
            Whom::Accounts(accounts, open) => accounts.len() + open,
            Whom::Asking(_) | Whom::Described(_) => usize::MAX,
        };
        // Stable: what is newly allowed comes first.
        ordered.sort_by_key(|((change, whom), concern)| {
            (*change, std::cmp::Reverse((size(whom), concern.environments.len())))
        });
        let mut sentences: Vec<_> = ordered
            .iter()
            .take(SENTENCES)
            .map(|((change, whom), concern)| sentence(comparison, *change, whom, &concern.environments))
            .collect();
        let more = ordered.len().saturating_sub(SENTENCES);
        if more > 0 {
            sentences.push(format!("{} more of other accounts or operations below.", counted(more, "change")));
        }
        sentences.extend(open(comparison));
        let nothing = sentences.is_empty();
        let asked = asked_of_applications(comparison);
        if nothing && comparison.filtered == 0 {
            sentences.push("No account can do more or less than before.".to_owned());
        } else if nothing {
            sentences.push("No account can do more or less than before in what was looked at.".to_owned());
        }
        sentences.extend(asked);
        sentences.extend(renamed(comparison));
        let example = ordered.first().and_then(|((change, _), concern)| example(comparison, *change, concern));
        Self { sentences, example }
    }

    /// All of it, line by line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().chain(&self.example).map(String::as_str)
    }
}

/// What is different, by whom it concerns.
fn concerns(comparison: &Comparison) -> BTreeMap<(Direction, Whom<'_>), Concern<'_>> {
    let mut found: BTreeMap<(Direction, Whom<'_>), Concern<'_>> = BTreeMap::new();
    for outcome in &comparison.environments {
        for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
            let differences: Vec<_> = outcome.differences.iter().filter(|it| it.change == change).collect();
            let effects: Vec<_> = outcome.accounts.iter().filter(|it| it.change == change).collect();
            let reached = outcome.reached.iter().find(|it| it.change == change);
            let shown = plainest(outcome, &differences, &effects);
            let mut add = |whom| {
                let concern =
                    found.entry((change, whom)).or_insert_with(|| Concern { environments: Vec::new(), example: None });
                concern.environments.push(outcome);
                if concern.example.is_none_or(|other| shown.is_some_and(|shown| rank(&shown) < rank(&other))) {
                    concern.example = shown;
                }
            };
            for effect in effects.iter().filter(|effect| effect.accounts.is_empty()) {
                add(Whom::Asking(asking(effect)));
            }
            let by_directory = effects.iter().flat_map(|effect| &effect.accounts).map(String::as_str);
            let accounts: BTreeSet<&str> =
                reached.iter().flat_map(|it| &it.accounts).map(String::as_str).chain(by_directory).collect();
            match reached {
                Some(reached) if reached.whoever => add(Whom::Described(&outcome.principal)),
                Some(reached) => add(Whom::Accounts(accounts, reached.open)),
                None if !accounts.is_empty() => add(Whom::Accounts(accounts, 0)),
                None => {}
            }
        }
    }
    found
}

/// The example that is the easiest to read.
fn plainest<'a>(
    outcome: &'a EnvironmentChange,
    differences: &[&'a Difference],
    effects: &[&'a AccountEffect],
) -> Option<Shown<'a>> {
    let differences = differences.iter().map(|it| (outcome, &it.example, [&it.base, &it.head], None));
    let effects = effects.iter().map(|it| (outcome, &it.example, [&it.base, &it.head], Some(it.because.as_slice())));
    differences.chain(effects).min_by_key(rank)
}

fn rank((_, example, ..): &Shown<'_>) -> (bool, usize) {
    (!example.real, example.question.to_string().len())
}

fn asking(effect: &AccountEffect) -> String {
    let named = effect.named.iter().map(|(place, uids)| format!("{place} is {}", some(uids.iter().map(|uid| id(uid)))));
    named.collect::<Vec<_>>().join(" and ")
}

/// The id of what is named `Type::"id"`.
fn id(name: &str) -> &str {
    name.split_once("::\"").map_or(name, |(_, id)| id.trim_end_matches('"'))
}

fn sentence(
    comparison: &Comparison,
    change: Direction,
    whom: &Whom<'_>,
    environments: &[&EnvironmentChange],
) -> String {
    let can = match change {
        Direction::NewlyAllowed => "can now",
        Direction::NewlyDenied => "can no longer",
    };
    let what = what(environments);
    match whom {
        Whom::Asking(about) => format!("Whoever asks {can} {what}, where {about}."),
        Whom::Described(kind) => format!("{} that questions describe {can} {what}.", plural(kind)),
        Whom::Accounts(accounts, 0) if accounts.is_empty() => {
            let other = if change == Direction::NewlyAllowed { "could" } else { "could no longer" };
            let kinds: BTreeSet<_> = environments.iter().map(|it| it.principal.to_lowercase()).collect();
            let kinds = kinds.into_iter().collect::<Vec<_>>().join(" or ");
            format!("No {kinds} of the directory {can} {what}; another {other}.")
        }
        Whom::Accounts(accounts, open) if accounts.is_empty() => {
            format!("It is not known which of {} {can} {what}.", counted(*open, "account"))
        }
        Whom::Accounts(accounts, open) => {
            let least = if *open > 0 { "At least " } else { "" };
            format!("{least}{} {can} {what}{}.", who(comparison, accounts), groups(comparison, accounts))
        }
    }
}

/// A type of which there are several: `Visitors`.
fn plural(kind: &str) -> String {
    format!("{kind}s")
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
        Some(only) if accounts.len() == 1 => vec![id(only).to_owned()],
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
    sentences
}

/// What answers ask of applications otherwise than before.
fn asked_of_applications(comparison: &Comparison) -> Vec<String> {
    let changed = comparison.policies.iter().filter_map(|change| Some((change, change.obligations.as_ref()?)));
    // A policy that is new or gone is said by what it allows.
    let kept = changed.filter(|(change, _)| change.before.is_some() && change.after.is_some());
    let mut sentences: Vec<_> = kept
        .flat_map(|(change, obligations)| {
            let quoted = |texts: &[String]| some(texts.iter().map(String::as_str));
            let lost = (!obligations.lost.is_empty()).then(|| {
                format!("Where `{}` decides, applications no longer have to: {}.", change.id, quoted(&obligations.lost))
            });
            let gained = (!obligations.gained.is_empty()).then(|| {
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

/// A changed fact of the directory: `level 1 → 3`, `role + archivist`; of another entity than the account, with its id.
fn told(change: &EntityChange, fact: &Fact, account: &str) -> String {
    let of = if id(&change.id) == account { String::new() } else { format!("{} ", id(&change.id)) };
    let elements = fact.elements();
    if let ("parent", Some(group)) = (fact.name.as_str(), fact.before.as_ref().or(fact.after.as_ref())) {
        let mark = if fact.after.is_some() { '+' } else { '−' };
        let kind = group.split_once("::\"").map_or("", |(kind, _)| kind).rsplit("::").next().unwrap_or_default();
        return format!("{of}{} {mark} {}", kind.to_lowercase(), id(group));
    }
    if elements.is_empty() {
        let [before, after] = fact.sides().map(id);
        return format!("{of}{} {before} → {after}", fact.name);
    }
    let elements: Vec<_> = elements.iter().map(|(mark, text)| format!("{mark} {}", id(text))).collect();
    format!("{of}{} {}", fact.name, elements.join(", "))
}

/// One question with the facts that matter.
fn example(comparison: &Comparison, change: Direction, concern: &Concern<'_>) -> Option<String> {
    let (outcome, question, [_, head], because) = concern.example?;
    let part = |pointer: &str| question.question.pointer(pointer).and_then(|part| part.as_str()).unwrap_or_default();
    let facts = |facts: &[String]| if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let can = match change {
        Direction::NewlyAllowed => "can now",
        Direction::NewlyDenied => "can no longer",
    };
    let who = if question.real {
        part("/subject/id").to_owned()
    } else {
        format!("a made-up {}", outcome.principal.to_lowercase())
    };
    let context = if question.facts.context.is_empty() {
        String::new()
    } else {
        format!(" with {}", joined(&question.facts.context))
    };
    let changed =
        because.iter().flat_map(|ids| ids.iter()).filter_map(|id| comparison.directory.iter().find(|it| it.id == *id));
    let changed: Vec<_> =
        changed.flat_map(|change| change.facts.iter().map(|fact| told(change, fact, part("/subject/id")))).collect();
    let changed = if changed.is_empty() {
        String::new()
    } else {
        format!(", since {}", some(changed.iter().map(String::as_str)))
    };
    let by = match head.policies.first() {
        Some(policy) if policy.title.is_empty() => format!("`{}`", policy.id),
        Some(policy) => format!("`{}`, {}", policy.id, policy.title),
        None => head.reason.clone(),
    };
    let verb = match (head.allowed, head.policies.is_empty()) {
        (_, true) => "",
        (true, false) => "allowed by ",
        (false, false) => "denied by ",
    };
    Some(format!(
        "For example {who}{} {can} {} {}{}{context}{changed}: {verb}{by}",
        facts(&question.facts.account),
        outcome.action,
        outcome.resource,
        facts(&question.facts.record),
    ))
}
