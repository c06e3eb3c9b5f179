//! `poort new system`: what it writes is valid, tested and closed, and what is in the way is said before.

use crate::support::{check, copy_folder, folder, repository, run};
use std::{fs, path::Path};

const EXHIBITS: [&str; 15] = [
    "new",
    "system",
    "exhibits",
    "--type",
    "Exhibit",
    "--title",
    "Exhibits that a court asks for",
    "--basis",
    "wpg:8(1)",
    "--owner",
    "service-centre",
    "--assessment",
    "dpia-2026-exhibits",
    "--assessed-until",
    "2098-12-31",
];

/// `EXHIBITS` with these flags or other values, in a folder.
fn new(policies: &Path, more: &[&str]) -> std::process::Output {
    let mut arguments: Vec<_> = EXHIBITS.to_vec();
    for pair in more.chunks(2) {
        match arguments.iter().position(|argument| *argument == pair[0]) {
            Some(at) => arguments[at + 1] = pair[1],
            None => arguments.extend(pair),
        }
    }
    arguments.extend(["--policies", policies.to_str().unwrap()]);
    run(arguments)
}

fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return texts(&path);
            }
            vec![(path.display().to_string(), fs::read_to_string(path).unwrap())]
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_new_system_is_valid_tested_and_closed() {
    let folder = folder();
    let policies = folder.path().join("policies");
    copy_folder(&repository().join("policies"), &policies);
    let before = texts(&policies);
    let (_, told) = check(&new(&policies, &["--dry-run"]), 0);
    assert!(told.contains("would write") && before == texts(&policies), "{told}");
    let (_, told) = check(&new(&policies, &["--profile", "patrol"]), 0);
    let folder = policies.to_str().unwrap();
    for piece in [
        "schema.cedarschema",
        "exhibits.cedar",
        "guarantees/exhibits.cedar",
        "tests/exhibits.yaml",
        "tests/directory/exhibits.json",
        "directory/register.json",
        "profiles/patrol.json",
        "README.md",
    ] {
        assert!(told.contains(&format!("wrote {folder}/{piece}: ")), "no {piece} in {told}");
    }
    check(&run(["fmt", "--check", folder]), 0);
    let (valid, told) = check(&run(["validate", "--deny-warnings", folder]), 0);
    assert!(valid.contains("valid: 340 policies"), "{valid}{told}");
    let (out, told) = check(&run(["test", folder, "--filter", "exhibits*"]), 0);
    assert!(out.contains("13 passed"), "{out}{told}");
    check(&run(["test", folder, "--coverage-min", "100"]), 0);
    let profile = fs::read_to_string(policies.join("profiles/patrol.json")).unwrap();
    assert!(profile.contains("\"version\": 2") && profile.contains("\"exhibits\": {"), "{profile}");
    // Its rows and entries stand once, and nothing else changed.
    let (_, told) = check(&new(&policies, &[]), 64);
    assert!(told.contains("is there already") || told.contains("has a type"), "{told}");
    for (path, text) in before {
        let now = fs::read_to_string(&path).unwrap();
        let gone = similar::TextDiff::from_lines(&text, &now)
            .iter_all_changes()
            .filter(|it| it.tag() == similar::ChangeTag::Delete)
            .count();
        assert!(gone <= 10, "{path}: {gone} lines are not as they were");
    }
}

#[test]
fn two_profiles_of_one_file_both_get_it() {
    let folder = folder();
    let policies = folder.path().join("policies");
    copy_folder(&repository().join("policies"), &policies);
    let file = |name: &str| policies.join(format!("profiles/{name}.json"));
    let text = |name: &str| fs::read_to_string(file(name)).unwrap();
    let both =
        format!("{},\n{}", text("patrol").trim_end().strip_suffix(']').unwrap(), &text("detective").trim_start()[1..]);
    fs::write(file("patrol"), both).unwrap();
    fs::remove_file(file("detective")).unwrap();
    let mut arguments = EXHIBITS.to_vec();
    arguments.extend(["--profile", "patrol", "--profile", "detective", "--policies", policies.to_str().unwrap()]);
    let (_, told) = check(&run(arguments), 0);
    assert_eq!(told.matches("profiles/patrol.json").count(), 1, "{told}");
    let written = text("patrol");
    assert_eq!(
        (written.matches("\"exhibits\": {").count(), written.matches("\"version\": 2").count()),
        (2, 2),
        "{written}"
    );
    check(&run(["validate", policies.to_str().unwrap()]), 0);
}

#[test]
fn what_is_in_the_way_is_said_before_anything_is_written() {
    let folder = folder();
    let policies = folder.path().join("policies");
    copy_folder(&repository().join("policies"), &policies);
    let before = texts(&policies);
    for (flags, code, expected) in [
        (["--type", "Registration"], 64, "the schema has a type `Registration` already"),
        (["--type", "exhibit"], 64, "write it as `Exhibit`"),
        (["--basis", "wpg:88"], 64, "--basis: "),
        (["--owner", "service-center"], 64, "did you mean `service-centre`?"),
        (["--title", "a \"quoted\" one"], 64, "a character that ends a text"),
        (["--profile", "petrol"], 64, "the directory has no profile `petrol`"),
        (["--purpose", "99"], 3, "nothing was written"),
        (["--assessed-until", "2026-01-31"], 64, "--assessed-until: 2026-01-31 has passed"),
    ] {
        let (_, told) = check(&new(&policies, &flags), code);
        assert!(told.contains(expected), "{flags:?}: {told}");
        assert!(before == texts(&policies), "{flags:?} wrote something");
    }
    let mut named = EXHIBITS.to_vec();
    named[2] = "bvh";
    named.extend(["--policies", policies.to_str().unwrap()]);
    let (_, told) = check(&run(&named), 64);
    assert!(told.contains("has a system `bvh` already"), "{told}");
    // A folder with another model.
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::create_dir(other.join("directory")).unwrap();
    fs::write(
        other.join("schema.cedarschema"),
        "namespace N { entity User; action read appliesTo { principal: User, resource: User }; }",
    )
    .unwrap();
    let (_, told) = check(&new(&other, &[]), 64);
    assert!(told.contains("the directory has no unit"), "{told}");
}
