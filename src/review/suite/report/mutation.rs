//! Reports the mutations that no case notices, for a terminal, for scripts and for CI.

use super::human::counted;
use crate::{
    pdp::conditions::Conditioned,
    review::{
        report::Lines,
        suite::mutate::{Broken, Change, Control, Mutation, Unnoticed},
    },
};
use serde_json::{Value, json};

impl Unnoticed<'_> {
    /// The change in words.
    #[must_use]
    pub fn shown(&self) -> String {
        self.change.shown(self.policy)
    }
}

impl Broken<'_> {
    /// The change in words.
    #[must_use]
    pub fn shown(&self) -> String {
        let change = self.change.shown(self.policy);
        if self.without.is_empty() { change } else { format!("{change}, without {}", self.without.join(", ")) }
    }
}

impl Change {
    /// The change of this policy in words.
    fn shown(&self, policy: &Conditioned) -> String {
        let condition = self.condition.and_then(|index| policy.conditions.get(index));
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = |place: std::ops::Range<usize>| flat(policy.place.file.text.get(place).unwrap_or_default());
        let id: &str = policy.id.as_ref();
        let Some(condition) = condition else {
            return match self.with.as_str() {
                "" => format!("the {} {id} is gone", policy.effect),
                with => format!("{} becomes {with}", text(self.place.clone())),
            };
        };
        let (whole, changed) = (&condition.place, &self.place);
        let before = text(whole.clone());
        if changed == whole {
            return format!("{before}  becomes  {}", flat(&self.with));
        }
        let around = |place: std::ops::Range<usize>| policy.place.file.text.get(place).unwrap_or_default();
        let after = format!("{}{}{}", around(whole.start..changed.start), self.with, around(changed.end..whole.end));
        format!("{before}  becomes  {}", flat(&after))
    }
}

/// The case that a guarantee lacks.
pub(super) const MISSING_CONTROL: &str =
    "a case that it is about, and that a change of one policy would allow (for a permit: deny)";

/// The changes as lines.
#[must_use]
pub fn mutation_lines(mutation: &Mutation<'_>) -> String {
    let mut lines = Lines::default();
    let unexplained: Vec<_> = mutation.unexplained().collect();
    let explained: Vec<_> = mutation.unnoticed.iter().filter(|unnoticed| unnoticed.explained.is_some()).collect();
    if !unexplained.is_empty() {
        lines.push("changes that no case notices:");
    }
    for unnoticed in &unexplained {
        let id: &str = unnoticed.policy.id.as_ref();
        let cases = match unnoticed.reached {
            0 => "no case comes".to_owned(),
            1 => "1 case comes".to_owned(),
            count => format!("{count} cases come"),
        };
        lines.push(&format!("  {}:{}  {id}", unnoticed.policy.place.file.name, unnoticed.line));
        lines.push(&format!("    {}", unnoticed.shown()));
        lines.push(&format!("    {cases} here; missing: {}", unnoticed.change.kind.hint()));
    }
    if !explained.is_empty() {
        lines.push("changes that the policies explain as harmless:");
    }
    for unnoticed in &explained {
        let place = format!("{}:{}", unnoticed.policy.place.file.name, unnoticed.line);
        lines.push(&format!("  {place}  {}", unnoticed.shown()));
        lines.push(&format!("    because {}", unnoticed.explained.as_deref().unwrap_or_default()));
    }
    let unbroken: Vec<_> = mutation.unbroken().collect();
    if !unbroken.is_empty() {
        lines.push("guarantees that no change breaks in any case:");
    }
    for Control { guarantee, title, .. } in &unbroken {
        lines.push(&format!("  {guarantee}  {title}"));
        lines.push(&format!("    missing: {MISSING_CONTROL}"));
    }
    if !mutation.guarantees.is_empty() {
        lines.push(&format!(
            "guarantees: {} of {} broken by a change in a case",
            mutation.guarantees.len() - unbroken.len(),
            mutation.guarantees.len(),
        ));
    }
    let Mutation { noticed, invalid, same, .. } = mutation;
    lines.push(&format!(
        "mutation: {} tried, {noticed} noticed, {} not noticed, {} explained; not tried: {invalid} that do not fit the schema, \
         {same} that change nothing",
        counted(noticed + mutation.unnoticed.len(), "change"),
        unexplained.len(),
        explained.len(),
    ));
    lines.into_text()
}

/// The changes for scripts: `{tried, noticed, invalid, same, unnoticed}`, where what is unnoticed is
/// `{file, line, policy, kind, change, missing, reached, explained}`, and a guarantee `{id, title, broken}`, where what breaks it is
/// `{file, policy, change, case}`.
pub(super) fn mutation_json(mutation: &Mutation<'_>) -> Value {
    let Mutation { unnoticed, noticed, invalid, same, guarantees, problems: _ } = mutation;
    let one = |unnoticed: &Unnoticed<'_>| {
        let id: &str = unnoticed.policy.id.as_ref();
        json!({
            "file": unnoticed.policy.place.file.name.as_ref(),
            "line": unnoticed.line,
            "policy": id,
            "kind": unnoticed.change.kind.name(),
            "change": unnoticed.shown(),
            "missing": unnoticed.change.kind.hint(),
            "reached": unnoticed.reached,
            "explained": unnoticed.explained,
        })
    };
    let broken = |broken: &Broken<'_>| {
        let id: &str = broken.policy.id.as_ref();
        json!({
            "file": broken.policy.place.file.name.as_ref(),
            "policy": id,
            "change": broken.shown(),
            "case": broken.case,
        })
    };
    let control = |control: &Control<'_>| json!({"id": control.guarantee, "title": control.title, "broken": control.broken.as_ref().map(broken)});
    json!({
        "tried": noticed + unnoticed.len(),
        "noticed": noticed,
        "invalid": invalid,
        "same": same,
        "unnoticed": unnoticed.iter().map(one).collect::<Vec<_>>(),
        "guarantees": guarantees.iter().map(control).collect::<Vec<_>>(),
    })
}
