//! `diff` against brute force: on small generated policy sets, both sides decide all questions over a small universe.
//!
//! No difference is missed: for each question whose decisions differ, the comparison has a difference of that direction
//! in that environment, and its account is among those for whom that matters, or some are open. No difference is false: its
//! question, decided again here, has the decisions that it shows.

use crate::pdp::cedar::tape;
use poort::{
    pdp::engine::{UnknownEntities, decide, translate},
    review::{
        diff::{Direction, Options, Side, compare},
        proof::Guarantees,
    },
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        authzen::{Limits, read_evaluation},
        moment::{Moment, PolicyAge},
    },
};
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many cases are tried, the same in every run, if `PROPTEST_CASES` does not say.
const CASES: u32 = 24;

const SCHEMA: &str = r#"
entity Group in [Group] { open: Bool, boss?: User };
entity User in [Group] { level: Long, active: Bool, home: Group };
@source("request")
@parents("unit")
entity Doc in [Group] { unit: Group, level: Long, kind?: String };
type Question = { flag: Bool, pdp: { hour: Long, today: datetime, now: datetime } };
action any;
action read, write in [any] appliesTo { principal: [User], resource: [Doc], context: Question };
"#;

/// Changes of the schema: what it says instead of what. The first is none.
const SCHEMAS: [(&str, &str); 5] = [
    ("", ""),
    ("kind?: String", "kind?: String, secret?: Bool"),
    ("action read, write in", "action read, write, erase in"),
    ("boss?: User", "boss?: User, name?: String"),
    ("action read, write in", "action read in"),
];

const ATOMS: [&str; 22] = [
    "principal.level > 1",
    "principal.level > resource.level",
    "principal.level + 1 > resource.level",
    "resource.level + 1 > 2",
    "principal.active",
    "principal in Group::\"a\"",
    "principal in Group::\"b\"",
    "resource in principal.home",
    "resource in Group::\"b\"",
    "resource.unit == Group::\"a\"",
    "principal.home == resource.unit",
    "resource has kind && resource.kind == \"x\"",
    "resource has kind",
    "principal.home.open",
    "resource.unit.open",
    "resource.unit has open",
    "resource.unit has boss && resource.unit.boss == principal",
    "resource.unit has boss && resource.unit.boss.active",
    "context.flag",
    "context.pdp.hour < 6",
    "context.pdp.hour > 23",
    "context.pdp.today == context.pdp.today.toDate()",
];

#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) permits: bool,
    pub(super) action: &'static str,
    pub(super) condition: String,
    /// A link of a template, and to which group.
    pub(super) link: Option<&'static str>,
}

fn condition() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(ATOMS.to_vec()).prop_map(|atom| format!("({atom})"));
    atom.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            inner.prop_map(|one| format!("!{one}")),
        ]
    })
}

fn written() -> impl Strategy<Value = Written> {
    let action = prop::sample::select(vec!["action", "action == Action::\"read\"", "action in Action::\"any\""]);
    let link = prop::option::weighted(0.25, prop::sample::select(vec!["a", "b"]));
    (prop::bool::weighted(0.7), action, condition(), link).prop_map(|(permits, action, condition, link)| Written {
        permits,
        action,
        condition,
        link,
    })
}

/// A set, and the same with one or two policies replaced, removed or added.
pub(super) fn two_sets() -> impl Strategy<Value = (Vec<Written>, Vec<Written>)> {
    let change = (any::<prop::sample::Index>(), prop::option::of(written()));
    (prop::collection::vec(written(), 1..5), prop::collection::vec(change, 1..3)).prop_map(|(base, changes)| {
        let mut head = base.clone();
        for (index, change) in changes {
            match (change, head.len()) {
                (Some(policy), _) if index.index(2) == 0 => head.push(policy),
                (Some(policy), count) if count > 0 => head[index.index(count)] = policy,
                (None, count) if count > 1 => drop(head.remove(index.index(count))),
                _ => {}
            }
        }
        (base, head)
    })
}

