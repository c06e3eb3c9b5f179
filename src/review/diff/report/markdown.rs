//! Writes a comparison as Markdown, for a merge request: the answer first, accepted and equal parts folded.

use super::{Report, Standing, guarantee_words};
use crate::{
    review::{
        diff::{
            AccountEffect, Cause, Change, Difference, Direction, EnvironmentChange, Group, PolicyChange, Question,
            SideAnswer, comparison::environments, groups,
        },
        report::markdown::{code, escaped, fenced},
    },
    types::{
        language::Language,
        texts::{diff as texts, diff_reports as reports},
    },
};
use std::fmt::Write as _;

/// The comparison in Markdown.
#[must_use]
pub fn markdown(report: &Report<'_>, language: Language) -> String {
    let comparison = report.comparison;
    let mut text = String::new();
    let mark = if report.passes() { "✅" } else { "❌" };
    let headline = report.headline(language);
    let mut lines = headline.lines();
    let _ = writeln!(text, "## {mark} {}\n", escaped(lines.next().unwrap_or_default()));
    for line in lines {
        let _ = writeln!(text, "{}\n", escaped(line));
    }
    let verdict = reports::policy_change(language, escaped(&report.verdict(language)));
    let _ = writeln!(text, "**{verdict}**\n\n{}\n", comparison.summary(language));
    let short = |revision: &str| revision.get(7..19).unwrap_or(revision).to_owned();
    let sides = reports::sides_in_markdown(
        language,
        code(&comparison.base.name),
        short(&comparison.base.policies),
        short(&comparison.base.directory),
        code(&comparison.head.name),
        short(&comparison.head.policies),
        short(&comparison.head.directory),
    );
    let _ = writeln!(text, "{sides}\n");
    for note in comparison.notes(language) {
        let _ = writeln!(text, "> {}\n", escaped(&note));
    }
    for group in groups(comparison) {
        one(report, &group, language, &mut text);
    }
    undecided(report, language, &mut text);
    guarantees(report, language, &mut text);
    obligations(report, language, &mut text);
    applications(report, language, &mut text);
    accounts(report, language, &mut text);
    files(report, language, &mut text);
    text
}

/// The sign before a heading.
fn mark(standing: Standing, language: Language) -> String {
    match standing {
        Standing::Open => "❌ ".to_owned(),
        Standing::Accepted => format!("✅ {}: ", texts::accepted(language)),
        Standing::Listed => String::new(),
    }
}

fn undecided(report: &Report<'_>, language: Language, text: &mut String) {
    let matters = report.undecided();
    if matters.is_empty() {
        return;
    }
    let _ = writeln!(text, "### ⚠️ {}\n", reports::undecided_head(language));
    for matter in matters {
        let Some(outcome) = matter.outcome() else { continue };
        let (name, reasons) = (escaped(&outcome.name()), escaped(&outcome.undecided.join("; ")));
        let _ = writeln!(text, "- {}**{name}**: {reasons}", mark(report.standing(matter), language));
    }
    text.push('\n');
}

fn guarantees(report: &Report<'_>, language: Language, text: &mut String) {
    for (change, standing) in report.guarantees() {
        let words = reports::guarantee_is(language, code(&change.id), guarantee_words(change.change, language));
        let _ = writeln!(text, "### {}{words}\n", mark(standing, language));
        policy(change, language, text);
    }
}

fn obligations(report: &Report<'_>, language: Language, text: &mut String) {
    for (change, obligations, standing) in report.obligations() {
        let words = reports::what_it_asks_changed(language, code(&change.id));
        let _ = writeln!(text, "### {}{words}\n", mark(standing, language));
        if !change.title.is_empty() {
            let _ = writeln!(text, "{}\n", escaped(change.title.in_language(language)));
        }
        let lines = obligations.lines(language);
        let lines: String = lines.map(|(mark, what, text)| format!("{mark}{what}: {}\n", one_line(text))).collect();
        fenced("diff", &lines, text);
    }
}

fn applications(report: &Report<'_>, language: Language, text: &mut String) {
    for (change, standing) in report.applications() {
        let words = reports::what_it_may_ask_changed(language, code(&change.application));
        let _ = writeln!(text, "### {}{words}\n", mark(standing, language));
        let lines = change.lines(language);
        let lines: String = lines.map(|(mark, text)| format!("{mark}{}\n", one_line(&text))).collect();
        fenced("diff", &lines, text);
    }
}

