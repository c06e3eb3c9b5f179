//! The yearly review: authorisations, who can, test accounts, a part of the accounts, and the page on paper.

use crate::support::{asked_of, check, check_page, copy_folder, folder, policies, print, run};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

const SCHEMA: &str = r#"
type Exception = { level: Long, approved_by: Person, from: datetime, @not_before("from") until: datetime };
entity Role { name: String };
entity Unit { name: String };
entity Person in [Unit, Role] { name: String, unit: Unit, @test_account("tester, robot") function: String } tags Exception;
@source("request") @parents("unit") entity File in [Unit] { level: Long, unit: Unit };
action read, write appliesTo { principal: [Person], resource: [File], context: {} };
@doc("A look at it.") action peek in [read] appliesTo { principal: [Person], resource: [File], context: {} };
"#;

const POLICIES: &str = r#"
@id("files.desk") @title("The desk reads.")
permit (principal in Role::"desk", action == Action::"read", resource) when { resource.level < 3 };
@id("files.unit") @title("Who is authorised works on files of the own unit.")
permit (principal, action, resource)
when { resource in principal.unit && principal.hasTag("files") && resource.level <= principal.getTag("files").level };
"#;

pub(super) fn person(id: &str, function: &str, role: Option<&str>, level: Option<i64>, approver: &str) -> Value {
    person_of("north", id, function, role, level, approver)
}

fn person_of(unit: &str, id: &str, function: &str, role: Option<&str>, level: Option<i64>, approver: &str) -> Value {
    let uid = |kind: &str, id: &str| serde_json::json!({"type": kind, "id": id});
    let parents = [Some(uid("Unit", unit)), role.map(|role| uid("Role", role))];
    let tag = level.map(|level| {
        serde_json::json!({"files": {"level": level, "approved_by": uid("Person", approver),
        "from": "2026-01-01", "until": "2026-12-31"}})
    });
    serde_json::json!({"uid": uid("Person", id), "parents": parents.into_iter().flatten().collect::<Vec<_>>(),
        "attrs": {"name": format!("{id} Made-Up"), "unit": uid("Unit", unit), "function": function},
        "tags": tag.unwrap_or_else(|| serde_json::json!({}))})
}

/// A policy folder with these accounts.
pub(super) fn written(into: &Path, people: &[Value]) -> PathBuf {
    fs::create_dir_all(into.join("directory")).unwrap();
    fs::write(into.join("schema.cedarschema"), SCHEMA).unwrap();
    fs::write(into.join("a.cedar"), POLICIES).unwrap();
    let group = |kind: &str, id: &str| serde_json::json!({"uid": {"type": kind, "id": id}, "attrs": {"name": id}, "parents": []});
    let groups = [group("Unit", "north"), group("Unit", "south"), group("Role", "desk"), group("Role", "idle")];
    let all: Vec<_> = groups.into_iter().chain(people.iter().cloned()).collect();
    fs::write(into.join("directory/all.json"), Value::from(all).to_string()).unwrap();
    into.to_owned()
}

pub(super) fn last_year(into: &Path) -> PathBuf {
    let [a, b, old] = [
        person("a", "clerk", None, Some(1), "b"),
        person("b", "chief", None, None, ""),
        person_of("south", "old", "clerk", None, None, ""),
    ];
    written(into, &[a, b, old])
}

pub(super) fn this_year(into: &Path) -> PathBuf {
    let people = [
        person("a", "clerk", Some("desk"), Some(3), "a"),
        person("b", "chief", Some("idle"), Some(2), "nobody"),
        person_of("south", "t", "tester", Some("desk"), Some(4), "a"),
    ];
    written(into, &people)
}

#[track_caller]
pub(super) fn matrix(policies: &Path, more: &[&str]) -> String {
    let arguments = [&["matrix", policies.to_str().unwrap(), "--today", "2026-11-23"], more].concat();
    check(&run(arguments), 0).0
}

/// The page, as it is written.
#[track_caller]
pub(super) fn page(policies: &Path, into: &Path, more: &[&str]) -> String {
    matrix(policies, &[&["--html", into.to_str().unwrap()], more].concat());
    fs::read_to_string(into).unwrap()
}

