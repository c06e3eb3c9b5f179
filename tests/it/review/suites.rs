//! `poort test`: suites that pass, fail or cannot be read, their coverage, and mutations that they notice.
//!
//! The policies here are small and this file's own, so that nothing depends on those of the repository.

mod form;
mod mutation;
mod watch;

use crate::support::{check, folder, repository, run};
use jiff::Timestamp;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};
use tempfile::TempDir;

const SCHEMA: &str = r#"
entity Unit;
entity Officer in [Unit] { active: Bool, level: Long, unit: Unit };
@source("request")
@parents("unit")
entity Record in [Unit] { unit: Unit, level: Long, made: datetime };
@source("request")
entity Note { level: Long };
type Asked = { purpose: String, order?: String, pdp: { today: datetime } };
action read appliesTo { principal: [Officer], resource: [Record, Note], context: Asked };
action write appliesTo { principal: [Officer], resource: [Record], context: Asked };
"#;

const POLICIES: &str = r#"// What is allowed.
@id("read")
@title("An active officer may read records up to the own level.")
@obligation("keep the number of the order")
@advice("Read no more than is needed.")
permit (
  principal,
  action == Action::"read",
  resource is Record
)
when { principal.active && resource.level <= principal.level };

@id("old")
@title("After thirty days a record is closed.")
forbid (principal, action, resource is Record)
when { context.pdp.today > resource.made.offset(duration("30d")) };
"#;

const ACCOUNTS: &str = r#"[
  {"uid": {"type": "Unit", "id": "north"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Officer", "id": "ann"}, "attrs": {"active": true, "level": 2, "unit": {"type": "Unit", "id": "north"}},
   "parents": [{"type": "Unit", "id": "north"}]},
  {"uid": {"type": "Officer", "id": "bob"}, "attrs": {"active": false, "level": 2, "unit": {"type": "Unit", "id": "north"}},
   "parents": []}
]"#;

/// Every rule of [`POLICIES`] is held by a case of this.
const SUITE: &str = r#"name: Records
today: 2026-11-23
subjects:
  ann: Officer::ann
  bob: {type: Officer, id: bob}
resources:
  record: {type: Record, id: r-1, properties: {unit: north, level: 2, made: 2026-11-01}}
  higher: [record, {level: 3}]
  thirty: [record, {made: 2026-10-24}]
  old: [record, {made: 2026-10-23}]
contexts:
  daily: {purpose: "8"}
cases:
  - name: up to the own level
    context: daily
    table:
      - {subject: ann, action: read, resources: [record, thirty], decision: allow, policies: [read],
         obligations: [{id: read, type: custom, properties: {obligation: keep the number of the order}}],
         advice: [Read no more than is needed.]}
      - {subjects: [ann, bob], action: read, resource: higher, decision: deny, policies: []}
  - name: only who is active
    subject: bob
    action: read
    resource: record
    context: daily
    decision: deny
    policies: []
  - name: nobody writes
    note: Writing is done elsewhere.
    subject: ann
    action: write
    resource: record
    context: daily
    decision: deny
    policies: []
  - name: notes are not records
    subject: ann
    action: read
    resource: {type: Note, id: n, properties: {level: 1}}
    context: daily
    decision: deny
    policies: []
  - name: not after thirty days
    subject: ann
    actions: [read, write]
    resource: old
    context: [daily, {order: o-1}]
    decision: deny
    policies: [old]
"#;

/// A policy folder.
struct Folder {
    _folder: TempDir,
    path: PathBuf,
}

impl Folder {
    /// With the policies of this file and these suites.
    fn with(suites: &[(&str, &str)]) -> Self {
        let folder = folder();
        let path = folder.path().join("policies");
        let written = Self { _folder: folder, path };
        written.write("schema.cedarschema", SCHEMA);
        written.write("p.cedar", POLICIES);
        written.write("directory/accounts.json", ACCOUNTS);
        for (name, text) in suites {
            written.write(&format!("tests/{name}"), text);
        }
        written
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path.join(name)).unwrap();
        assert!(text.contains(from), "{from} is not in {name}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn test(&self, more: &[&str]) -> Output {
        run([&["test", self.path.to_str().unwrap()], more].concat())
    }

