//! `poort account show`: what the directory says of an account, and what it can do.

use crate::support::{check, folder, policies, run};
use serde_json::Value;
use std::fs;

const SCHEMA: &str = r#"
type Exception = { level: Long, approved_by: Person, from: datetime, @not_before("from") until: datetime };
@doc("A team.") entity Team { name: String };
@doc("A profile.") entity Profile { name: String, owner: Person, until: datetime } tags { level: Long };
@doc("Who works here.")
entity Person in [Team] { name: String, profile?: Profile, placed_until?: datetime } tags Exception;
@source("request") entity File { level: Long };
action read appliesTo { principal: [Person], resource: [File], context: {} };
"#;

const DIRECTORY: &str = r#"[
  {"uid": {"type": "Team", "id": "heron"}, "attrs": {"name": "Team Heron"}, "parents": []},
  {"uid": {"type": "Profile", "id": "desk"}, "attrs": {"name": "Desk", "owner": {"type": "Person", "id": "b"},
    "until": "2027-06-30"}, "tags": {"files": {"level": 1}}, "parents": []},
  {"uid": {"type": "Person", "id": "a"}, "attrs": {"name": "A. Made-Up", "profile": {"type": "Profile", "id": "desk"},
    "placed_until": "2027-12-31"}, "tags": {
      "old": {"level": 1, "approved_by": {"type": "Person", "id": "b"}, "from": "2026-01-01", "until": "2026-02-01"},
      "files": {"level": 3, "approved_by": {"type": "Person", "id": "gone"}, "from": "2026-11-01", "until": "2027-01-31"}},
    "parents": [{"type": "Team", "id": "heron"}]},
  {"uid": {"type": "Person", "id": "b"}, "attrs": {"name": "B. Invented"}, "parents": []}
]"#;

#[test]
fn an_account_is_shown_in_the_schemas_words() {
    let folder = folder();
    let path = folder.path();
    fs::create_dir(path.join("directory")).unwrap();
    fs::write(path.join("schema.cedarschema"), SCHEMA).unwrap();
    fs::write(path.join("directory/all.json"), DIRECTORY).unwrap();
    let policy = "@id(\"own\") permit (principal, action, resource) when { principal.hasTag(\"files\") && resource.level <= principal.getTag(\"files\").level };";
    fs::write(path.join("files.cedar"), policy).unwrap();
    let show = |more: &[&str]| {
        let arguments = ["account", "show", "a", "--as-of", "2026-11-23", "--policies", path.to_str().unwrap()];
        check(&run([arguments.as_slice(), more].concat()), 0).0
    };
    let told = show(&[]);
    for part in [
        "Person a  A. Made-Up",
        "Who works here.",
        "Team heron  Team Heron",
        "profile       Profile::\"desk\"  Desk",
        "files current",
        "old ended",
        "approved_by  Person::\"gone\"",
        "tag \"files\".approved_by         Person::\"gone\"  (the directory does not know it)",
        "profile Profile::\"desk\".owner   Person::\"b\"  B. Invented",
        "What it can do",
        "◐ read",
    ] {
        assert!(told.contains(part), "no `{part}` in\n{told}");
    }
    let dutch = show(&["--lang", "nl"]);
    for part in [
        "Plaatsing",
        "files geldt",
        "old geëindigd",
        "laatste dag",
        "(niet bekend in de administratie)",
        "Rechten op",
        "◐ read",
    ] {
        assert!(dutch.contains(part), "no `{part}` in\n{dutch}");
    }
    let sheet: Value = serde_json::from_str(&show(&["--format", "json"])).unwrap();
    let days: Vec<_> = sheet["days"].as_array().unwrap().iter().map(|day| day["day"].as_str().unwrap()).collect();
    assert_eq!(days, ["2027-01-31", "2027-06-30", "2027-12-31"], "in their order, and none that is past");
    assert_eq!(sheet["can"][0]["access"], "conditions");
    let can = serde_json::json!({"resource": "File", "action": "read", "access": "conditions", "reach": "all"});
    assert_eq!(sheet["can"], serde_json::json!([can]));
    let sheet: Value = serde_json::from_str(&show(&["--format", "json", "--conditions"])).unwrap();
    assert_eq!(sheet["can"][0]["permits"][0]["conditions"], serde_json::json!(["resource.level <= 3"]));
    assert_eq!(sheet["can"][0]["reach"], "all");
    let arguments = ["account", "show", "b", "--format", "json", "--policies", path.to_str().unwrap()];
    let sheet: Value = serde_json::from_str(&check(&run(arguments), 0).0).unwrap();
    let named: Vec<_> = sheet["named_by"].as_array().unwrap().iter().map(|it| it["place"].as_str().unwrap()).collect();
    assert_eq!(named, ["owner", "tag \"old\".approved_by"]);
}

#[test]
fn a_shipped_account_is_shown_and_a_misspelt_one_refused() {
    let policies = policies();
    let policies = policies.to_str().unwrap();
    let told = check(&run(["account", "show", "officer-0007", "--policies", policies]), 0).0;
    for part in ["Politie::Officer officer-0007", "its own", "What begins and ends", "What it can do"] {
        assert!(told.contains(part), "no `{part}` in\n{told}");
    }
    let (_, refused) = check(&run(["account", "show", "oficer-0007", "--policies", policies]), 1);
    assert!(refused.contains("did you mean Politie::Officer::officer-0007?"), "{refused}");
}
