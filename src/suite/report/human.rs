//! Results for a terminal: a line for each suite, details of what failed, a summary.

use super::{Counts, Results};
use crate::suite::{
    case::Suite,
    run::{Outcome, Ran},
    select,
};

/// The results as lines.
#[must_use]
pub fn human(results: &Results) -> String {
    let mut text = String::new();
    for ran in &results.ran {
        suite(ran, &mut text);
    }
    let counts = results.counts();
    let broken = results.problems.iter().filter(|problem| problem.is_error()).count();
    let more = if broken > 0 { format!("; {} in files of suites", counted(broken, "mistake")) } else { String::new() };
    text.push_str(&format!("{}: {}{more}", counted(results.ran.len(), "suite"), shown(counts)));
    text
}

fn suite(ran: &Ran, text: &mut String) {
    let Ran { suite, outcomes, .. } = ran;
    let counts = ran.counts();
    let mark = if counts.passed == counts.total() { "✓" } else { "✗" };
    text.push_str(&format!("{mark} {}  {}\n", suite.name, shown(counts)));
    for (case, outcome) in suite.cases.iter().zip(outcomes) {
        let Outcome::Failed(_, failure) = outcome else { continue };
        text.push_str(&format!("\n  ✗ {}\n    {}:{}\n", case.title(), suite.file.name, case.line));
        if let Some(note) = &case.note {
            text.push_str(&format!("    note: {note}\n"));
        }
        for difference in &failure.differences {
            text.push_str(&format!("    {difference}\n"));
        }
        for line in &failure.explanation {
            text.push_str(&format!("      {line}\n"));
        }
    }
    if counts.failed > 0 {
        text.push('\n');
    }
}

/// The names of all cases, one a line, as `--filter` sees them.
#[must_use]
pub fn listing(suites: &[Suite]) -> String {
    let lines: Vec<_> =
        suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| select::name(suite, case))).collect();
    lines.join("\n")
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
