//! `reason_user` and `reason_admin`: what a user at a desk is told tells nothing of an embargo, a secret address, a refuge or an
//! informant, and has a number under which the log has the decision.

use crate::{
    review::sample_policies::{policies_of_the_suites, questions},
    support::{Sidecar, allowed, check, denied, folder, message, run},
};
use jiff::tz::TimeZone;
use poort::{
    pdp::{Clock, engine},
    sources::snapshot::{Snapshot, Sources},
    types::{
        decision::Evaluated,
        evaluation::{Evaluation, Value as Wire},
        language::Language,
    },
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

const GENERAL: &str = "This is not allowed.";

/// What the schema marks: attributes of which nothing is told, as questions have them.
const NEVER: [&str; 5] = ["embargo", "secret_address", "refuge", "covert", "restricted"];

/// The policies that rest on it, and on the types of which nothing is told.
const SILENT: [&str; 13] = [
    "exchange.restricted",
    "informants.identity",
    "informants.ten-years",
    "invoices.covert",
    "never.embargo",
    "never.lost-device",
    "never.small-device",
    "never.suspended",
    "registers.refuge",
    "registers.secret-address",
    "rights.informants",
    "signals.own",
    "signals.purpose",
];

struct World {
    snapshot: Snapshot,
    clock: Clock,
}

impl World {
    fn of_the_suites() -> Self {
        let folder = folder();
        let policies = policies_of_the_suites(folder.path());
        let sources = Sources::read(&policies, &policies.join("directory")).unwrap();
        let clock = Clock::new(TimeZone::get("Europe/Amsterdam").unwrap(), None);
        let clock = clock.on(Some("2026-11-23".parse().unwrap()));
        Self { snapshot: Snapshot::from_sources(&sources).0.unwrap(), clock }
    }

    fn answer(&self, evaluation: &Evaluation) -> Option<Evaluated> {
        let moment = self.clock.now();
        let checked = engine::check_question(&self.snapshot, evaluation, &moment, engine::Config::default()).ok()?;
        let verdict = engine::decide(&self.snapshot, &checked.question().ok()?);
        Some(checked.answer(Arc::new(verdict), self.snapshot.revisions().clone(), false))
    }
}

#[test]
fn what_is_never_told_changes_no_sentence() {
    let world = World::of_the_suites();
    let (mut met, mut compared) = (BTreeSet::new(), 0);
    for question in questions() {
        let Some(answer) = world.answer(&question) else { continue };
        let told = answer.reason_user(Language::English, None);
        assert_eq!(told.is_none(), answer.verdict.decision.is_allow());
        let silent = answer.verdict.policies.iter().filter(|policy| SILENT.contains(&policy.id.as_str()));
        for policy in silent {
            met.insert(policy.id.clone());
            let told = told.as_deref().unwrap();
            assert!(!told.contains(policy.title.base().trim_end_matches('.')), "{}: {told}", policy.id);
            if answer.verdict.policies.len() == 1 {
                assert_eq!(told, GENERAL, "{}", policy.id);
            }
        }
        for name in NEVER {
            let Some(Wire::Bool(is_so)) = question.resource.properties.get(name) else { continue };
            let mut other = question.clone();
            other.resource.properties.insert(name.to_owned(), Wire::Bool(!is_so));
            let other = world.answer(&other).unwrap();
            if other.verdict.decision == answer.verdict.decision {
                compared += 1;
                for language in Language::ALL {
                    let told = |answer: &Evaluated| answer.reason_user(language, None);
                    assert_eq!(told(&other), told(&answer), "{name}: {question:?}");
                }
            }
        }
    }
    assert_eq!(met.iter().map(String::as_str).collect::<Vec<_>>(), SILENT);
    assert!(compared > 200, "{compared}");
}

#[test]
fn no_sentence_of_the_sample_tells_of_it() {
    let world = World::of_the_suites();
    let sentences: Vec<_> =
        world.snapshot.policies.facts.values().filter_map(|facts| facts.reason_user.as_ref()).collect();
    assert!(sentences.len() > 30, "{sentences:?}");
    let english =
        ["embargo", "secret", "refuge", "informant", "covert", "shield", "signal ", "suspend", "lost", "staff"];
    let dutch =
        ["embargo", "geheim", "opvang", "informant", "heimelijk", "afscherm", "signaal ", "schors", "verloren", "vik"];
    for sentence in sentences {
        for (language, words) in [(Language::English, english), (Language::Dutch, dutch)] {
            let sentence = sentence.in_language(language).to_lowercase();
            assert_eq!(words.into_iter().find(|word| sentence.contains(word)), None, "{sentence}");
        }
    }
}

/// A question about an investigation of another team.
fn foreign(embargo: bool) -> Value {
    let mut question = denied();
    question["resource"]["properties"]["embargo"] = embargo.into();
    question
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_bindings_tell_the_user_the_same() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().data(&data).start();
    let mut client = sidecar.grpc().await;
    let mut elsewhere = allowed();
    elsewhere["context"]["purpose"] = "12".into();
    let purpose = "Nothing is done for a purpose outside the tasks of the account.";
    let gate = "The authorisation of this account does not cover this.";
    for (question, reason, told) in [
        (foreign(true), "Denied: Nobody outside the team touches an investigation under embargo.", GENERAL.to_owned()),
        (foreign(false), "Denied: no policy permits this.", GENERAL.to_owned()),
        (elsewhere, "Denied: ", format!("{gate} {purpose}")),
    ] {
        let answer = sidecar.evaluate(&question).await;
        let context = &answer["context"];
        let reference = context["record"]["trace_id"].as_str().unwrap();
        assert!(context["reason"].as_str().unwrap().starts_with(reason), "{context}");
        assert_eq!(context["reason_admin"], json!({"403": context["reason"]}));
        assert_eq!(context["reason_user"], json!({"403": format!("{told} Reference: {reference}.")}));
        let found = check(&run(["log", "cat", "--data", data.to_str().unwrap(), "--trace", reference]), 0).0;
        let record: Value = serde_json::from_str(&found).unwrap();
        let recorded = &record["body"]["adl.core.response"]["context"];
        assert_eq!((&recorded["reason_user"], recorded.get("reason_admin")), (&json!({"403": told}), None));

        let same = client.evaluate(message(&question)).await.unwrap().into_inner();
        let reference = &same.record.as_ref().unwrap().trace_id;
        assert_eq!(same.reason, context["reason"].as_str().unwrap());
        assert_eq!(same.reason_user, format!("{told} Reference: {reference}."));

        let batch = json!({"evaluations": [question, allowed()]});
        let answers = sidecar.post("/access/v1/evaluations", &batch).await.json();
        let [no, yes] = [0, 1].map(|place| &answers["evaluations"][place]["context"]);
        let reference = no["record"]["trace_id"].as_str().unwrap();
        assert_eq!(no["reason_user"], json!({"403": format!("{told} Reference: {reference}.")}));
        assert_eq!((yes.get("reason_user"), yes.get("reason_admin")), (None, None));
    }
    sidecar.stop();
    check(&run(["log", "replay", "--data", data.to_str().unwrap()]), 0);
}
