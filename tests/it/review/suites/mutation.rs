//! Mutation finds untested rules, and no others.

use super::{Folder, SUITE, has};
use poort::{
    pdp::{Clock, engine::UnknownEntities},
    review::{
        conditions,
        suite::{self, Coverage, Runner},
    },
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
    let ran: Vec<_> = suites.into_iter().map(|suite| runner.run(suite)).collect();
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
