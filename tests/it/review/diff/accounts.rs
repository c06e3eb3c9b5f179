//! `poort diff` of a changed directory: each fact of each account is shown and needs acceptance, since its effect on
//! decisions is not proven.

use crate::review::diff::{
    POLICIES, World,
    acceptance::{ACCEPT, accept_all},
};
use serde_json::{Value, json};
use std::fs;

/// The accounts of the side before, changed.
fn accounts(world: &World, change: impl Fn(&mut Vec<Value>)) {
    world.side("head", POLICIES);
    let file = world.path("head/directory/accounts.json");
    let mut accounts = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    change(&mut accounts);
    fs::write(&file, json!(accounts).to_string()).unwrap();
}

#[test]
fn every_form_has_each_changed_fact_of_an_account() {
    let world = World::new();
    let group = json!({"type": "Group", "id": "north"});
    accounts(&world, |accounts| {
        accounts[1]["attrs"]["level"] = 3.into();
        accounts[1]["parents"] = json!([]);
        accounts[2]["uid"]["id"] = "officer-3".into();
        accounts[2]["parents"] = json!([group]);
    });
    let comparison = world.diff(&[], 5);
    let fact = |name: &str, before: Value, after: Value| json!({"name": name, "before": before, "after": after});
    let (north, nothing) = (json!("Group::\"north\""), Value::Null);
    let told: Vec<_> = comparison["directory"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 3);
    let expected = [
        (
            "Officer::\"officer-1\"",
            "changed",
            json!([fact("level", json!("2"), json!("3")), fact("parent", north.clone(), nothing.clone()),]),
        ),
        (
            "Officer::\"officer-2\"",
            "removed",
            json!([
                fact("active", json!("false"), nothing.clone()),
                fact("home", north.clone(), nothing.clone()),
                fact("level", json!("1"), nothing.clone()),
            ]),
        ),
        (
            "Officer::\"officer-3\"",
            "added",
            json!([
                fact("active", nothing.clone(), json!("false")),
                fact("home", nothing.clone(), north.clone()),
                fact("level", nothing.clone(), json!("1")),
                fact("parent", nothing, north),
            ]),
        ),
    ];
    for (told, (id, change, facts)) in told.iter().zip(expected) {
        assert_eq!((&told["id"], &told["change"], &told["facts"]), (&json!(id), &json!(change), &facts));
    }
    assert_eq!(comparison["verdict"], "not passed: 3 changes of the directory not accepted");
    assert_eq!((&comparison["passed"], &comparison["counts"]["equal"]), (&json!(false), &json!(3)));
    for (format, lines) in [
        (
            "human",
            ["DIRECTORY  Officer::\"officer-1\" changed", "    level: 2 → 3", "    parent: nothing → Group::\"north\""],
        ),
        (
            "markdown",
            [
                "### ❌ `Officer::\"officer-1\"` changed",
                "- `level`: `2` → `3`",
                "- `parent`: `nothing` → `Group::\"north\"`",
            ],
        ),
        ("sarif", ["diff::account", "changed in the directory: level: 2 → 3", "added in the directory"]),
        ("junit", ["directory Officer::&quot;officer-1&quot;", "level: 2 → 3", "failures=\"3\""]),
        ("html", ["not accepted", "level: <code>2</code> → <code>3</code>", "officer-3"]),
    ] {
        let (text, _) = world.run(&["diff", "base", "head", "--format", format], 5);
        for line in lines {
            assert!(text.contains(line), "{format}: {line}: {text}");
        }
    }
}

#[test]
fn an_account_change_is_accepted_as_reviewed() {
    let world = World::new();
    accounts(&world, |accounts| accounts[1]["attrs"]["level"] = 3.into());
    let template = accept_all(&world);
    assert!(
        template.starts_with("- change: account\n  account: \"Officer::\\\"officer-1\\\"\"\n  digest: "),
        "{template}"
    );
    let comparison = world.diff(&ACCEPT, 0);
    assert_eq!(comparison["verdict"], "passed: 1 change of the directory accepted");
    assert!(comparison["notes"][0].as_str().unwrap().contains("is not proven"), "{comparison}");
    // Another change of it, and the same change of another, ask again.
    accounts(&world, |accounts| accounts[1]["attrs"]["level"] = 4.into());
    let comparison = world.diff(&ACCEPT, 5);
    assert_eq!(comparison["unused_entries"][0]["entry"], 1);
    accounts(&world, |accounts| accounts[2]["attrs"]["level"] = 3.into());
    world.diff(&ACCEPT, 5);
    // The order of the entries and of their parents is no change.
    accounts(&world, |accounts| accounts.reverse());
    assert_eq!(world.diff(&[], 0)["directory"], json!([]));
}

#[test]
fn changes_of_records_sets_and_tags_are_shown_by_part() {
    let world = World::new();
    let schema =
        "entity Officer { authorised?: { level: Long, by: Officer, \"a.b\"?: Bool }, tasks: Set<String> } tags Bool;
        @source(\"request\") entity File;
        action read appliesTo { principal: Officer, resource: File };";
    let by = json!({"type": "Officer", "id": "low"});
    for (side, attrs, tags) in [
        ("base", json!({"tasks": ["a"]}), json!({"away": true})),
        ("head", json!({"tasks": ["b", "a"], "authorised": {"level": 4, "by": by, "a.b": true}}), json!({})),
    ] {
        world.side_with(side, "@id(\"p\") permit (principal, action, resource);", schema);
        let account = json!([{"uid": {"type": "Officer", "id": "ann"}, "attrs": attrs, "tags": tags, "parents": []}]);
        fs::write(world.path(side).join("directory/accounts.json"), account.to_string()).unwrap();
    }
    let (text, _) = world.run(&["diff", "base", "head"], 5);
    for line in [
        "    authorised.\"a.b\": nothing → true\n",
        "    authorised.by: nothing → Officer::\"low\"\n",
        "    authorised.level: nothing → 4\n",
        "    tag \"away\": true → nothing\n",
        "    tasks: [\"a\"] → [\"a\", \"b\"]\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
