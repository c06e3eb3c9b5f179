//! The example of a headline: one question in words, with the facts that matter.

use super::{
    super::{Comparison, Direction, EntityChange, Fact, people},
    concerns::{Concern, Shown},
    joined, some,
};
use crate::{
    review::diff::facts::kind,
    sources::policy::{cedar_core::ast::EntityUID, id_of},
    types::{language::Language, texts::diff_headline as texts},
};

/// One question with the facts that matter.
pub(super) fn told(comparison: &Comparison, concern: &Concern<'_>, language: Language) -> Option<String> {
    let shown @ Shown { outcome, question, head, because } = concern.example?;
    let is_lacking = question.facts.lacking;
    let worded = |fact: &String| match fact.strip_prefix("no ") {
        Some(name) if is_lacking => texts::lacks(language, name),
        _ => fact.clone(),
    };
    let [account, record, context] = [&question.facts.account, &question.facts.record, &question.facts.context]
        .map(|facts| facts.iter().map(worded).collect::<Vec<_>>());
    let facts = |facts: &[String]| if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let who = if question.real {
        shown.part("/subject/id").to_owned()
    } else {
        texts::made_up(language, outcome.principal.to_lowercase())
    };
    let with = if is_lacking { texts::without_context } else { texts::with_context };
    let context = if context.is_empty() { String::new() } else { with(language, joined(&context, language)) };
    let when = question.facts.when.as_ref().and_then(|_| question.when(language));
    let when = when.map(|when| texts::asked_when(language, when)).unwrap_or_default();
    let changed = comparison.directory.iter().filter(|it| because.contains(&it.id));
    let asking = shown.account();
    let changed: Vec<_> = changed
        .flat_map(|change| change.facts.iter().map(|fact| fact_of(change, fact, asking.as_deref(), language)))
        .collect();
    let changed = if changed.is_empty() {
        String::new()
    } else {
        texts::since_changed(language, some(changed.iter().map(String::as_str), language))
    };
    let by = match head.policies.first() {
        Some(policy) if policy.title.is_empty() => format!("`{}`", policy.id),
        Some(policy) => format!("`{}`, {}", policy.id, policy.title.in_language(language)),
        None => head.reason.in_language(language).to_owned(),
    };
    let by = match (head.allowed, head.policies.is_empty()) {
        (_, true) => by,
        (true, false) => texts::allowed_by(language, by),
        (false, false) => texts::denied_by(language, by),
    };
    let words = match concern.change {
        Direction::NewlyAllowed => texts::example_allowed,
        Direction::NewlyDenied => texts::example_denied,
    };
    let who = who + &facts(&account);
    let rest = format!("{}{context}{when}{changed}: {by}", facts(&record));
    Some(words(language, who, &outcome.action, &outcome.resource, rest))
}

/// A changed fact of the directory: `level 1 → 3`, `role + archivist`; of another entity than the account, with its id.
pub(super) fn fact_of(change: &EntityChange, fact: &Fact, account: Option<&str>, language: Language) -> String {
    let of = if account == Some(change.id.as_str()) { String::new() } else { format!("{} ", people::id(&change.id)) };
    let elements = fact.elements();
    let group = fact.before.as_ref().or(fact.after.as_ref()).and_then(|group| group.parse::<EntityUID>().ok());
    if let ("parent", Some(group)) = (fact.name.as_str(), group) {
        let mark = if fact.after.is_some() { '+' } else { '−' };
        return format!("{of}{} {mark} {}", kind(&group), id_of(&group));
    }
    if elements.is_empty() {
        let [before, after] = fact.sides(language).map(people::id);
        return format!("{of}{} {before} → {after}", fact.name);
    }
    let elements: Vec<_> = elements.iter().map(|(mark, text)| format!("{mark} {}", people::id(text))).collect();
    format!("{of}{} {}", fact.name, elements.join(", "))
}
