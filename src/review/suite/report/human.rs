//! Reports results for a terminal: a line for each suite, details of failures, a summary.

use super::{Counts, Results};
use crate::{
    review::{
        report::Lines,
        suite::{
            case::Suite,
            run::{CaseOutcome, Ran, differences},
            select,
        },
    },
    types::{language::Language, texts::suite as texts},
};

/// The results as lines.
#[must_use]
pub fn human(results: &Results, language: Language) -> String {
    let mut lines = Lines::default();
    for ran in &results.ran {
        let refused =
            results.problems.iter().filter(|problem| problem.is_error() && problem.file() == &*ran.suite.file.name);
        suite(ran, refused.count(), language, &mut lines);
    }
    let counts = results.counts();
    let broken = results.problems.iter().filter(|problem| problem.is_error()).count();
    let more = if broken > 0 { texts::in_files(language, mistakes(broken, language)) } else { String::new() };
    let suites = match results.ran.len() {
        1 => texts::one_suite(language).to_owned(),
        count => texts::many_suites(language, count),
    };
    lines.push(&format!("{suites}: {}{more}", shown(counts, language)));
    lines.into_text()
}

/// `refused`: how many mistakes keep parts of its file from being used.
fn suite(ran: &Ran, refused: usize, language: Language, lines: &mut Lines) {
    let Ran { suite, outcomes, .. } = ran;
    let counts = ran.counts();
    let mark = if counts.passed == counts.total() && refused == 0 { "✓" } else { "✗" };
    let more = if refused > 0 { texts::in_its_file(language, mistakes(refused, language)) } else { String::new() };
    lines.push(&format!("{mark} {}  {}{more}", suite.name, shown(counts, language)));
    for (case, outcome) in suite.cases.iter().zip(outcomes) {
        let CaseOutcome::Failed(asked, failure) = outcome else { continue };
        lines.push("");
        lines.push(&format!("  ✗ {}", case.title()));
        lines.push(&format!("    {}:{}", suite.file.name, case.line));
        if let Some(note) = &case.note {
            let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.push(&format!("    {}", texts::note(language, note)));
        }
        for difference in differences(&case.expected, &asked.answer, language) {
            lines.push(&format!("    {difference}"));
        }
        for line in &failure.explanation {
            lines.push(&format!("      {}", line.words(language)));
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

fn shown(counts: Counts, language: Language) -> String {
    let Counts { passed, failed, mistaken } = counts;
    let mut parts = vec![texts::passed(language, passed)];
    if failed > 0 {
        parts.push(texts::failed(language, failed));
    }
    if mistaken > 0 {
        parts.push(texts::mistaken(language, mistaken));
    }
    parts.join(", ")
}

fn mistakes(count: usize, language: Language) -> String {
    if count == 1 { texts::one_mistake(language).to_owned() } else { texts::many_mistakes(language, count) }
}
