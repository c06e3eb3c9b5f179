//! `poort matrix`: each cell holds for all questions of its kind, as the engine decides them.

mod groups;
mod reach;
mod since;
mod suites;
mod yearly;

use crate::support::{check, check_page, folder, open, run};
use jiff::tz::TimeZone;
use poort::{
    pdp::{
        Clock,
        engine::{self, UnknownEntities},
    },
    review::matrix::{Access, Filter, Matrix, Part, matrix},
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
};
use serde_json::{Value, json};
use std::fs;

const SCHEMA: &str = r#"
    entity Group;
    entity User in [Group] { name: String, active: Bool, until: datetime, level: Long };
    @source("request") entity Doc { level: Long, open: Bool };
    type Question = { why?: String, pdp: { today: datetime } };
    action read, write appliesTo { principal: User, resource: Doc, context: Question };
"#;

const ACCOUNTS: &str = r#"[
    {"uid": {"type": "Group", "id": "chiefs"}, "attrs": {}, "parents": []},
    {"uid": {"type": "User", "id": "ann"}, "parents": [{"type": "Group", "id": "chiefs"}],
     "attrs": {"name": "=Ann", "active": true, "until": "2026-12-31", "level": 3}},
    {"uid": {"type": "User", "id": "bob"}, "parents": [],
     "attrs": {"name": "Bob <b>", "active": true, "until": "2030-12-31", "level": 9223372036854775807}}
]"#;

fn snapshot(policies: &str) -> Snapshot {
    snapshot_of(SCHEMA, ACCOUNTS, policies)
}

fn snapshot_of(schema: &str, accounts: &str, policies: &str) -> Snapshot {
    let sources = Sources {
        policies: policy::Sources::from_texts("p", [("schema.cedarschema", schema), ("a.cedar", policies)]),
        directory: directory::Sources::from_texts("d", [("accounts.json", accounts)]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    snapshot.unwrap_or_else(|| panic!("{problems:?}"))
}

fn rights(policies: &str, day: &str) -> Matrix {
    matrix(&snapshot(policies), day, &Filter::default(), &|_, _| ()).unwrap()
}

fn cell<'a>(matrix: &'a Matrix, account: &str, action: &str) -> &'a Access {
    let account = matrix.accounts.iter().find(|found| found.id == account).unwrap();
    &account.cells[&("Doc".to_owned(), action.to_owned())]
}

fn ids(parts: &[Part]) -> Vec<&str> {
    parts.iter().map(|part| part.policy.id.as_str()).collect()
}

#[test]
fn a_cell_is_always_never_or_under_conditions() {
    let matrix = rights(
        r#"@id("chief") permit (principal in Group::"chiefs", action == Action::"read", resource);
           @id("open") permit (principal, action == Action::"read", resource) when { resource.open && principal.active };
           @id("level") forbid (principal, action == Action::"read", resource) when { resource.level > principal.level };"#,
        "2026-11-23",
    );
    let Access::Under { permits, forbids } = cell(&matrix, "ann", "read") else { panic!("{matrix:?}") };
    assert_eq!((ids(permits), ids(forbids)), (vec!["chief", "open"], vec!["level"]));
    assert_eq!(permits[0].conditions, Vec::<String>::new());
    assert_eq!(permits[1].conditions, ["resource.open"]);
    assert_eq!(forbids[0].conditions, ["resource.level > 3"]);
    let Access::Under { permits, .. } = cell(&matrix, "bob", "read") else { panic!("{matrix:?}") };
    assert_eq!(ids(permits), ["open"]);
    assert_eq!(*cell(&matrix, "ann", "write"), Access::Never { forbids: Vec::new() });

    let matrix = rights("@id(\"all\") permit (principal, action, resource);", "2026-11-23");
    let Access::Always { permits } = cell(&matrix, "bob", "write") else { panic!("{matrix:?}") };
    assert_eq!(ids(permits), ["all"]);
}

#[test]
fn a_placement_counts_as_on_the_day() {
    let policies = r#"@id("all") permit (principal, action, resource);
        @id("ended") forbid (principal, action, resource) when { context.pdp.today > principal.until };"#;
    assert_eq!(cell(&rights(policies, "2026-12-31"), "ann", "read").word(), "always");
    let matrix = rights(policies, "2027-01-01");
    let Access::Never { forbids } = cell(&matrix, "ann", "read") else { panic!("{matrix:?}") };
    assert_eq!(ids(forbids), ["ended"]);
    assert_eq!(cell(&matrix, "bob", "read").word(), "always");
}

#[test]
fn a_fallible_policy_is_a_condition() {
    let matrix = rights(
        r#"@id("all") permit (principal, action, resource);
           @id("sum") forbid (principal, action == Action::"read", resource) when { principal.level + 1 < 0 };
           @id("open") forbid (principal, action == Action::"write", resource) when { resource.level + 1 < 0 && false };"#,
        "2026-11-23",
    );
    assert_eq!(cell(&matrix, "ann", "read").word(), "always");
    let Access::Never { forbids } = cell(&matrix, "bob", "read") else { panic!("{matrix:?}") };
    assert_eq!(ids(forbids), ["sum"]);
    assert_eq!(cell(&matrix, "ann", "write").word(), "conditions");
}

