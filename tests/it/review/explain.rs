//! `poort explain` and `poort evaluate --explain`: which condition decides, and what would allow the question.

mod engine;
mod wire;

use crate::support::{Sidecar, check, folder, run, run_with_input};
use serde_json::{Value, json};
use std::{fs, path::Path};

const SCHEMA: &str = r#"
entity Group;
entity Officer in [Group] { authorised?: { level: Long, approved_by: Officer }, active: Bool };
@source("request") entity File { level: Long, @log("omit") note?: String };
action read appliesTo { principal: [Officer], resource: [File], context: { reason?: String } };
"#;

const POLICIES: &str = r#"@id("files.gate")
@title("Nothing is done without an authorisation of this level, approved by another.")
forbid (principal, action, resource)
unless {
  principal has authorised &&
  resource.level <= principal.authorised.level &&
  principal.authorised.approved_by != principal
};

@id("files.read")
@title("Readers may read.")
permit (principal in Group::"readers", action == Action::"read", resource)
when { principal.active }
unless { resource has note && resource.note like "secret*" };
"#;

const DIRECTORY: &str = r#"[
  {"uid": {"type": "Group", "id": "readers"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Officer", "id": "none"}, "attrs": {"active": true}, "parents": [{"type": "Group", "id": "readers"}]},
  {"uid": {"type": "Officer", "id": "low"}, "attrs": {"active": true, "authorised": {"level": 1, "approved_by":
    {"type": "Officer", "id": "none"}}}, "parents": [{"type": "Group", "id": "readers"}]},
  {"uid": {"type": "Officer", "id": "self"}, "attrs": {"active": true, "authorised": {"level": 4, "approved_by":
    {"type": "Officer", "id": "self"}}}, "parents": [{"type": "Group", "id": "readers"}]},
  {"uid": {"type": "Officer", "id": "other"}, "attrs": {"active": true, "authorised": {"level": 4, "approved_by":
    {"type": "Officer", "id": "none"}}}, "parents": []}
]"#;

/// A small policy folder.
fn files(into: &Path) -> String {
    let policies = into.join("policies");
    fs::create_dir_all(policies.join("directory")).unwrap();
    fs::write(policies.join("schema.cedarschema"), SCHEMA).unwrap();
    fs::write(policies.join("files.cedar"), POLICIES).unwrap();
    fs::write(policies.join("directory/all.json"), DIRECTORY).unwrap();
    policies.to_str().unwrap().to_owned()
}

fn question(subject: &str) -> Value {
    json!({
        "subject": {"type": "Officer", "id": subject}, "action": {"name": "read"},
        "resource": {"type": "File", "id": "f", "properties": {"level": 2}},
    })
}

/// What `poort explain` says of a subject that is named by flags.
fn told(policies: &str, subject: &str) -> String {
    let by = ["explain", "--policies", policies, "--subject", subject, "--action", "read"];
    let of = ["--resource", "File::\"f\"", "--property", "level=2"];
    check(&run([by.as_slice(), &of].concat()), 0).0
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn each_of_three_accounts_is_told_its_own_reason() {
    let folder = folder();
    let policies = files(folder.path());
    let none = told(&policies, "none");
    has(
        &none,
        &[
            "deny  Denied: Nothing is done",
            "✗ principal has authorised — not met",
            "files.cedar:5",
            "2 more conditions are not looked at",
        ],
    );
    has(&none, &["unless — not met: this exception does not lift the forbid"]);
    let low = told(&policies, "low");
    has(
        &low,
        &[
            "✓ principal has authorised — met",
            "✗ resource.level <= principal.authorised.level — not met",
            "files.cedar:6",
        ],
    );
    has(&low, &["resource.level = 2", "principal.authorised.level = 1"]);
    let own = told(&policies, "self");
    has(
        &own,
        &[
            "✗ principal.authorised.approved_by != principal — not met",
            "principal.authorised.approved_by = Officer::\"self\"",
        ],
    );
}

#[test]
fn what_would_allow_it_is_told_by_account_and_record() {
    let folder = folder();
    let policies = files(folder.path());
    let low = told(&policies, "low");
    has(&low, &["What would allow it (the engine decided each of these):", "by files.read: Readers may read."]);
    has(&low, &["account Officer::\"low\": authorised.level 1 → 2", "record File::\"f\": level 2 → 1"]);
    // The whole authorisation is one change: level and approver follow from the conditions.
    has(&told(&policies, "none"), &["account Officer::\"none\": authorised + {", "level: 2"]);
    let other = told(&policies, "other");
    has(
        &other,
        &["scope — not met: the policy is about others", "principal is in nothing", "also in Group::\"readers\""],
    );
    let allowed = told(&policies, "low").replace("deny", "");
    assert!(!allowed.contains("allow  Allowed"));
}

#[test]
fn nothing_small_is_said_where_no_permit_can_be_met() {
    let folder = folder();
    let policies = files(folder.path());
    fs::write(
        folder.path().join("policies/files.cedar"),
        "@id(\"never\") forbid (principal, action, resource);\n@id(\"all\") permit (principal, action, resource);",
    )
    .unwrap();
    has(
        &told(&policies, "low"),
        &["Nothing small would allow it: no set of changes does for any permit; at most 3 changes"],
    );
}

#[test]
fn an_unless_that_is_met_says_that_it_stops_the_permit() {
    let folder = folder();
    let policies = files(folder.path());
    fs::write(
        folder.path().join("policies/files.cedar"),
        POLICIES.split_once("@id(\"files.read\")").map(|(_, read)| format!("@id(\"files.read\"){read}")).unwrap(),
    )
    .unwrap();
    let mut question = question("low");
    question["resource"]["properties"]["note"] = "secret matter".into();
    let (told, _) =
        check(&run_with_input(["explain", "--policies", &policies, "-"], question.to_string().as_bytes()), 0);
    has(&told, &["permit files.read does not apply", "when — met", "unless — met: this stops the permit"]);
    // For a person with the files nothing is concealed.
    has(&told, &["resource.note = \"secret matter\"", "record File::\"f\": note − \"secret matter\""]);
    question["resource"]["properties"]["note"] = "plain".into();
    let (told, _) =
        check(&run_with_input(["explain", "--policies", &policies, "-"], question.to_string().as_bytes()), 0);
    has(&told, &["allow  Allowed", "permit files.read applies", "unless — not met: nothing here stops the permit"]);
    assert!(!told.contains("What would allow it"), "{told}");
}

/// What `poort explain` says in Dutch, with the conditions and values of the policies left out.
fn told_in_dutch(policies: &str, subject: &str) -> String {
    let by = ["explain", "--lang", "nl", "--policies", policies, "--subject", subject, "--action", "read"];
    let of = ["--resource", "File::\"f\"", "--property", "level=2"];
    check(&run([by.as_slice(), &of].concat()), 0).0
}

#[test]
fn an_explanation_is_in_dutch_where_that_is_asked() {
    let folder = folder();
    let policies = files(folder.path());
    let text = POLICIES
        .replace("another.\")", "another.\")\n@title_nl(\"Er gebeurt niets zonder autorisatie.\")")
        .replace("read.\")", "read.\")\n@title_nl(\"Lezers mogen lezen.\")");
    fs::write(folder.path().join("policies/files.cedar"), text).unwrap();
    let low = told_in_dutch(&policies, "low");
    has(
        &low,
        &[
            "deny  Geweigerd: Er gebeurt niets zonder autorisatie.",
            "forbid files.gate geldt",
            "unless — niet voldaan: deze uitzondering heft het verbod niet op",
            "✗ resource.level <= principal.authorised.level — niet voldaan",
            "nog 1 voorwaarde is niet bekeken",
            "Wat het zou toestaan",
            "volgens files.read: Lezers mogen lezen.",
            "bij account Officer::\"low\": authorised.level 1 → 2",
        ],
    );
    has(&told_in_dutch(&policies, "other"), &["scope — niet voldaan: de regel gaat over anderen", "ook in Group"]);
    for subject in ["low", "none", "self", "other"] {
        let told = told_in_dutch(&policies, subject).to_lowercase();
        for word in ["the", "and", "what", "which", "with", "not", "of these", "met", "denied", "policy"] {
            let is_there = told.split(|it: char| !it.is_alphabetic()).any(|it| it == word);
            assert!(!is_there, "`{word}` in {told}");
        }
    }
    let arguments = ["evaluate", "--lang", "nl", "--policies", &policies];
    let (answer, _) = check(&run_with_input(arguments, question("low").to_string().as_bytes()), 2);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["context"]["policies"][0]["title"], "Er gebeurt niets zonder autorisatie.");
    let (_, refused) = check(&run(["explain", "--lang", "de", "x.json"]), 64);
    assert!(refused.contains("`de` is no language of poort; the languages are en and nl"), "{refused}");
}

#[test]
fn evaluate_explains_as_explain_does() {
    let folder = folder();
    let policies = files(folder.path());
    let arguments = ["evaluate", "--explain", "--policies", &policies];
    let (_, evaluated) = check(&run_with_input(arguments, question("low").to_string().as_bytes()), 2);
    assert_eq!(evaluated.trim(), told(&policies, "low").trim());
}

#[test]
fn a_file_with_a_batch_is_explained_item_by_item() {
    let folder = folder();
    let policies = files(folder.path());
    let file = folder.path().join("questions.json");
    fs::write(&file, json!({"evaluations": [question("none"), question("low")]}).to_string()).unwrap();
    let (told, _) = check(&run(["explain", "--policies", &policies, file.to_str().unwrap()]), 0);
    has(&told, &["evaluations[0]", "evaluations[1]", "✗ principal has authorised — not met"]);
    let arguments = ["explain", "--policies", &policies, "--format", "json", file.to_str().unwrap()];
    let lines: Vec<Value> =
        check(&run(arguments), 0).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let condition = &lines[1]["explanation"]["policies"][0]["conditions"][0];
    assert_eq!((&condition["clause"], &condition["met"]), (&"unless".into(), &false.into()), "{condition}");
    assert_eq!(condition["values"][1], json!({"expression": "principal.authorised.level", "value": "1"}));
    let change = &lines[1]["remedies"]["policies"][0]["remedies"][0][0];
    assert_eq!(change["held"], "account");
}

#[tokio::test]
async fn a_record_is_explained_at_its_own_revisions() {
    let folder = folder();
    let policies = files(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    assert_eq!(sidecar.evaluate(&question("low")).await["decision"], false);
    let record = sidecar.records()[0].clone();
    let trace = record["trace_id"].as_str().unwrap().to_owned();
    let data = &sidecar.data;
    // Since then the account is authorised, and the gate is gone.
    fs::write(folder.path().join("policies/directory/all.json"), DIRECTORY.replace("\"level\": 1", "\"level\": 4"))
        .unwrap();
    let (_, read) = POLICIES.split_once("@id(\"files.read\")").unwrap();
    fs::write(folder.path().join("policies/files.cedar"), format!("@id(\"files.read\"){read}")).unwrap();
    assert!(told(&policies, "low").contains("allow  Allowed"));
    let data = data.to_str().unwrap();
    let then = ["deny  Denied: Nothing is done", "principal.authorised.level = 1", "authorised.level 1 → 2"];
    let (by_trace, _) = check(&run(["explain", "--policies", &policies, "--data", data, "--trace", &trace]), 0);
    has(&by_trace, &then);
    let arguments = ["explain", "--policies", &policies, "--data", data, "-"];
    let (piped, _) = check(&run_with_input(arguments, record.to_string().as_bytes()), 0);
    assert_eq!(piped, by_trace);
    let unknown = "0123456789abcdef0123456789abcdef";
    let (_, none) = check(&run(["explain", "--policies", &policies, "--data", data, "--trace", unknown]), 1);
    has(&none, &["no record of the trace"]);
}

#[test]
fn a_question_by_flags_says_what_is_missing() {
    let folder = folder();
    let policies = files(folder.path());
    let by = ["explain", "--policies", &policies, "--action", "read"];
    let of = |more: &[&str]| check(&run([by.as_slice(), more].concat()), 1).1;
    has(&of(&["--subject", "nobody", "--resource", "File::f"]), &["the directory does not know `nobody`"]);
    has(&of(&["--subject", "low", "--resource", "f"]), &["`f` has no type; write TYPE::ID"]);
    has(&of(&["--subject", "low", "--resource", "File::f"]), &["resource.properties.level"]);
    check(&run(["explain", "--policies", &policies]), 64);
}
