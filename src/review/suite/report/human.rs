//! Reports results for a terminal: a line for each suite, details of failures, a summary.

use super::{Counts, Results};
use crate::review::{
    report::Lines,
    suite::{
        case::Suite,
        run::{CaseOutcome, Ran},
        select,
    },
};

/// The results as lines.
#[must_use]
pub fn human(results: &Results) -> String {
    let mut lines = Lines::default();
    for ran in &results.ran {
        let refused =
            results.problems.iter().filter(|problem| problem.is_error() && problem.file() == &*ran.suite.file.name);
        suite(ran, refused.count(), &mut lines);
    }
    let counts = results.counts();
    let broken = results.problems.iter().filter(|problem| problem.is_error()).count();
    let more = if broken > 0 { format!("; {} in files of suites", counted(broken, "mistake")) } else { String::new() };
    lines.push(&format!("{}: {}{more}", counted(results.ran.len(), "suite"), shown(counts)));
    lines.into_text()
}

/// `refused`: how many mistakes keep parts of its file from being used.
fn suite(ran: &Ran, refused: usize, lines: &mut Lines) {
    let Ran { suite, outcomes, .. } = ran;
    let counts = ran.counts();
    let mark = if counts.passed == counts.total() && refused == 0 { "✓" } else { "✗" };
    let more = if refused > 0 { format!("; {} in its file", counted(refused, "mistake")) } else { String::new() };
    lines.push(&format!("{mark} {}  {}{more}", suite.name, shown(counts)));
    for (case, outcome) in suite.cases.iter().zip(outcomes) {
        let CaseOutcome::Failed(_, failure) = outcome else { continue };
        lines.push("");
        lines.push(&format!("  ✗ {}", case.title()));
        lines.push(&format!("    {}:{}", suite.file.name, case.line));
        if let Some(note) = &case.note {
            lines.push(&format!("    note: {}", note.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        for difference in &failure.differences {
            lines.push(&format!("    {difference}"));
        }
        for line in &failure.explanation {
            lines.push(&format!("      {line}"));
        }
    }
    if counts.failed > 0 {
        lines.push("");
    }
}

/// The names of all cases, one a line, as `--filter` sees them.
#[must_use]
pub fn listing(suites: &[Suite]) -> String {
    let mut lines = Lines::default();
    let names = suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| select::name(suite, case)));
    names.for_each(|name| lines.push(&name));
    lines.into_text()
}

fn shown(counts: Counts) -> String {
    let Counts { passed, failed, mistaken } = counts;
    let mut parts = vec![format!("{passed} passed")];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if mistaken > 0 {
        parts.push(format!("{mistaken} could not be asked"));
    }
    parts.join(", ")
}

/// A number with its noun.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
