//! Reports results as JUnit XML: a `testsuite` for each suite, a `testcase` for each case with its file and line. A
//! file that cannot be read is a suite with one error, so that a CI system that reads only this form shows it.
//! Mutations that no case notices are a suite too.

use super::{More, Results};
use crate::{
    review::{
        report::Lines,
        suite::{
            mutate::Mutation,
            run::{CaseOutcome, Ran, differences},
        },
    },
    types::{escape, language::Language, texts::suite as texts},
};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The results as JUnit XML.
///
/// # Errors
/// What the writer of XML cannot write.
pub fn junit(results: &Results, more: More<'_>) -> Result<String, SerializeError> {
    let mut report = Report::new("poort test");
    for ran in &results.ran {
        report.add_test_suite(suite(ran));
    }
    for problem in results.problems.iter().filter(|problem| problem.is_error()) {
        let mut suite = TestSuite::new(problem.file());
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(problem.one_line()).set_type(problem.kind());
        let mut case = TestCase::new("the file can be used", status);
        case.set_classname(problem.file());
        place(&mut case, problem.file(), problem.position().map_or(1, |place| place.0));
        suite.add_test_case(case);
        report.add_test_suite(suite);
    }
    if let Some(mutation) = more.mutation {
        report.add_test_suite(mutation_suite(mutation));
    }
    report.to_string()
}

fn suite(ran: &Ran) -> TestSuite {
    let Ran { suite, outcomes, .. } = ran;
    let name = escape::line(&suite.name);
    let mut written = TestSuite::new(name.as_ref());
    written.extra.insert("file".into(), suite.file.name.as_ref().into());
    for (case, outcome) in suite.cases.iter().zip(outcomes) {
        let status = match outcome {
            CaseOutcome::Passed(_) => TestCaseStatus::success(),
            CaseOutcome::Failed(asked, failure) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let mut lines = Lines::default();
                let differences = differences(&case.expected, &asked.answer, Language::English);
                differences.iter().for_each(|line| lines.push(line));
                failure.explanation.iter().for_each(|line| lines.push(&line.words(Language::English)));
                let message = differences.join("; ");
                status.set_message(escape::line(&message).as_ref()).set_type("failed");
                status.set_description(lines.into_text().trim_end());
                status
            }
            CaseOutcome::Mistaken(problem) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(problem.one_line()).set_type(problem.kind());
                status
            }
        };
        let mut one = TestCase::new(escape::line(&case.title()).as_ref(), status);
        one.set_classname(name.as_ref());
        place(&mut one, &suite.file.name, case.line);
        written.add_test_case(one);
    }
    written
}

/// The changes as a suite of CI: one failed case for each that is not noticed and not explained, and for
/// each guarantee that none breaks.
fn mutation_suite(mutation: &Mutation<'_>) -> TestSuite {
    let mut suite = TestSuite::new("mutation");
    for unnoticed in mutation.unexplained() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let hint = unnoticed.change.kind.hint(Language::English);
        status.set_type("unnoticed").set_message(format!("no case notices; missing: {hint}"));
        let mut case = TestCase::new(escape::line(&unnoticed.shown(Language::English)).as_ref(), status);
        case.set_classname("mutation");
        place(&mut case, &unnoticed.policy.place.file.name, unnoticed.line);
        suite.add_test_case(case);
    }
    for control in mutation.unbroken() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let missing = texts::missing_control(Language::English);
        status.set_type("unbroken").set_message(format!("no change breaks it; missing: {missing}"));
        let mut case = TestCase::new(escape::line(&control.guarantee).as_ref(), status);
        case.set_classname("guarantees");
        suite.add_test_case(case);
    }
    suite
}

fn place(case: &mut TestCase, file: &str, line: usize) {
    case.extra.insert("file".into(), file.into());
    case.extra.insert("line".into(), line.to_string().into());
}