#[test]
fn the_page_shows_letters_reach_and_authorisations() {
    let folder = folder();
    let file = folder.path().join("review.html");
    page(&this_year(&folder.path().join("p")), &file, &[]);
    let html = check_page(&file).html;
    for part in [
        "<b>R</b> read",
        "<b>p</b> peek<span class=\"name\"> in read</span>",
        "A look at it.",
        // What reaches all is one sign, and what reaches the own unit another.
        "<span class=\"sign all\"><span class=\"hidden\">all </span>R</span>",
        "<span class=\"sign unit\"><span class=\"hidden\">unit </span>Wp</span>",
        "<th scope=\"col\">approved by</th>",
        "bad\">the account itself</span>",
        "not in the directory",
        "<span class=\"date\">2026-12-31</span>",
    ] {
        assert!(html.contains(part), "no {part} in\n{html}");
    }
}

#[test]
fn a_matrix_is_in_dutch_where_that_is_asked() {
    let folder = folder();
    let policies = this_year(&folder.path().join("p"));
    let told = matrix(&policies, &["--lang", "nl"]);
    for part in ["Rechten op 2026-11-23", "1 testaccount weggelaten", "◐ write (eenheid)"] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let file = folder.path().join("review.html");
    page(&policies, &file, &["--lang", "nl"]);
    let html = check_page(&file).html;
    for part in [
        "lang=\"nl\"",
        "Wie wat mag op 2026-11-23",
        "<span class=\"hidden\">eenheid </span>Wp</span>",
        "bad\">het account zelf</span>",
        "function is tester of robot",
    ] {
        assert!(html.contains(part), "no {part} in\n{html}");
    }
    // What programs read is the same.
    for format in ["json", "csv"] {
        let format = ["--format", format];
        let dutch = [&format[..], &["--lang", "nl"]].concat();
        assert_eq!(matrix(&policies, &dutch), matrix(&policies, &format));
    }
}

#[test]
fn test_accounts_are_left_out_counted_and_named() {
    let folder = folder();
    let policies = this_year(&folder.path().join("p"));
    let told = matrix(&policies, &[]);
    assert!(
        told.contains("1 test account left out (Person.function is tester or robot); --with-test-accounts shows them"),
        "{told}"
    );
    assert!(!told.contains("Person t"), "{told}");
    assert!(matrix(&policies, &["--with-test-accounts"]).contains("Person t  t Made-Up"));
    // One that is named is shown, and one that is found is not.
    assert!(matrix(&policies, &["--account", "Person::t"]).contains("Person t  t Made-Up"));
    let found = matrix(&policies, &["--account", "t Made"]);
    assert!(found.contains("1 test account left out") && !found.contains("Person t"), "{found}");
    let (csv, told) = check(&run(["matrix", policies.to_str().unwrap(), "--format", "csv"]), 0);
    assert!(told.contains("1 test account left out") && !csv.contains(",t,"), "{told}");
    let html = page(&policies, &folder.path().join("review.html"), &[]);
    let (_, left_out) = html.split_once("id=\"left-out\"").unwrap();
    for part in ["1 test account left out", "function is tester or robot", "Person t", "1 type of record"] {
        assert!(left_out.contains(part), "no {part} in\n{left_out}");
    }
    let json: Value = serde_json::from_str(&matrix(&policies, &["--format", "json"])).unwrap();
    assert_eq!(json["test_accounts"]["left_out"][0]["id"], "t");
    assert_eq!(json["accounts"][0]["authorisations"][0]["parts"][2]["value"], "3");
}

