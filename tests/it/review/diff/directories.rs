//! `diff` of two directories against brute force: on small generated policy sets, all questions over a small universe are
//! decided with the directory before and with the directory after.
//!
//! No difference is missed: a question whose decisions differ is about an account, or names an entity, that the comparison
//! shows with a difference of that direction. No difference is false: its question, decided again here, has the decisions
//! that it shows.

use super::brute_force::{Written, allows, group, moment, side, sources_with, two_sets};
use crate::pdp::cedar::tape;
use poort::{
    review::diff::{AccountEffect, Direction, Options, Side, compare},
    sources::{directory, snapshot::Snapshot},
};
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// How many cases are tried, the same in every run, if `PROPTEST_CASES` does not say.
const CASES: u32 = 24;

const SCHEMA: &str = r#"
entity Group in [Group] { open: Bool, boss?: User };
entity User in [Group] { level: Long, active: Bool, home: Group };
@source("request")
@parents("unit")
entity Doc in [Group] { unit: Group, level: Long, kind?: String, owner?: User };
type Question = { flag: Bool, pdp: { hour: Long, today: datetime, now: datetime } };
action any;
action read, write in [any] appliesTo { principal: [User], resource: [Doc], context: Question };
"#;

const USERS: [&str; 5] = ["u0", "u1", "u2", "u3", "gone"];
const GROUPS: [&str; 4] = ["a", "b", "c", "gone"];

/// A directory: each user and each group may be there, with other facts.
type Contents = BTreeMap<String, Value>;

fn user() -> impl Strategy<Value = Value> {
    (prop::sample::select(vec![0_i64, 1, 2, i64::MAX]), any::<bool>(), prop::sample::select(GROUPS.to_vec()), parents())
        .prop_map(|(level, active, home, parents)| {
            json!({"attrs": {"level": level, "active": active, "home": group(home)}, "parents": parents})
        })
}

fn parents() -> impl Strategy<Value = Vec<Value>> {
    prop::sample::subsequence(GROUPS[..3].to_vec(), 0..3).prop_map(|parents| parents.into_iter().map(group).collect())
}

fn unit(id: &'static str) -> impl Strategy<Value = Value> {
    // In none that comes before it, so that there is no cycle.
    let above: Vec<_> = GROUPS[..3].iter().copied().filter(|other| *other > id).collect();
    let parents = prop::sample::subsequence(above.clone(), 0..=above.len());
    let boss = prop::option::of(prop::sample::select(USERS.to_vec()));
    (any::<bool>(), boss, parents).prop_map(|(open, boss, parents)| {
        let mut attrs = json!({"open": open});
        if let Some(boss) = boss {
            attrs["boss"] = json!({"type": "User", "id": boss});
        }
        json!({"attrs": attrs, "parents": parents.into_iter().map(group).collect::<Vec<_>>()})
    })
}

fn entry(id: &'static str) -> BoxedStrategy<(String, Option<Value>)> {
    let kind = if USERS.contains(&id) { "User" } else { "Group" };
    let facts = if kind == "User" { user().boxed() } else { unit(id).boxed() };
    prop::option::weighted(0.9, facts)
        .prop_map(move |facts| {
            let whole = facts.map(|mut facts| {
                facts["uid"] = json!({"type": kind, "id": id});
                facts
            });
            (format!("{kind} {id}"), whole)
        })
        .boxed()
}

/// A directory, and the same with one to three entities replaced, added or removed.
fn two_directories() -> impl Strategy<Value = (Contents, Contents)> {
    let ids: Vec<&str> = USERS[..4].iter().chain(&GROUPS[..3]).copied().collect();
    let all: Vec<_> = ids.iter().map(|id| entry(id)).collect();
    let change = prop::sample::select(ids).prop_flat_map(entry);
    (all, prop::collection::vec(change, 1..4)).prop_map(|(all, changes)| {
        let base: Contents = all.into_iter().filter_map(|(name, facts)| Some((name, facts?))).collect();
        let mut head = base.clone();
        for (name, facts) in changes {
            match facts {
                Some(facts) => drop(head.insert(name, facts)),
                None => drop(head.remove(&name)),
            }
        }
        (base, head)
    })
}

