//! The questions of the repository's own suites, sent to the real server: both bindings and the engine give equal
//! answers.
//!
//! `poort test` checks the expected answers, on the day that each case names (`tests/it/review/shipped.rs`). Here the
//! questions are asked now, so the test only compares the answers.

use crate::support::{Sidecar, copied_policies, folder, message, policies};
use jiff::tz::TimeZone;
use poort::{
    pdp::{
        Clock,
        engine::{self, UnknownEntities},
    },
    review::suite::{self, Question},
    sources::directory::OF_TESTS,
    sources::snapshot::{Snapshot, Sources},
    types::{authzen, evaluation::Evaluation},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every question of every suite.
pub fn questions() -> Vec<Evaluation> {
    let (suites, problems) = suite::load(&policies());
    assert!(problems.is_empty(), "{problems:?}");
    let questions: Vec<_> = suites
        .into_iter()
        .flat_map(|suite| suite.cases)
        .filter_map(|case| match case.question {
            Question::Wire { evaluation, .. } => Some(*evaluation),
            Question::Cedar(_) => None,
        })
        .collect();
    assert!(questions.len() > 1_200, "{}", questions.len());
    questions
}

/// The policies, with the accounts of the suites in their directory.
pub fn policies_of_the_suites(into: &Path) -> PathBuf {
    let copy = copied_policies(into);
    for entry in fs::read_dir(policies().join(OF_TESTS)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("tests-{}", entry.file_name().to_str().unwrap());
        fs::copy(entry.path(), copy.join("directory").join(name)).unwrap();
    }
    copy
}

#[test]
fn every_account_is_asked_about() {
    let asked: BTreeSet<_> = questions().into_iter().map(|question| question.subject.id).collect();
    let sources = Sources::read(&policies(), &policies().join("directory")).unwrap();
    let sources = suite::with_entities(&policies(), sources).unwrap();
    let snapshot = Snapshot::from_sources(&sources).0.unwrap();
    let accounts = ["Politie::Officer", "Politie::Partner", "Politie::System"];
    let held: Vec<_> = snapshot
        .directory
        .iter()
        .map(|entity| entity.uid().clone())
        .filter(|uid| accounts.contains(&uid.entity_type().to_string().as_str()))
        .map(|uid| AsRef::<str>::as_ref(uid.eid()).to_owned())
        .collect();
    assert!(held.len() >= 60, "{}", held.len());
    let missing: Vec<_> = held.iter().filter(|id| !asked.contains(*id)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[tokio::test]
async fn both_bindings_and_the_engine_answer_alike() {
    let folder = folder();
    let policies = policies_of_the_suites(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let mut grpc = sidecar.grpc().await;
    let sources = Sources::read(&policies, &policies.join("directory")).unwrap();
    let snapshot = Snapshot::from_sources(&sources).0.unwrap();
    let clock = Clock::new(TimeZone::get("Europe/Amsterdam").unwrap(), None);
    // A third of them: every binding, every system, and not every minute of the machine.
    let questions: Vec<_> = questions().into_iter().step_by(3).collect();
    for evaluation in &questions {
        let mut bytes = Vec::new();
        authzen::write_evaluation(&mut bytes, evaluation);
        let json: Value = serde_json::from_slice(&bytes).unwrap();
        let http = sidecar.evaluate(&json).await;
        let context = &http["context"];
        let moment = clock.now();
        let question = engine::translate(&snapshot, evaluation, &moment, UnknownEntities::Deny).unwrap();
        let verdict = engine::decide(&snapshot, &question);
        assert_eq!(http["decision"], verdict.decision.is_allow(), "{json}: {http}");
        let listed = |list: &Value, name: &str| {
            list.as_array().unwrap().iter().map(|entry| text(&entry[name])).collect::<Vec<_>>()
        };
        let determining: Vec<_> = verdict.policies.iter().map(|policy| policy.id.clone()).collect();
        assert_eq!(listed(&context["policies"], "id"), determining, "{json}");

        let answer = grpc.evaluate(message(&json)).await.unwrap().into_inner();
        assert_eq!(answer.decision, verdict.decision.is_allow(), "{json}: {answer:?}");
        let policies: Vec<_> = answer.policies.iter().map(|policy| policy.id.clone()).collect();
        assert_eq!(policies, determining, "{json}");
        let titles: Vec<_> = answer.policies.iter().map(|policy| policy.title.clone()).collect();
        assert_eq!(titles, listed(&context["policies"], "title"), "{json}");
        let obligations: Vec<_> = answer.obligations.iter().map(|obligation| obligation.id.clone()).collect();
        assert_eq!(obligations, listed(&context["obligations"], "id"), "{json}");
        assert_eq!(answer.reason, text(&context["reason"]), "{json}");
        assert_eq!(answer.revision, text(&context["revision"]), "{json}");
        assert_eq!(answer.directory_revision, text(&context["directory_revision"]), "{json}");
    }
    assert_eq!(sidecar.records().len(), 2 * questions.len());
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
