//! Writes a comparison as JSON, for scripts.

use super::Report;
use crate::review::diff::{AccountGroup, Cause, Direction, EnvironmentChange, ReviewItem, account_groups, groups};
use serde_json::{Value, json};

/// The whole comparison as one object.
#[must_use]
pub fn json(report: &Report<'_>) -> String {
    let comparison = report.comparison;
    let judged = &report.judged;
    let headline = report.headline();
    let groups: Vec<_> = groups(comparison)
        .iter()
        .map(|group| {
            json!({
                "change": group.change.name(),
                "policies": group.policies,
                "because": Cause::all(&group.causes, &str::to_owned),
                "environments": group.members.iter().map(|(outcome, _)| outcome.name()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut whole = serde_json::to_value(comparison).unwrap_or_default();
    if let Some(object) = whole.as_object_mut() {
        let more = [
            ("summary", json!(comparison.summary())),
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
            ("verdict", json!(report.verdict())),
            ("notes", json!(comparison.notes())),
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

/// What a change of the directory changes.
fn effects(group: &AccountGroup<'_>) -> Value {
    json!({
        "change": group.change.name(),
        "accounts": group.accounts,
        "named": group.named,
        "because": group.because,
        "line": group.line(),
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