fn of(name: &str, policies: &[Written], contents: &Contents) -> Side {
    let all: Vec<_> = contents.values().cloned().collect();
    side(name, sources_with(policies, SCHEMA, &Value::from(all)))
}

fn universe() -> impl Iterator<Item = Value> {
    let docs = GROUPS.into_iter().flat_map(|unit| {
        let levels = [0, 2].into_iter();
        levels.flat_map(move |level| {
            [None, Some("u0"), Some("u1"), Some("gone")].into_iter().map(move |owner| (unit, level, owner))
        })
    });
    docs.flat_map(|(unit, level, owner)| {
        USERS.into_iter().flat_map(move |user| {
            [("read", false), ("read", true), ("write", false)].into_iter().map(move |(action, flag)| {
                let mut properties = json!({"unit": unit, "level": level, "kind": "x"});
                if let Some(owner) = owner {
                    properties["owner"] = json!(owner);
                }
                json!({
                    "subject": {"type": "User", "id": user}, "action": {"name": action},
                    "resource": {"type": "Doc", "id": "d", "properties": properties}, "context": {"flag": flag},
                })
            })
        })
    })
}

/// Whether an effect says that questions such as this one are decided otherwise.
fn covers(effect: &AccountEffect, question: &Value) -> bool {
    let subject = format!("User::{}", question["subject"]["id"]);
    let named = |(place, uids): &(String, Vec<String>)| {
        let name = place.strip_prefix("resource.").unwrap();
        uids.iter().any(|uid| uid.ends_with(&format!("::{}", question["resource"]["properties"][name])))
    };
    (effect.accounts.is_empty() || effect.accounts.contains(&subject)) && effect.named.iter().all(named)
}

/// A side whose directory also has the made-up entities that it does not have itself.
fn with(side: &Side, contents: &Contents, entities: &[Value]) -> Snapshot {
    let mut all = contents.clone();
    for entity in entities {
        let id = |name: &str| entity["uid"][name].as_str().unwrap();
        all.entry(format!("{} {}", id("type"), id("id"))).or_insert(entity.clone());
    }
    let text = Value::from(all.into_values().collect::<Vec<_>>()).to_string();
    let sources = directory::Sources::from_texts("made-up", [("e.json", text.as_str())]);
    let (directory, problems) = directory::Directory::from_sources(&sources, &side.snapshot.policies.checked_schema());
    let directory = directory.unwrap_or_else(|| panic!("{problems:?}"));
    Snapshot::of(side.snapshot.policies.clone(), directory)
}

/// How many environments were compared, and in which something was undecided, and why.
#[derive(Debug, Default)]
struct Tally {
    environments: usize,
    undecided: Vec<String>,
}

