//! `poort diff` of a changed directory: each fact of each account is shown and needs acceptance, with what it changes in
//! decisions.

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
fn an_account_that_a_forbid_alone_stopped_is_newly_allowed() {
    let world = World::new();
    // Nothing but `inactive` reads what changed: before it denies everything, and after it says nothing.
    accounts(&world, |accounts| accounts[2]["attrs"]["active"] = true.into());
    let comparison = world.diff(&[], 5);
    let group = &comparison["account_groups"][0];
    assert_eq!(group["line"], "newly allowed for Officer::\"officer-2\": consult × Record", "{comparison}");
    // And the other way.
    accounts(&world, |accounts| accounts[1]["attrs"]["active"] = false.into());
    let comparison = world.diff(&[], 5);
    let group = &comparison["account_groups"][0];
    assert_eq!(group["line"], "newly denied for Officer::\"officer-1\": consult × Record", "{comparison}");
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
    assert!(comparison["notes"][0].as_str().unwrap().contains("asks for acceptance"), "{comparison}");
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
        "    tasks: + \"b\"\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

const MANY: &str = r#"
entity Unit;
entity Profile { level: Long };
entity Officer { profile?: Profile, unit: Unit };
@source("request") entity File { level: Long, unit: Unit };
action read, erase appliesTo { principal: Officer, resource: File };
"#;

const BY_PROFILE: &str =
    "@id(\"gate\") @title(\"Up to the level of the profile.\") permit (principal, action, resource)
    when { principal has profile && resource.level <= principal.profile.level && resource.unit == principal.unit };";

/// A directory of so many officers of one profile, with this level.
fn many(world: &World, side: &str, officers: usize, level: u8) {
    world.side_with(side, BY_PROFILE, MANY);
    let of = |kind: &str, id: &str| json!({"type": kind, "id": id});
    let entity = |kind: &str, id: &str, attrs: Value| json!({"uid": of(kind, id), "attrs": attrs, "parents": []});
    let mut all = vec![entity("Unit", "north", json!({})), entity("Profile", "patrol", json!({"level": level}))];
    all.extend((0..officers).map(|number| {
        let attrs = json!({"profile": of("Profile", "patrol"), "unit": of("Unit", "north")});
        entity("Officer", &format!("o{number:05}"), attrs)
    }));
    fs::write(world.path(side).join("directory/accounts.json"), json!(all).to_string()).unwrap();
}

#[test]
fn a_profile_is_worked_out_once_for_all_of_its_accounts() {
    let world = World::new();
    many(&world, "base", 2_000, 1);
    many(&world, "head", 2_000, 2);
    let comparison = world.diff(&[], 5);
    let [group] = comparison["account_groups"].as_array().unwrap().as_slice() else { panic!("{comparison}") };
    assert_eq!(group["accounts"].as_array().unwrap().len(), 2_000);
    assert_eq!(group["because"], json!(["Profile::\"patrol\""]));
    let line = "newly allowed for 2000 accounts (Officer::\"o00000\", Officer::\"o00001\", Officer::\"o00002\", \
                Officer::\"o00003\", Officer::\"o00004\" and 1995 more): erase × File, read × File";
    assert_eq!(group["line"], line);
    let example = &comparison["environments"][0]["accounts"][0]["example"];
    assert_eq!((&example["real"], &example["question"]["subject"]["id"]), (&json!(true), &json!("o00000")));
    assert_eq!(example["question"]["resource"]["properties"], json!({"level": 2, "unit": "north"}));
    for (format, line) in [
        ("human", line),
        ("markdown", "**newly allowed for 2000 accounts"),
        ("html", "newly allowed for 2000 accounts"),
        ("sarif", "newly allowed for 2000 accounts"),
        ("junit", "newly allowed for 2000 accounts"),
    ] {
        let (text, _) = world.run(&["diff", "base", "head", "--format", format], 5);
        assert!(text.contains(line), "{format}: {text}");
    }
    // Accepted as reviewed, and said all the same.
    accept_all(&world);
    let (text, _) = world.run(&[&["diff", "base", "head"], ACCEPT.as_slice()].concat(), 0);
    assert!(text.contains("passed: 1 change of the directory accepted") && text.contains(line), "{text}");
}

#[test]
fn a_change_that_no_policy_reads_changes_no_decision() {
    let world = World::new();
    many(&world, "base", 3, 1);
    many(&world, "head", 3, 1);
    let file = world.path("head/directory/accounts.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("]}]", "]},{\"uid\":{\"type\":\"Unit\",\"id\":\"south\"},\"attrs\":{},\"parents\":[]}]"),
    )
    .unwrap();
    let comparison = world.diff(&[], 5);
    assert_eq!(
        (&comparison["account_groups"], &comparison["counts"]["equal"]),
        (&json!([]), &json!(2)),
        "{comparison}"
    );
    assert_eq!(comparison["verdict"], "not passed: 1 change of the directory not accepted");
}

