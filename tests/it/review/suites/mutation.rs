//! Mutation finds untested rules, and no others.

use super::{Folder, SUITE, has};
use poort::{
    pdp::{Clock, conditions, engine::UnknownEntities},
    review::suite::{self, Coverage, Runner},
    sources::snapshot::{Snapshot, Sources},
};
use serde_json::Value;
use std::path::Path;

#[track_caller]
fn unnoticed(folder: &Folder, code: i32) -> Vec<String> {
    let results: Value = serde_json::from_str(&folder.check(&["--mutate", "--format", "json"], code).0).unwrap();
    let unnoticed = results["mutation"]["unnoticed"].as_array().unwrap();
    unnoticed.iter().map(|one| one["change"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn thorough_tests_notice_every_change() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    assert_eq!(unnoticed(&folder, 0), [""; 0]);
    let (out, told) = folder.check(&["--mutate"], 0);
    has(&out, &["mutation: ", " 0 not noticed, 0 explained", "✓ Records"]);
    assert_eq!(told, "");
}

#[test]
fn the_rule_that_a_missing_case_held_is_named() {
    for (from, to, expected) in [
        // The limit of the level.
        (
            "resources: [record, thirty], decision: allow",
            "resources: [[record, {level: 1}], [thirty, {level: 1}]], decision: allow",
            vec!["resource.level <= principal.level becomes resource.level < principal.level"],
        ),
        // The last day.
        (
            "thirty: [record, {made: 2026-10-24}]",
            "thirty: [record, {made: 2026-10-25}]",
            vec![
                "context.pdp.today > resource.made.offset(duration(\"30d\")) becomes context.pdp.today >= resource.made.offset(duration(\"30d\"))",
                "context.pdp.today > resource.made.offset(duration(\"30d\")) becomes context.pdp.today > resource.made.offset(duration(\"29d\"))",
            ],
        ),
        // An inactive account.
        ("    subject: bob\n", "    subject: bob\n    today: 2026-12-23\n", vec!["principal.active becomes true"]),
        // Other actions.
        (
            "    action: write\n    resource: record\n",
            "    action: read\n    resource: higher\n",
            vec!["action == Action::\"read\" becomes action"],
        ),
    ] {
        assert!(SUITE.contains(from), "{from}");
        let suite = SUITE.replacen(from, to, 1);
        let suite = if to.contains("2026-12-23") {
            suite.replace("    today: 2026-12-23\n    action: read\n    resource: record\n    context: daily\n    decision: deny\n    policies: []",
                "    today: 2026-12-23\n    action: read\n    resource: record\n    context: daily\n    decision: deny\n    policies: [old]")
        } else {
            suite
        };
        let folder = Folder::with(&[("records.yaml", &suite)]);
        let found: Vec<_> =
            unnoticed(&folder, 4).iter().map(|change| change.replace("  becomes  ", " becomes ")).collect();
        let mut expected = expected;
        expected.sort_unstable();
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(sorted, expected);
    }
}

#[test]
fn a_wider_policy_reads_more_than_its_action() {
    let suite = SUITE.replace("actions: [read, write]", "actions: [read]");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    folder.edit(
        "p.cedar",
        "(principal, action, resource is Record)",
        "(principal, action == Action::\"read\", resource)",
    );
    folder.edit("p.cedar", "when { context", "when { resource is Record && context");
    // No policy about writing reads the date, so a question about writing has none: the wider policy must not fail on that.
    assert_eq!(unnoticed(&folder, 4), ["action == Action::\"read\"  becomes  action"]);
}

#[test]
fn a_mutation_without_effect_is_not_tried() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    folder.edit("p.cedar", "@id(\"old\")\n", "@id(\"old\") // forbid\n");
    folder.edit("p.cedar", "forbid (principal, action,", "forbid (principal is Officer, action,");
    let (out, _) = folder.check(&["--mutate", "--coverage"], 0);
    has(&out, &["1 that change nothing", "7 of 7 (100.0 %)"]);
}

#[test]
fn a_policy_that_no_case_needs_is_named() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    folder.write("q.cedar", "// More.\n@id(\"notes\")\n@title(\"t\")\npermit (principal, action, resource is Note)\nwhen { context.purpose == \"9\" };");
    let (out, _) = folder.check(&["--mutate"], 4);
    has(&out, &["q.cedar:4  notes\n    the permit notes is gone", "missing: a case that this policy decides"]);
    has(
        &folder.check(&["--mutate", "--format", "junit"], 4).0,
        &["testsuite name=\"mutation\"", "the permit notes is gone"],
    );
}