    /// What is written to standard output and standard error.
    #[track_caller]
    fn check(&self, more: &[&str], code: i32) -> (String, String) {
        check(&self.test(more), code)
    }
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

// ---- passing ----

#[test]
fn a_suite_that_passes_is_one_line() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    let (out, told) = folder.check(&[], 0);
    assert_eq!(out, "✓ Records  9 passed\n1 suite: 9 passed\n");
    assert_eq!(told, "");
    let by_flag = run(["test", "--policies", folder.path.to_str().unwrap()]);
    assert_eq!(by_flag.status.code(), Some(0));
}

#[test]
fn results_are_in_dutch_where_that_is_asked() {
    let folder = Folder::with(&[("records.yaml", &SUITE.replace("policies: [old]", "policies: [read]"))]);
    let page = folder.path.join("page.html");
    let dutch = ["--lang", "nl", "--coverage", "--html", page.to_str().unwrap()];
    let (out, _) = folder.check(&dutch, 4);
    has(
        &out,
        &["7 geslaagd, 2 mislukt", "verwacht de bepalende regels read, gekregen old", "dekking ", "2 van 2 (100,0 %)"],
    );
    has(&fs::read_to_string(&page).unwrap(), &["lang=\"nl\"", "Tests van de regels", "Mislukte gevallen"]);
    // What programs read is the same.
    for format in ["json", "junit"] {
        let [english, dutch] = ["en", "nl"].map(|tag| folder.check(&["--lang", tag, "--format", format], 4).0);
        assert_eq!(english, dutch);
    }
}

#[test]
fn the_day_of_a_case_is_a_local_day() {
    let suite = SUITE.replace("today: 2026-11-23", "now: 2026-11-23T22:59:59Z");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    folder.check(&[], 0);
    folder.edit("tests/records.yaml", "22:59:59Z", "23:00:00Z");
    has(&folder.check(&[], 4).0, &["ann read thirty", "got deny. Denied: After thirty days a record is closed."]);
    // A case's own day beats the suite's.
    folder.edit(
        "tests/records.yaml",
        "  - name: up to the own level",
        "  - name: up to the own level\n    today: 2026-11-23",
    );
    folder.check(&[], 0);
}

#[test]
fn cases_are_selected_by_their_whole_name_and_listed() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    assert_eq!(folder.check(&["--filter", "BOB read"], 0).0, "✓ Records  2 passed\n1 suite: 2 passed\n");
    assert_eq!(folder.check(&["--filter", "records / nobody*"], 0).0, "✓ Records  1 passed\n1 suite: 1 passed\n");
    let (out, told) = folder.check(&["--filter", "nothing like it"], 64);
    assert_eq!(out, "");
    has(&told, &["no case fits --filter"]);
    let (out, _) = folder.check(&["--list", "--filter", "thirty days"], 0);
    assert_eq!(
        out,
        "Records / not after thirty days / ann read old\nRecords / not after thirty days / ann write old\n"
    );
    // A suite that cannot be read may hold what was meant.
    folder.write("tests/broken.yaml", "name: broken\ncases: [\n");
    let (_, told) = folder.check(&["--filter", "nothing"], 3);
    has(&told, &["suite::syntax", "tests/broken.yaml:2:"]);
}

// ---- failing ----

#[test]
fn a_failed_case_shows_expectation_answer_and_deciding_condition() {
    let suite = SUITE.replace("resource: higher, decision: deny, policies: []", "resource: higher, decision: allow");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    let (out, _) = folder.check(&[], 4);
    let line = 1 + suite.lines().position(|line| line.contains("resource: higher")).unwrap();
    has(
        &out,
        &[
            "✗ Records  7 passed, 2 failed",
            "✗ up to the own level: ann read higher",
            &format!("tests/records.yaml:{line}\n"),
            "expected allow, got deny. Denied: no policy permits this.",
            "permit read does not apply\n        true   principal.active",
            "false  resource.level <= principal.level  (",
            "p.cedar:11)",
            "1 suite: 7 passed, 2 failed",
        ],
    );
    assert!(!out.contains("forbid old"), "says nothing about it:\n{out}");
}

