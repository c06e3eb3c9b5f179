//! What reviewers must accept in `poort diff`, and what acceptance does. Besides what is newly allowed, these are
//! undecided environments, removed guarantees and lost obligations.

use crate::review::diff::{POLICIES, SCHEMA, World, differences, wider};
use serde_json::{Value, json};
use std::fs;

/// Fills in what a template leaves to be written.
fn filled(template: &str) -> String {
    template.replace("reason: \"\"", "reason: \"looked at\"").replace("by: \"\"", "by: \"the officer\"")
}

/// Has all that is open accepted, and returns the entries.
#[track_caller]
pub(crate) fn accept_all(world: &World) -> String {
    let (template, _) = world.run(&["diff", "base", "head", "--accept-template"], 5);
    fs::write(world.path("accepted.yaml"), filled(&template)).unwrap();
    template
}

pub(crate) const ACCEPT: [&str; 2] = ["--accept", "accepted.yaml"];

fn asking(obligation: &str) -> String {
    POLICIES.replace(
        "permit (principal, action == Action::\"consult\"",
        &format!("{obligation}\npermit (principal, action == Action::\"consult\""),
    )
}

fn guarantee(world: &World, side: &str, text: &str) {
    let folder = world.path(side).join("guarantees");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("g.cedar"), text).unwrap();
}

const GUARANTEE: &str =
    "@id(\"g.left\") @title(\"Left means out.\") forbid (principal, action, resource) unless { principal.active };";

// ---- undecided ----

/// A change of the schema after which the same question means something else.
fn other_meaning() -> String {
    SCHEMA.replace("purpose: String,", "purpose: String, case: String,")
}

#[test]
fn what_is_undecided_can_be_accepted_and_stays_undecided() {
    let world = World::new();
    world.side_with("head", POLICIES, &other_meaning());
    let template = accept_all(&world);
    assert_eq!(template.matches("change: undecided").count(), 3, "{template}");
    let comparison = world.diff(&ACCEPT, 0);
    assert_eq!((&comparison["counts"]["undecided"], &comparison["counts"]["equal"]), (&json!(3), &json!(0)));
    assert_eq!(comparison["verdict"], "passed: 3 environments undecided and accepted");
    for (format, shown) in [
        ("human", "UNDECIDED  Officer × consult × Record  (accepted)"),
        ("markdown", "✅ accepted: **Officer × consult × Record**"),
        ("junit", "accepted as undecided: what these questions mean changed"),
        ("sarif", "a reviewer accepted it"),
        ("html", "undecided and accepted"),
    ] {
        let (out, _) = world.run(&["diff", "base", "head", "--format", format, ACCEPT[0], ACCEPT[1]], 0);
        assert!(out.contains(shown), "{format}: {out}");
    }
}

#[test]
fn an_accepted_undecided_environment_asks_again_after_the_next_change() {
    let world = World::new();
    world.side_with("head", POLICIES, &other_meaning());
    accept_all(&world);
    world.side_with("head", &wider(), &other_meaning());
    let comparison = world.diff(&ACCEPT, 5);
    // The policy is about one environment; the others are what the reviewer saw.
    assert_eq!(comparison["verdict"], "not passed: 1 environment undecided, 2 environments undecided and accepted");
    world.side_with("head", POLICIES, &other_meaning().replace("case: String", "case: Long"));
    assert_eq!(world.diff(&ACCEPT, 5)["verdict"], "not passed: 3 environments undecided");
}

#[test]
fn old_policies_invalid_under_the_new_schema_can_be_accepted() {
    let world = World::new();
    let renamed = |text: &str| text.replace("active", "present");
    world.side_with("head", &renamed(POLICIES), &renamed(SCHEMA));
    let accounts = world.path("head/directory/accounts.json");
    fs::write(&accounts, renamed(&fs::read_to_string(&accounts).unwrap())).unwrap();
    accept_all(&world);
    world.diff(&ACCEPT, 0);
}