#[test]
fn a_change_can_be_explained_as_harmless() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    folder.edit(
        "p.cedar",
        "when { principal.active &&",
        "when { principal.active && (principal has unit || principal.active) &&",
    );
    assert!(unnoticed(&folder, 4).len() > 1);
    folder.edit(
        "p.cedar",
        "when { principal.active",
        "// poort: equivalent, because every officer has a unit\nwhen { principal.active",
    );
    let (out, told) = folder.check(&["--mutate"], 0);
    has(
        &out,
        &["changes that the policies explain as harmless", "because every officer has a unit", " 0 not noticed, "],
    );
    assert_eq!(told, "");
    // Without a reason, or where there is nothing to explain, it does not count.
    folder.edit("p.cedar", ", because every officer has a unit", "");
    has(&folder.check(&["--mutate"], 4).1, &["this comment gives no reason"]);
    folder.edit("p.cedar", "// poort: equivalent", "//poort: equivalen, because every officer has a unit");
    let told = folder.check(&["--mutate"], 4).1;
    has(&told, &["mutation::misspelt", "p.cedar:11:", "write // poort: equivalent, because …"]);
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    folder.edit("p.cedar", "when { principal", "// poort: equivalent, because of nothing\nwhen { principal");
    has(&folder.check(&["--mutate"], 0).1, &["this comment explains nothing"]);
}

#[test]
fn no_mutation_is_tried_while_cases_fail() {
    let folder = Folder::with(&[("records.yaml", &SUITE.replace("policies: [old]", "policies: []"))]);
    let (out, told) = folder.check(&["--mutate"], 4);
    has(&told, &["--mutate needs suites whose cases all pass"]);
    assert!(!out.contains("mutation:"), "{out}");
}

/// Guarantees of [`super::POLICIES`], with what breaks them: the change, and a case.
const GUARANTEES: [(&str, &str, &str); 3] = [
    // One rule keeps to it.
    (
        "@id(\"g.active\") @title(\"Who is not active reads nothing.\") forbid (principal, action, resource is Record) \
         when { !principal.active };",
        "principal.active  becomes  true",
        "Records / only who is active: bob read record",
    ),
    // Nothing permits it, and a forbid denies it.
    (
        "@id(\"g.old\") @title(\"Nobody writes old records.\") forbid (principal, action == Action::\"write\", resource) \
         when { context.pdp.today > resource.made.offset(duration(\"30d\")) };",
        "action == Action::\"read\"  becomes  action, without old",
        "Records / not after thirty days: ann write old",
    ),
    // What is always allowed.
    (
        "@id(\"g.read\") @title(\"Who is active reads new records of level 1 and 2.\") \
         permit (principal, action == Action::\"read\", resource is Record) when { principal.active && resource.level <= \
         principal.level && context.pdp.today == resource.made.offset(duration(\"22d\")) };",
        "the permit read is gone",
        "Records / up to the own level: ann read record",
    ),
];