#[test]
fn what_determines_the_decision_is_compared_exactly() {
    for (from, to, expected) in [
        ("policies: [read]", "policies: []", "expected the determining policies none, got read"),
        ("policies: [old]", "policies: []", "expected the determining policies none, got old"),
        ("[{id: read, type: custom, properties:", "[{id: read, type: step-up, properties:", "to be of type step-up"),
        ("{obligation: keep the", "{obligation: burn the", "the obligation read has other properties"),
        (
            "obligations: [{id: read, type: custom, properties: {obligation: keep the number of the order}}]",
            "obligations: []",
            "expected the obligations none, got read",
        ),
        (
            "[Read no more than is needed.]",
            "[Read all.]",
            "expected the advice Read all., got Read no more than is needed.",
        ),
        ("decision: deny\n    policies: [old]", "decision: allow\n    policies: [old]", "expected allow, got deny"),
        (
            "decision: deny\n    policies: [old]",
            "decision: deny\n    errors: [old]",
            "expected the policies that fail to evaluate old, got none",
        ),
        ("decision: deny\n    policies: [old]", "decision: invalid", "expected invalid, got deny"),
    ] {
        assert!(SUITE.contains(from), "{from}");
        let folder = Folder::with(&[("records.yaml", &SUITE.replacen(from, to, 1))]);
        has(&folder.check(&[], 4).0, &[expected]);
    }
}

#[test]
fn policies_that_fail_to_evaluate_must_be_expected() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    let broken = "@id(\"sum\") @title(\"t\") forbid (principal, action == Action::\"write\", resource) \
                  when { resource.level + 9223372036854775807 > 3 };";
    folder.write("q.cedar", broken);
    let (out, _) = folder.check(&[], 4);
    has(
        &out,
        &[
            "expected the policies that fail to evaluate none, got sum; sum: integer overflow",
            "forbid sum cannot be evaluated",
        ],
    );
    folder.edit("tests/records.yaml", "note: Writing is done elsewhere.", "errors: [sum]");
    folder.edit("tests/records.yaml", "    policies: [old]", "    policies: [old]\n    errors: [sum]");
    folder.edit("tests/records.yaml", "actions: [read, write]", "actions: [write]");
    folder.check(&[], 0);
}

// ---- mistakes in suites ----

#[test]
fn an_unexpected_unknown_account_is_a_mistake() {
    let suite = SUITE.replace("bob: {type: Officer, id: bob}", "bob: Officer::bobb");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    let (out, told) = folder.check(&[], 3);
    has(&told, &["does not know the subject Officer::\"bobb\"", "did you mean Officer::\"bob\"", "records.yaml:"]);
    has(&out, &["7 passed, 2 could not be asked"]);
    folder.edit(
        "tests/records.yaml",
        "  - name: only who is active",
        "  - name: only who is active\n    unknown: true",
    );
    folder.edit("tests/records.yaml", "subjects: [ann, bob]", "subjects: [ann]");
    folder.check(&[], 0);
    folder.edit("tests/records.yaml", "  - name: nobody writes", "  - name: nobody writes\n    unknown: true");
    has(&folder.check(&[], 3).1, &["the directory knows all that the question names"]);
}

