//! Lists in sentences: the first names, and how many more.

use super::EnvironmentChange;
use crate::types::{language::Language, texts::diff_headline as texts};
use std::collections::{BTreeMap, BTreeSet};

/// How many names a list has.
const NAMES: usize = 4;

/// The operations and the records: `consult and write Registration; erase Investigation`.
pub(super) fn what(environments: &[&EnvironmentChange], language: Language) -> String {
    let mut by_action: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for outcome in environments {
        by_action.entry(&outcome.action).or_default().insert(&outcome.resource);
    }
    let mut by_records: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for (action, records) in by_action {
        by_records.entry(records).or_default().push(action);
    }
    let parts: Vec<_> = by_records
        .iter()
        .map(|(records, actions)| {
            format!("{} {}", some(actions.iter().copied(), language), some(records.iter().copied(), language))
        })
        .collect();
    let more = parts.len().saturating_sub(NAMES);
    let parts: Vec<_> = parts.into_iter().take(NAMES).collect();
    let more = if more > 0 { texts::and_more_parts(language, more) } else { String::new() };
    format!("{}{more}", parts.join("; "))
}

/// The first of them, and how many more.
pub(super) fn some<'n>(names: impl ExactSizeIterator<Item = &'n str>, language: Language) -> String {
    let more = names.len().saturating_sub(NAMES);
    let mut names: Vec<String> = names.take(NAMES).map(str::to_owned).collect();
    if more > 0 {
        names.push(texts::more_names(language, more));
    }
    joined(&names, language)
}

pub(super) fn joined(parts: &[String], language: Language) -> String {
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => texts::last_of(language, rest.join(", "), last),
        _ => parts.concat(),
    }
}
