//! Reports coverage for a terminal and for scripts: the figures of each file, and what was not seen, with its place.

use crate::{
    pdp::conditions::Condition,
    review::{
        report::Lines,
        suite::coverage::{Coverage, Covered, Level, Share},
    },
    types::{language::Language, texts::suite as texts},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A condition, or a whole policy, of which something was not seen.
pub(super) struct Gap<'a> {
    pub(super) covered: &'a Covered<'a>,
    /// `None`: the policy never applied.
    pub(super) condition: Option<(&'a Condition, Level)>,
}

impl Gap<'_> {
    pub(super) fn line(&self) -> usize {
        let policy = self.covered.policy;
        self.condition.map_or_else(|| policy.place.line(), |(condition, _)| policy.line(&condition.place))
    }

    pub(super) fn what(&self, language: Language) -> &'static str {
        self.condition.map_or(texts::never_applied(language), |(_, level)| level.words(language))
    }

    pub(super) fn text(&self, language: Language) -> String {
        let text = self.condition.map(|(condition, _)| self.covered.policy.text(condition));
        let text = text.unwrap_or(texts::whole_policy(language));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What was not seen, in the order of the files.
pub(super) fn gaps<'a>(coverage: &'a Coverage<'a>) -> Vec<Gap<'a>> {
    let mut gaps = Vec::new();
    for covered in coverage.policies.iter().filter(|covered| covered.can_apply()) {
        if covered.applied.is_empty() {
            gaps.push(Gap { covered, condition: None });
        }
        for (condition, _, level) in covered.levels().filter(|(_, _, level)| *level != Level::Both) {
            gaps.push(Gap { covered, condition: Some((condition, level)) });
        }
    }
    gaps
}

/// The shares of policies and conditions of each file.
pub(super) fn by_file<'a>(coverage: &'a Coverage<'a>) -> BTreeMap<&'a str, (Share, Share)> {
    let mut files: BTreeMap<&str, (Share, Share)> = BTreeMap::new();
    for covered in coverage.policies.iter().filter(|covered| covered.can_apply()) {
        let (policies, conditions) = files.entry(&covered.policy.place.file.name).or_default();
        policies.add(!covered.applied.is_empty());
        covered.levels().for_each(|(_, _, level)| conditions.add(level == Level::Both));
    }
    files
}

/// Coverage as lines.
#[must_use]
pub fn coverage_lines(coverage: &Coverage<'_>, language: Language) -> String {
    let row = |name: &str, policies: Share, conditions: Share| {
        [name.to_owned(), policies.words(language), conditions.words(language)]
    };
    let rows: Vec<[String; 3]> = by_file(coverage)
        .into_iter()
        .map(|(file, (policies, conditions))| row(file, policies, conditions))
        .chain([row(texts::all_files(language), coverage.of_policies(), coverage.of_conditions())])
        .collect();
    let header = [texts::coverage, texts::policies_applied, texts::conditions_seen];
    let header = header.map(|text| text(language).to_owned());
    let width = |column: usize| {
        rows.iter()
            .chain([&header])
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    let mut lines = Lines::default();
    for [file, policies, conditions] in std::iter::once(&header).chain(&rows) {
        lines.push(&format!("{file:<first$}  {policies:<second$}  {conditions}"));
    }
    let gaps = gaps(coverage);
    if !gaps.is_empty() {
        lines.push("");
        lines.push(texts::not_seen(language));
    }
    for gap in &gaps {
        let policy = gap.covered.policy;
        let id: &str = policy.id.as_ref();
        let (what, text) = (gap.what(language), gap.text(language));
        lines.push(&format!("  {}:{}  {id}  {what}: {text}", policy.place.file.name, gap.line()));
    }
    lines.into_text()
}

/// Coverage for scripts: `{policies, conditions, files, gaps}`, where a share is `{covered, total}` and a gap is
/// `{file, line, policy, what, text}`.
pub(super) fn coverage_json(coverage: &Coverage<'_>) -> Value {
    let share = |share: Share| json!({ "covered": share.covered, "total": share.total });
    let gap = |gap: &Gap<'_>| {
        let policy = gap.covered.policy;
        let id: &str = policy.id.as_ref();
        json!({
            "file": policy.place.file.name.as_ref(), "line": gap.line(), "policy": id,
            "what": gap.what(Language::English), "text": gap.text(Language::English),
        })
    };
    json!({
        "policies": share(coverage.of_policies()),
        "conditions": share(coverage.of_conditions()),
        "files": by_file(coverage).into_iter().map(|(file, (policies, conditions))| {
            json!({ "file": file, "policies": share(policies), "conditions": share(conditions) })
        }).collect::<Vec<_>>(),
        "gaps": gaps(coverage).iter().map(gap).collect::<Vec<_>>(),
    })
}
