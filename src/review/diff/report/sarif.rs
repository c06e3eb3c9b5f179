//! Writes a comparison as SARIF, for code scanning: each cause is a finding at the line of its policy, and so is each
//! other change.

use super::{Report, Standing, account_line, application_line, guarantee_words};
use crate::{
    review::{
        diff::{Cause, Comparison, Direction, Group, PolicyChange, groups},
        report::{Format, findings},
    },
    types::{
        language::Language,
        problem::{Problem, SourceFile},
    },
};
use std::ops::Range;

/// SARIF 2.1.0.
#[must_use]
pub fn sarif(report: &Report<'_>) -> String {
    findings(&problems(report), Format::Sarif, false)
}

/// All that was found, as findings in the files of the side after (of the side before for a policy that was removed). What
/// is not accepted is an error, the rest a warning.
fn problems(report: &Report<'_>) -> Vec<Problem> {
    let comparison = report.comparison;
    let mut found: Vec<_> = groups(comparison).iter().map(|group| of_group(report, group)).collect();
    for matter in report.undecided() {
        let Some(outcome) = matter.outcome() else { continue };
        let message = format!("{} is undecided: {}", outcome.name(), outcome.undecided.join("; "));
        let problem = Problem::unreadable("diff::undecided", &comparison.head.name, message);
        let help = "give the solver more time with --timeout SECONDS, or ask a reviewer to compare the policies, who lists \
                    it in the --accept file";
        found.push(standing(problem, report.standing(matter), help));
    }
    for (change, state) in report.guarantees() {
        let message = format!("the guarantee `{}` is {}", change.id, guarantee_words(change.change, Language::English));
        let problem = at(comparison, "diff::guarantee", Some(change), message);
        found.push(standing(problem, state, REVIEW));
    }
    for (change, obligations, state) in report.obligations() {
        let lines: Vec<_> =
            obligations.lines(Language::English).map(|(mark, what, text)| format!("{mark} {what} {text}")).collect();
        let message = format!("what `{}` asks of callers changed: {}", change.id, lines.join("; "));
        let problem = at(comparison, "diff::obligations", Some(change), message);
        found.push(standing(problem, state, REVIEW));
    }
    for (change, state) in report.applications() {
        let message = application_line(change);
        let problem = Problem::unreadable("diff::application", &comparison.head.name, message);
        found.push(standing(problem, state, REVIEW));
    }
    for (change, state, groups) in report.accounts() {
        let problem = Problem::unreadable("diff::account", &comparison.head.name, account_line(change, &groups));
        found.push(standing(problem, state, REVIEW));
    }
    if comparison.filtered > 0 {
        let problem =
            Problem::unreadable("diff::not-looked-at", &comparison.head.name, report.verdict(Language::English));
        found.push(problem.help("leave out --env"));
    }
    let notes = comparison.notes(Language::English).into_iter();
    found.extend(notes.map(|note| Problem::unreadable("diff::note", &comparison.head.name, note).as_warning()));
    found
}

/// What to do about what is not accepted.
const REVIEW: &str = "if this is meant, have it reviewed and listed in the --accept file";

fn standing(problem: Problem, standing: Standing, help: &str) -> Problem {
    match standing {
        Standing::Open => problem.help(help),
        Standing::Accepted => problem.help("a reviewer accepted it").as_warning(),
        Standing::Listed => problem.as_warning(),
    }
}

fn of_group(report: &Report<'_>, group: &Group<'_>) -> Problem {
    let comparison = report.comparison;
    let code = match group.change {
        Direction::NewlyAllowed => "diff::newly-allowed",
        Direction::NewlyDenied => "diff::newly-denied",
    };
    let example = group.members.first().map(|(_, difference)| difference.example.question.to_string());
    let message = format!(
        "{}: {}, {}; such as {}",
        group.change.words(Language::English),
        group.environments(),
        Cause::all(&group.causes, Language::English, &|id| format!("`{id}`")),
        example.unwrap_or_default(),
    );
    let change = comparison.policies.iter().find(|change| group.policies.contains(&change.id));
    standing(at(comparison, code, change, message), report.standing_of(group).1, REVIEW)
}

/// A finding at the first line of a change, if that has a place.
fn at(comparison: &Comparison, code: &'static str, change: Option<&PolicyChange>, message: String) -> Problem {
    match change.and_then(place) {
        Some((file, place)) => Problem::error(code, &file, message).at(place, "this change"),
        None => Problem::unreadable(code, &comparison.head.name, message),
    }
}

/// The first line of a change. The text is made of blank lines up to it, since a
/// position is all that is asked of it.
fn place(change: &PolicyChange) -> Option<(SourceFile, Range<usize>)> {
    let spot = change.head.as_ref().or(change.base.as_ref())?;
    let in_head = change.head.is_some();
    let mut changed: Vec<_> = change
        .lines
        .iter()
        .filter(|line| line.mark != ' ')
        .filter_map(|line| Some((if in_head { line.head } else { line.base }?, line.text.clone())))
        .collect();
    // A changed comment or annotation is not the cause, unless nothing else changed.
    changed.sort_by_key(|(_, text)| text.trim_start().starts_with('@'));
    let changed = changed.into_iter().next();
    let (number, text) =
        changed.unwrap_or_else(|| (spot.line, spot.text.lines().next().unwrap_or_default().to_owned()));
    let before = "\n".repeat(number.saturating_sub(1));
    let indent = text.len() - text.trim_start().len();
    let place = before.len() + indent..before.len() + text.len();
    let file = SourceFile { name: spot.file.as_str().into(), text: format!("{before}{text}\n").into() };
    Some((file, place))
}