#[test]
fn a_case_may_be_about_policies_whose_time_is_over() {
    let late = "@id(\"late\")\n@title(\"Late policies let nobody write.\")\n\
                forbid (principal, action == Action::\"write\", resource) when { context.pdp.policies == \"late\" };\n\
                @id(\"write\")\n@title(\"Who is active writes.\")\n\
                permit (principal, action == Action::\"write\", resource) when { principal.active };\n";
    let suite = "today: 2026-11-23\ncases:\n  - name: writing\n    subject: Officer::ann\n    action: write\n    \
                 resource: {type: Record, id: r-1, properties: {unit: north, level: 2, made: 2026-11-01}}\n    \
                 context: {purpose: \"8\"}\n    table:\n      - {decision: allow}\n      \
                 - {late: true, decision: deny, policies: [late]}\n";
    let folder = Folder::with(&[("records.yaml", suite)]);
    folder.edit("schema.cedarschema", "pdp: { today", "pdp: { policies: String, today");
    folder.write("late.cedar", late);
    has(&folder.check(&[], 0).0, &["2 passed"]);
    folder.edit("tests/records.yaml", "late: true", "late: soon");
    has(&folder.check(&[], 3).1, &["`late` must be true or false"]);
}

#[test]
fn what_is_known_of_a_token_can_be_tried_without_one() {
    let policy = "@id(\"write\")\n@title(\"Who logged on with a key, lately.\")\n\
                  permit (principal, action == Action::\"write\", resource) when { context.pdp has token &&\n\
                  context.pdp.token has acr && context.pdp.token.acr == \"high\" &&\n\
                  context.pdp.token has amr && context.pdp.token.amr.contains(\"hwk\") && context.pdp.token has auth_time\n\
                  && context.pdp.now.durationSince(context.pdp.token.auth_time) <= duration(\"8h\") };\n";
    let suite = "now: 2026-11-23T12:00:00Z\ncases:\n  - name: writing\n    subject: Officer::ann\n    action: write\n    \
                 resource: {type: Record, id: r-1, properties: {unit: north, level: 2, made: 2026-11-01}}\n    \
                 context: {purpose: \"8\"}\n    table:\n      - {decision: deny}\n      \
                 - {token: {acr: high, amr: [hwk, pin], auth_time: 2026-11-23T05:00:00+01:00}, decision: allow}\n      \
                 - {token: {acr: high, amr: [hwk], auth_time: 2026-11-23T04:00:00+01:00}, decision: deny}\n      \
                 - {token: {acr: high}, decision: deny}\n";
    let folder = Folder::with(&[("records.yaml", suite)]);
    let token = "pdp: { now: datetime, token?: { acr?: String, amr?: Set<String>, auth_time?: datetime }, today";
    folder.edit("schema.cedarschema", "pdp: { today", token);
    folder.write("p.cedar", policy);
    has(&folder.check(&[], 0).0, &["4 passed"]);
    let question = folder.path.join("question.json");
    let record =
        json!({"type": "Record", "id": "r-1", "properties": {"unit": "north", "level": 2, "made": "2026-11-01"}});
    let asked = json!({
        "subject": {"type": "Officer", "id": "ann"}, "action": {"name": "write"}, "resource": record,
        "context": {"purpose": "8"},
    });
    fs::write(&question, asked.to_string()).unwrap();
    let (question, policies) = (question.to_str().unwrap(), folder.path.to_str().unwrap());
    let given = json!({"acr": "high", "amr": ["hwk"], "auth_time": Timestamp::now().to_string()}).to_string();
    let ask = |command: &str, more: &[&str]| run([&[command, question, "--policies", policies][..], more].concat());
    check(&ask("evaluate", &[]), 2);
    check(&ask("evaluate", &["--token", &given]), 0);
    has(&check(&ask("explain", &["--token", &given]), 0).0, &["\"hwk\""]);
    has(&check(&run(["explain", "--trace", &"1".repeat(32), "--token", &given]), 64).1, &["--token"]);
    has(&check(&ask("evaluate", &["--token", "{\"arc\": \"high\"}"]), 64).1, &["unknown field `arc`", "an example is"]);
    for (from, to, expected) in [
        ("acr: high, amr: [hwk, pin]", "arc: high", "`token` has no key `arc`"),
        ("amr: [hwk, pin]", "amr: hwk", "`amr` is a text; it must be a list"),
        ("2026-11-23T05:00:00+01:00", "noon", "`auth_time` is not a moment with an offset"),
    ] {
        folder.write("tests/records.yaml", &suite.replacen(from, to, 1));
        has(&folder.check(&[], 3).1, &[expected]);
    }
}

