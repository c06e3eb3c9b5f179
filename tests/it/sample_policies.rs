//! The repository's own policies, case by case: `tests/cases/sample-policies.json`.
//!
//! Time decides some cases. These have a date; the others come out the same on any day.

use crate::support::{Sidecar, message, policies};
use jiff::{civil::Date, tz::TimeZone};
use poort::{
    authzen::{self, Limits},
    engine::{self, UnknownEntities},
    pdp::Clock,
    snapshot::{Snapshot, Sources},
};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeSet, sync::OnceLock};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    request: Value,
    decision: bool,
    policies: Vec<String>,
    today: Option<String>,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/sample-policies.json")).unwrap();
    assert!(cases.len() >= 102);
    cases
}

fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        let sources = Sources::read(&policies(), &policies().join("directory")).unwrap();
        let (snapshot, problems) = Snapshot::from_sources(&sources);
        assert!(problems.is_empty(), "{problems:?}");
        snapshot.unwrap()
    })
}

/// The decision on this day, at this hour, and what determines it.
fn decide(case: &Case, today: Date, hour: i8) -> (bool, Vec<String>) {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let moment = zone.to_timestamp(today.at(hour, 0, 0, 0)).unwrap();
    let moment = Clock::new(zone, None).at(moment);
    let body = case.request.to_string();
    let evaluation = authzen::read_evaluation(body.as_bytes(), Limits { depth: 16, batch: 1 }).unwrap();
    let question = engine::translate(snapshot(), &evaluation, &moment, UnknownEntities::Deny)
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let verdict = engine::decide(snapshot(), &question);
    assert_eq!(verdict.errors, [], "{}", case.name);
    (verdict.decision.is_allow(), verdict.policies.iter().map(|policy| policy.id.clone()).collect())
}

#[test]
fn every_case_comes_out_as_it_should_and_for_its_reasons() {
    let any_day = ["2026-11-23", "2027-02-28", "2028-02-29", "2050-07-01", "2098-12-31"];
    for case in cases() {
        let days = case.today.as_deref().map_or(any_day.to_vec(), |today| vec![today]);
        for day in days.iter().map(|day| day.parse().unwrap()) {
            for hour in [0, 12, 23] {
                let expected = (case.decision, case.policies.clone());
                assert_eq!(decide(&case, day, hour), expected, "{} on {day} at {hour}", case.name);
            }
        }
    }
}

#[test]
fn every_policy_determines_a_case() {
    let determining: BTreeSet<_> = cases().into_iter().flat_map(|case| case.policies).collect();
    let all: BTreeSet<_> = snapshot().policies.facts.values().map(|facts| facts.id.clone()).collect();
    assert_eq!(determining, all);
}

#[test]
fn every_account_is_asked_about() {
    let asked: BTreeSet<_> = cases().iter().map(|case| text(&case.request["subject"]["id"])).collect();
    let accounts = ["Politie::Officer", "Politie::Partner", "Politie::System"];
    let held = snapshot().directory.iter().map(|entity| entity.uid());
    let held = held.filter(|uid| accounts.contains(&uid.entity_type().to_string().as_str()));
    let held: BTreeSet<_> = held.map(|uid| AsRef::<str>::as_ref(uid.eid()).to_owned()).collect();
    assert_eq!(asked, held);
}

#[test]
fn cases_have_names_of_their_own_and_sorted_policies() {
    let names: BTreeSet<_> = cases().into_iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases().len());
    for case in cases() {
        assert!(case.policies.is_sorted(), "{}", case.name);
    }
}

#[tokio::test]
async fn both_bindings_answer_the_cases_of_any_day_alike() {
    let sidecar = Sidecar::builder().start();
    let mut grpc = sidecar.grpc().await;
    let cases: Vec<_> = cases().into_iter().filter(|case| case.today.is_none()).collect();
    for case in &cases {
        let http = sidecar.evaluate(&case.request).await;
        let context = &http["context"];
        assert_eq!(http["decision"], case.decision, "{}: {http}", case.name);
        let listed = |list: &Value, name: &str| {
            list.as_array().unwrap().iter().map(|entry| text(&entry[name])).collect::<Vec<_>>()
        };
        assert_eq!(listed(&context["policies"], "id"), case.policies, "{}", case.name);

        let answer = grpc.evaluate(message(&case.request)).await.unwrap().into_inner();
        assert_eq!(answer.decision, case.decision, "{}: {answer:?}", case.name);
        let policies: Vec<_> = answer.policies.iter().map(|policy| policy.id.clone()).collect();
        assert_eq!(policies, case.policies, "{}", case.name);
        let titles: Vec<_> = answer.policies.iter().map(|policy| policy.title.clone()).collect();
        assert_eq!(titles, listed(&context["policies"], "title"), "{}", case.name);
        let obligations: Vec<_> = answer.obligations.iter().map(|obligation| obligation.id.clone()).collect();
        assert_eq!(obligations, listed(&context["obligations"], "id"), "{}", case.name);
        assert_eq!(answer.reason, text(&context["reason"]), "{}", case.name);
        assert_eq!(answer.revision, text(&context["revision"]), "{}", case.name);
        assert_eq!(answer.directory_revision, text(&context["directory_revision"]), "{}", case.name);
    }
    assert_eq!(sidecar.records().len(), 2 * cases.len());
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
