//! For scripts.

use super::Report;
use crate::diff::groups;
use serde_json::{Value, json};

/// The whole comparison as one object.
#[must_use]
pub fn json(report: &Report<'_>) -> String {
    let comparison = report.comparison;
    let judged = &report.judged;
    let groups: Vec<_> = groups(comparison)
        .iter()
        .map(|group| {
            json!({
                "change": group.change.name(),
                "policies": group.policies,
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
                    "newly_allowed": comparison.count(crate::diff::Direction::NewlyAllowed),
                    "newly_denied": comparison.count(crate::diff::Direction::NewlyDenied),
                    "undecided": comparison.undecided(),
                    "equal": comparison.equal(),
                    "accepted": judged.accepted,
                    "not_accepted": judged.open.len(),
                }),
            ),
            ("groups", Value::Array(groups)),
            ("unused_entries", json!(judged.unused)),
        ];
        object.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    format!("{whole:#}")
}