#[test]
fn poorts_own_context_counts_only_where_it_is_declared() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    let said = "  - name: nobody writes\n    late: true\n    token: {acr: high}";
    folder.edit("tests/records.yaml", "  - name: nobody writes", said);
    let told = folder.check(&[], 0).1;
    has(&told, &["does not declare context.pdp.policies, so", "does not declare context.pdp.token, so"]);
    folder.edit("schema.cedarschema", "pdp: { today", "pdp: { policies: String, token?: { amr?: Set<String> }, today");
    let told = folder.check(&[], 0).1;
    has(&told, &["does not declare context.pdp.token.acr, so"]);
    assert!(!told.contains("context.pdp.policies") && !told.contains("context.pdp.token, so"), "{told}");
}

#[test]
fn a_property_that_names_a_missing_entity_is_a_warning() {
    let folder = Folder::with(&[("records.yaml", &SUITE.replace("unit: north", "unit: nroth"))]);
    let (_, told) = folder.check(&[], 0);
    has(&told, &["the directory does not know Unit::\"nroth\"", "did you mean Unit::\"north\"?"]);
}

#[test]
fn an_unexpected_invalid_question_is_a_mistake() {
    let suite = SUITE.replace("properties: {level: 1}", "properties: {level: low}");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    let (_, told) = folder.check(&[], 3);
    has(&told, &["the question does not fit the schema: resource.properties.level: is a", "decision: invalid"]);
    let invalid = suite.replace(
        "properties: {level: low}}\n    context: daily\n    decision: deny\n    policies: []",
        "properties: {level: low}}\n    context: daily\n    decision: invalid",
    );
    folder.write("tests/records.yaml", &invalid);
    folder.check(&[], 0);
}

#[test]
fn an_unknown_policy_gets_a_suggestion() {
    for (from, to, parts) in [
        ("policies: [old]", "policies: [olt]", ["there is no policy `olt`", "did you mean `old`?"]),
        (
            "obligations: [{id: read",
            "obligations: [{id: raed",
            ["there is no obligation `raed`", "did you mean `read`?"],
        ),
        (
            "decision: deny\n    policies: [old]",
            "decision: deny\n    errors: [odl]",
            ["there is no policy `odl`", "`old`"],
        ),
    ] {
        let suite = SUITE.replacen(from, to, 1);
        let folder = Folder::with(&[("records.yaml", &suite)]);
        let (_, told) = folder.check(&[], 3);
        let line = 1 + suite.lines().position(|line| line.contains(to.rsplit('\n').next().unwrap())).unwrap();
        has(&told, &parts);
        has(&told, &[&format!("records.yaml:{line}:")]);
    }
}

#[test]
fn a_file_that_cannot_be_read_hides_no_other() {
    let folder = Folder::with(&[("a.yaml", "name: [\n"), ("records.yaml", SUITE)]);
    let (out, told) = folder.check(&[], 3);
    has(&told, &["a.yaml:1:"]);
    has(&out, &["✓ Records  9 passed", "1 suite: 9 passed; 1 mistake in files of suites"]);
    let report = junit(&folder.check(&["--format", "junit"], 3).0);
    assert_eq!((report.tests, report.errors, report.failures), (10, 1, 0));
}

#[test]
fn nothing_to_test_is_no_success() {
    let folder = Folder::with(&[]);
    has(&folder.check(&[], 3).1, &["there are no suites", "poort test --schema"]);
    fs::create_dir(folder.path.join("tests")).unwrap();
    has(&folder.check(&[], 3).1, &["holds no suites"]);
    folder.write("tests/empty.json", "[]");
    has(&folder.check(&[], 3).1, &["nothing was tested"]);
}

#[test]
fn no_case_runs_on_invalid_policies() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    folder.edit("p.cedar", "principal.active", "principal.activ");
    let (out, told) = folder.check(&["--format", "json"], 3);
    has(&told, &["p.cedar:11:", "no case was run"]);
    let results: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&results["outcome"], &results["summary"]["cases"]), (&"invalid".into(), &0.into()));
    assert_eq!(results["problems"][0]["place"]["line"], 11);
    let report = junit(&folder.check(&["--format", "junit"], 3).0);
    assert!(report.errors > 0);
    assert_eq!(folder.check(&[], 3).0, "", "there is no result to sum up");
}

