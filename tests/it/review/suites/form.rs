//! The form of suites: what the JSON Schema refuses, the reader refuses, with its place.

use super::{Folder, SUITE, has};
use crate::support::policies;
use poort::{
    review::suite,
    types::problem::{SourceFile, has_errors},
};
use serde_json::Value;
use std::fs;

fn read(text: &str) -> (Option<suite::Suite>, Vec<poort::types::problem::Problem>) {
    let mut problems = Vec::new();
    let file = SourceFile { name: "tests/a.yaml".into(), text: text.into() };
    let suite = suite::read_file(&file, &mut problems);
    (suite, problems)
}

fn fits_schema(text: &str) -> bool {
    let schema: Value = serde_json::from_str(suite::SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: Value = serde_saphyr::from_str_with_options(text, options).unwrap();
    validator.is_valid(&value)
}

/// Both refuse it, and the reader at this place.
#[track_caller]
fn refused(text: &str, line: usize, expected: &str) {
    assert!(!fits_schema(text), "the schema takes {text}");
    refused_by_reader(text, line, expected);
}

#[track_caller]
fn refused_by_reader(text: &str, line: usize, expected: &str) {
    let (_, problems) = read(text);
    let found: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    let hit = found
        .iter()
        .any(|problem| problem.message().contains(expected) && problem.position().is_some_and(|place| place.0 == line));
    let told: Vec<_> = problems.iter().map(poort::types::problem::Problem::one_line).collect();
    assert!(hit, "no {expected:?} in line {line}: {told:#?}");
}

#[track_caller]
fn taken(text: &str) {
    let (_, problems) = read(text);
    assert!(!has_errors(&problems), "{problems:#?}");
    assert!(fits_schema(text), "{text}");
}

const GOOD: &str = "cases:\n- name: a\n  subject: T::a\n  action: x\n  resource: T::b\n  decision: deny\n";

#[test]
fn the_reader_and_the_schema_take_what_is_meant() {
    taken(SUITE);
    taken(GOOD);
    taken(&format!("note: x\nnow: 2026-11-23T10:15:00+01:00\n{GOOD}"));
    taken(&GOOD.replace("T::a", "\"N::T::\\\"a::b\\\"\""));
    taken(&GOOD.replace("action: x", "action: {name: x, properties: {automated: true, list: [1, null]}}"));
    taken(&GOOD.replace("decision: deny", "decision: deny\n  contexts: [{a: 1}, [{b: 2}, {c: {d: 1.5}}]]"));
    taken(&GOOD.replace("decision: deny", "decision: invalid\n  unknown: true\n  today: 2026-11-23"));
}

#[test]
fn what_the_schema_refuses_the_reader_refuses_at_its_place() {
    let with = |more: &str| GOOD.replace("  decision: deny\n", more);
    refused("[]", 1, "a suite is a list");
    refused("name: x", 1, "no `cases`");
    refused("cases: []", 1, "`cases` is empty");
    refused("cases: {}", 1, "`cases` is a map");
    refused(&format!("nmae: x\n{GOOD}"), 1, "no key `nmae`");
    refused(&format!("name: 7\n{GOOD}"), 1, "`name` is a number");
    refused(&format!("name: ' '\n{GOOD}"), 1, "`name` is empty");
    refused(&format!("today: 2026-11-23\nnow: 2026-11-23T10:15:00Z\n{GOOD}"), 2, "exclude each other");
    refused(&format!("today: 23-11-2026\n{GOOD}"), 1, "`today` is not a date");
    refused(&format!("now: today\n{GOOD}"), 1, "`now` is not a moment");
    refused(&format!("subjects: {{'a::b': T::a}}\n{GOOD}"), 1, "cannot be a name");
    refused(&format!("subjects: [T::a]\n{GOOD}"), 1, "must be a map from names");
    refused(&GOOD.replace("- name: a\n  ", "- "), 2, "no `name`");
    refused(&GOOD.replace("  subject: T::a\n", ""), 2, "no `subject`");
    refused(&GOOD.replace("  action: x\n", ""), 2, "no `action`");
    refused(&GOOD.replace("  resource: T::b\n", ""), 2, "no `resource`");
    refused(&with(""), 2, "no `decision`");
    refused(&with("  decision: permit\n"), 6, "allow, deny or invalid");
    refused(&with("  decision: deny\n  subjects: [T::a]\n"), 7, "`subject` and `subjects` exclude each other");
    refused(&with("  decision: deny\n  action: []\n").replace("  action: x\n", ""), 6, "this action is a list");
    refused(&with("  decision: deny\n  actions: []\n").replace("  action: x\n", ""), 6, "nothing would be asked");
    refused(&with("  decision: deny\n  policies: bvh\n"), 7, "`policies` is a text");
    refused(&with("  decision: deny\n  policies: [7]\n"), 7, "`policies` is a number");
    refused(&with("  decision: deny\n  unknown: yes\n"), 7, "`unknown` must be true or false");
    refused(&with("  decision: deny\n  table: []\n"), 7, "`table` is empty");
    refused(&with("  table: [{decision: deny, name: b}]\n"), 6, "no key `name`");
    refused(&with("  decision: deny\n  obligations: [{type: custom}]\n"), 7, "no `id`");
    refused(&with("  decision: deny\n  obligations: [{id: a, properties: 3}]\n"), 7, "`properties` is a number");
    refused(&with("  decision: invalid\n  policies: [a]\n"), 2, "`decision: invalid` is given with");
    refused(&with("  decision: deny\n  context: 7\n"), 7, "this context is a number");
    refused(&GOOD.replace("T::a", "{type: T}"), 3, "needs `type` and `id`");
    refused(&GOOD.replace("T::a", "{type: T, id: 7}"), 3, "`id` is a number");
    refused(&GOOD.replace("T::a", "{type: T, id: a, level: 3}"), 3, "no key `level`");
    refused(&GOOD.replace("T::a", "[T::a, 3]"), 3, "must be a map");
    refused(&GOOD.replace("T::a", "[]"), 3, "an empty list");
    refused(&GOOD.replace("action: x", "action: {properties: {}}"), 4, "needs a `name`");
}

#[test]
fn the_reader_refuses_what_the_schema_cannot_know() {
    refused_by_reader(&GOOD.replace("T::a", "ann"), 3, "the subject `ann` is not defined");
    refused_by_reader(&format!("{GOOD}{}", GOOD.replace("cases:\n", "")), 7, "`a` is taken by the case in line 2");
    refused_by_reader(&format!("subjects: {{a: b, b: a}}\n{}", GOOD.replace("T::a", "a")), 1, "builds on itself");
    refused_by_reader(&format!("contexts: {{a: {{}}}}\n{GOOD}  context: b\n"), 8, "the context `b` is not defined");
    refused_by_reader("", 1, "holds no suite");
    let many = format!("[{}]", vec!["T::a"; 300].join(", "));
    let many = GOOD
        .replace("subject: T::a", &format!("subjects: {many}"))
        .replace("resource: T::b", &format!("resources: {many}"));
    refused_by_reader(&many, 2, "more than 50000 questions");
}

#[test]
fn the_suites_of_the_repository_fit_the_schema() {
    for entry in fs::read_dir(policies().join("tests")).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            taken(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_nearest_name_is_offered() {
    let (_, problems) = read(&format!("subjects: {{everyday: T::a}}\n{}", GOOD.replace("T::a", "evryday")));
    assert_eq!(problems[0].help_text(), Some("did you mean `everyday`?"));
    let (_, problems) = read(&GOOD.replace("decision", "decison"));
    assert_eq!(problems[0].help_text(), Some("did you mean `decision`?"));
}

#[test]
fn a_definition_that_no_case_uses_is_a_warning() {
    let folder = Folder::with(&[(
        "a.yaml",
        &SUITE.replace("  daily: {purpose: \"8\"}", "  daily: {purpose: \"8\"}\n  other: {}"),
    )]);
    has(&folder.check(&[], 0).1, &["no case uses the context `other`"]);
}

#[test]
fn a_text_that_grows_without_end_is_refused() {
    let mut bomb = "x: &a [y, y, y, y, y, y, y, y, y]\n".to_owned();
    for (before, name) in ('a'..='i').zip('b'..='j') {
        let again = vec![format!("*{before}"); 9].join(", ");
        bomb.push_str(&format!("{name}{name}: &{name} [{again}]\n"));
    }
    let folder = Folder::with(&[("a.yaml", &bomb), ("b.yaml", SUITE)]);
    let (out, told) = folder.check(&[], 3);
    has(&told, &["suite::too-large", "a.yaml:"]);
    has(&out, &["✓ Records"]);
}