fn accounts(report: &Report<'_>, language: Language, text: &mut String) {
    for (change, standing, groups) in report.accounts() {
        let words = reports::in_directory(language, code(&change.id), change.change.words(language));
        let _ = writeln!(text, "### {}{words}\n", mark(standing, language));
        for fact in &change.facts {
            let [before, after] = fact.sides(language).map(code);
            let elements: Vec<_> =
                fact.elements().iter().map(|(mark, element)| format!("{mark} {}", code(element))).collect();
            let said = if elements.is_empty() { format!("{before} → {after}") } else { elements.join(", ") };
            let _ = writeln!(text, "- {}: {said}", code(&fact.name));
        }
        text.push('\n');
        for group in groups {
            let _ = writeln!(text, "**{}**\n", escaped(&group.line(language)));
            if let Some(others) = group.others(language) {
                let _ = writeln!(text, "{}\n", escaped(&others));
            }
            if let Some((outcome, AccountEffect { example: asked, base, head, .. })) = group.members.first() {
                example(outcome, asked, [base, head], language, text);
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn one(report: &Report<'_>, group: &Group<'_>, language: Language, text: &mut String) {
    let head = match group.change {
        Direction::NewlyAllowed => reports::newly_allowed_head(language),
        Direction::NewlyDenied => reports::newly_denied_head(language),
    };
    let _ = writeln!(
        text,
        "### {}{head}: {}, {}\n",
        mark(report.standing_of(group).1, language),
        escaped(&group.environments()),
        Cause::all(&group.causes, language, &code),
    );
    let Some((outcome, difference)) = group.members.first() else { return };
    if let Some(note) = outcome.note {
        let _ = writeln!(text, "> {}\n", escaped(note.words(language)));
    }
    let Difference { example: asked, base, head, .. } = difference;
    example(outcome, asked, [base, head], language, text);
    for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
        policy(change, language, text);
    }
    if group.members.len() > 1 {
        let _ = writeln!(text, "<details><summary>{}</summary>\n", environments(group.members.len(), language));
        for (outcome, _) in &group.members {
            let _ = writeln!(text, "- {}", escaped(&outcome.name()));
        }
        text.push_str("\n</details>\n\n");
    }
}

fn example(
    outcome: &EnvironmentChange,
    example: &Question,
    [base, head]: [&SideAnswer; 2],
    language: Language,
    text: &mut String,
) {
    let accounts = if example.real { reports::real_accounts } else { reports::made_up_accounts };
    let _ = writeln!(text, "{}\n", reports::question_in(language, escaped(&outcome.name()), accounts(language)));
    fenced("json", &format!("{:#}", example.question), text);
    if let Some(when) = example.when(language) {
        let _ = writeln!(text, "{}\n", reports::asked_at(language, escaped(&when)));
    }
    for (side, SideAnswer { allowed, reason, policies }) in
        [(reports::before_head(language), base), (reports::after_head(language), head)]
    {
        let by: Vec<_> = policies.iter().map(|policy| code(&policy.id)).collect();
        let by = if by.is_empty() { String::new() } else { texts::by_policies(language, by.join(", ")) };
        let word = if *allowed { texts::allow(language) } else { texts::deny(language) };
        let _ = writeln!(text, "- {side}: **{word}**{by}. {}", escaped(reason.in_language(language)));
    }
    text.push('\n');
    if !example.entities.is_empty() {
        let _ = writeln!(text, "<details><summary>{}</summary>\n", reports::the_made_up(language));
        fenced("json", &format!("{:#}", serde_json::Value::from(example.entities.clone())), text);
        text.push_str("</details>\n\n");
    }
}

fn policy(change: &PolicyChange, language: Language, text: &mut String) {
    let spot = change.head.as_ref().or(change.base.as_ref());
    let place = spot.map(|spot| format!(" ({}:{})", code(&spot.file), spot.line)).unwrap_or_default();
    let _ = writeln!(text, "{} {}{place}\n", code(&change.named()), change.change.words(language));
    if matches!(change.change, Change::Reworded | Change::Obligations | Change::Renamed) {
        return;
    }
    let lines: String = change.lines.iter().map(|line| format!("{}{}\n", line.mark, line.text)).collect();
    fenced("diff", &lines, text);
}

fn files(report: &Report<'_>, language: Language, text: &mut String) {
    let comparison = report.comparison;
    if comparison.policies.is_empty() && comparison.schema.is_empty() {
        return;
    }
    let _ = writeln!(text, "<details><summary>{}</summary>\n", reports::what_changed_in_files(language));
    for change in &comparison.schema {
        let (how, what) = (change.change.words(language), change.kind(language));
        let _ = writeln!(text, "- {}", reports::of_schema(language, how, what, code(&change.name)));
        if change.change == Change::Changed {
            for (mark, lines) in [('−', &change.removed), ('+', &change.added)] {
                for line in lines {
                    let _ = writeln!(text, "  - {mark} {}", code(line));
                }
            }
        }
    }
    for change in &comparison.policies {
        let words = reports::of_policy(language, code(&change.named()), change.change.words(language));
        let _ = writeln!(text, "- {words}");
        for annotation in &change.annotations {
            let shown = |text: &Option<String>| text.as_deref().map_or(reports::nothing(language).to_owned(), code);
            let (before, after) = (shown(&annotation.before), shown(&annotation.after));
            let _ = writeln!(text, "  - @{}: {before} → {after}", escaped(&annotation.name));
        }
    }
    text.push_str("\n</details>\n");
}