fn sources(policies: &[Written], schema: &str) -> Sources {
    sources_with(policies, schema, &accounts())
}

/// The same with these accounts.
pub(super) fn sources_with(policies: &[Written], schema: &str, accounts: &Value) -> Sources {
    let mut text = String::from("@id(\"nothing\") forbid (principal, action, resource) when { 1 > 2 };\n");
    let mut links = Vec::new();
    for (index, Written { permits, action, condition, link }) in policies.iter().enumerate() {
        let effect = if *permits { "permit" } else { "forbid" };
        let principal = if link.is_some() { "principal in ?principal" } else { "principal" };
        let id = if link.is_some() { format!("t{index}") } else { format!("p{index}") };
        text.push_str(&format!("@id(\"{id}\") {effect} ({principal}, {action}, resource) when {{ {condition} }};\n"));
        if let Some(group) = link {
            let link_id = format!("p{index}");
            links.push(
                json!({"template_id": id, "link_id": link_id, "args": {"?principal": format!("Group::\"{group}\"")}}),
            );
        }
    }
    let links = Value::Array(links).to_string();
    let texts = [("schema.cedarschema", schema), ("all.cedar", &text), ("all.links.json", &links)];
    let accounts = accounts.to_string();
    Sources {
        policies: policy::Sources::from_texts("set", texts),
        directory: directory::Sources::from_texts("set/directory", [("accounts.json", accounts.as_str())]),
    }
}

pub(super) fn side(name: &str, sources: Sources) -> Side {
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    let snapshot = snapshot.unwrap_or_else(|| panic!("{problems:?}"));
    Side { name: name.to_owned(), sources, snapshot, guarantees: Guarantees::default() }
}

pub(super) fn group(id: &str) -> Value {
    json!({"type": "Group", "id": id})
}

const LEVELS: [i64; 3] = [0, 2, i64::MAX];
const MEMBERS: [&str; 3] = ["", "a", "b"];

fn accounts() -> Value {
    let mut all = vec![
        json!({"uid": group("a"), "attrs": {"open": true, "boss": {"type": "User", "id": "gone"}}, "parents": [group("b")]}),
        json!({"uid": group("b"), "attrs": {"open": false, "boss": {"type": "User", "id": "u1"}}, "parents": []}),
    ];
    for (index, (level, member)) in users().enumerate() {
        let parents: Vec<_> = Some(member).filter(|member| !member.is_empty()).map(group).into_iter().collect();
        // The last does not exist.
        let home = ["a", "b", "gone"][index % 3];
        let attrs = json!({"level": level, "active": index % 4 < 2, "home": group(home)});
        all.push(json!({"uid": {"type": "User", "id": format!("u{index}")}, "attrs": attrs, "parents": parents}));
    }
    Value::Array(all)
}

fn users() -> impl Iterator<Item = (i64, &'static str)> {
    // Twice, so that each level and group comes with other homes and activity.
    (0..2).flat_map(|_| LEVELS.into_iter().flat_map(|level| MEMBERS.into_iter().map(move |member| (level, member))))
}

fn universe() -> Vec<(Value, Moment)> {
    let mut all = Vec::new();
    let docs: Vec<_> = ["a", "b", "gone"]
        .into_iter()
        .flat_map(|unit| [0, 2].into_iter().map(move |level| (unit, level)))
        .flat_map(|(unit, level)| [None, Some("x"), Some("y")].into_iter().map(move |kind| (unit, level, kind)))
        .collect();
    for (user, _) in users().enumerate() {
        for (unit, level, kind) in &docs {
            for action in ["read", "write", "erase"] {
                for (flag, hour) in [(false, 3), (true, 3), (false, 12), (true, 12)] {
                    let mut properties = json!({"unit": unit, "level": level});
                    if let Some(kind) = kind {
                        properties["kind"] = json!(kind);
                    }
                    let question = json!({
                        "subject": {"type": "User", "id": format!("u{user}")}, "action": {"name": action},
                        "resource": {"type": "Doc", "id": "d", "properties": properties}, "context": {"flag": flag},
                    });
                    all.push((question, moment("2026-01-05", "2026-01-05T12:00:00.000Z", hour)));
                }
            }
        }
    }
    all
}

