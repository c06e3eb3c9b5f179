//! `poort validate`: findings beyond mistakes, in the forms that CI reads, and folders that are broken in other ways.

use crate::support::{check, copied_policies, folder, run};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink, path::Path, process::Output};

fn validate(policies: &Path, more: &[&str]) -> Output {
    run([&["validate", policies.to_str().unwrap()], more].concat())
}

/// A small folder of its own: a schema, one policy file, no accounts.
fn small(policies: &str) -> tempfile::TempDir {
    let folder = folder();
    let schema = "entity User { level: Long }; entity Doc { level: Long };
        action read, write appliesTo { principal: User, resource: Doc };";
    fs::write(folder.path().join("schema.cedarschema"), schema).unwrap();
    fs::write(folder.path().join("a.cedar"), policies).unwrap();
    fs::create_dir(folder.path().join("directory")).unwrap();
    folder
}

fn kinds(folder: &Path) -> (Option<i32>, Vec<String>) {
    let output = validate(folder, &["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let kinds = findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    (output.status.code(), kinds)
}

const GOOD: &str =
    "@id(\"a\")\n@title(\"Everyone reads.\")\npermit (principal, action == Action::\"read\", resource);\n";

#[test]
fn every_form_names_file_line_code_and_what_to_do() {
    let folder = small(&GOOD.replace("read\", resource)", "raed\", resource)"));
    let file = folder.path().join("a.cedar");
    let name = file.to_str().unwrap();
    let form = |form: &str| check(&validate(folder.path(), &["--format", form]), 3).0;

    let json: Value = serde_json::from_str(&form("json")).unwrap();
    let finding = &json["findings"][0];
    assert_eq!(finding["code"], "policy::invalid");
    assert_eq!((finding["file"].as_str(), finding["place"]["line"].as_u64()), (Some(name), Some(3)), "{json}");
    assert!(finding["help"].as_str().unwrap().contains("read"), "{json}");

    let sarif: Value = serde_json::from_str(&form("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((result["ruleId"].as_str(), result["level"].as_str()), (Some("policy::invalid"), Some("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], name);
    assert_eq!(place["region"]["startLine"], 3);

    let gitlab: Value = serde_json::from_str(&form("gitlab")).unwrap();
    assert_eq!(gitlab[0]["location"]["path"], name);
    assert_eq!(gitlab[0]["location"]["lines"]["begin"], 3);
    assert_eq!(gitlab[0]["fingerprint"].as_str().unwrap().len(), 64);

    let github = form("github");
    assert!(github.starts_with(&format!("::error file={name},line=3,endLine=3,col=")), "{github}");

    let (out, told) = check(&validate(folder.path(), &[]), 3);
    assert_eq!(out, "");
    assert!(told.contains("a.cedar:3:") && told.contains("policy::invalid") && told.contains("help:"), "{told}");
}

#[test]
fn a_good_folder_has_an_empty_report_in_every_form() {
    let folder = small(GOOD);
    for (form, expected) in [("json", "{\n  \"findings\": []\n}\n"), ("gitlab", "[]\n"), ("github", "")] {
        let (out, told) = check(&validate(folder.path(), &["--format", form]), 0);
        assert_eq!(out, expected);
        assert!(told.contains("valid: 1 policies"), "{told}");
    }
    let sarif: Value = serde_json::from_str(&check(&validate(folder.path(), &["--format", "sarif"]), 0).0).unwrap();
    assert_eq!(sarif["runs"][0]["results"], Value::Array(Vec::new()));
}

#[test]
fn warnings_are_shown_and_do_not_fail_unless_they_are_denied() {
    let folder = small(&GOOD.replace("@title(\"Everyone reads.\")\n", ""));
    assert_eq!(kinds(folder.path()), (Some(0), vec!["policy::no-title".to_owned()]));
    let (_, told) = check(&validate(folder.path(), &["--deny-warnings"]), 3);
    assert!(told.contains("no @title"), "{told}");
}

#[test]
fn what_looks_like_something_else_is_found() {
    // A Cyrillic letter that looks like a Latin one, and a character that turns the order of what follows.
    let folder = small(&format!(
        "{GOOD}// reversed \u{202e} text\n@id(\"b\") @title(\"B.\")\nforbid (principal == User::\"\u{430}dmin\", action, resource);\n"
    ));
    let (code, kinds) = kinds(folder.path());
    assert_eq!(code, Some(3));
    assert_eq!(kinds, ["policy::warning", "text::invisible"]);
}

#[test]
fn a_policy_that_can_never_apply_is_found_by_its_types() {
    let folder = small(&GOOD.replace("resource);", "resource)\nwhen { principal == resource };"));
    assert_eq!(kinds(folder.path()), (Some(0), vec!["policy::warning".to_owned()]));
}

#[test]
fn one_id_in_two_files_names_both() {
    let folder = small(GOOD);
    fs::write(folder.path().join("b.cedar"), GOOD).unwrap();
    let (_, told) = check(&validate(folder.path(), &[]), 3);
    assert!(
        told.contains("policy::duplicate-id") && told.contains("b.cedar:1:") && told.contains("/a.cedar"),
        "{told}"
    );
}

#[test]
fn an_empty_folder_a_missing_brace_and_bytes_that_are_no_text_are_said_with_their_file() {
    let empty = folder();
    let (_, told) = check(&validate(empty.path(), &[]), 3);
    assert!(told.contains("schema.cedarschema"), "{told}");

    let folder = small("@id(\"a\")\npermit (principal, action, resource)\nwhen { true ;\n");
    let (_, told) = check(&validate(folder.path(), &[]), 3);
    assert!(told.contains("a.cedar:3:"), "{told}");

    fs::write(folder.path().join("a.cedar"), b"permit (principal, action, resource); // \xff").unwrap();
    let (_, told) = check(&validate(folder.path(), &[]), 3);
    assert!(told.contains("a.cedar") && told.contains("not UTF-8") && told.contains("offset 41"), "{told}");
}

#[test]
fn links_that_lead_nowhere_are_said_and_not_passed_over() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    symlink("round.cedar", policies.join("round.cedar")).unwrap();
    symlink("more.json", policies.join("directory/more.json")).unwrap();
    symlink("..", policies.join("directory/up")).unwrap();
    let (_, told) = check(&validate(&policies, &[]), 3);
    assert!(told.contains("round.cedar") && told.contains("more.json"), "{told}");
    assert_eq!(told.matches("cannot be read").count(), 2, "{told}");
}

#[test]
fn templates_are_checked_with_their_links() {
    let folder = small(
        "@id(\"t\")\n@title(\"One person reads.\")\npermit (principal == ?principal, action == Action::\"read\", resource);\n",
    );
    let links = |args: &str| format!("[{{\"template_id\": \"t\", \"link_id\": \"l\", \"args\": {args}}}]");
    let file = folder.path().join("l.links.json");
    fs::write(&file, links("{\"?principal\": \"User::\\\"u\\\"\"}")).unwrap();
    assert_eq!(kinds(folder.path()), (Some(0), Vec::new()));
    fs::write(&file, links("{}")).unwrap();
    assert_eq!(kinds(folder.path()), (Some(3), vec!["links::invalid".to_owned()]));
    // A document that asks: valid, and without any effect.
    fs::write(&file, links("{\"?principal\": \"Doc::\\\"d\\\"\"}")).unwrap();
    assert_eq!(kinds(folder.path()), (Some(0), vec!["policy::warning".to_owned()]));
}