#[test]
fn a_suite_with_refused_cases_does_not_seem_to_pass() {
    let refused = SUITE.replacen("decision: deny\n", "decision: no\n", 1);
    let folder = Folder::with(&[("records.yaml", &refused)]);
    let (out, told) = folder.check(&[], 3);
    has(&out, &["✗ Records  8 passed; 1 mistake in its file"]);
    assert_eq!(told.matches("suite::").count(), 1, "one mistake is said once: {told}");
    has(&told, &["`decision` must be allow, deny or invalid", "help: write decision: allow"]);
}

#[test]
fn a_misspelt_key_is_reported_once() {
    let folder = Folder::with(&[("records.yaml", &SUITE.replacen("decision: deny\n", "desicion: deny\n", 1))]);
    let (_, told) = folder.check(&[], 3);
    has(&told, &["did you mean `decision`?"]);
    assert_eq!(told.matches("suite::").count(), 1, "{told}");
}

#[test]
fn a_missing_folder_is_reported_once() {
    let folder = folder();
    let gone = folder.path().join("gone");
    for command in [&["test"][..], &["test", "--list"], &["validate"], &["matrix"]] {
        let (out, told) = check(&run([command, &[gone.to_str().unwrap()]].concat()), 3);
        assert_eq!((out.as_str(), told.matches("gone").count()), ("", 1), "{told}");
    }
}

// ---- forms ----

fn junit(text: &str) -> Report {
    Report::deserialize(text.as_bytes()).unwrap()
}

#[test]
fn junit_has_a_case_for_each_question_with_its_place() {
    let suite = SUITE.replace("policies: [old]", "policies: []");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    let (out, _) = folder.check(&["--format", "junit"], 4);
    let report = junit(&out);
    assert_eq!((report.tests, report.failures, report.errors), (9, 2, 0));
    let [suite_of_report] = report.test_suites.as_slice() else { panic!("one suite") };
    assert_eq!(suite_of_report.name.as_str(), "Records");
    let case = suite_of_report.test_cases.last().unwrap();
    assert_eq!(case.name.as_str(), "not after thirty days: ann write old");
    let line = 1 + suite.lines().position(|line| line.contains("name: not after")).unwrap();
    let extra = |name: &str| case.extra.iter().find(|(key, _)| key.as_str() == name).unwrap().1.as_str().to_owned();
    assert_eq!(extra("line"), line.to_string());
    assert!(extra("file").ends_with("tests/records.yaml"));
    let TestCaseStatus::NonSuccess { kind, message, description, .. } = &case.status else { panic!("{case:?}") };
    assert_eq!(*kind, NonSuccessKind::Failure);
    assert_eq!(message.as_ref().unwrap().as_str(), "expected the determining policies none, got old");
    assert!(description.as_ref().unwrap().as_str().contains("forbid old applies"));
}