#[test]
fn who_can_is_told_with_conditions_for_one_action_and_type() {
    let folder = folder();
    let told = matrix(&this_year(&folder.path().join("p")), &["--resource", "File", "--action", "write"]);
    for part in [
        "Who can write File on 2026-11-23: 2 of 2 accounts of the directory\nonly type of record `File`, action `write`\n",
        "account   name\n  Person a  a Made-Up\n",
        "under these conditions, unit records",
        "write if files.unit: Who is authorised works on files of the own unit.",
        "resource.level <= 3",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
}

#[test]
fn all_columns_fit_on_paper_with_everything_opened() {
    let folder = folder();
    let (file, paper) = (folder.path().join("review.html"), folder.path().join("review.pdf"));
    let copy = folder.path().join("p");
    copy_folder(&policies(), &copy);
    page(&copy, &file, &["--account", "officer-0021"]);
    print(&file, &paper);
    let paper = String::from_utf8_lossy(&fs::read(&paper).unwrap()).into_owned();
    let boxes: Vec<_> = paper.match_indices("/MediaBox").map(|(at, _)| &paper[at..at + 30]).collect();
    assert!(
        boxes.len() > 2 && boxes.iter().all(|it| it.starts_with("/MediaBox [0 0 84")),
        "no A4 landscape: {boxes:?}"
    );
    // The same rules on a screen as wide as the paper is between its margins: 279 mm.
    let on_screen = fs::read_to_string(&file).unwrap().replace("@media print", "@media all");
    let (columns, too_wide, closed): (usize, Vec<String>, usize) = asked_of(
        &on_screen,
        1054,
        "(async () => {
          const edge = document.documentElement.clientWidth + 1;
          const wide = [...document.querySelectorAll('table, th, td')].filter(it => it.getBoundingClientRect().right > edge);
          const cut = [...document.querySelectorAll('.overview td, .overview th')].filter(it => it.scrollWidth > it.clientWidth + 1);
          const closed = [...document.querySelectorAll('details.account .rights')].filter(it => it.getBoundingClientRect().height < 5);
          return [document.querySelectorAll('th.record').length, wide.concat(cut).map(it => it.outerHTML.slice(0, 200)), closed.length];
        })()",
    );
    assert!(columns > 40, "{columns}");
    assert_eq!((too_wide, closed), (Vec::new(), 0));
}

#[test]
fn a_report_about_a_part_says_so() {
    let folder = folder();
    let policies = this_year(&folder.path().join("p"));
    let file = folder.path().join("review.html");
    let more = ["--account", "Made-Up", "--resource", "File", "--action", "write"];
    let html = page(&policies, &file, &more);
    let words = "only account `Made-Up`, type of record `File`, action `write`";
    for part in [format!("on 2026-11-23: {words}</h1>"), format!("This page is about a part: {words}.")] {
        assert!(html.contains(&part), "no {part} in\n{html}");
    }
    assert!(html.contains("A part of the review of rights: 2 accounts"), "{html}");
    let last = page(&last_year(&folder.path().join("last")), &file, &["--account", "old", "--action", "peek"]);
    assert!(last.contains("nothing of what was asked"), "{last}");
    let told = matrix(&policies, &["--account", "a", "--action", "e"]);
    assert!(told.contains("\nonly account `a`, action `e`\n"), "{told}");
    let told = matrix(&policies, &more);
    assert!(told.contains("2 of 2 accounts that were asked for\n"), "{told}");
    assert!(page(&policies, &file, &[]).contains("on 2026-11-23</h1>"));
    let told = matrix(&policies, &["--by", "Role", "--action", "peek"]);
    assert!(
        told.contains("\nonly action `peek`\n") && told.contains("gives nothing of what was asked to them"),
        "{told}"
    );
}

#[test]
fn a_page_about_a_part_does_not_say_that_nobody_is_left_out() {
    let folder = folder();
    let policies = this_year(&folder.path().join("p"));
    let schema = fs::read_to_string(policies.join("schema.cedarschema")).unwrap();
    fs::write(policies.join("schema.cedarschema"), schema.replace("@test_account(\"tester, robot\")", "")).unwrap();
    let file = folder.path().join("review.html");
    assert!(page(&policies, &file, &[]).contains("No account is left out: the schema marks no test accounts"));
    let part = page(&policies, &file, &["--account", "Made-Up"]);
    assert!(part.contains("No account of that part is left out"), "{part}");
}

#[test]
fn who_approved_itself_is_marked_whatever_its_id() {
    let folder = folder();
    let policies = written(&folder.path().join("p"), &[person("o'a \"b\"\\", "clerk", None, Some(1), "o'a \"b\"\\")]);
    assert!(page(&policies, &folder.path().join("review.html"), &[]).contains("bad\">the account itself</span>"));
}