fn check(policies: &[Written], base: &Contents, head: &Contents, tally: &mut Tally) -> Result<(), TestCaseError> {
    let contents = [base, head];
    let sides = [of("base", policies, base), of("head", policies, head)];
    let comparison = compare(&sides[0], &sides[1], &Options::default(), &|_| {}, &|| {}).unwrap();
    let mut found: BTreeMap<(String, bool), Vec<&AccountEffect>> = BTreeMap::new();
    let mut undecided = BTreeSet::new();
    for outcome in &comparison.environments {
        // What could not be worked out says so; that is no miss, and it must be rare.
        tally.environments += 1;
        if !outcome.undecided.is_empty() {
            tally.undecided.push(format!("{outcome:#?}\n{policies:#?}\n{base:#?}\n{head:#?}"));
            undecided.insert(outcome.action.clone());
        }
        for effect in &outcome.accounts {
            found.entry((outcome.action.clone(), effect.change == Direction::NewlyAllowed)).or_default().push(effect);
            let example = &effect.example;
            let at = moment(&example.today, &example.now, example.hour);
            let said = [0, 1].map(|side| {
                let world = with(&sides[side], contents[side], &example.entities);
                allows(&world, &example.question, &at)
            });
            let expected = match effect.change {
                Direction::NewlyAllowed => [false, true],
                Direction::NewlyDenied => [true, false],
            };
            prop_assert_eq!(said, expected, "false difference: {:#?}", effect);
            prop_assert!(!effect.because.is_empty());
        }
    }
    let at = moment("2026-01-05", "2026-01-05T12:00:00.000Z", 12);
    for question in universe() {
        let [before, after] = [0, 1].map(|side| allows(&sides[side].snapshot, &question, &at));
        if before != after {
            let key = (question["action"]["name"].as_str().unwrap().to_owned(), after);
            if undecided.contains(&key.0) {
                continue;
            }
            let is_found = found.get(&key).into_iter().flatten().any(|effect| covers(effect, &question));
            prop_assert!(is_found, "missed: {} {} → {}; {:#?}", question, before, after, found.get(&key));
        }
    }
    Ok(())
}

#[test]
fn no_effect_of_a_directory_change_is_missed_and_none_is_false() {
    let mut runner = tape::usual(CASES);
    let tally = RefCell::new(Tally::default());
    let all = (two_sets(), two_directories());
    runner.run(&all, |((policies, _), (base, head))| check(&policies, &base, &head, &mut tally.borrow_mut())).unwrap();
    let Tally { environments, undecided } = tally.into_inner();
    let told = undecided.join("\n");
    assert!(environments > 0 && undecided.len() * 20 <= environments, "of {environments} are undecided: {told}");
}

#[test]
fn what_neither_directory_has_is_not_made_up() {
    let permit =
        |condition: &str| Written { permits: true, action: "action", condition: condition.to_owned(), link: None };
    let entity = |kind: &str, id: &str, parents: &[&str], attrs: Value| {
        let parents: Vec<_> = parents.iter().map(|parent| group(parent)).collect();
        (format!("{kind} {id}"), json!({"uid": {"type": kind, "id": id}, "attrs": attrs, "parents": parents}))
    };
    let user = |id: &str, level: i64, home: &str, parents: &[&str]| {
        entity("User", id, parents, json!({"level": level, "active": true, "home": group(home)}))
    };
    let (a, b) = ("a", "b");
    let unit = |id: &str, attrs: Value| entity("Group", id, &[], attrs);
    let boss = |id: &str| json!({"open": true, "boss": {"type": "User", "id": id}});
    let open = json!({"open": true});
    // The home of an account that leaves; and of another one afterwards.
    let left = [vec![unit(b, open.clone()), user("u1", 2, a, &[b])], vec![unit(b, open.clone())]];
    let others = [unit(a, boss("u2")), unit("c", open)];
    let moved = [
        [&others[..], &[user("u2", 0, a, &[]), user("u3", 1, a, &[])]].concat(),
        [&others[..], &[user("u2", 2, "c", &[a]), user("u3", i64::MAX, "gone", &[])]].concat(),
    ];
    for (policies, [base, head]) in [
        (vec![permit("principal.home == resource.unit && resource.unit.open")], left),
        (
            vec![
                permit("(resource.unit has boss && resource.unit.boss.active) || resource.unit.open"),
                permit("resource.unit == Group::\"a\" || principal.level > resource.level"),
                permit("(resource.unit has boss && resource.unit.boss == principal) || principal.home.open"),
            ],
            moved,
        ),
    ] {
        let mut tally = Tally::default();
        let [base, head] = [base, head].map(|all| all.into_iter().collect());
        check(&policies, &base, &head, &mut tally).unwrap();
        assert!(tally.undecided.is_empty(), "{}", tally.undecided.join("\n"));
    }
}