#[test]
fn json_has_every_case_with_its_answer() {
    let folder = Folder::with(&[("records.yaml", &SUITE.replace("policies: [old]", "policies: []"))]);
    let results: Value = serde_json::from_str(&folder.check(&["--format", "json"], 4).0).unwrap();
    assert_eq!(results["outcome"], "failed");
    assert_eq!(results["summary"], serde_json::json!({"suites": 1, "cases": 9, "passed": 7, "failed": 2, "errors": 0}));
    let cases = &results["suites"][0]["cases"];
    assert_eq!(cases[0]["answer"]["obligations"][0]["properties"]["obligation"], "keep the number of the order");
    assert_eq!(cases[0]["answer"]["advice"][0], "Read no more than is needed.");
    assert_eq!(cases[7]["differences"][0], "expected the determining policies none, got old");
    assert_eq!(cases[7]["outcome"], "failed");
    assert!(results["policies"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!((&results["coverage"], &results["mutation"]), (&Value::Null, &Value::Null));
}

// ---- coverage ----

#[test]
fn coverage_counts_what_cedar_looks_at() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    let (out, _) = folder.check(&["--coverage", "--coverage-min", "100"], 0);
    has(&out, &["all", "2 of 2 (100.0 %)  ", "6 of 6 (100.0 %)"]);
    assert!(!out.contains("not seen"), "{out}");
    // The level of an inactive account is not evaluated.
    folder.edit("tests/records.yaml", "subjects: [ann, bob], action: read", "subjects: [bob], action: read");
    let (out, told) = folder.check(&["--coverage", "--coverage-min", "100"], 4);
    has(&out, &["not seen:", "p.cedar:11  read  never false: resource.level <= principal.level", "5 of 6 (83.3 %)"]);
    has(&told, &["coverage is below 100 %"]);
    folder.check(&["--coverage-min", "83.333333"], 0);
    folder.check(&["--coverage-min", "83.333334"], 4);
    folder.check(&["--coverage-min", "101"], 64);
}

#[test]
fn two_conditions_with_the_same_text_are_two() {
    let folder = Folder::with(&[("records.yaml", SUITE)]);
    folder.edit("p.cedar", "when { principal.active &&", "when { principal.active || principal.active } when {");
    let results: Value = serde_json::from_str(&folder.check(&["--format", "json", "--coverage"], 0).0).unwrap();
    let gaps: Vec<_> = results["coverage"]["gaps"].as_array().unwrap().iter().map(|gap| &gap["what"]).collect();
    // The second is looked at only where the first is false, and so never true.
    assert_eq!(gaps, ["never true"]);
}

#[test]
fn the_page_shows_the_policies_and_what_was_not_seen() {
    let suite = SUITE.replace("subjects: [ann, bob], action: read", "subjects: [bob], action: read");
    let suite = suite.replace("note: Writing", "note: <b>Writing").replace("policies: [old]", "policies: []");
    let folder = Folder::with(&[("records.yaml", &suite)]);
    folder.write("q.cedar", "@id(\"never\") permit (principal, action, resource is Note) when { false };");
    let file = folder.path.join("page.html");
    folder.check(&["--html", file.to_str().unwrap()], 4);
    let page = fs::read_to_string(file).unwrap();
    has(
        &page,
        &[
            "<mark class=\"true\" title=\"true in 3, false in 0 cases\"><sup>+</sup>resource.level &lt;= principal.level</mark>",
            "<mark class=\"both\"",
            "never applied",
            "not after thirty days: ann read old",
            "tests/records.yaml",
            "href=\"#policy-never\"",
            "id=\"policy-never\"",
            "Content-Security-Policy",
        ],
    );
    let (first, second) = (page.find("q.cedar</span>"), page.find("p.cedar</span>"));
    assert!(first.is_some() && second.is_some());
    assert!(!page.contains("<script") && !page.contains("<b>Writing"));
    assert_eq!(page.matches("<tr class=\"policy\"").count(), 3);
}

// ---- templates and Cedar's own tests ----

const TEMPLATE: &str = "@id(\"unit\") @title(\"t\") permit (principal in ?principal, action == Action::\"write\", \
                        resource is Record)\nwhen { resource.level < 3 };";
const LINKS: &str = r#"[{"template_id": "unit", "link_id": "unit.north", "args": {"?principal": "Unit::\"north\""}},
    {"template_id": "unit", "link_id": "unit.south", "args": {"?principal": "Unit::\"south\""}}]"#;

