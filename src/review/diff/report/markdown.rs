//! Writes a comparison as Markdown, for a merge request: the answer first, accepted and equal parts folded.

use super::{Report, Standing, counted, guarantee_words};
use crate::review::{
    diff::{
        AccountEffect, Cause, Change, Difference, Direction, EnvironmentChange, Group, PolicyChange, Question,
        SideAnswer, groups,
    },
    report::markdown::{code, escaped, fenced},
};
use std::fmt::Write as _;

/// The comparison in Markdown.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let comparison = report.comparison;
    let mut text = String::new();
    let mark = if report.passes() { "✅" } else { "❌" };
    let headline = report.headline();
    let mut lines = headline.lines();
    let _ = writeln!(text, "## {mark} {}\n", escaped(lines.next().unwrap_or_default()));
    for line in lines {
        let _ = writeln!(text, "{}\n", escaped(line));
    }
    let _ = writeln!(text, "**Policy change: {}**\n\n{}\n", escaped(&report.verdict()), comparison.summary());
    let short = |revision: &str| revision.get(7..19).unwrap_or(revision).to_owned();
    let _ = writeln!(
        text,
        "Compared: {} (policies `{}`, directory `{}`) with {} (policies `{}`, directory `{}`)\n",
        code(&comparison.base.name),
        short(&comparison.base.policies),
        short(&comparison.base.directory),
        code(&comparison.head.name),
        short(&comparison.head.policies),
        short(&comparison.head.directory),
    );
    for note in comparison.notes() {
        let _ = writeln!(text, "> {}\n", escaped(&note));
    }
    for group in groups(comparison) {
        one(report, &group, &mut text);
    }
    undecided(report, &mut text);
    guarantees(report, &mut text);
    obligations(report, &mut text);
    applications(report, &mut text);
    accounts(report, &mut text);
    files(report, &mut text);
    text
}

/// The sign before a heading.
const fn mark(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "❌ ",
        Standing::Accepted => "✅ accepted: ",
        Standing::Listed => "",
    }
}

fn undecided(report: &Report<'_>, text: &mut String) {
    let matters = report.undecided();
    if matters.is_empty() {
        return;
    }
    text.push_str("### ⚠️ Undecided\n\n");
    for matter in matters {
        let Some(outcome) = matter.outcome() else { continue };
        let (name, reasons) = (escaped(&outcome.name()), escaped(&outcome.undecided.join("; ")));
        let _ = writeln!(text, "- {}**{name}**: {reasons}", mark(report.standing(matter)));
    }
    text.push('\n');
}

fn guarantees(report: &Report<'_>, text: &mut String) {
    for (change, standing) in report.guarantees() {
        let words = guarantee_words(change.change);
        let _ = writeln!(text, "### {}The guarantee {} is {words}\n", mark(standing), code(&change.id));
        policy(change, text);
    }
}

fn obligations(report: &Report<'_>, text: &mut String) {
    for (change, obligations, standing) in report.obligations() {
        let _ = writeln!(text, "### {}What {} asks of callers changed\n", mark(standing), code(&change.id));
        if !change.title.is_empty() {
            let _ = writeln!(text, "{}\n", escaped(&change.title));
        }
        let lines: String =
            obligations.lines().map(|(mark, what, text)| format!("{mark}{what}: {}\n", one_line(text))).collect();
        fenced("diff", &lines, text);
    }
}

fn applications(report: &Report<'_>, text: &mut String) {
    for (change, standing) in report.applications() {
        let _ = writeln!(
            text,
            "### {}What the application {} may ask changed\n",
            mark(standing),
            code(&change.application)
        );
        let lines: String = change.lines().map(|(mark, text)| format!("{mark}{}\n", one_line(text))).collect();
        fenced("diff", &lines, text);
    }
}

