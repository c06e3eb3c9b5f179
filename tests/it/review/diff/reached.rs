//! For whom a change matters: each account is named, proven to be unconcerned, or counted as open.

use crate::review::diff::World;
use serde_json::{Value, json};
use std::fs;

const SCHEMA: &str = r#"
entity Role;
entity Officer in [Role] { level: Long };
@source("request") entity File { level: Long };
action read appliesTo { principal: Officer, resource: File, context: { purpose: String } };
"#;

/// A side with these policies and officers: id, level, and whether an archivist.
fn side(world: &World, name: &str, policies: &str, officers: &[(&str, i64, bool)]) {
    world.side_with(name, policies, SCHEMA);
    let role = json!({"type": "Role", "id": "archivist"});
    let mut all = vec![json!({"uid": role, "attrs": {}, "parents": []})];
    all.extend(officers.iter().map(|(id, level, is_archivist)| {
        let parents = if *is_archivist { vec![role.clone()] } else { Vec::new() };
        json!({"uid": {"type": "Officer", "id": id}, "attrs": {"level": level}, "parents": parents})
    }));
    fs::write(world.path(name).join("directory/accounts.json"), Value::from(all).to_string()).unwrap();
}

fn when(condition: &str) -> String {
    format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};")
}

/// For whom the first environment is decided otherwise in a direction: ids, and how many are open.
fn reached(comparison: &Value, change: &str) -> (Vec<String>, u64) {
    let all = comparison["environments"][0]["reached"].as_array().unwrap();
    let Some(one) = all.iter().find(|it| it["change"] == change) else { return (Vec::new(), 0) };
    let ids = one["accounts"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().split('"').nth(1).unwrap());
    (ids.map(str::to_owned).collect(), one["open"].as_u64().unwrap())
}

#[test]
fn beyond_the_accounts_that_are_asked_some_are_open() {
    let world = World::new();
    let ids: Vec<_> = (10..34).map(|level| format!("o{level}")).collect();
    // A question about one level is of no use for another.
    let officers: Vec<_> = ids.iter().zip(10..).map(|(id, level)| (id.as_str(), level, false)).collect();
    side(&world, "base", &when("resource.level == principal.level && resource.level < 10"), &officers);
    side(&world, "head", &when("resource.level == principal.level"), &officers);
    let (named, open) = reached(&world.diff(&[], 5), "newly-allowed");
    assert!(named.len() >= 16 && open > 0, "{named:?}, {open}");
    assert_eq!(named.len() + open as usize, ids.len());
    // What is open is not kept as if it were settled.
    let again = world.diff(&[], 5);
    assert_eq!(again["environments"][0]["settled"], "solver");
}

#[test]
fn a_policy_that_fails_concerns_accounts_whatever_the_purpose() {
    let world = World::new();
    let officers = [("high", i64::MAX, false), ("low", 1, false)];
    let policies = |purposes: &str| {
        let all = "@id(\"q\") permit (principal, action, resource) when { context.purpose == \"8\" };";
        format!("{}\n{all}", when(&format!("{purposes}.contains(context.purpose) && principal.level + 1 > 0")))
    };
    side(&world, "base", &policies("[\"8\", \"9\"]"), &officers);
    side(&world, "head", &policies("[\"9\", \"7\"]"), &officers);
    // `low` gets purpose 7, and for `high` the policy no longer fails with purpose 8.
    let comparison = world.diff(&[], 5);
    let (named, open) = reached(&comparison, "newly-allowed");
    assert_eq!((named, open), (vec!["high".to_owned(), "low".to_owned()], 0), "{comparison}");
}

#[test]
fn an_account_that_both_changes_concern_together_is_named() {
    let world = World::new();
    let archivist = "principal in Role::\"archivist\"";
    let other = ("other", 1, false);
    side(&world, "base", &when(archivist), &[("ann", 4, false), other]);
    side(&world, "head", &when(&format!("{archivist} || principal.level > 3")), &[("ann", 4, true), other]);
    // Neither change alone does anything for `ann`: as an archivist she could before, and with that level she could after.
    let comparison = world.diff(&[], 5);
    assert_eq!(comparison["headline"][0], "1 officer can now read File (ann; role archivist).", "{comparison}");
}

#[test]
fn what_an_account_could_before_both_changes_is_not_new() {
    let world = World::new();
    side(&world, "base", &when("principal.level > 3"), &[("ann", 4, false), ("bob", 3, false)]);
    side(&world, "head", &when("principal.level > 2"), &[("ann", 3, false), ("bob", 3, false)]);
    let comparison = world.diff(&[], 5);
    let told: Vec<_> = comparison["headline"].as_array().unwrap().iter().collect();
    let together = "Policies and the directory changed together: for accounts and records that both concern it is not known \
                    what could be done before.";
    assert_eq!(told, ["At least 1 officer can now read File (bob).", together], "{comparison}");
    assert_eq!(reached(&comparison, "newly-allowed"), (vec!["bob".to_owned()], 1));
    // And where nobody else could: that is not said to be nobody.
    side(&world, "base", &when("principal.level > 3"), &[("ann", 4, false)]);
    side(&world, "head", &when("principal.level > 2"), &[("ann", 3, false)]);
    let comparison = world.diff(&[], 5);
    let open = "It is not known whether any of 1 officer can now read File.";
    assert_eq!(comparison["headline"][0], open, "{comparison}");
}
