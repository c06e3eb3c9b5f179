//! The reports in Dutch: nothing of the table of texts is left in English.

use super::super::{
    Changes, Filter, Matrix, Review, changes_text, gives, gives_text, html, left_out, matrix, text, who_can_text,
};
use crate::{
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        language::Language,
        texts::{english_in, matrix as texts, matrix_page},
    },
};
use serde_json::{Value, json};

const SCHEMA: &str = r#"
type Exception = { level: Long, approved_by: Person };
entity Role; entity Unit;
entity Person in [Unit, Role] { unit: Unit, @test_account("tester, robot") function: String } tags Exception;
@source("request") @parents("unit") entity File in [Unit] { level: Long, unit: Unit };
action read, write, erase appliesTo { principal: Person, resource: File, context: {} };
action peek in [read] appliesTo { principal: Person, resource: File, context: {} };
"#;

const POLICIES: &str = r#"
@id("files.desk") @title("The desk reads.") @title_nl("De balie raadpleegt.")
permit (principal in Role::"desk", action == Action::"read", resource) when { resource.level < 3 };
@id("files.all") @title("The chiefs erase.") @title_nl("De leiding vernietigt.")
permit (principal in Role::"chiefs", action == Action::"erase", resource);
@id("files.unit") @title("On files of the own unit.") @title_nl("Met dossiers van de eigen eenheid.")
permit (principal, action == Action::"write", resource) when { resource in principal.unit && principal.hasTag("files") };
@id("files.limit") @title("Not the highest.") @title_nl("Niet het hoogste.")
forbid (principal, action == Action::"write", resource) when { resource.level > 3 };
"#;

const APPLICATIONS: &str =
    "[desk]\nsubjects = [\"Person\"]\norganisations = [\"*\"]\nactions = [\"read\"]\nresources = [\"File\"]\n";

fn person(id: &str, function: &str, role: Option<&str>, level: Option<i64>) -> Value {
    let uid = |kind: &str, id: &str| json!({"type": kind, "id": id});
    // A group of all accounts narrows nothing.
    let unit = if id == "c" { "south" } else { "north" };
    let parents = [Some(uid("Unit", unit)), role.map(|role| uid("Role", role))];
    let tags = level.map(|level| json!({"files": {"level": level, "approved_by": uid("Person", "nobody")}}));
    json!({"uid": uid("Person", id), "parents": parents.into_iter().flatten().collect::<Vec<_>>(),
        "attrs": {"unit": uid("Unit", unit), "function": function}, "tags": tags.unwrap_or_else(|| json!({}))})
}

fn snapshot(people: &[Value]) -> Snapshot {
    let group = |(kind, id): (&str, &str)| json!({"uid": {"type": kind, "id": id}, "attrs": {}, "parents": []});
    let groups =
        [("Unit", "north"), ("Unit", "south"), ("Role", "desk"), ("Role", "chiefs"), ("Role", "idle")].map(group);
    let directory = Value::from([&groups, people].concat()).to_string();
    let policies = [("schema.cedarschema", SCHEMA), ("p.cedar", POLICIES), (policy::APPLICATIONS_FILE, APPLICATIONS)];
    let sources = Sources {
        policies: policy::Sources::from_texts("p", policies),
        directory: directory::Sources::from_texts("d", [("d.json", directory.as_str())]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    snapshot.unwrap_or_else(|| panic!("{problems:?}"))
}

fn made(snapshot: &Snapshot, day: &str, account: &str, resource: &str) -> Matrix {
    let filter = Filter { account: account.to_owned(), record: resource.to_owned(), ..Filter::default() };
    matrix(snapshot, day, &filter, &|_, _| ()).unwrap()
}

/// The pages, and everything for a terminal.
fn written(language: Language) -> [String; 2] {
    let before = [person("a", "clerk", None, Some(1)), person("b", "tester", None, None)];
    let before = made(&snapshot(&before), "2026-11-22", "", "");
    let people = [
        person("a", "clerk", Some("desk"), Some(2)),
        person("b", "clerk", Some("idle"), Some(2)),
        person("c", "clerk", Some("chiefs"), None),
        person("t", "tester", None, None),
    ];
    let snapshot = snapshot(&people);
    let whole = made(&snapshot, "2026-11-23", "", "");
    let part = made(&snapshot, "2026-11-23", "c", "File");
    let paint = |_, text: &str| text.to_owned();
    let (mut pages, mut texts) = (String::new(), String::new());
    for matrix in [&whole, &part] {
        let changes = Changes::between("before", &before, matrix);
        let given = gives(&snapshot, matrix, &["Role"], &|_, _| ()).unwrap();
        pages += &html(&Review { matrix, changes: Some(&changes), gives: &given }, language);
        texts.extend(left_out(matrix, language));
        texts += &text(matrix, true, language, &paint);
        texts += &changes_text(matrix, &changes, language, &paint);
        for action in ["read", "write", "erase"] {
            texts += &who_can_text(matrix, "File", action, language, &paint);
        }
        texts.extend(given.iter().map(|(kind, given)| gives_text(matrix, kind, given, language, &paint)));
    }
    [pages, texts]
}

#[test]
fn nothing_is_left_in_english_where_dutch_is_asked() {
    let [pages, texts] = written(Language::Dutch);
    let both = pages.clone() + &texts;
    for table in [texts::ALL, matrix_page::ALL] {
        let left = english_in(&both, table);
        assert!(left.is_empty(), "{left:?} in\n{both}");
    }
    assert_eq!(pages.matches("<html lang=\"nl\">").count(), 2);
    for part in ["De balie raadpleegt.", "van ${sections.length} accounts", "<span class=\"hidden\">eenheid </span>"] {
        assert!(pages.contains(part), "no {part} in\n{pages}");
    }
    for part in ["◐ write (eenheid)", "write tenzij files.limit: Niet het hoogste.", "✓ erase"] {
        assert!(texts.contains(part), "no {part} in\n{texts}");
    }
    for title in ["The desk", "The chiefs", "On files", "Not the highest"] {
        assert!(!both.contains(title), "{title} in\n{both}");
    }
}

/// Otherwise the test in Dutch would find nothing.
#[test]
fn the_reports_have_many_of_the_texts() {
    let both = written(Language::English).concat();
    for (table, least) in [(texts::ALL, 20), (matrix_page::ALL, 30)] {
        let found = english_in(&both, table);
        assert!(found.len() >= least, "{} of {}: {found:?}", found.len(), table.len());
    }
}