#[test]
fn more_causes_than_eight_are_all_found() {
    let world = World::new();
    let policies = |condition: &str| -> String {
        let one = |index| {
            format!(
                "@id(\"p{index:02}\") permit (principal, action == Action::\"consult\", resource)\n\
                 when {{ context.purpose == \"{index}\" && {condition} }};\n"
            )
        };
        (0..11).map(one).collect()
    };
    world.side("base", &policies("principal.level > 3"));
    world.side("head", &policies("principal.level > 1"));
    let comparison = world.diff(&[], 5);
    assert_eq!(comparison["counts"]["undecided"], 0, "{comparison:#}");
    let found: Vec<_> = differences(&comparison).iter().map(|found| found["policies"][0].clone()).collect();
    assert_eq!(found.len(), 11, "{found:?}");
}

// ---- guarantees ----

#[test]
fn a_removed_or_changed_guarantee_needs_acceptance() {
    let changed = GUARANTEE.replace("principal.active", "principal.active || principal.level > 5");
    let other = GUARANTEE.replace("g.left", "g.other").replace("principal.active", "principal.level > 7");
    for (name, text) in [("removed", other.as_str()), ("changed", changed.as_str())] {
        let world = World::new();
        guarantee(&world, "base", GUARANTEE);
        world.side("head", POLICIES);
        guarantee(&world, "head", text);
        let comparison = world.diff(&[], 5);
        assert_eq!(
            (&comparison["guarantees"][0]["id"], &comparison["guarantees"][0]["change"]),
            (&json!("g.left"), &json!(name))
        );
        for format in ["human", "json", "markdown", "sarif", "junit", "html"] {
            let (out, _) = world.run(&["diff", "base", "head", "--format", format], 5);
            assert!(out.contains("g.left"), "{format}: {out}");
        }
        let template = accept_all(&world);
        assert!(template.contains("change: guarantee\n  policies: [\"g.left\"]"), "{template}");
        assert_eq!(world.diff(&ACCEPT, 0)["verdict"], "passed: 1 change of guarantees accepted");
        // It was accepted as it was, and not in another form.
        guarantee(&world, "head", &GUARANTEE.replace("principal.active", "principal.active || principal.level > 4"));
        world.diff(&ACCEPT, 5);
    }
}