pub(super) fn moment(today: &str, now: &str, hour: u8) -> Moment {
    let instant = now.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    Moment {
        now: instant,
        now_text: now.to_owned(),
        today: today.to_owned(),
        hour,
        application: None,
        token: None,
        policies: PolicyAge::Live,
    }
}

/// Whether poort allows it; what the schema refuses is not allowed.
pub(super) fn allows(snapshot: &Snapshot, question: &Value, moment: &Moment) -> bool {
    let body = question.to_string();
    let evaluation = read_evaluation(body.as_bytes(), Limits { depth: 16, batch: 1 }).unwrap();
    translate(snapshot, &evaluation, moment, UnknownEntities::Deny)
        .is_ok_and(|question| decide(snapshot, &question).decision.is_allow())
}

fn check(base: &[Written], head: &[Written], schema: usize) -> Result<(), TestCaseError> {
    let (from, to) = SCHEMAS[schema];
    let base = side("base", sources(base, SCHEMA));
    let head = side("head", sources(head, &SCHEMA.replacen(from, to, 1)));
    let comparison = compare(&base, &head, &Options::default(), &|_| {}, &|| {}).unwrap();
    let (mut found, mut reached) = (BTreeSet::new(), BTreeMap::new());
    for outcome in &comparison.environments {
        // An environment that cannot be compared says so; that is no miss.
        prop_assert_eq!(&outcome.undecided, &Vec::<String>::new(), "{:?}", outcome);
        let key = |change| (outcome.action.clone(), change == Direction::NewlyAllowed);
        reached.extend(outcome.reached.iter().map(|reached| (key(reached.change), reached)));
        for difference in &outcome.differences {
            found.insert(key(difference.change));
            let example = &difference.example;
            let at = moment(&example.today, &example.now, example.hour);
            let with = |side: &Side, world: &Side| {
                if example.real {
                    return Snapshot::of(side.snapshot.policies.clone(), world.snapshot.directory.clone());
                }
                let entities = Value::Array(example.entities.clone()).to_string();
                let sources = directory::Sources::from_texts("made-up", [("e.json", entities.as_str())]);
                let policies = &world.snapshot.policies;
                let schema = policies.checked_schema();
                let (directory, problems) = directory::Directory::from_sources(&sources, &schema);
                let directory = directory.unwrap_or_else(|| panic!("{problems:?}"));
                Snapshot::of(side.snapshot.policies.clone(), directory)
            };
            let said = [&base, &head].map(|side| allows(&with(side, &head), &example.question, &at));
            let expected = match difference.change {
                Direction::NewlyAllowed => [false, true],
                Direction::NewlyDenied => [true, false],
            };
            prop_assert_eq!(said, expected, "false difference: {:#?}", difference);
            prop_assert_eq!([difference.base.allowed, difference.head.allowed], expected);
        }
    }
    for (question, at) in universe() {
        let (before, after) = (allows(&base.snapshot, &question, &at), allows(&head.snapshot, &question, &at));
        if before != after {
            let key = (question["action"]["name"].as_str().unwrap().to_owned(), after);
            prop_assert!(found.contains(&key), "missed: {} {} → {}", question, before, after);
            let name = format!("User::\"{}\"", question["subject"]["id"].as_str().unwrap());
            let is_known = reached.get(&key).is_some_and(|it| it.accounts.contains(&name) || it.open > 0);
            prop_assert!(is_known, "{} is not named: {} {} → {}", name, question, before, after);
        }
    }
    Ok(())
}

#[test]
fn no_difference_is_missed_and_none_is_false() {
    let mut runner = tape::usual(CASES);
    let schemas = prop_oneof![3 => Just(0_usize), 2 => 1..SCHEMAS.len()];
    runner.run(&(two_sets(), schemas), |((base, head), schema)| check(&base, &head, schema)).unwrap();
}