#[test]
fn a_policy_reading_a_missing_entity_is_a_condition() {
    let schema = r#"entity Team in [Folder] { leader: Officer };
        entity Officer in [Folder, Team] { active: Bool, chief: Officer };
        @source("request") @parents("team") entity Folder in [Team] { team: Team };
        action read, write, lead appliesTo { principal: Officer, resource: Folder, context: {} };"#;
    let policies = r#"@id("team") permit (principal, action == Action::"read", resource)
            when { resource.team.leader == principal || principal.active };
        @id("chief") permit (principal, action == Action::"write", resource)
            when { principal.chief.active || principal.active };
        @id("lead") permit (principal in Team::"t", action == Action::"lead", resource);"#;
    let uid = |kind: &str, id: &str| json!({"type": kind, "id": id});
    let officer = |id: &str, chief: &str, parents: Value| json!({"uid": uid("Officer", id), "attrs": {"active": true, "chief": uid("Officer", chief)}, "parents": parents});
    let accounts = json!([
        officer("ann", "ann", json!([])),
        officer("bob", "nobody", json!([])),
        officer("eve", "ann", json!([uid("Folder", "f")])),
    ]);
    let sources = Sources {
        policies: policy::Sources::from_texts("p", [("schema.cedarschema", schema), ("a.cedar", policies)]),
        directory: directory::Sources::from_texts("d", [("accounts.json", accounts.to_string().as_str())]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    let snapshot = snapshot.unwrap_or_else(|| panic!("{problems:?}"));
    let matrix = matrix(&snapshot, "2026-11-23", &Filter::default(), &|_, _| ()).unwrap();
    let word = |account: &str, action: &str| {
        let account = matrix.accounts.iter().find(|found| found.id == account).unwrap();
        account.cells[&("Folder".to_owned(), action.to_owned())].word()
    };
    let moment = Clock::new(TimeZone::UTC, None).now();
    let asked = |account: &str, action: &str, team: &str| {
        let question = json!({"subject": uid("Officer", account), "action": {"name": action},
            "resource": {"type": "Folder", "id": "f", "properties": {"team": team}}});
        let limits = poort::types::authzen::Limits { depth: 16, batch: 1 };
        let evaluation = poort::types::authzen::read_evaluation(question.to_string().as_bytes(), limits).unwrap();
        let question = engine::translate(&snapshot, &evaluation, &moment, UnknownEntities::Deny).unwrap();
        engine::decide(&snapshot, &question).decision.is_allow()
    };
    // The team is missing, so the policy fails, and that denies.
    assert_eq!((word("ann", "read"), asked("ann", "read", "nobody-knows")), ("conditions", false));
    // So is the chief of the one account, and not that of the other.
    assert_eq!((word("ann", "write"), asked("ann", "write", "t")), ("always", true));
    assert_ne!((word("bob", "write"), asked("bob", "write", "t")), ("always", false));
    // The question sets the parents of the account's folder, and so the account's ancestors.
    assert_eq!((word("ann", "lead"), asked("ann", "lead", "t")), ("never", false));
    assert_eq!((word("eve", "lead"), asked("eve", "lead", "t")), ("conditions", true));
}

#[test]
fn actions_of_one_id_in_two_namespaces_have_cells_of_their_own() {
    let schema = "entity User; @source(\"request\") entity Doc { open: Bool };
        namespace A { action read, close appliesTo { principal: User, resource: Doc, context: {} }; }
        namespace B { action read appliesTo { principal: User, resource: Doc, context: {} }; }";
    let accounts = r#"[{"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": []}]"#;
    let policies = "permit (principal, action == A::Action::\"read\", resource);";
    let made = |action: &str| {
        let filter = Filter { action: action.to_owned(), ..Filter::default() };
        let matrix = matrix(&snapshot_of(schema, accounts, policies), "2026-11-23", &filter, &|_, _| ()).unwrap();
        let cells = matrix.accounts[0].cells.iter().map(|((_, action), access)| (action.clone(), access.word()));
        cells.collect::<Vec<_>>()
    };
    let (one, other) = ("A::Action::\"read\"", "B::Action::\"read\"");
    let told = |told: &[(&str, &'static str)]| -> Vec<(String, &'static str)> {
        told.iter().map(|(action, word)| ((*action).to_owned(), *word)).collect()
    };
    assert_eq!(made(""), told(&[(one, "always"), (other, "never"), ("close", "never")]));
    assert_eq!(made(other), told(&[(other, "never")]));
    assert_eq!(made("read"), told(&[(one, "always"), (other, "never")]));
}

fn written(policies: &str) -> tempfile::TempDir {
    let folder = folder();
    let directory = folder.path().join("directory");
    fs::create_dir(&directory).unwrap();
    fs::write(folder.path().join("schema.cedarschema"), SCHEMA).unwrap();
    fs::write(folder.path().join("a.cedar"), policies).unwrap();
    fs::write(directory.join("accounts.json"), ACCOUNTS).unwrap();
    folder
}

const POLICIES: &str = r#"@id("open") @title("Open <i>documents</i>.")
    permit (principal, action == Action::"read", resource) when { resource.open };
    @id("chief") @title("Chiefs write.")
    permit (principal in Group::"chiefs", action == Action::"write", resource);"#;

#[test]
fn the_table_csv_and_json_say_the_same() {
    let folder = written(POLICIES);
    let matrix = |more: &[&str]| {
        let path = folder.path().to_str().unwrap();
        let output = run([&["matrix", path, "--today", "2026-11-23"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = matrix(&["--details"]);
    assert!(table.contains("User ann  =Ann") && table.contains("◐ read  ✓ write"), "{table}");
    assert!(table.contains("read if open: Open <i>documents</i>."), "{table}");

    let groups = matrix(&["--by", "Group"]);
    assert!(groups.contains("Group chiefs  (1 account)\n  held by ann\n  Doc  write\n      by chief\n"), "{groups}");

    let json: Value = serde_json::from_str(&matrix(&["--format", "json"])).unwrap();
    let cells = json["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 4);
    assert_eq!(cells[1]["access"], "always");
    assert_eq!(
        cells[0]["permits"],
        json!([{"id": "open", "title": "Open <i>documents</i>.", "conditions": ["resource.open"]}])
    );

    let text = matrix(&["--format", "csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), cells.len());
    for (row, cell) in rows.iter().zip(cells) {
        assert_eq!(&row[2], cell["account"]["id"].as_str().unwrap());
        assert_eq!(&row[6], cell["access"].as_str().unwrap());
    }
    // A spreadsheet would run what begins with an equals sign.
    assert_eq!(&rows[0][3], "'=Ann");
    assert_eq!(matrix(&["--format", "csv", "--account", "Bob", "--action", "read"]).lines().count(), 2);
}

#[test]
fn each_cell_of_the_page_leads_to_its_conditions() {
    let folder = written(POLICIES);
    let page = folder.path().join("matrix.html");
    let (policies, file) = (folder.path().to_str().unwrap(), page.to_str().unwrap());
    let output = run(["matrix", policies, "--today", "2026-11-23", "--html", file]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = check_page(&page);
    assert!(shown.html.contains("Bob &lt;b&gt;") && !shown.html.contains("<i>documents"), "{}", shown.html);
    assert!(!shown.html.contains("<details class=\"account\" id=\"a1\" data-account=\"1\" open"), "{}", shown.html);
    let shown = open(&page, "a1-0");
    assert!(shown.html.contains("<details class=\"account\" id=\"a1\" data-account=\"1\" open"), "{}", shown.html);
    assert_eq!(shown.console, Vec::<String>::new());
}

#[test]
fn an_empty_selection_and_unreadable_files_are_reported() {
    let folder = written(POLICIES);
    let path = folder.path().to_str().unwrap();
    for nothing in
        [["--account", "nobody"], ["--account", "Other::ann"], ["--resource", "Other"], ["--action", "rea d"]]
    {
        check(&run([&["matrix", path][..], &nothing].concat()), 64);
    }
    let (_, told) = check(&run(["matrix", path, "--resource", "Doc::1"]), 64);
    assert!(told.contains("--resource takes a type; `poort explain` is about one record"), "{told}");
    fs::write(folder.path().join("a.cedar"), "permit (principal, action, resource").unwrap();
    let output = run(["matrix", path]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.cedar"), "no file named");
}

#[test]
fn programs_get_a_whole_document_without_a_matrix_too() {
    let folder = written("permit (principal, action, resource");
    let path = folder.path().to_str().unwrap();
    let (json, _) = check(&run(["matrix", path, "--format", "json"]), 3);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"][0]["code"], "policy::syntax");
    let (csv, _) = check(&run(["matrix", path, "--format", "csv"]), 3);
    assert!(csv.starts_with("day,account_type,account,") && csv.lines().count() == 1, "{csv}");
}

#[test]
fn contradictory_flags_and_bad_values_are_refused() {
    let folder = written(POLICIES);
    let path = folder.path().to_str().unwrap();
    let page = folder.path().join("none/page.html");
    let (_, told) = check(&run(["matrix", path, "--html", page.to_str().unwrap()]), 1);
    assert!(told.contains("page.html: cannot be written"), "{told}");
    for more in [["--format", "csv"], ["--by", "Group"], ["--details", "--record=D"]] {
        check(&run([&["matrix", path, "--html", "page.html"][..], &more].concat()), 64);
    }
    let (_, told) = check(&run(["matrix", path, "--today", "tomorrow"]), 64);
    assert!(told.contains("this is no day; write year, month and day, as in 2027-01-01"), "{told}");
}
