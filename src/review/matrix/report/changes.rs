//! Writes for a terminal what changed since an earlier matrix.

use super::{
    super::{AccountChange, Changes, Group, Matrix, Presence},
    counted, short,
};
use crate::{
    review::account::{Authorisation, Fact},
    types::escape,
};

/// What changed. `paint` puts a text in an ANSI colour, or leaves it as it is.
#[must_use]
pub fn changes_text(matrix: &Matrix, changes: &Changes, paint: &dyn Fn(u8, &str) -> String) -> String {
    let day = if changes.day == matrix.day { String::new() } else { format!(" on {}", changes.day) };
    let number = counted(changes.accounts.len(), "account");
    let mut lines = vec![paint(1, &escape::line(&format!("Changed since {}{day}: {number}", changes.since)))];
    for account in &changes.accounts {
        lines.push(String::new());
        let name = account.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        let heading = format!("{} {}{name}  {}", short(&account.kind), account.id, account.presence.name());
        lines.push(paint(1, &escape::line(&heading)));
        for sentence in sentences(account) {
            lines.push(escape::line(&format!("  {sentence}")).into_owned());
        }
        for (change, rights) in rights(account) {
            lines.push(escape::line(&format!("  {change}: {}", rights.join(", "))).into_owned());
        }
    }
    lines.join("\n")
}

/// What changed of an account's groups and authorisations, in words.
pub(super) fn sentences(account: &AccountChange) -> Vec<String> {
    let group = |group: &Group| format!("{} {}", short(&group.kind), group.id);
    let mut told = Vec::new();
    told.extend(account.became_test.map(|is_test| {
        let word = if is_test { "now a test account" } else { "no test account any more" };
        word.to_owned()
    }));
    // All that a new account has is new.
    if account.presence == Presence::Both {
        told.extend(account.joined.iter().map(|joined| format!("joined {}", group(joined))));
        told.extend(account.left.iter().map(|left| format!("left {}", group(left))));
    }
    told.extend(account.authorisations.iter().filter_map(|pair| match pair {
        (None, Some(after)) => Some(format!("authorised for {}", whole(after))),
        (Some(before), None) => Some(format!("no longer authorised for {}", whole(before))),
        (Some(before), Some(after)) => {
            Some(format!("authorisation for {}: {}", title(after), facts_changed(before, after)))
        }
        (None, None) => None,
    }));
    told
}

/// The rights that changed, by how they did: `Registration consult`.
pub(super) fn rights(account: &AccountChange) -> Vec<(&'static str, Vec<String>)> {
    let named = |wanted| {
        let rights = account.rights.iter().filter(move |(_, change)| **change == wanted);
        rights.map(|((record, action), _)| format!("{} {action}", short(record))).collect::<Vec<_>>()
    };
    let each = super::super::RightChange::EACH.into_iter().map(|change| (change.name(), named(change)));
    each.filter(|(_, rights)| !rights.is_empty()).collect()
}

fn title(one: &Authorisation) -> String {
    one.by.as_ref().map_or_else(|| one.tag.clone(), |by| format!("{} by its {by} {}", one.tag, one.of))
}

fn whole(one: &Authorisation) -> String {
    let facts: Vec<_> = one.facts.iter().map(|fact| format!("{} {}", fact.name, fact.value)).collect();
    format!("{} ({})", title(one), facts.join(", "))
}

fn facts_changed(before: &Authorisation, after: &Authorisation) -> String {
    let all = |one: &Authorisation| -> Vec<Fact> { one.facts.iter().chain(&one.of_facts).cloned().collect() };
    let (earlier, later) = (all(before), all(after));
    let value = |facts: &[Fact], name: &str| {
        facts.iter().find(|fact| fact.name == name).map_or_else(|| "none".to_owned(), |fact| fact.value.clone())
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
        told.push(format!("{} → {}", before.state.name(), after.state.name()));
    }
    told.join(", ")
}
