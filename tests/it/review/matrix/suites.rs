//! The questions of the shipped policies' suites, about a part of the accounts: each fits its cell and its reach.

use super::ids;
use crate::{review::sample_policies, support::policies};
use jiff::tz::TimeZone;
use poort::{
    pdp::{
        Clock,
        engine::{self, UnknownEntities},
    },
    review::{
        matrix::{Access, Account, Filter, Part, Reach, matrix},
        suite,
    },
    sources::{
        directory,
        snapshot::{Snapshot, Sources},
    },
    types::{
        decision::Verdict,
        evaluation::{Evaluation, Value},
    },
};

#[test]
fn each_question_of_the_suites_fits_its_cell_and_reach() {
    let sources = Sources::read(&policies(), &policies().join("directory")).unwrap();
    let sources = suite::with_entities(&policies(), sources).unwrap();
    let snapshot = Snapshot::from_sources(&sources).0.unwrap();
    let day = "2026-11-23";
    // Ten accounts ask of each reach; all of them together cost half a minute in a debug build.
    let some = Filter { account: "officer-002".to_owned(), test_accounts: true, ..Filter::default() };
    let matrix = matrix(&snapshot, day, &some, &|_, _| ()).unwrap();
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let noon = zone.to_timestamp(day.parse::<jiff::civil::Date>().unwrap().at(12, 0, 0, 0)).unwrap();
    let moment = Clock::new(zone, None).at(noon);
    let (mut checked, mut reached) = (0, [0; 3]);
    for evaluation in sample_policies::questions() {
        let account = matrix.accounts.iter().find(|account| account.id == evaluation.subject.id);
        let Some(account) = account else { continue };
        let question = engine::translate(&snapshot, &evaluation, &moment, UnknownEntities::Deny).unwrap();
        let verdict = engine::decide(&snapshot, &question);
        let cell = (format!("Politie::{}", evaluation.resource.kind), evaluation.action.name.clone());
        let access = &account.cells[&cell];
        assert!(fits(access, &verdict), "{evaluation:?}\n{access:?}");
        checked += 1;
        if verdict.decision.is_allow() {
            let reach = access.reach().unwrap();
            assert!(is_within(reach, &snapshot, account, &evaluation), "{evaluation:?}\n{reach:?}");
            reached[reach as usize] += 1;
        }
    }
    assert!(checked > 300 && reached.iter().all(|count| *count > 20), "{checked} {reached:?}");
}

/// Whether a cell has room for a decision, and names the policies that determined it.
fn fits(access: &Access, verdict: &Verdict) -> bool {
    let determining: Vec<_> = verdict.policies.iter().map(|policy| policy.id.as_str()).collect();
    let is_named = |parts: &[Part]| determining.iter().all(|id| ids(parts).contains(id));
    match (access, verdict.decision.is_allow()) {
        (Access::Always { permits } | Access::Under { permits, .. }, true) => is_named(permits),
        (Access::Under { forbids, .. }, false) => is_named(forbids),
        // What forbids everything forbids this.
        (Access::Never { forbids }, false) => ids(forbids).iter().all(|id| determining.contains(id)),
        (Access::Always { .. }, false) | (Access::Never { .. }, true) => false,
    }
}

/// Whether the record of a question is one that a right of this reach can be about.
fn is_within(reach: Reach, snapshot: &Snapshot, account: &Account, evaluation: &Evaluation) -> bool {
    let properties = Value::Map(evaluation.resource.properties.clone());
    let mut named: Vec<_> = texts(&properties).into_iter().map(str::to_owned).collect();
    named.push(evaluation.resource.id.clone());
    // What the record names is in groups, and names others: a team has a leader.
    let behind = snapshot.directory.iter().filter(|entity| named.iter().any(|id| *id == *entity.uid().eid().as_ref()));
    let behind = behind.flat_map(|entity| entity.ancestors().cloned().chain(directory::references(entity)));
    let behind: Vec<String> = behind.map(|uid| AsRef::<str>::as_ref(uid.eid()).to_owned()).collect();
    let is_in = |named: &[String]| account.groups.iter().any(|group| named.contains(&group.id));
    match reach {
        Reach::All => true,
        Reach::Own => named.contains(&account.id),
        Reach::Unit => is_in(&named) || is_in(&behind) || named.contains(&account.id) || behind.contains(&account.id),
    }
}

/// All texts in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::List(elements) => elements.iter().flat_map(texts).collect(),
        Value::Map(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
