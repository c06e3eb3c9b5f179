//! The example of a headline: one question in words, with the facts that matter.

use super::{
    super::{Comparison, EntityChange, Fact, people},
    can,
    concerns::{Concern, Shown},
    joined, some,
};
use crate::{
    review::diff::facts::kind,
    sources::policy::{cedar_core::ast::EntityUID, id_of},
};

/// One question with the facts that matter.
pub(super) fn told(comparison: &Comparison, concern: &Concern<'_>) -> Option<String> {
    let shown @ Shown { outcome, question, head, because } = concern.example?;
    let facts = |facts: &[String]| if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let who = if question.real {
        shown.part("/subject/id").to_owned()
    } else {
        format!("a made-up {}", outcome.principal.to_lowercase())
    };
    let context = if question.facts.context.is_empty() {
        String::new()
    } else {
        format!(" with {}", joined(&question.facts.context))
    };
    let when = question.facts.when.as_ref().map(|when| format!(", asked {when}")).unwrap_or_default();
    let changed = comparison.directory.iter().filter(|it| because.contains(&it.id));
    let account = shown.account();
    let changed: Vec<_> =
        changed.flat_map(|change| change.facts.iter().map(|fact| fact_of(change, fact, account.as_deref()))).collect();
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
    let can = can(concern.change);
    Some(format!(
        "For example {who}{} {can} {} {}{}{context}{when}{changed}: {verb}{by}",
        facts(&question.facts.account),
        outcome.action,
        outcome.resource,
        facts(&question.facts.record),
    ))
}

/// A changed fact of the directory: `level 1 → 3`, `role + archivist`; of another entity than the account, with its id.
pub(super) fn fact_of(change: &EntityChange, fact: &Fact, account: Option<&str>) -> String {
    let of = if account == Some(change.id.as_str()) { String::new() } else { format!("{} ", people::id(&change.id)) };
    let elements = fact.elements();
    let group = fact.before.as_ref().or(fact.after.as_ref()).and_then(|group| group.parse::<EntityUID>().ok());
    if let ("parent", Some(group)) = (fact.name.as_str(), group) {
        let mark = if fact.after.is_some() { '+' } else { '−' };
        return format!("{of}{} {mark} {}", kind(&group), id_of(&group));
    }
    if elements.is_empty() {
        let [before, after] = fact.sides().map(people::id);
        return format!("{of}{} {before} → {after}", fact.name);
    }
    let elements: Vec<_> = elements.iter().map(|(mark, text)| format!("{mark} {}", people::id(text))).collect();
    format!("{of}{} {}", fact.name, elements.join(", "))
}
