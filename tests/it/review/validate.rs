//! `poort validate`: lints, the forms that CI reads, and folders that are broken in other ways.

mod misspelt;
mod obligations;
mod reason_user;
mod translations;

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
fn ci_systems_know_files_from_the_root_of_the_repository() {
    let folder = small("permit (");
    fs::create_dir(folder.path().join(".git")).unwrap();
    let inner = folder.path().join("rules/police");
    fs::create_dir_all(&inner).unwrap();
    for name in ["schema.cedarschema", "a.cedar", "directory"] {
        fs::rename(folder.path().join(name), inner.join(name)).unwrap();
    }
    let form = |form: &str| check(&validate(&inner.join("../police"), &["--format", form]), 3).0;
    let gitlab: Value = serde_json::from_str(&form("gitlab")).unwrap();
    assert_eq!(gitlab[0]["location"]["path"], "rules/police/a.cedar");
    let sarif: Value = serde_json::from_str(&form("sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "rules/police/a.cedar");
    assert!(form("github").starts_with("::error file=rules/police/a.cedar,"), "{}", form("github"));
}

#[test]
fn a_valid_folder_has_an_empty_report_in_every_form() {
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
fn warnings_fail_only_if_they_are_denied() {
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
fn types_show_a_policy_that_never_applies() {
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
fn unreadable_input_is_reported_with_its_file() {
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
fn broken_links_are_reported_and_not_skipped() {
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

/// The findings as `code file:line: help`, without the folder.
fn findings(folder: &Path) -> Vec<String> {
    let output = validate(folder, &["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let line = |finding: &Value| {
        let file = finding["file"].as_str().unwrap();
        let file = Path::new(file).strip_prefix(folder).unwrap_or(Path::new("")).display().to_string();
        let line = finding["place"]["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
        format!("{} {file}{line}: {}", finding["code"].as_str().unwrap(), finding["help"].as_str().unwrap_or_default())
    };
    json["findings"].as_array().unwrap().iter().map(line).collect()
}

#[track_caller]
fn finds(folder: &Path, expected: &[&str]) {
    let found = findings(folder);
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(it, start)| it.starts_with(start));
    assert!(same, "{found:#?}");
}

#[test]
fn unread_files_that_look_like_sources_are_reported() {
    let folder = small(GOOD);
    let write = |name: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, GOOD.replace("@id(\"a\")", &format!("@id(\"{name}\")"))).unwrap();
    };
    for name in ["README.md", "notes.txt", ".hidden.ceder", "accepted.yaml", "more/picture.png"] {
        write(name);
    }
    finds(folder.path(), &[]);
    for name in ["b.ceder", "c.cedar.txt", "d.CEDAR", "more/e.cedar", "more/still/f.cedar", "guarantee/g.cedar"] {
        write(name);
    }
    for name in ["directory/more/h.json", "directory/i.jsn", "l.link.json"] {
        write(name);
    }
    finds(
        folder.path(),
        &[
            "folder::not-read b.ceder: let its name end in .cedar",
            "folder::not-read c.cedar.txt: let its name end in .cedar",
            "folder::not-read d.CEDAR: let its name end in .cedar",
            "folder::not-read directory/i.jsn: let its name end in .json",
            "folder::not-read directory/more/h.json: move it up",
            "folder::not-read guarantee: name it `guarantees`",
            "folder::not-read l.link.json: let its name end in .links.json",
            "folder::not-read more/e.cedar: move it up",
            "folder::not-read more/still/f.cedar: move it up",
        ],
    );
    let (_, told) = check(&validate(folder.path(), &[]), 0);
    assert!(told.contains("b.ceder: is not read: its name does not end in `.cedar`"), "{told}");
}

#[test]
fn an_unread_file_is_reported_with_its_consequences() {
    let folder = small("@id(\"a\")\npermit (");
    fs::rename(folder.path().join("schema.cedarschema"), folder.path().join("schema.cedarshema")).unwrap();
    let found = findings(folder.path()).join("\n");
    assert!(found.contains("schema::missing") && found.contains("folder::not-read schema.cedarshema"), "{found}");
}

#[test]
fn an_empty_folder_and_an_unlinked_template_are_reported() {
    let folder = small(GOOD);
    fs::remove_file(folder.path().join("a.cedar")).unwrap();
    finds(folder.path(), &["policy::none : write policies"]);
    let folder = small(&GOOD.replace("principal,", "principal == ?principal,"));
    finds(folder.path(), &["policy::not-linked a.cedar:1: name who"]);
}

#[test]
fn a_missing_entity_is_reported_with_a_suggestion() {
    let folder = small(&GOOD.replace("principal,", "principal == User::\"officer-0070\",").replace(
        "resource);",
        "resource)\nwhen { [User::\"ann\", User::\"officer-0007\"].contains(principal) || resource == Doc::\"d\" };",
    ));
    // An empty directory is not compared with.
    finds(folder.path(), &[]);
    let account =
        |id: &str| format!(r#"{{"uid": {{"type": "User", "id": "{id}"}}, "attrs": {{"level": 1}}, "parents": []}}"#);
    let accounts = format!("[{}, {}]", account("officer-0007"), account("officer-0009"));
    fs::write(folder.path().join("directory/a.json"), accounts).unwrap();
    finds(
        folder.path(),
        &[
            "policy::unknown-entity a.cedar:3: did you mean User::\"officer-0007\"?",
            "policy::unknown-entity a.cedar:4: correct the name, or add it",
            "policy::unknown-entity a.cedar:4: correct the name, or add it",
        ],
    );
}

#[test]
fn an_entity_in_a_link_is_looked_for_too() {
    let folder = small(&GOOD.replace("principal,", "principal == ?principal,"));
    let links = "[\n{\"template_id\": \"a\", \"link_id\": \"l\", \"args\": {\"?principal\": \"User::\\\"u\\\"\"}}]";
    fs::write(folder.path().join("l.links.json"), links).unwrap();
    let account = r#"[{"uid": {"type": "User", "id": "v"}, "attrs": {"level": 1}, "parents": []}]"#;
    fs::write(folder.path().join("directory/a.json"), account).unwrap();
    finds(folder.path(), &["policy::unknown-entity l.links.json:2: correct the name"]);
}

#[test]
fn vacuous_guarantees_are_reported() {
    let folder = small(GOOD);
    let guarantees = folder.path().join("guarantees");
    fs::create_dir(&guarantees).unwrap();
    let guarantee = |scope: &str, condition: &str| {
        format!("@id(\"g\")\n@title(\"G.\")\nforbid ({scope})\nwhen {{ {condition} }};\n")
    };
    let write = |text: String| fs::write(guarantees.join("g.cedar"), text).unwrap();
    // To forbid what no policy permits yet is a good guarantee against a later policy.
    write(guarantee("principal, action == Action::\"write\", resource", "resource.level > 1"));
    finds(folder.path(), &[]);
    write(guarantee("principal, action, resource", "principal == resource"));
    finds(folder.path(), &["guarantee::vacuous guarantees/g.cedar:1: mend the types"]);
    write(guarantee("principal, action, resource", "resource.level > 1 // \u{202e}\n"));
    fs::write(folder.path().join("a.cedar"), GOOD.replace("permit", "forbid")).unwrap();
    finds(
        folder.path(),
        &["text::invisible guarantees/g.cedar:4", "guarantee::vacuous guarantees/g.cedar:1: check that"],
    );
}

#[test]
fn lookalike_letters_and_invisible_characters_are_reported() {
    // A Cyrillic letter; and a one that looks like an l.
    let with = |id: &str, title: &str| GOOD.replace("\"a\"", &format!("\"{id}\"")).replace("Everyone reads.", title);
    let folder =
        small(&[with("p\u{430}trol", "A."), with("bvh.l", "B."), with("bvh.1", "C."), with("één", "D.")].concat());
    finds(folder.path(), &["text::confusable a.cedar:1: type the id anew", "text::confusable a.cedar:7: choose an id"]);
    let account = r#"[{"uid": {"type": "User", "id": "ann\u202e"}, "attrs": {"level": 1}, "parents": []}]"#;
    fs::write(folder.path().join("directory/a.json"), account).unwrap();
    fs::write(folder.path().join("a.cedar"), GOOD).unwrap();
    finds(folder.path(), &["text::invisible directory/a.json:1: delete it"]);
    check(&validate(folder.path(), &[]), 0);
}

#[test]
fn a_proof_allows_for_missing_entities() {
    let folder = small("@id(\"a\")\n@title(\"A.\")\npermit (principal, action, resource);\n");
    let schema = "entity User { level: Long };
        @source(\"request\") entity Doc { owner: User };
        action read appliesTo { principal: User, resource: Doc };";
    fs::write(folder.path().join("schema.cedarschema"), schema).unwrap();
    fs::create_dir(folder.path().join("guarantees")).unwrap();
    // Every user has a level; one that the directory does not know has nothing.
    let guarantee =
        "@id(\"g\")\n@title(\"G.\")\nforbid (principal, action, resource)\nunless { resource has owner.level };\n";
    fs::write(folder.path().join("guarantees/g.cedar"), guarantee).unwrap();
    let (_, told) = check(&validate(folder.path(), &["--prove"]), 3);
    assert!(told.contains("guarantee::broken"), "{told}");
}

#[test]
fn a_wrong_call_in_dead_code_is_reported() {
    for (condition, call) in [
        ("false && ip(\"::1\").isMulticast(ip(\"::1\"))", "isMulticast"),
        ("resource.level > 1 || (false && decimal(\"1\", \"2\") == decimal(\"1.0\"))", "decimal"),
        ("if false then ip(\"::1\").isInRange() else resource.level > 1", "isInRange"),
    ] {
        let other = GOOD.replace("\"a\"", "\"b\"");
        let policy = GOOD.replace(";", &format!("\nwhen {{ {condition} }};"));
        let folder = small(&format!("{other}{policy}"));
        let output = validate(folder.path(), &["--format", "json"]);
        assert_eq!(output.status.code(), Some(3));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap();
        let [finding] = findings.iter().filter(|it| it["severity"] == "error").collect::<Vec<_>>()[..] else {
            panic!("{json}")
        };
        assert_eq!(
            (&finding["code"], finding["place"]["line"].as_u64()),
            (&"policy::invalid".into(), Some(7)),
            "{json}"
        );
        assert!(finding["message"].as_str().unwrap().contains(call), "{json}");
        assert!(finding["place"]["column"].as_u64().unwrap() > 5, "{json}");
    }
}
