//! How far a right reaches: whose records its conditions leave.

use super::snapshot_of;
use crate::{review::sample_policies, support::policies};
use jiff::tz::TimeZone;
use poort::{
    pdp::{
        Clock,
        engine::{self, UnknownEntities},
    },
    review::{
        matrix::{Filter, Reach, matrix},
        suite,
    },
    sources::{
        directory,
        snapshot::{Snapshot, Sources},
    },
    types::evaluation::Value,
};

const SCHEMA: &str = r#"
    entity Group { chief: User };
    entity User in [Group] { group: Group };
    @source("request") @parents("group") entity Doc in [Group] { open: Bool, author: User, authors: Set<User>, group: Group };
    action read, write appliesTo { principal: User, resource: Doc, context: { why?: String } };
"#;

const ACCOUNTS: &str = r#"[
    {"uid": {"type": "Group", "id": "chiefs"}, "attrs": {"chief": {"type": "User", "id": "ann"}}, "parents": []},
    {"uid": {"type": "User", "id": "ann"}, "attrs": {"group": {"type": "Group", "id": "chiefs"}},
     "parents": [{"type": "Group", "id": "chiefs"}]}
]"#;

/// How far Ann's right to do this reaches.
fn reach(policies: &str, action: &str) -> Option<Reach> {
    let snapshot = snapshot_of(SCHEMA, ACCOUNTS, policies);
    let matrix = matrix(&snapshot, "2026-11-23", &Filter::default(), &|_, _| ()).unwrap();
    matrix.accounts[0].cells[&("Doc".to_owned(), action.to_owned())].reach()
}

#[test]
fn a_condition_that_ties_the_record_narrows_the_reach() {
    for (condition, expected) in [
        ("resource.open", Reach::All),
        ("resource.author == principal", Reach::Own),
        ("principal == resource.author && resource.open", Reach::Own),
        ("resource.authors.contains(principal)", Reach::Own),
        ("resource in Group::\"chiefs\"", Reach::Unit),
        ("[resource.group, Group::\"others\"].contains(Group::\"chiefs\")", Reach::All),
        ("resource.group in principal.group", Reach::Unit),
        ("principal in resource.group", Reach::Unit),
        ("resource.group.chief == principal", Reach::Unit),
        // The account is not in this one.
        ("resource in Group::\"others\"", Reach::All),
        ("resource.author == principal || resource in Group::\"chiefs\"", Reach::Unit),
        ("resource.author == principal || resource.open", Reach::All),
        ("!(resource.author != principal || resource.open)", Reach::Own),
        ("if resource.open then resource.author == principal else resource in Group::\"chiefs\"", Reach::Unit),
        ("if resource.open then resource.author == principal else false", Reach::Own),
        ("if resource.open then resource.author == principal else context has why", Reach::All),
    ] {
        let permit = format!("@id(\"a\") permit (principal, action, resource) when {{ {condition} }};");
        assert_eq!(reach(&permit, "read"), Some(expected), "{condition}");
        // A forbid leaves what it does not forbid.
        let forbid = format!(
            "@id(\"a\") permit (principal, action, resource); @id(\"b\") forbid (principal, action, resource) unless {{ {condition} }};"
        );
        assert_eq!(reach(&forbid, "read"), Some(expected), "unless {condition}");
    }
    let policies = "@id(\"all\") permit (principal, action == Action::\"read\", resource);";
    assert_eq!(reach(policies, "read"), Some(Reach::All));
    assert_eq!(reach(policies, "write"), None);
}

#[test]
fn no_allowed_question_is_outside_of_its_reach() {
    let sources = Sources::read(&policies(), &policies().join("directory")).unwrap();
    let sources = suite::with_entities(&policies(), sources).unwrap();
    let snapshot = Snapshot::from_sources(&sources).0.unwrap();
    let day = "2026-11-23";
    let matrix = matrix(&snapshot, day, &Filter { test_accounts: true, ..Filter::default() }, &|_, _| ()).unwrap();
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let noon = zone.to_timestamp(day.parse::<jiff::civil::Date>().unwrap().at(12, 0, 0, 0)).unwrap();
    let moment = Clock::new(zone, None).at(noon);
    let mut checked = [0; 3];
    for evaluation in sample_policies::questions() {
        let question = engine::translate(&snapshot, &evaluation, &moment, UnknownEntities::Deny).unwrap();
        let account = matrix.accounts.iter().find(|account| account.id == evaluation.subject.id);
        let Some(account) = account.filter(|_| engine::decide(&snapshot, &question).decision.is_allow()) else {
            continue;
        };
        let key = (format!("Politie::{}", evaluation.resource.kind), evaluation.action.name.clone());
        let reach = account.cells[&key].reach().unwrap();
        let properties = Value::Map(evaluation.resource.properties.clone());
        let mut named: Vec<_> = texts(&properties).into_iter().map(str::to_owned).collect();
        named.push(evaluation.resource.id.clone());
        // What the record names is in groups, and names others: a team has a leader.
        let behind =
            snapshot.directory.iter().filter(|entity| named.iter().any(|id| *id == *entity.uid().eid().as_ref()));
        let behind = behind.flat_map(|entity| entity.ancestors().cloned().chain(directory::references(entity)));
        let behind: Vec<String> = behind.map(|uid| AsRef::<str>::as_ref(uid.eid()).to_owned()).collect();
        let is_in = |named: &[String]| account.groups.iter().any(|group| named.contains(&group.id));
        let is_tied = match reach {
            Reach::All => true,
            Reach::Own => named.contains(&account.id),
            Reach::Unit => {
                is_in(&named) || is_in(&behind) || named.contains(&account.id) || behind.contains(&account.id)
            }
        };
        assert!(is_tied, "{} may {} {}: {reach:?} {properties:?}", account.id, key.1, key.0);
        checked[reach as usize] += 1;
    }
    assert!(checked.iter().all(|count| *count > 20), "{checked:?}");
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
