//! For code scanning and annotations: each cause as a finding at the line of the policy.

use super::Report;
use crate::{
    diff::{Comparison, Direction, Group, groups},
    problem::{Problem, SourceFile},
    report::{Format, findings},
};

/// SARIF 2.1.0.
#[must_use]
pub fn sarif(report: &Report<'_>) -> String {
    findings(&problems(report), Format::Sarif, false)
}

/// The differences and what is undecided, as findings in the files of the side after (of the side before for a policy that
/// was removed). What is not accepted is an error, the rest a warning.
fn problems(report: &Report<'_>) -> Vec<Problem> {
    let comparison = report.comparison;
    let mut found: Vec<_> = groups(comparison).iter().map(|group| of_group(report, group)).collect();
    for outcome in comparison.environments.iter().filter(|outcome| !outcome.undecided.is_empty()) {
        let message = format!("{} is undecided: {}", outcome.name(), outcome.undecided.join("; "));
        found.push(
            Problem::unreadable("diff::undecided", &comparison.head.name, message)
                .help("give the solver more time with --timeout SECONDS, or ask a reviewer to compare the policies"),
        );
    }
    found
}

fn of_group(report: &Report<'_>, group: &Group<'_>) -> Problem {
    let comparison = report.comparison;
    let code = match group.change {
        Direction::NewlyAllowed => "diff::newly-allowed",
        Direction::NewlyDenied => "diff::newly-denied",
    };
    let example = group.members.first().map(|(_, difference)| difference.example.question.to_string());
    let message = format!(
        "{}: {}, by {}; such as {}",
        group.change.words(),
        group.environments(),
        group.causes(),
        example.unwrap_or_default(),
    );
    let problem = match place(comparison, group) {
        Some((file, place)) => Problem::error(code, &file, message).at(place, "this change"),
        None => Problem::unreadable(code, &comparison.head.name, message),
    };
    if group.members.iter().any(|(_, difference)| report.is_open(difference)) {
        problem.help("if this is meant, have it reviewed and listed in the --accept file")
    } else {
        problem.as_warning()
    }
}

/// The first line of the change in the first policy that has one. The text is made of blank lines up to it, since a
/// position is all that is asked of it.
fn place(comparison: &Comparison, group: &Group<'_>) -> Option<(SourceFile, std::ops::Range<usize>)> {
    let change = comparison.policies.iter().find(|change| group.policies.contains(&change.id))?;
    let spot = change.head.as_ref().or(change.base.as_ref())?;
    let in_head = change.head.is_some();
    let mut changed: Vec<_> = change
        .lines
        .iter()
        .filter(|line| line.mark != ' ')
        .filter_map(|line| Some((if in_head { line.head } else { line.base }?, line.text.clone())))
        .collect();
    // A change of words beside it is not the cause.
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
