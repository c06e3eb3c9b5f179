//! What an explanation says, compared with the engine: over the questions of the repository's own suites.

use crate::{
    review::sample_policies::{policies_of_the_suites, questions},
    support::folder,
};
use jiff::tz::TimeZone;
use poort::{
    pdp::{
        Clock, conditions,
        engine::{self, UnknownEntities, World},
        explain::{Audience, Extent, explain_in},
    },
    review::remedies::remedies,
    sources::{
        directory,
        snapshot::{Snapshot, Sources},
    },
    types::{
        authzen::{self, Limits, read_evaluation},
        decision::{ClauseKind, ExplainedPart, Outcome, PartForm},
        evaluation::Evaluation,
        language::Language,
        moment::Moment,
    },
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

fn moment() -> Moment {
    let clock = Clock::new(TimeZone::get("Europe/Amsterdam").unwrap(), None);
    clock.noon("2026-11-23".parse().unwrap()).unwrap()
}

/// How many questions are asked; each thousand needs some minutes.
fn sample(usual: usize) -> Vec<Evaluation> {
    let wanted = std::env::var("POORT_QUESTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let all = questions();
    let step = (all.len() / wanted).max(1);
    all.into_iter().step_by(step).collect()
}

#[test]
fn each_condition_is_met_where_cedar_finds_it_true() {
    let folder = folder();
    let policies = policies_of_the_suites(folder.path());
    let snapshot = Snapshot::from_sources(&Sources::read(&policies, &policies.join("directory")).unwrap()).0.unwrap();
    let conditions = conditions::of(&snapshot.policies);
    let by_text: BTreeMap<_, _> = conditions.iter().map(|policy| (AsRef::<str>::as_ref(&policy.id), policy)).collect();
    let moment = moment();
    let (mut n_met, mut n_not_met) = (0, 0);
    for question in sample(120) {
        let Ok(checked) = engine::check_question(&snapshot, &question, &moment, UnknownEntities::Deny) else {
            continue;
        };
        let Ok(Some(world)) = World::of(&snapshot, &checked.whole_question().unwrap()) else { continue };
        let verdict = engine::decide_in(&snapshot, &world);
        let extent = Extent { audience: Audience::Officer, policies: usize::MAX };
        let explanation = explain_in(&snapshot, &conditions, &world, &verdict, extent, &|| true);
        let evaluator = world.evaluator();
        for explained in &explanation.policies {
            let policy = by_text[explained.facts.id.as_str()];
            // The whole policy: as Cedar evaluates it.
            let applies = evaluator.applies(&policy.deciding[0]);
            assert_eq!(explained.outcome, Outcome::from(applies), "{}", explained.facts.id);
            // Each part: as Cedar evaluates it alone.
            let mut walked = Vec::new();
            let _ = policy.walk(|_, condition| {
                let holds = evaluator.holds(condition.expression(), policy.deciding[0].env());
                walked.push((condition.part.is_scope(), holds.clone()));
                holds
            });
            let mut told = Vec::new();
            for clause in &explained.clauses {
                leaves(&clause.part, clause.kind == ClauseKind::Scope, &mut told);
            }
            let told: Vec<_> = told.into_iter().filter(|(is_scope, _)| !is_scope).map(|(_, outcome)| outcome).collect();
            let walked: Vec<_> =
                walked.into_iter().filter(|(is_scope, _)| !is_scope).map(|(_, holds)| Outcome::from(holds)).collect();
            n_met += told.iter().filter(|outcome| outcome.is_met()).count();
            n_not_met += told.iter().filter(|outcome| **outcome == Outcome::NotMet).count();
            assert_eq!(told, walked, "{}", explained.facts.id);
        }
        let decides = explanation.policies.iter().filter(|it| it.outcome.is_met()).count();
        assert!(decides >= verdict.policies.len(), "all that decide are told");
    }
    assert!(n_met > 100 && n_not_met > 100, "{n_met} {n_not_met}");
}

/// The conditions that were looked at, in their order.
fn leaves(part: &ExplainedPart, is_scope: bool, found: &mut Vec<(bool, Outcome)>) {
    match &part.form {
        PartForm::Condition(_) if part.outcome == Outcome::NotReached => {}
        PartForm::Condition(_) => found.push((is_scope, part.outcome.clone())),
        PartForm::Constant => {}
        PartForm::Not(inner) => leaves(inner, is_scope, found),
        PartForm::All(parts) | PartForm::Any(parts) => parts.iter().for_each(|part| leaves(part, is_scope, found)),
        PartForm::If(parts) => parts.iter().for_each(|part| leaves(part, is_scope, found)),
    }
}

/// The entities of a directory's files, by type and id.
type Entities = BTreeMap<(String, String), Value>;

fn entities(policies: &Path) -> Entities {
    let folders = [policies.join("directory"), policies.join(directory::PROFILES)];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let all = texts.flat_map(|text| serde_json::from_str::<Vec<Value>>(&text).unwrap());
    all.map(|entity| (uid(&entity["uid"]), entity)).collect()
}

fn uid(uid: &Value) -> (String, String) {
    (uid["type"].as_str().unwrap().to_owned(), uid["id"].as_str().unwrap().to_owned())
}

/// Makes a change as a person would: in the question, or in the files of the directory.
fn apply(change: &Value, question: &mut Value, entities: &mut Entities) {
    if let Some(part) = change["question"].as_str() {
        let members = match part {
            "context" => &mut question["context"],
            part => &mut question[part]["properties"],
        };
        let name = change["name"].as_str().unwrap();
        match &change["value"] {
            Value::Null => drop(members.as_object_mut().unwrap().remove(name)),
            value => members[name] = value.clone(),
        }
        return;
    }
    let entity = entities.get_mut(&uid(&change["entity"])).unwrap();
    for (key, part) in [("attribute", "attrs"), ("tag", "tags")] {
        if let Some(name) = change[key].as_str() {
            match &change["value"] {
                Value::Null => drop(entity[part].as_object_mut().unwrap().remove(name)),
                value => entity[part][name] = value.clone(),
            }
        }
    }
    if change["join"].is_object() {
        entity["parents"].as_array_mut().unwrap().push(change["join"].clone());
    }
    if change["leave"].is_object() {
        let left = uid(&change["leave"]);
        entity["parents"].as_array_mut().unwrap().retain(|parent| uid(parent) != left);
    }
}

#[test]
fn every_change_that_is_shown_allows_the_question() {
    let folder = folder();
    let policies = policies_of_the_suites(folder.path());
    let entities = entities(&policies);
    let with = |entities: &Entities, earlier: Option<&Snapshot>, sources: &Sources| {
        let text = Value::from(entities.values().cloned().collect::<Vec<_>>()).to_string();
        let directory = directory::Sources::from_texts("directory", [("all.json", text.as_str())]);
        let made = Snapshot::after(earlier, &sources.policies, &directory, &mut directory::Unobserved);
        made.0.unwrap_or_else(|| panic!("{:?}", made.1))
    };
    let sources = Sources::read(&policies, &policies.join("directory")).unwrap();
    let snapshot = with(&entities, None, &sources);
    let (moment, limits) = (moment(), Limits { depth: 16, batch: 1 });
    let config = engine::Config::default();
    let (mut n_denied, mut n_helped, mut n_checked) = (0, 0, 0);
    for question in sample(20) {
        let Ok(asked) = engine::translate(&snapshot, &question, &moment, config) else { continue };
        if engine::decide(&snapshot, &asked).decision.is_allow() {
            continue;
        }
        n_denied += 1;
        let found = remedies(&snapshot, &question, &moment, config);
        n_helped += usize::from(!found.policies.is_empty());
        for policy in &found.policies {
            for remedy in &policy.remedies {
                assert!((1..=3).contains(&remedy.changes.len()), "{remedy:?}");
                let mut text = Vec::new();
                authzen::write_evaluation(&mut text, &question);
                let mut json: Value = serde_json::from_slice(&text).unwrap();
                let mut changed = entities.clone();
                remedy.changes.iter().for_each(|change| apply(&change.json, &mut json, &mut changed));
                let after = with(&changed, Some(&snapshot), &sources);
                let evaluation = read_evaluation(json.to_string().as_bytes(), limits).unwrap();
                let asked = engine::translate(&after, &evaluation, &moment, config);
                let asked = asked.unwrap_or_else(|error| panic!("{error}: {remedy:?}"));
                let verdict = engine::decide(&after, &asked);
                assert!(verdict.decision.is_allow(), "{question:?}\n{remedy:?}\n{}", verdict.reason(Language::English));
                assert!(verdict.policies.iter().any(|facts| facts.id == policy.policy.id), "{remedy:?}");
                n_checked += 1;
            }
        }
    }
    assert!(n_denied >= 5 && n_helped * 2 >= n_denied && n_checked >= 8, "{n_denied} {n_helped} {n_checked}");
}
