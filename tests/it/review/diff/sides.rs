//! How `poort diff` reads its sides, and what it writes if one of them cannot be used.

use crate::review::diff::{POLICIES, SCHEMA, World, wider};
use poort::sources::{snapshot::Sources, store::Archive};
use serde_json::Value;
use std::fs;

const FORMS: [&str; 6] = ["human", "json", "markdown", "sarif", "junit", "html"];

fn with_syntax_error() -> String {
    POLICIES.replace("unless { principal.active };", "unless { principal.active ;")
}

#[test]
fn each_form_is_whole_beside_an_invalid_side() {
    let world = World::new();
    world.side("head", &with_syntax_error());
    for format in FORMS {
        let report = format!("{format}=report");
        let (out, told) = world.run(&["diff", "base", "head", "--format", format, "--report", &report], 3);
        assert!(told.contains("head is not valid"), "{told}");
        let text = if format == "human" { told } else { out };
        assert!(text.contains("head/all.cedar"), "{format}: {text}");
        assert!(fs::read_to_string(world.path("report")).unwrap().contains("head/all.cedar"), "{format}");
        match format {
            "json" => {
                let found: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{text}");
            }
            "sarif" => {
                let found: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(found["runs"][0]["results"].as_array().unwrap().len(), 1, "{text}");
            }
            "junit" => assert!(text.starts_with("<?xml") && text.contains("errors=\"1\""), "{text}"),
            "html" => assert!(text.contains("<!DOCTYPE html>") && text.contains("not valid"), "{text}"),
            _ => {}
        }
    }
}

#[test]
fn problems_of_both_sides_are_reported() {
    let world = World::new();
    world.side("base", &with_syntax_error());
    world.side("head", &with_syntax_error());
    let (_, told) = world.run(&["diff", "base", "head"], 3);
    assert!(told.contains("base/all.cedar") && told.contains("head/all.cedar"), "{told}");
}

#[test]
fn a_folder_that_is_missing_is_one_finding() {
    let world = World::new();
    let (out, _) = world.run(&["diff", "nowhere", "base", "--format", "json"], 3);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{out}");
    let (_, told) = world.run(&["diff", "nowhere", "nowhere"], 3);
    assert_eq!(told.matches("nowhere").count(), 1, "{told}");
}

#[test]
fn a_revision_written_as_a_folder_gets_a_hint() {
    let world = World::new();
    world.git(&["init", "-q", "-b", "main"]);
    world.git(&["add", "base"]);
    world.git(&["commit", "-qm", "one"]);
    for named in ["main", "HEAD"] {
        let (_, told) = world.run(&["diff", named, "base"], 3);
        assert!(told.contains(&format!("did you mean git:{named}?")), "{told}");
    }
    assert!(!world.run(&["diff", "nowhere", "base"], 3).1.contains("did you mean"));
}

#[test]
fn a_missing_folder_differs_from_one_that_git_cannot_read() {
    let world = World::new();
    world.git(&["init", "-q", "-b", "main"]);
    world.git(&["add", "base"]);
    world.git(&["commit", "-qm", "one"]);
    assert!(world.run(&["diff", "git:main:other", "base"], 64).1.contains("it has no such folder"));
    assert!(world.run(&["diff", "git:main:base/all.cedar", "base"], 64).1.contains("is no folder there"));
    // The object of the directory's folder is lost: nothing may be said about accounts that are not read.
    let tree = std::process::Command::new("git")
        .args(["-C", world.path("").to_str().unwrap(), "rev-parse", "main:base/directory"])
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let (folder, file) = tree.trim().split_at(2);
    fs::remove_file(world.path(".git/objects").join(folder).join(file)).unwrap();
    let (_, told) = world.run(&["diff", "git:main:base", "base"], 64);
    assert!(told.contains("git cannot read the folder `base/directory`"), "{told}");
}

#[test]
fn the_configured_directory_counts_as_the_flag_does() {
    let world = World::new();
    world.side("head", &wider());
    fs::create_dir(world.path("others")).unwrap();
    let accounts = fs::read_to_string(world.path("base/directory/accounts.json")).unwrap();
    fs::write(world.path("others/accounts.json"), accounts.replace("officer-1", "officer-9")).unwrap();
    let account =
        |comparison: Value| comparison["groups"][0].clone().to_string() + &comparison["environments"].to_string();
    let flagged = account(world.diff(&["--directory", "others"], 5));
    assert!(flagged.contains("officer-9"), "{flagged}");
    fs::write(world.path("poort.toml"), "[directory]\npath = \"others\"\n").unwrap();
    let configured = account(world.diff(&[], 5));
    assert!(configured.contains("officer-9") && !configured.contains("officer-1"), "{configured}");
}

#[test]
fn named_types_of_attributes_are_no_obstacle() {
    let world = World::new();
    let schema = SCHEMA.replace(
        "entity Officer in [Group] { level: Long,",
        "type Level = Long;\ntype Facts = { rank: Level };\nentity Officer in [Group] { facts?: Facts, level: Level,",
    );
    world.side_with("base", POLICIES, &schema);
    world.side_with("head", &wider(), &schema);
    world.diff(&[], 5);
}

#[test]
fn a_side_of_the_archive_is_not_one_without_tests() {
    let world = World::new();
    let sources = Sources::read(&world.path("base"), &world.path("base/directory")).unwrap();
    let data = world.path("data");
    fs::create_dir_all(data.join("revisions")).unwrap();
    Archive::new(data.join("revisions"), u64::MAX).keep(&sources).unwrap();
    let archived = format!("archive:{},{}", sources.policies.revision(), sources.directory.revision());
    let suite = "cases:\n  - {name: one, subject: Officer::officer-2, action: consult, resource: {type: Record, id: r, \
                 properties: {unit: north, level: 1}}, context: {purpose: x}, decision: deny}\n";
    fs::create_dir_all(world.path("base/tests")).unwrap();
    fs::write(world.path("base/tests/one.yaml"), suite).unwrap();
    let compared = |head: &str| world.run(&["diff", "base", head, "--data", "data"], 0).0;
    assert!(!compared(&archived).contains("the tests no longer ask"));
    world.side("head", POLICIES);
    assert!(compared("head").contains("the tests no longer ask about: consult"));
}
