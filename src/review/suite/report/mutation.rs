//! Reports the mutations that no case notices, for a terminal, for scripts and for CI.

use crate::{
    pdp::conditions::Conditioned,
    review::{
        report::Lines,
        suite::mutate::{Broken, Change, Control, Mutation, Unnoticed},
    },
    types::{language::Language, texts::suite as texts},
};
use serde_json::{Value, json};

impl Unnoticed<'_> {
    /// The change in words.
    #[must_use]
    pub fn shown(&self, language: Language) -> String {
        self.change.shown(self.policy, language)
    }
}

impl Broken<'_> {
    /// The change in words.
    #[must_use]
    pub fn shown(&self, language: Language) -> String {
        let change = self.change.shown(self.policy, language);
        if self.without.is_empty() { change } else { texts::change_without(language, change, self.without.join(", ")) }
    }
}

impl Change {
    /// The change of this policy in words.
    fn shown(&self, policy: &Conditioned, language: Language) -> String {
        let condition = self.condition.and_then(|index| policy.conditions.get(index));
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = |place: std::ops::Range<usize>| flat(policy.place.file.text.get(place).unwrap_or_default());
        let id: &str = policy.id.as_ref();
        let Some(condition) = condition else {
            return match self.with.as_str() {
                "" => texts::policy_gone(language, policy.effect, id),
                with => texts::becomes(language, text(self.place.clone()), with),
            };
        };
        let (whole, changed) = (&condition.place, &self.place);
        let before = text(whole.clone());
        if changed == whole {
            return texts::condition_becomes(language, before, flat(&self.with));
        }
        let around = |place: std::ops::Range<usize>| policy.place.file.text.get(place).unwrap_or_default();
        let after = format!("{}{}{}", around(whole.start..changed.start), self.with, around(changed.end..whole.end));
        texts::condition_becomes(language, before, flat(&after))
    }
}

/// The changes as lines.
#[must_use]
pub fn mutation_lines(mutation: &Mutation<'_>, language: Language) -> String {
    let mut lines = Lines::default();
    let unexplained: Vec<_> = mutation.unexplained().collect();
    let explained: Vec<_> = mutation.unnoticed.iter().filter(|unnoticed| unnoticed.explained.is_some()).collect();
    if !unexplained.is_empty() {
        lines.push(texts::unnoticed_changes(language));
    }
    for unnoticed in &unexplained {
        let id: &str = unnoticed.policy.id.as_ref();
        let missing = unnoticed.change.kind.hint(language);
        let cases = match unnoticed.reached {
            0 => texts::no_case_here(language, missing),
            1 => texts::one_case_here(language, missing),
            count => texts::cases_here(language, count, missing),
        };
        lines.push(&format!("  {}:{}  {id}", unnoticed.policy.place.file.name, unnoticed.line));
        lines.push(&format!("    {}", unnoticed.shown(language)));
        lines.push(&format!("    {cases}"));
    }
    if !explained.is_empty() {
        lines.push(texts::explained_changes(language));
    }
    for unnoticed in &explained {
        let place = format!("{}:{}", unnoticed.policy.place.file.name, unnoticed.line);
        lines.push(&format!("  {place}  {}", unnoticed.shown(language)));
        let reason = unnoticed.explained.as_deref().unwrap_or_default();
        lines.push(&format!("    {}", texts::because(language, reason)));
    }
    let unbroken: Vec<_> = mutation.unbroken().collect();
    if !unbroken.is_empty() {
        lines.push(texts::unbroken_guarantees(language));
    }
    for Control { guarantee, title, .. } in &unbroken {
        lines.push(&format!("  {guarantee}  {}", title.in_language(language)));
        lines.push(&format!("    {}", texts::missing(language, texts::missing_control(language))));
    }
    if !mutation.guarantees.is_empty() {
        let all = mutation.guarantees.len();
        lines.push(&texts::guarantees_broken(language, all - unbroken.len(), all));
    }
    let Mutation { noticed, invalid, same, .. } = mutation;
    let tried = match noticed + mutation.unnoticed.len() {
        1 => texts::one_change(language).to_owned(),
        count => texts::many_changes(language, count),
    };
    let (unexplained, explained) = (unexplained.len(), explained.len());
    lines.push(&texts::mutation_sum(language, tried, noticed, unexplained, explained, invalid, same));
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
            "change": unnoticed.shown(Language::English),
            "missing": unnoticed.change.kind.hint(Language::English),
            "reached": unnoticed.reached,
            "explained": unnoticed.explained,
        })
    };
    let broken = |broken: &Broken<'_>| {
        let id: &str = broken.policy.id.as_ref();
        json!({
            "file": broken.policy.place.file.name.as_ref(),
            "policy": id,
            "change": broken.shown(Language::English),
            "case": broken.case,
        })
    };
    let control = |control: &Control<'_>| json!({"id": control.guarantee, "title": control.title.base(), "broken": control.broken.as_ref().map(broken)});
    json!({
        "tried": noticed + unnoticed.len(),
        "noticed": noticed,
        "invalid": invalid,
        "same": same,
        "unnoticed": unnoticed.iter().map(one).collect::<Vec<_>>(),
        "guarantees": guarantees.iter().map(control).collect::<Vec<_>>(),
    })
}
