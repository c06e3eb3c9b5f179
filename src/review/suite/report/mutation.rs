//! Reports the mutations that no case notices, for a terminal, for scripts and for CI.

use super::human::counted;
use crate::review::{
    report::Lines,
    suite::mutate::{Mutation, Unnoticed},
};
use serde_json::{Value, json};

impl Unnoticed<'_> {
    /// The change in words.
    #[must_use]
    pub fn shown(&self) -> String {
        let condition = self.change.condition.and_then(|index| self.policy.conditions.get(index));
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = |place: std::ops::Range<usize>| flat(self.policy.place.file.text.get(place).unwrap_or_default());
        let id: &str = self.policy.id.as_ref();
        let Some(condition) = condition else {
            return match self.change.with.as_str() {
                "" => format!("the {} {id} is gone", self.policy.effect),
                with => format!("{} becomes {with}", text(self.change.place.clone())),
            };
        };
        let (whole, changed) = (&condition.place, &self.change.place);
        let before = text(whole.clone());
        if changed == whole {
            return format!("{before}  becomes  {}", flat(&self.change.with));
        }
        let around = |place: std::ops::Range<usize>| self.policy.place.file.text.get(place).unwrap_or_default();
        let after =
            format!("{}{}{}", around(whole.start..changed.start), self.change.with, around(changed.end..whole.end));
        format!("{before}  becomes  {}", flat(&after))
    }
}

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
/// `{file, line, policy, kind, change, missing, reached, explained}`.
pub(super) fn mutation_json(mutation: &Mutation<'_>) -> Value {
    let Mutation { unnoticed, noticed, invalid, same, problems: _ } = mutation;
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
    json!({
        "tried": noticed + unnoticed.len(),
        "noticed": noticed,
        "invalid": invalid,
        "same": same,
        "unnoticed": unnoticed.iter().map(one).collect::<Vec<_>>(),
    })
}
