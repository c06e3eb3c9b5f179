//! Writes for a terminal what changed since an earlier matrix.

use super::{
    super::{AccountChange, Changes, Group, Matrix, Presence},
    short, words,
};
use crate::{
    review::account::{Authorisation, Fact, state},
    types::{escape, language::Language, texts::matrix as texts},
};

/// What changed. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn changes_text(
    matrix: &Matrix,
    changes: &Changes,
    language: Language,
    paint: &dyn Fn(u8, &str) -> String,
) -> String {
    let number = words::accounts(changes.accounts.len(), language);
    let heading = if changes.day == matrix.day {
        texts::changed_since(language, &changes.since, number)
    } else {
        texts::changed_since_on(language, &changes.since, &changes.day, number)
    };
    let mut lines = vec![paint(1, &escape::line(&heading))];
    for account in &changes.accounts {
        lines.push(String::new());
        let name = account.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        let presence = words::presence(account.presence, language);
        let heading = format!("{} {}{name}  {presence}", short(&account.kind), account.id);
        lines.push(paint(1, &escape::line(&heading)));
        for sentence in sentences(account, language) {
            lines.push(escape::line(&format!("  {sentence}")).into_owned());
        }
        for (change, rights) in rights(account, language) {
            lines.push(escape::line(&format!("  {change}: {}", rights.join(", "))).into_owned());
        }
    }
    lines.join("\n")
}

/// What changed of an account's groups and authorisations, in words.
pub(super) fn sentences(account: &AccountChange, language: Language) -> Vec<String> {
    let group = |group: &Group| format!("{} {}", short(&group.kind), group.id);
    let mut told = Vec::new();
    told.extend(account.became_test.map(|is_test| {
        let word = if is_test { texts::now_test } else { texts::no_longer_test };
        word(language).to_owned()
    }));
    // All that a new account has is new.
    if account.presence == Presence::Both {
        told.extend(account.joined.iter().map(|joined| texts::joined(language, group(joined))));
        told.extend(account.left.iter().map(|left| texts::left(language, group(left))));
    }
    told.extend(account.authorisations.iter().filter_map(|pair| match pair {
        (None, Some(after)) => Some(texts::authorised(language, whole(after, language))),
        (Some(before), None) => Some(texts::no_longer_authorised(language, whole(before, language))),
        (Some(before), Some(after)) => {
            let changed = facts_changed(before, after, language);
            Some(texts::authorisation_changed(language, title(after, language), changed))
        }
        (None, None) => None,
    }));
    told
}

/// The rights that changed, by how they did: `Registration consult`.
pub(super) fn rights(account: &AccountChange, language: Language) -> Vec<(&'static str, Vec<String>)> {
    let named = |wanted| {
        let rights = account.rights.iter().filter(move |(_, change)| **change == wanted);
        rights.map(|((record, action), _)| format!("{} {action}", short(record))).collect::<Vec<_>>()
    };
    let each =
        super::super::RightChange::EACH.into_iter().map(|change| (words::change(change, language), named(change)));
    each.filter(|(_, rights)| !rights.is_empty()).collect()
}

fn title(one: &Authorisation, language: Language) -> String {
    one.by.as_ref().map_or_else(|| one.tag.clone(), |by| texts::by_its(language, &one.tag, by, &one.of))
}

fn whole(one: &Authorisation, language: Language) -> String {
    let facts: Vec<_> = one.facts.iter().map(|fact| format!("{} {}", fact.name, fact.value)).collect();
    format!("{} ({})", title(one, language), facts.join(", "))
}

fn facts_changed(before: &Authorisation, after: &Authorisation, language: Language) -> String {
    let all = |one: &Authorisation| -> Vec<Fact> { one.facts.iter().chain(&one.of_facts).cloned().collect() };
    let (earlier, later) = (all(before), all(after));
    let value = |facts: &[Fact], name: &str| {
        let found = facts.iter().find(|fact| fact.name == name);
        found.map_or_else(|| texts::no_value(language).to_owned(), |fact| fact.value.clone())
    };
    let mut names: Vec<_> = earlier.iter().chain(&later).map(|fact| fact.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let changed = names.into_iter().map(|name| (name, value(&earlier, name), value(&later, name)));
    let mut told: Vec<_> = changed
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name} {before} → {after}"))
        .collect();
    if before.state != after.state {
        told.push(format!("{} → {}", state(before.state, language), state(after.state, language)));
    }
    told.join(", ")
}