#[test]
fn a_new_or_reworded_guarantee_needs_no_acceptance() {
    let world = World::new();
    guarantee(&world, "base", GUARANTEE);
    world.side("head", POLICIES);
    let more = "\n@id(\"g.more\") forbid (principal, action, resource) when { principal.level < 0 };";
    guarantee(&world, "head", &format!("{}{more}", GUARANTEE.replace("Left means out.", "Out is out.")));
    let comparison = world.diff(&[], 0);
    let changes: Vec<_> = comparison["guarantees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].clone(), it["change"].clone()))
        .collect();
    assert_eq!(changes, [(json!("g.left"), json!("reworded")), (json!("g.more"), json!("added"))]);
}

#[test]
fn guarantees_are_read_from_git_too() {
    let world = World::new();
    guarantee(&world, "base", GUARANTEE);
    world.git(&["init", "-q", "-b", "main"]);
    world.git(&["add", "base"]);
    world.git(&["commit", "-qm", "one"]);
    fs::remove_dir_all(world.path("base/guarantees")).unwrap();
    let (out, _) = world.run(&["diff", "git:main:base", "base"], 5);
    assert!(out.contains("GUARANTEE  `g.left` is gone"), "{out}");
}

// ---- obligations ----

#[test]
fn a_lost_or_changed_obligation_needs_acceptance() {
    for (after, lost, gained) in [
        ("", json!(["mask the victim"]), json!([])),
        ("@obligation(\"mask the name\")", json!(["mask the victim"]), json!(["mask the name"])),
    ] {
        let world = World::new();
        world.side("base", &asking("@obligation(\"mask the victim\")"));
        world.side("head", &asking(after));
        let comparison = world.diff(&[], 5);
        let change = &comparison["policies"][0];
        assert_eq!(comparison["counts"]["equal"], 3);
        assert_eq!((&change["change"], &change["obligations"]["lost"]), (&json!("obligations"), &lost));
        assert_eq!(change["obligations"]["gained"], gained);
        for format in ["human", "json", "markdown", "sarif", "junit", "html"] {
            let (out, _) = world.run(&["diff", "base", "head", "--format", format], 5);
            assert!(out.contains("mask the victim"), "{format}: {out}");
        }
        accept_all(&world);
        assert_eq!(world.diff(&ACCEPT, 0)["verdict"], "passed: 1 change of obligations accepted");
        // Another change of the same policy is another question to the reviewer.
        world.side("head", &asking("@obligation(\"mask nothing\")"));
        world.diff(&ACCEPT, 5);
    }
}

#[test]
fn a_removed_policy_loses_its_obligations_whatever_others_permit() {
    let world = World::new();
    let twin = "@id(\"twin\") @obligation(\"mask the victim\") permit (principal, action == Action::\"consult\", resource)\n\
                when { context.purpose == \"8\" };\n";
    world.side("base", &format!("{POLICIES}\n{twin}"));
    world.side("head", POLICIES);
    let comparison = world.diff(&[], 5);
    assert_eq!((&comparison["counts"]["equal"], &comparison["counts"]["not_accepted"]), (&json!(3), &json!(1)));
}

#[test]
fn a_new_obligation_needs_no_acceptance() {
    let world = World::new();
    world.side("base", &asking("@advice(\"look out\")"));
    world.side("head", &asking("@obligation(\"mask the victim\")"));
    let comparison = world.diff(&[], 0);
    let change = &comparison["policies"][0];
    assert_eq!(change["change"], "obligations");
    assert_eq!(
        (&change["obligations"]["gained"], &change["obligations"]["advice_lost"]),
        (&json!(["mask the victim"]), &json!(["look out"]))
    );
    let (out, _) = world.run(&["diff", "base", "head"], 0);
    assert!(out.contains("OBLIGATIONS  of `consult` changed"), "{out}");
}

// ---- names ----

#[test]
fn an_ambiguous_type_is_accepted_only_by_its_whole_name() {
    let world = World::new();
    let schema = "namespace A { entity Officer { level: Long }; } namespace B { entity Officer { level: Long }; }
        @source(\"request\") entity Record { level: Long };
        action consult appliesTo { principal: [A::Officer, B::Officer], resource: [Record], context: {} };";
    let policy = |level: u8| {
        format!("@id(\"p\") permit (principal is A::Officer, action, resource) when {{ principal.level > {level} }};")
    };
    for (side, level) in [("base", 3), ("head", 2)] {
        world.side_with(side, &policy(level), schema);
        fs::write(world.path(side).join("directory/accounts.json"), "[]").unwrap();
    }
    let whole = accept_all(&world);
    assert!(whole.contains("principal: \"A::Officer\"") && whole.contains("resource: \"Record\""), "{whole}");
    world.diff(&ACCEPT, 0);
    fs::write(world.path("accepted.yaml"), filled(&whole.replace("A::Officer", "Officer"))).unwrap();
    let (_, told) = world.run(&["diff", "base", "head", ACCEPT[0], ACCEPT[1]], 5);
    assert!(told.contains("several have the name `Officer`"), "{told}");
    fs::write(world.path("accepted.yaml"), filled(&whole.replace("A::Officer", "B::Officer"))).unwrap();
    world.diff(&ACCEPT, 5);
}

#[test]
fn a_filter_reports_no_unused_entry() {
    let world = World::new();
    world.side("head", &wider());
    accept_all(&world);
    let (out, told) = world.run(&["diff", "base", "head", "--env", "× erase ×", ACCEPT[0], ACCEPT[1]], 5);
    assert!(!told.contains("covers nothing"), "{told}");
    assert!(out.contains("not passed: 2 environments not looked at"), "{out}");
    let filtered: Value = world.diff(&["--env", "× erase ×"], 5);
    assert_eq!((&filtered["filtered"], &filtered["unused_entries"]), (&json!(2), &json!([])));
}