#[test]
fn all_links_cover_the_conditions_of_their_template() {
    let suite = SUITE.replace(
        "  - name: nobody writes",
        "  - name: writes\n    subject: ann\n    action: write\n    resources: [record]\n    context: daily\n    \
         decision: allow\n    policies: [unit.north]\n  - name: nobody writes",
    );
    let suite = suite.replace(
        "resource: record\n    context: daily\n    decision: deny\n    policies: []\n  - name: notes",
        "resource: [record, {level: 4}]\n    context: daily\n    decision: deny\n    policies: []\n  - name: notes",
    );
    let folder = Folder::with(&[("records.yaml", &suite)]);
    folder.write("q.cedar", TEMPLATE);
    folder.write("q.links.json", LINKS);
    let (out, _) = folder.check(&["--coverage"], 0);
    has(&out, &["3 of 3 (100.0 %)"]);
    assert!(!out.contains("never true: principal in ?principal"), "{out}");
    has(&folder.check(&["--mutate"], 4).0, &["resource.level < 3  becomes  resource.level < 4", "q.cedar:2  unit"]);
}

const CEDAR: &str = r#"[
  {"name": "ann reads", "request": {"principal": "Officer::\"zoe\"", "action": "Action::\"read\"", "resource": "Record::\"r\"",
    "context": {"purpose": "8", "pdp": {"today": "2026-11-23"}}},
   "entities": "zoe.entities.json", "decision": "allow", "reason": ["read"], "num_errors": 0},
  {"request": {"principal": "Officer::\"zoe\"", "action": "Action::\"write\"", "resource": "Record::\"r\"",
    "context": {"purpose": "8", "pdp": {"today": {"__extn": {"fn": "datetime", "arg": "2027-11-23"}}}}},
   "entities": "zoe.entities.json", "decision": "deny", "reason": [], "num_errors": 0}
]"#;
const ENTITIES: &str = r#"[
  {"uid": {"type": "Officer", "id": "zoe"}, "attrs": {"active": true, "level": 1, "unit": {"type": "Unit", "id": "u"}}, "parents": []},
  {"uid": {"type": "Record", "id": "r"}, "attrs": {"unit": {"type": "Unit", "id": "u"}, "level": 1, "made": "2026-11-20"}, "parents": []}
]"#;

#[test]
fn cedars_tests_run_on_their_own_entities() {
    let folder = Folder::with(&[("cedar.json", CEDAR), ("zoe.entities.json", ENTITIES)]);
    assert_eq!(folder.check(&[], 0).0, "✓ cedar  2 passed\n1 suite: 2 passed\n");
    for (from, to, code, expected) in [
        ("\"reason\": []", "\"reason\": [\"read\"]", 4, "expected read among the determining policies, got old"),
        ("\"deny\"", "\"allow\"", 4, "expected allow, got deny"),
        ("\"num_errors\": 0", "\"num_errors\": 1", 4, "expected 1 policies that fail to evaluate, got none"),
        ("Action::\\\"read\\\"", "Action::\\\"raed\\\"", 3, "raed"),
        ("\"num_errors\": 0", "\"num\": 0", 3, "unknown member `num`"),
        ("\"context\"", "\"contxt\"", 3, "unknown member `contxt`; did you mean `context`?"),
        ("zoe.entities.json", "../p.cedar", 3, "is outside of the folder of the tests"),
        ("\"reason\": [\"read\"]", "\"reason\": [\"reed\"]", 3, "did you mean `read`?"),
    ] {
        folder.write("tests/cedar.json", &CEDAR.replacen(from, to, 1));
        let (out, told) = folder.check(&[], code);
        has(&format!("{out}{told}"), &[expected]);
    }
    folder.write("tests/cedar.json", CEDAR);
    for (from, to, expected) in [
        ("\"parents\": []", "\"parents\": [], \"tag\": {}", "unknown member `tag` of the entry of Officer::\"zoe\""),
        ("\"level\": 1", "\"level\": 1.5", "`level` of Officer::\"zoe\" is 1.5"),
    ] {
        folder.write("tests/zoe.entities.json", &ENTITIES.replacen(from, to, 1));
        has(&folder.check(&[], 3).1, &[expected]);
    }
}

#[test]
fn the_schema_is_printed_for_editors() {
    let printed = run(["test", "--schema"]);
    assert_eq!(printed.status.code(), Some(0));
    let file = fs::read_to_string(repository().join("policies/poort-tests.schema.json")).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), file);
    assert!(Path::new("schemas").is_relative());
}
