//! The repository's own policies: valid without a warning, formatted, every condition tested both ways, every mutation
//! noticed, and every guarantee proven, and broken by some mutation.

use crate::support::{check, copied_policies, folder, policies, run};
use cedar_policy::PolicySet;
use poort::sources::policy::SENTENCES;
use std::{fs, path::Path};

#[track_caller]
fn passes(arguments: &[&str]) {
    let folder = policies();
    let output = run([arguments, &[folder.to_str().unwrap()]].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}\n{told}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_policies_are_valid_without_a_warning() {
    passes(&["validate", "--deny-warnings"]);
}

#[test]
fn every_rule_is_tested_and_every_guarantee_can_break() {
    passes(&["test", "--coverage-min", "100", "--mutate"]);
}

#[test]
fn every_guarantee_is_proven_and_every_policy_has_an_effect() {
    passes(&["validate", "--prove", "--no-cache", "--deny-warnings"]);
}

#[test]
fn every_attribute_of_a_question_is_explained() {
    let (page, _) = check(&run(["schema", policies().to_str().unwrap()]), 0);
    let rows = page.lines().filter(|line| line.contains("| required |") || line.contains("| optional |"));
    let rows: Vec<_> = rows.collect();
    let silent: Vec<_> = rows.iter().filter(|line| line.ends_with("|  |")).collect();
    assert!(rows.len() > 200 && silent.is_empty(), "{} rows, without a word: {silent:#?}", rows.len());
}

#[test]
fn every_policy_and_guarantee_speaks_dutch() {
    let folder = policies();
    let of = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|kind| kind == "cedar")).collect::<Vec<_>>()
    };
    let files = [of(&folder), of(&folder.join("guarantees"))].concat();
    let mut n_policies = 0;
    for file in files {
        let set: PolicySet = fs::read_to_string(&file).unwrap().parse().unwrap();
        for policy in set.policies() {
            n_policies += 1;
            let id = policy.annotation("id").unwrap();
            for sentence in SENTENCES {
                let Some(base) = policy.annotation(sentence).filter(|text| !text.is_empty()) else { continue };
                let dutch = policy.annotation(format!("{sentence}_nl")).unwrap_or_default();
                assert!(!dutch.is_empty() && dutch != base, "{id} has no @{sentence}_nl");
                assert_eq!(base.ends_with('.'), dutch.ends_with('.'), "{id}: {dutch}");
            }
            assert!(policy.annotation("title_nl").is_some(), "{id} has no @title_nl");
        }
    }
    assert!(n_policies > 400, "{n_policies}");
}

fn changed(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// The schema with one more type of record, the gate if it is kept, and no policy but one that lets all employees consult it.
fn with_a_new_system(attributes: &str, keeps_the_gate: bool) -> tempfile::TempDir {
    let folder = folder();
    let copy = copied_policies(folder.path());
    for entry in fs::read_dir(&copy).unwrap().chain(fs::read_dir(copy.join("guarantees")).unwrap()) {
        let path = entry.unwrap().path();
        let is_kept = path.ends_with("guarantees/systems.cedar") || keeps_the_gate && path.ends_with("gate.cedar");
        if path.extension().is_some_and(|it| it == "cedar") && !is_kept {
            fs::remove_file(path).unwrap();
        }
    }
    let schema = copy.join("schema.cedarschema");
    let entity = format!("@source(\"request\") entity Berth {{ {attributes} }};\n");
    changed(&schema, "    // ---- The question", &format!("    {entity}    // ---- The question"));
    changed(&schema, "Registration, Investigation,", "Berth, Registration, Investigation,");
    let open = "@id(\"harbour.consult\")\n@title(\"An employee may consult a berth.\")\npermit (principal, \
                action == Politie::Action::\"consult\", resource is Politie::Berth)\nwhen { principal.active };\n";
    fs::write(copy.join("harbour.cedar"), open).unwrap();
    folder
}

#[test]
fn no_new_type_of_record_is_without_the_gate() {
    let proven = |folder: &tempfile::TempDir, code| {
        let policies = folder.path().join("policies");
        let (out, told) = check(&run(["validate", "--prove", "--no-cache", policies.to_str().unwrap()]), code);
        format!("{out}{told}")
    };
    for attributes in ["level: Level", "@values(\"harbour\") system: String"] {
        let told = proven(&with_a_new_system(attributes, false), 3);
        assert!(told.contains("guarantee::broken") && told.contains("guarantee.every-system-has-a-gate"), "{told}");
        proven(&with_a_new_system(attributes, true), 0);
    }
}

#[test]
fn a_misspelt_system_does_not_validate() {
    for (file, from, to, code) in [
        ("directory/accounts.json", "\"bvh\": {", "\"bvhh\": {", "directory::invalid"),
        ("profiles/patrol.json", "\"meos\": {", "\"mios\": {", "directory::invalid"),
        ("bvh.cedar", "context.purpose == \"8\"", "principal.hasTag(\"bvhh\")", "policy::unknown-attribute"),
    ] {
        let folder = folder();
        let copy = copied_policies(folder.path());
        changed(&copy.join(file), from, to);
        let (_, told) = check(&run(["validate", copy.to_str().unwrap()]), 3);
        let told = told.replace("\n  │ ", " ");
        let meant = if to.contains("mios") { "did you mean `meos`?" } else { "did you mean `bvh`?" };
        assert!(told.contains(code) && told.contains(meant), "{told}");
    }
}

#[test]
fn a_missing_approver_is_an_error_and_counts_as_none() {
    let folder = folder();
    let copy = copied_policies(folder.path());
    let accounts = copy.join("directory/accounts.json");
    let text = fs::read_to_string(&accounts).unwrap();
    // Everyday, and above level 2 by two that nobody has.
    let alone =
        text.replacen("\"approved_by\": {\"type\": \"Politie::Officer\", \"id\": \"officer-0016\"}", APPROVED, 1);
    let alone = alone.replacen("\"tasks\": [\"8\", \"9\"], \"level\": 2", "\"tasks\": [\"8\", \"9\"], \"level\": 3", 1);
    fs::write(&accounts, alone).unwrap();
    let (_, told) = check(&run(["validate", copy.to_str().unwrap()]), 3);
    assert!(told.contains("directory::unknown-reference") && told.contains("officer-9998"), "{told}");
    let question = r#"{"subject": {"type": "Officer", "id": "officer-0001"}, "action": {"name": "consult"}, "resource": {
        "type": "Registration", "id": "r", "properties": {"unit": "station-north-1", "level": 1, "subjects_are_staff": false,
        "first_processed": "2026-11-20T00:00:00Z"}}, "context": {"purpose": "8", "justification": "Report"}}"#;
    let file = folder.path().join("question.json");
    fs::write(&file, question).unwrap();
    let asked = |policies: &Path, code| {
        let arguments = ["evaluate", "--policies", policies.to_str().unwrap(), file.to_str().unwrap()];
        check(&run(arguments), code).0
    };
    asked(&policies(), 0);
    assert!(asked(&copy, 2).contains("gate.authorisation"));
}

const APPROVED: &str = "\"approved_by\": {\"type\": \"Politie::Officer\", \"id\": \"officer-9998\"}, \
                        \"second_approved_by\": {\"type\": \"Politie::Officer\", \"id\": \"officer-9999\"}";
