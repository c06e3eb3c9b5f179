//! For CI systems that show tests: each environment is a test.

use super::Report;
use crate::diff::{Difference, Outcome};
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

/// JUnit XML. An environment with a difference that is not accepted fails; one that is undecided is an error.
#[must_use]
pub fn junit(report: &Report<'_>) -> String {
    let mut suite = TestSuite::new("poort diff");
    for outcome in &report.comparison.environments {
        let mut case = TestCase::new(outcome.name(), status(report, outcome));
        case.set_classname("poort.diff");
        suite.add_test_case(case);
    }
    let mut whole = Junit::new("poort diff");
    whole.add_test_suite(suite);
    whole.to_string().unwrap_or_default()
}

fn status(report: &Report<'_>, outcome: &Outcome) -> TestCaseStatus {
    let open: Vec<_> = outcome.differences.iter().filter(|difference| report.is_open(difference)).collect();
    if !outcome.undecided.is_empty() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("undecided").set_message(outcome.undecided.join("; "));
        return status;
    }
    let Some(first) = open.first() else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let message: Vec<_> = open.iter().map(|difference| line(difference)).collect();
    status.set_type(first.change.name()).set_message(message.join("; "));
    let details: Vec<_> = open
        .iter()
        .map(|difference| {
            format!(
                "{}\n{}\nbefore: {}\nafter: {}",
                line(difference),
                difference.example.question,
                difference.base.reason,
                difference.head.reason
            )
        })
        .collect();
    status.set_description(details.join("\n\n"));
    status
}

fn line(difference: &Difference) -> String {
    format!("{} by {}", difference.change.words(), difference.policies.join(", "))
}
