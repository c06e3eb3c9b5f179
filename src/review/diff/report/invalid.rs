//! Writes the problems of a side that cannot be compared, in the forms that `report::findings` lacks.

use crate::review::report::markdown::{code, escaped};
use crate::{
    review::report::{Page, Tone, badge},
    types::{language::Language, problem::Problem, texts::diff as texts},
};
use maud::html;
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use std::fmt::Write as _;

fn place(problem: &Problem) -> String {
    match problem.position() {
        Some((line, column)) => format!("{}:{line}:{column}", problem.file()),
        None => problem.file().to_owned(),
    }
}

/// A list.
#[must_use]
pub fn markdown(problems: &[Problem], language: Language) -> String {
    let (heading, answer) = (texts::not_valid_heading(language), texts::side_not_valid(language));
    let mut text = format!("## ❌ {heading}\n\n{answer}\n\n");
    for problem in problems {
        let help = problem.help_text().map(|help| format!(" ({})", escaped(help))).unwrap_or_default();
        let _ = writeln!(text, "- {}: {}{help}", code(&place(problem)), escaped(problem.message()));
    }
    text
}

/// Each as a test that could not be run.
#[must_use]
pub fn junit(problems: &[Problem]) -> String {
    let mut suite = TestSuite::new("poort diff");
    for problem in problems {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(problem.kind()).set_message(problem.message());
        if let Some(help) = problem.help_text() {
            status.set_description(help);
        }
        let mut case = TestCase::new(place(problem), status);
        case.set_classname("poort.diff");
        suite.add_test_case(case);
    }
    let mut whole = Junit::new("poort diff");
    whole.add_test_suite(suite);
    whole.to_string().unwrap_or_default()
}

/// A page.
#[must_use]
pub fn html(problems: &[Problem], language: Language) -> String {
    let body = html! {
        ul { @for problem in problems {
            li { code { (place(problem)) } " " (problem.message())
                @if let Some(help) = problem.help_text() { p { (help) } }
            }
        } }
    };
    let summary = html! { (badge(Tone::Bad, texts::not_valid(language))) " " (texts::side_not_valid(language)) };
    Page { title: texts::title(language), summary, body, style: "", script: "" }.render_in(language)
}
