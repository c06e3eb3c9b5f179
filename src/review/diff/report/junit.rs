//! Writes a comparison as JUnit XML, for CI systems that show tests. Each environment is a test, and so is each change
//! of a guarantee, of obligations, of what an application may ask or of the directory.

use super::{Report, Standing, account_line, application_line, guarantee_words};
use crate::{
    review::diff::{Cause, Difference, EnvironmentChange, ItemKind, ReviewItem, causes},
    types::language::Language,
};
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite, XmlString};

/// JUnit XML. An item that needs acceptance and has none fails; an environment in which only an undecided part needs it
/// is an error. The output of the suite says what the comparison rests on. What a filter left out is an error.
#[must_use]
pub fn junit(report: &Report<'_>) -> String {
    let comparison = report.comparison;
    let mut suite = TestSuite::new("poort diff");
    let mut add = |name: String, status: TestCaseStatus, told: String| {
        let mut case = TestCase::new(name, status);
        case.set_classname("poort.diff");
        if !told.is_empty() {
            case.set_system_out(told);
        }
        suite.add_test_case(case);
    };
    for outcome in &comparison.environments {
        add(outcome.name(), status(report, outcome), told(report, outcome));
    }
    for (change, standing) in report.guarantees() {
        let message = format!("the guarantee `{}` is {}", change.id, guarantee_words(change.change, Language::English));
        add(format!("guarantee {}", change.id), passed_or(ItemKind::Guarantee, standing, &message), message.clone());
    }
    for (change, obligations, standing) in report.obligations() {
        let lines: Vec<_> =
            obligations.lines(Language::English).map(|(mark, what, text)| format!("{mark} {what} {text}")).collect();
        let message = format!("what `{}` asks of callers changed: {}", change.id, lines.join("; "));
        add(
            format!("obligations of {}", change.id),
            passed_or(ItemKind::Obligations, standing, &message),
            message.clone(),
        );
    }
    for (change, standing) in report.applications() {
        let message = application_line(change);
        add(
            format!("application {}", change.application),
            passed_or(ItemKind::Application, standing, &message),
            message.clone(),
        );
    }
    for (change, standing, groups) in report.accounts() {
        let message = account_line(change, &groups);
        add(format!("directory {}", change.id), passed_or(ItemKind::Account, standing, &message), message.clone());
    }
    if comparison.filtered > 0 {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("not-looked-at").set_message("nothing is said about what was left out");
        add("environments left out by --env".to_owned(), status, String::new());
    }
    let mut notes = vec![report.verdict(Language::English)];
    notes.extend(comparison.notes(Language::English));
    suite.set_system_out(XmlString::new(notes.join("\n")));
    let mut whole = Junit::new("poort diff");
    whole.add_test_suite(suite);
    whole.to_string().unwrap_or_default()
}

fn passed_or(kind: ItemKind, standing: Standing, message: &str) -> TestCaseStatus {
    if standing != Standing::Open {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind.name()).set_message(message);
    status
}

fn status(report: &Report<'_>, outcome: &EnvironmentChange) -> TestCaseStatus {
    let is_open = |matter| report.standing(matter) == Standing::Open;
    let open: Vec<_> =
        outcome.differences.iter().filter(|difference| is_open(ReviewItem::Difference(outcome, difference))).collect();
    let mut message: Vec<_> = open.iter().map(|difference| line(report, difference)).collect();
    let is_undecided = is_open(ReviewItem::Undecided(outcome));
    if is_undecided {
        message.push(format!("undecided: {}", outcome.undecided.join("; ")));
    }
    let (kind, named) = match open.first() {
        Some(first) => (NonSuccessKind::Failure, first.change.name()),
        None if is_undecided => (NonSuccessKind::Error, ItemKind::Undecided.name()),
        None => return TestCaseStatus::success(),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(named).set_message(message.join("; "));
    let details: Vec<_> = open.iter().map(|difference| details(report, difference)).collect();
    status.set_description(details.join("\n\n"));
    status
}

/// What is there and asks for nothing, and what the environment's result rests on.
fn told(report: &Report<'_>, outcome: &EnvironmentChange) -> String {
    let mut told: Vec<String> = outcome.note.into_iter().map(String::from).collect();
    for difference in &outcome.differences {
        match report.standing(ReviewItem::Difference(outcome, difference)) {
            Standing::Open => {}
            Standing::Accepted => told.push(format!("accepted: {}", details(report, difference))),
            Standing::Listed => told.push(details(report, difference)),
        }
    }
    if !outcome.undecided.is_empty() && report.standing(ReviewItem::Undecided(outcome)) == Standing::Accepted {
        told.push(format!("accepted as undecided: {}", outcome.undecided.join("; ")));
    }
    told.join("\n\n")
}

fn details(report: &Report<'_>, difference: &Difference) -> String {
    format!(
        "{}\n{}\nbefore: {}\nafter: {}",
        line(report, difference),
        difference.example.question,
        difference.base.reason.base(),
        difference.head.reason.base()
    )
}

fn line(report: &Report<'_>, difference: &Difference) -> String {
    let causes = causes(report.comparison, difference.change, &difference.policies);
    format!("{} {}", difference.change.words(Language::English), Cause::all(&causes, Language::English, &str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff::{
        Accepted, Direction,
        sample::{comparison, outcome},
    };

    #[test]
    fn what_is_undecided_hides_no_difference() {
        let mut outcome = outcome(&["one"]);
        outcome.undecided.push("newly denied: no time".to_owned());
        let mut denied = outcome.differences[0].clone();
        (denied.change, denied.policies) = (Direction::NewlyDenied, vec!["two".to_owned()]);
        outcome.differences.push(denied);
        let comparison = comparison(vec![outcome]);
        let text = junit(&Report::new(&comparison, &Accepted::default(), false));
        assert!(text.contains("failures=\"1\" errors=\"0\""), "{text}");
        for part in ["newly allowed by one", "newly denied by two", "undecided: newly denied: no time"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