#[test]
fn each_guarantee_is_told_with_what_breaks_it() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    let text: Vec<_> = GUARANTEES.iter().map(|(text, ..)| *text).collect();
    folder.write("guarantees/g.cedar", &text.join("\n"));
    let (out, _) = folder.check(&["--mutate"], 0);
    has(&out, &["guarantees: 3 of 3 broken by a change in a case"]);
    let results: Value = serde_json::from_str(&folder.check(&["--mutate", "--format", "json"], 0).0).unwrap();
    let found: Vec<_> = results["mutation"]["guarantees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["broken"]["change"].as_str().unwrap(), one["broken"]["case"].as_str().unwrap()))
        .collect();
    assert_eq!(found, GUARANTEES.map(|(_, change, case)| (change, case)));
}

#[test]
fn a_guarantee_that_nothing_breaks_fails() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    for guarantee in [
        // No case is about it.
        "forbid (principal, action, resource is Note) when { resource.level == 7 };",
        // It is about cases that all say the same whatever changes.
        "permit (principal, action == Action::\"read\", resource is Note) when { principal.level == 3 };",
    ] {
        folder.write("guarantees/g.cedar", &format!("@id(\"g\") @title(\"Never so.\") {guarantee}"));
        let (out, _) = folder.check(&["--mutate"], 4);
        has(&out, &["guarantees that no change breaks in any case:\n  g  Never so.", "guarantees: 0 of 1 broken"]);
        let (junit, _) = folder.check(&["--mutate", "--format", "junit"], 4);
        has(&junit, &["name=\"g\" classname=\"guarantees\"", "no change breaks it"]);
    }
    // Without --mutate they are not looked at.
    folder.check(&[], 0);
    folder.write("guarantees/g.cedar", "@id(\"g\") permitt (principal, action, resource);");
    has(&folder.check(&["--mutate"], 3).1, &["guarantees/g.cedar:1:"]);
}

/// Trials rely on coverage: in each case, the policies that it finds to apply give the engine's verdict.
#[track_caller]
fn check_found(policies: &Path) {
    let sources = Sources::read(policies, &policies.join("directory")).unwrap();
    let (snapshot, _) = Snapshot::from_sources(&suite::with_entities(policies, sources).unwrap());
    let snapshot = snapshot.unwrap();
    let clock = Clock::new(jiff::tz::TimeZone::get("Europe/Amsterdam").unwrap(), None);
    let conditions = conditions::of(&snapshot.policies);
    let runner = Runner::new(&snapshot, &clock, UnknownEntities::Deny, &conditions);
    let (suites, problems) = suite::load(policies);
    assert_eq!(problems.iter().map(poort::types::problem::Problem::one_line).collect::<Vec<_>>(), [""; 0]);
    let ran = runner.run(suites).unwrap();
    let coverage = Coverage::of(&conditions, &ran);
    let asked: Vec<_> = ran.iter().flat_map(|ran| &ran.outcomes).map(|outcome| outcome.asked().unwrap()).collect();
    assert!(asked.len() > 8);
    assert_eq!(asked.len(), coverage.found.len());
    for (asked, found) in asked.iter().zip(&coverage.found) {
        let (verdict, again) = (asked.answer.as_ref().unwrap(), found.verdict(&snapshot));
        assert_eq!((again.decision, &again.policies), (verdict.decision, &verdict.policies));
        let failing = |verdict: &poort::types::decision::Verdict| {
            verdict.errors.iter().map(|error| error.policy.clone()).collect::<Vec<_>>()
        };
        assert_eq!(failing(&again), failing(verdict));
    }
}

#[test]
fn coverage_finds_the_engines_verdicts() {
    let folder =
        Folder::with(&[("records.yaml", SUITE), ("cedar.json", super::CEDAR), ("zoe.entities.json", super::ENTITIES)]);
    let failing = "@id(\"sum\") @title(\"t\") forbid (principal, action, resource is Record) \
                   when { resource.level > 2 && resource.level + 9223372036854775807 > 3 };";
    folder.write("q.cedar", failing);
    folder.write("r.cedar", super::TEMPLATE);
    folder.write("r.links.json", super::LINKS);
    check_found(&folder.path);
    if crate::support::policies().join("tests").is_dir() {
        check_found(&crate::support::policies());
    }
}
