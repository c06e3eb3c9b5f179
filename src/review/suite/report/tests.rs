//! The reports in Dutch: nothing of the table of texts is left in English.

use super::{Results, coverage_lines, html, human, mutation_lines};
use crate::{
    pdp::{Clock, conditions, engine::UnknownEntities},
    review::suite::{Coverage, Runner, Suite, mutate, read_file},
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
    },
    types::{
        language::Language,
        problem::SourceFile,
        texts::{english_in, suite as texts},
    },
};
use jiff::tz::TimeZone;

const SCHEMA: &str = r#"
entity User { active: Bool, level: Long };
@source("request") entity Doc { level: Long };
action read, write appliesTo { principal: User, resource: Doc, context: {} };
"#;

const POLICIES: &str = r#"
@id("read") @title("The active read.") @title_nl("Wie actief is, raadpleegt.") @obligation("hide") @advice("Ask first.")
permit (principal, action == Action::"read", resource) when { principal.active && resource.level <= principal.level };
@id("write") @title("Some write.") @title_nl("Sommigen schrijven.")
permit (principal, action == Action::"write", resource) when { [1, 2].contains(resource.level) }; // poort: equivalent, because eigen keuze
"#;

const GUARANTEES: &str = r#"
@id("never") @title("Never the highest.") @title_nl("Nooit het hoogste.")
forbid (principal, action, resource) when { resource.level > 9 };
@id("active") @title("Only the active.") @title_nl("Alleen wie actief is.")
forbid (principal, action == Action::"read", resource) unless { principal.active };
"#;

const ACCOUNTS: &str = r#"[
    {"uid": {"type": "User", "id": "ann"}, "attrs": {"active": true, "level": 2}, "parents": []},
    {"uid": {"type": "User", "id": "bob"}, "attrs": {"active": false, "level": 2}, "parents": []}
]"#;

const PASSING: &str = "
  - {name: low, subject: User::ann, action: read, resource: {type: Doc, id: d, properties: {level: 1}}, decision: allow}
  - {name: passive, subject: User::bob, action: read, resource: {type: Doc, id: d, properties: {level: 1}}, decision: deny}
";

const FAILING: &str = "
  - {name: low, note: Why., subject: User::ann, action: read, resource: {type: Doc, id: d, properties: {level: 1}}, decision: deny,
     policies: [], obligations: [], advice: []}
  - {name: high, subject: User::ann, action: read, resource: {type: Doc, id: d, properties: {level: 3}}, decision: allow, policies: 1}
  - {name: odd, subject: User::ann, action: read, resource: {type: Doc, id: d, properties: {level: x}}, decision: allow}
  - {name: unasked, subject: User::nobody, action: read, resource: {type: Doc, id: d, properties: {level: 1}}, decision: deny}
";

fn snapshot(policies: &str) -> Snapshot {
    let sources = Sources {
        policies: policy::Sources::from_texts("p", [("schema.cedarschema", SCHEMA), ("p.cedar", policies)]),
        directory: directory::Sources::from_texts("d", [("d.json", ACCOUNTS)]),
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    snapshot.unwrap_or_else(|| panic!("{problems:?}"))
}

fn suite(name: &str, cases: &str) -> Suite {
    let file = SourceFile { name: format!("{name}.yaml").into(), text: format!("name: {name}\ncases:{cases}").into() };
    let mut problems = Vec::new();
    read_file(&file, &mut problems).unwrap_or_else(|| panic!("{problems:?}"))
}

/// The pages, and everything for a terminal.
fn written(language: Language) -> [String; 2] {
    let (snapshot, guarantees) = (snapshot(POLICIES), snapshot(GUARANTEES));
    let clock = Clock::new(TimeZone::UTC, None);
    let conditions = conditions::of(&snapshot.policies);
    let runner = Runner::new(&snapshot, &clock, UnknownEntities::Deny, &conditions);
    let (mut pages, mut texts) = (String::new(), String::new());
    for suites in [vec![suite("Docs", PASSING)], vec![suite("Docs", PASSING), suite("Wrong", FAILING)]] {
        let ran = runner.run(suites).unwrap();
        let results = Results { ran, problems: Vec::new() };
        let coverage = Coverage::of(&conditions, &results.ran);
        let passed = mutate::all_passed(&results.ran);
        let tried = || mutate::mutate(&snapshot, &coverage, &results.ran, Some(&guarantees.policies), |_| (), || ());
        let mutation = passed.then(|| tried().unwrap());
        texts += &human(&results, language);
        texts += &coverage_lines(&coverage, language);
        texts.extend(mutation.as_ref().map(|mutation| mutation_lines(mutation, language)));
        pages += &html(&results, &coverage, mutation.as_ref(), language);
    }
    [pages, texts]
}

#[test]
fn nothing_is_left_in_english_where_dutch_is_asked() {
    let [pages, told] = written(Language::Dutch);
    let both = pages.clone() + &told;
    let left = english_in(&both, texts::ALL);
    assert!(left.is_empty(), "{left:?} in\n{both}");
    assert_eq!(pages.matches("<html lang=\"nl\">").count(), 2);
    for part in ["Nooit het hoogste.", "nooit bekeken", "verwacht deny, gekregen allow", "permit read geldt"] {
        assert!(pages.contains(part), "no {part} in\n{pages}");
    }
    for part in [
        "1 testset: 2 geslaagd\n",
        "✗ Wrong  ",
        "toelichting: Why.",
        "verwacht deny, gekregen allow. Toegestaan: Wie actief is, raadpleegt.",
        "waarborgen: 1 van 2 in een testgeval geschonden",
        "ontbreekt: een geval",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    // The text of the policies, which the page shows, has titles in both languages.
    assert!(!told.contains("The active") && !both.contains("Never the highest"), "{both}");
}

/// Otherwise the test in Dutch would find nothing.
#[test]
fn the_reports_have_many_of_the_texts() {
    let found = english_in(&written(Language::English).concat(), texts::ALL);
    assert!(found.len() >= 30, "{} of {}: {found:?}", found.len(), texts::ALL.len());
}
