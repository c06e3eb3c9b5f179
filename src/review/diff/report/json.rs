//! Writes a comparison as JSON, for scripts.

use super::Report;
use crate::{
    review::diff::{AccountGroup, Cause, Direction, EnvironmentChange, ReviewItem, account_groups, groups},
    types::language::Language,
};
use serde_json::{Value, json};

/// The whole comparison as one object.
#[must_use]
pub fn json(report: &Report<'_>) -> String {
    let comparison = report.comparison;
    let judged = &report.judged;
    let headline = report.headline(Language::English);
    let groups: Vec<_> = groups(comparison)
        .iter()
        .map(|group| {
            json!({
                "change": group.change.name(),
                "policies": group.policies,
                "because": Cause::all(&group.causes, Language::English, &str::to_owned),
                "environments": group.members.iter().map(|(outcome, _)| outcome.name()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut whole = serde_json::to_value(comparison).unwrap_or_default();
    answers(&mut whole);
    if let Some(object) = whole.as_object_mut() {
        let more = [
            ("summary", json!(comparison.summary(Language::English))),
            ("passed", json!(report.passes())),
            (
                "counts",
                json!({
                    "environments": comparison.environments.len(),
                    "newly_allowed": comparison.count(Direction::NewlyAllowed),
                    "newly_denied": comparison.count(Direction::NewlyDenied),
                    "undecided": comparison.undecided(),
                    "equal": comparison.equal(),
                    "not_looked_at": comparison.filtered,
                    "accepted": judged.accepted.len(),
                    "not_accepted": judged.open.len(),
                }),
            ),
            ("headline", json!(headline.sentences)),
            ("headline_example", json!(headline.example)),
            ("verdict", json!(report.verdict(Language::English))),
            ("notes", json!(comparison.notes(Language::English))),
            ("not_accepted", judged.open.iter().map(|matter| named(*matter)).collect()),
            ("accepted", judged.accepted.iter().map(|matter| named(*matter)).collect()),
            ("groups", Value::Array(groups)),
            ("account_groups", account_groups(comparison).iter().map(effects).collect()),
            ("unused_entries", json!(judged.unused)),
        ];
        object.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    format!("{whole:#}")
}

/// Leaves of what sides say the sentences as their author wrote them, or in English. A cached comparison has them in each language.
fn answers(comparison: &mut Value) {
    fn all<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
        value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
    }
    let plain = |value: &mut Value, name: &str| {
        if let Some(text) = value.get_mut(name)
            && let Some(base) = text.get_mut("base").map(Value::take)
        {
            *text = base;
        }
    };
    for environment in all(comparison, "environments") {
        for list in ["differences", "accounts"] {
            for found in all(environment, list) {
                for side in ["base", "head"] {
                    let Some(said) = found.get_mut(side) else { continue };
                    plain(said, "reason");
                    all(said, "policies").for_each(|policy| plain(policy, "title"));
                }
            }
        }
    }
}

/// What a change of the directory changes.
fn effects(group: &AccountGroup<'_>) -> Value {
    json!({
        "change": group.change.name(),
        "accounts": group.accounts,
        "named": group.named,
        "because": group.because,
        "line": group.line(Language::English),
        "environments": group.members.iter().map(|(outcome, _)| outcome.name()).collect::<Vec<_>>(),
    })
}

/// What was or was not accepted, as an entry would name it.
fn named(matter: ReviewItem<'_>) -> Value {
    json!({
        "change": matter.kind().name(),
        "environment": matter.outcome().map(EnvironmentChange::name),
        "policies": matter.policies(),
        "account": matter.account(),
        "application": matter.application(),
        "digest": matter.digest(),
    })
}