fn accounts(report: &Report<'_>, text: &mut String) {
    for (change, standing, groups) in report.accounts() {
        let _ =
            writeln!(text, "### {}{} {} in the directory\n", mark(standing), code(&change.id), change.change.name());
        for fact in &change.facts {
            let [before, after] = fact.sides().map(code);
            let elements: Vec<_> =
                fact.elements().iter().map(|(mark, element)| format!("{mark} {}", code(element))).collect();
            let said = if elements.is_empty() { format!("{before} → {after}") } else { elements.join(", ") };
            let _ = writeln!(text, "- {}: {said}", code(&fact.name));
        }
        text.push('\n');
        for group in groups {
            let _ = writeln!(text, "**{}**\n", escaped(&group.line()));
            if let Some(others) = group.others() {
                let _ = writeln!(text, "{}\n", escaped(&others));
            }
            if let Some((outcome, AccountEffect { example: asked, base, head, .. })) = group.members.first() {
                example(outcome, asked, [base, head], text);
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn one(report: &Report<'_>, group: &Group<'_>, text: &mut String) {
    let _ = writeln!(
        text,
        "### {}{}: {}, {}\n",
        mark(report.standing_of(group).1),
        if group.change == Direction::NewlyAllowed { "Newly allowed" } else { "Newly denied" },
        escaped(&group.environments()),
        Cause::all(&group.causes, &code),
    );
    let Some((outcome, difference)) = group.members.first() else { return };
    if let Some(note) = &outcome.note {
        let _ = writeln!(text, "> {}\n", escaped(note));
    }
    let Difference { example: asked, base, head, .. } = difference;
    example(outcome, asked, [base, head], text);
    for change in report.comparison.policies.iter().filter(|change| group.policies.contains(&change.id)) {
        policy(change, text);
    }
    if group.members.len() > 1 {
        let _ = writeln!(text, "<details><summary>{}</summary>\n", counted(group.members.len(), "environment"));
        for (outcome, _) in &group.members {
            let _ = writeln!(text, "- {}", escaped(&outcome.name()));
        }
        text.push_str("\n</details>\n\n");
    }
}

fn example(outcome: &EnvironmentChange, example: &Question, [base, head]: [&SideAnswer; 2], text: &mut String) {
    let accounts = if example.real { "accounts of the directory" } else { "made-up accounts" };
    let _ = writeln!(text, "A question in {} ({accounts}):\n", escaped(&outcome.name()));
    fenced("json", &format!("{:#}", example.question), text);
    if let Some(when) = example.when() {
        let _ = writeln!(text, "Asked {}.\n", escaped(&when));
    }
    for (side, SideAnswer { allowed, reason, policies }) in [("Before", base), ("After", head)] {
        let by: Vec<_> = policies.iter().map(|policy| code(&policy.id)).collect();
        let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
        let word = if *allowed { "allow" } else { "deny" };
        let _ = writeln!(text, "- {side}: **{word}**{by}. {}", escaped(reason));
    }
    text.push('\n');
    if !example.entities.is_empty() {
        text.push_str("<details><summary>The made-up accounts</summary>\n\n");
        fenced("json", &format!("{:#}", serde_json::Value::from(example.entities.clone())), text);
        text.push_str("</details>\n\n");
    }
}

fn policy(change: &PolicyChange, text: &mut String) {
    let spot = change.head.as_ref().or(change.base.as_ref());
    let place = spot.map(|spot| format!(" ({}:{})", code(&spot.file), spot.line)).unwrap_or_default();
    let _ = writeln!(text, "{} {}{place}\n", code(&change.named()), change.change.name());
    if matches!(change.change, Change::Reworded | Change::Obligations | Change::Renamed) {
        return;
    }
    let lines: String = change.lines.iter().map(|line| format!("{}{}\n", line.mark, line.text)).collect();
    fenced("diff", &lines, text);
}

fn files(report: &Report<'_>, text: &mut String) {
    let comparison = report.comparison;
    if comparison.policies.is_empty() && comparison.schema.is_empty() {
        return;
    }
    text.push_str("<details><summary>What changed in the files</summary>\n\n");
    for change in &comparison.schema {
        let _ = writeln!(text, "- schema: {} {} {}", change.change.name(), change.what, code(&change.name));
        if change.change == Change::Changed {
            for (mark, lines) in [('−', &change.removed), ('+', &change.added)] {
                for line in lines {
                    let _ = writeln!(text, "  - {mark} {}", code(line));
                }
            }
        }
    }
    for change in &comparison.policies {
        let _ = writeln!(text, "- policy {} {}", code(&change.named()), change.change.name());
        for annotation in &change.annotations {
            let shown = |text: &Option<String>| text.as_deref().map_or("nothing".to_owned(), code);
            let (before, after) = (shown(&annotation.before), shown(&annotation.after));
            let _ = writeln!(text, "  - @{}: {before} → {after}", escaped(&annotation.name));
        }
    }
    text.push_str("\n</details>\n");
}