#[test]
fn a_directory_that_does_not_fit_the_new_schema_is_not_called_proven() {
    let world = World::new();
    many(&world, "base", 2, 1);
    many(&world, "head", 2, 1);
    let schema = fs::read_to_string(world.path("head/schema.cedarschema")).unwrap();
    fs::write(world.path("head/schema.cedarschema"), schema.replace("entity Unit;", "entity Unit { name: String };"))
        .unwrap();
    let file = world.path("head/directory/accounts.json");
    let text = fs::read_to_string(&file).unwrap();
    let named = text.replacen("\"attrs\":{}", "\"attrs\":{\"name\":\"N\"}", 1);
    assert_ne!(text, named);
    fs::write(&file, named).unwrap();
    for format in ["human", "markdown", "html", "json", "sarif", "junit"] {
        let (text, _) = world.run(&["diff", "base", "head", "--format", format], 5);
        assert!(text.contains("is not proven: the old directory does not fit the new schema"), "{format}: {text}");
    }
}

const BY_SYSTEM: &str = r#"
entity Officer tags { level: Long };
@source("request") entity Registration { @values("bvh") system: String, level: Long };
@source("request") entity Passage { @values("anpr") system: String, level: Long };
@source("request") entity Request { @values("anpr, bvh") for_system: String, holder: Officer, level: Long };
action read appliesTo { principal: Officer, resource: [Registration, Passage] };
action ask appliesTo { principal: Officer, resource: Request };
"#;

const GATE: &str = r#"
@id("gate") permit (principal, action == Action::"read", resource)
when { principal.hasTag(resource.system) && resource.level <= principal.getTag(resource.system).level };
@id("ask") permit (principal, action == Action::"ask", resource)
when { resource.holder.hasTag(resource.for_system) && resource.level <= resource.holder.getTag(resource.for_system).level };
"#;

#[test]
fn an_exception_matters_where_its_system_is_asked_for() {
    let world = World::new();
    for (side, level) in [("base", 1), ("head", 2)] {
        world.side_with(side, GATE, BY_SYSTEM);
        let tags = json!({"anpr": {"level": level}, "bvh": {"level": 1}});
        let ann = json!([{"uid": {"type": "Officer", "id": "ann"}, "attrs": {}, "tags": tags, "parents": []}]);
        fs::write(world.path(side).join("directory/accounts.json"), ann.to_string()).unwrap();
    }
    let comparison = world.diff(&[], 5);
    let lines: Vec<_> = comparison["account_groups"].as_array().unwrap().iter().map(|group| &group["line"]).collect();
    let expected = [
        "newly allowed for Officer::\"ann\": read × Passage",
        "newly allowed for whoever asks, where resource.holder is Officer::\"ann\": ask × Request",
    ];
    assert_eq!((lines, &comparison["counts"]["undecided"]), (expected.map(Value::from).iter().collect(), &json!(0)));
    for outcome in comparison["environments"].as_array().unwrap() {
        for effect in outcome["accounts"].as_array().unwrap() {
            let asked = &effect["example"]["question"]["resource"]["properties"];
            assert_eq!(asked["level"], 2, "{effect}");
            assert!(asked["system"] == "anpr" || asked["for_system"] == "anpr", "{effect}");
        }
    }
}

const CHOSEN: &str = r#"
entity Unit { open: Bool };
entity Officer { home: Unit, other: Unit };
@source("request") entity File;
action read appliesTo { principal: Officer, resource: File, context: { away: Bool } };
"#;

#[test]
fn an_entity_that_the_question_chooses_is_no_proof() {
    let world = World::new();
    let policy = "@id(\"open\") permit (principal, action, resource)
        when { (if context.away then principal.other else principal.home).open };";
    for (side, open) in [("base", false), ("head", true)] {
        world.side_with(side, policy, CHOSEN);
        let unit = |id: &str| json!({"type": "Unit", "id": id});
        let entity = |uid: Value, attrs: Value| json!({"uid": uid, "attrs": attrs, "parents": []});
        let ann = json!({"type": "Officer", "id": "ann"});
        let all = [
            entity(unit("north"), json!({"open": open})),
            entity(unit("south"), json!({"open": false})),
            entity(ann, json!({"home": unit("north"), "other": unit("south")})),
        ];
        fs::write(world.path(side).join("directory/accounts.json"), json!(all).to_string()).unwrap();
    }
    let comparison = world.diff(&[], 5);
    let told = comparison["counts"]["undecided"] == 1 || comparison["counts"]["newly_allowed"] == 1;
    assert!(told, "{comparison}");
}
