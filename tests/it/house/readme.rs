//! What the README, the page for developers and the page about changes of policies show is what happens.

use crate::support::{Sidecar, check, copied_policies, folder, repository, run, run_with_input};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).unwrap()
}

/// The question of the README's `curl`.
fn question(readme: &str) -> Value {
    let (_, rest) = readme.split_once("-d '").unwrap();
    let (question, _) = rest.split_once('\'').unwrap();
    serde_json::from_str(question).unwrap()
}

/// The answer that the README shows below it.
fn shown(readme: &str) -> Value {
    let (_, rest) = readme.split_once("```json\n").unwrap();
    let (answer, _) = rest.split_once("```").unwrap();
    serde_json::from_str(answer).unwrap()
}

#[tokio::test]
async fn the_readmes_question_gets_its_answer() {
    let readme = readme();
    let (mut question, shown) = (question(&readme), shown(&readme));
    let sidecar = Sidecar::builder().start();
    let answer = sidecar.evaluate(&question).await;
    assert_eq!(answer["decision"], shown["decision"]);
    for part in ["policies", "reason", "obligations", "advice", "errors"] {
        assert_eq!(answer["context"][part], shown["context"][part], "{part}");
    }
    let names = |answer: &Value| answer["context"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&answer), names(&shown));
    question["subject"]["id"] = "officer-0008".into();
    assert_eq!(sidecar.evaluate(&question).await["decision"], false);
}

#[test]
fn the_readme_shows_the_true_explanation() {
    let readme = readme();
    let mut denied = question(&readme);
    denied["subject"]["id"] = "officer-0008".into();
    let output = run_with_input(["evaluate", "--explain"], denied.to_string().as_bytes());
    let given = String::from_utf8(output.stderr).unwrap();
    let (_, rest) = readme.split_once("$ poort evaluate --explain question.json\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    for line in shown.lines().filter(|line| line.trim() != "…") {
        assert!(given.lines().any(|it| it == line), "`{line}` is not in:\n{given}");
    }
}

#[test]
fn the_suite_of_the_page_about_tools_passes() {
    let page = std::fs::read_to_string(repository().join("docs/policy-tools.md")).unwrap();
    let (_, rest) = page.split_once("## `poort test`").unwrap();
    let (_, rest) = rest.split_once("```yaml\n").unwrap();
    let (suite, _) = rest.split_once("```").unwrap();
    let folder = folder();
    let policies = copied_policies(folder.path());
    std::fs::create_dir(policies.join("tests")).unwrap();
    std::fs::write(policies.join("tests/page.yaml"), suite).unwrap();
    let (out, told) = check(&run(["test", policies.to_str().unwrap()]), 0);
    assert!(format!("{out}{told}").contains("2 passed"), "{out}\n{told}");
}

/// The questions of the letter on the page for developers, each with its answer, as if that page was written today.
fn letter() -> Vec<Value> {
    let page = std::fs::read_to_string(repository().join("docs/applications.md")).unwrap();
    let (_, rest) = page.split_once("## Ten questions of the letter").unwrap();
    let blocks: String = rest.split("```json").skip(1).map(|block| block.split_once("```").unwrap().0).collect();
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let later = today.checked_add(jiff::Span::new().days(30)).unwrap();
    let blocks = blocks.replace("2026-11-23", &today.to_string()).replace("2026-12-23", &later.to_string());
    serde_json::Deserializer::from_str(&blocks).into_iter().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn the_letters_ten_questions_get_their_answers() {
    let letter = letter();
    assert_eq!(letter.len(), 20);
    let sidecar = Sidecar::builder().start();
    for pair in letter.chunks_exact(2) {
        let mut answer = sidecar.evaluate(&pair[0]).await;
        let left_out =
            ["subject", "policies", "revision", "directory_revision", "record", "reason_user", "reason_admin"];
        let context = answer["context"].as_object_mut().unwrap();
        context.retain(|part, value| !left_out.contains(&part.as_str()) && *value != json!([]));
        assert_eq!(answer, pair[1], "{}", pair[0]);
    }
}
