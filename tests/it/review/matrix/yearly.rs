//! The yearly review: authorisations, what changed, what roles give, who can, test accounts, and the page on paper.

use crate::support::{asked_of, check, check_page, copy_folder, folder, policies, print, run};
use poort::sources::{snapshot::Sources, store::Archive};
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

fn person(id: &str, function: &str, role: Option<&str>, level: Option<i64>, approver: &str) -> Value {
    let uid = |kind: &str, id: &str| serde_json::json!({"type": kind, "id": id});
    let parents = [Some(uid("Unit", "north")), role.map(|role| uid("Role", role))];
    let tag = level.map(|level| {
        serde_json::json!({"files": {"level": level, "approved_by": uid("Person", approver),
        "from": "2026-01-01", "until": "2026-12-31"}})
    });
    serde_json::json!({"uid": uid("Person", id), "parents": parents.into_iter().flatten().collect::<Vec<_>>(),
        "attrs": {"name": format!("{id} Made-Up"), "unit": uid("Unit", "north"), "function": function},
        "tags": tag.unwrap_or_else(|| serde_json::json!({}))})
}

/// A policy folder with these accounts.
fn written(into: &Path, people: &[Value]) -> PathBuf {
    fs::create_dir_all(into.join("directory")).unwrap();
    fs::write(into.join("schema.cedarschema"), SCHEMA).unwrap();
    fs::write(into.join("a.cedar"), POLICIES).unwrap();
    let group = |kind: &str, id: &str| serde_json::json!({"uid": {"type": kind, "id": id}, "attrs": {"name": id}, "parents": []});
    let groups = [group("Unit", "north"), group("Role", "desk"), group("Role", "idle")];
    let all: Vec<_> = groups.into_iter().chain(people.iter().cloned()).collect();
    fs::write(into.join("directory/all.json"), Value::from(all).to_string()).unwrap();
    into.to_owned()
}

fn last_year(into: &Path) -> PathBuf {
    let [a, b, old] = [
        person("a", "clerk", None, Some(1), "b"),
        person("b", "chief", None, None, ""),
        person("old", "clerk", None, None, ""),
    ];
    written(into, &[a, b, old])
}

fn this_year(into: &Path) -> PathBuf {
    let people = [
        person("a", "clerk", Some("desk"), Some(3), "a"),
        person("b", "chief", Some("idle"), Some(2), "nobody"),
        person("t", "tester", Some("desk"), Some(4), "a"),
    ];
    written(into, &people)
}

#[track_caller]
fn matrix(policies: &Path, more: &[&str]) -> String {
    let arguments = [&["matrix", policies.to_str().unwrap(), "--today", "2026-11-23"], more].concat();
    check(&run(arguments), 0).0
}

#[track_caller]
fn page(policies: &Path, into: &Path, more: &[&str]) -> String {
    matrix(policies, &[&["--html", into.to_str().unwrap()], more].concat());
    check_page(into).html
}

#[test]
fn the_page_shows_letters_reach_and_authorisations() {
    let folder = folder();
    let html = page(&this_year(&folder.path().join("p")), &folder.path().join("review.html"), &[]);
    for part in [
        "<b>R</b> read",
        "<b>p</b> peek<span class=\"name\"> in read</span>",
        "A look at it.",
        // What reaches all is one sign, and what reaches the own unit another.
        "<span class=\"sign all\"><span class=\"hidden\">all </span>R</span>",
        "<span class=\"sign unit\"><span class=\"hidden\">unit </span>Wp</span>",
        "<th scope=\"col\">approved by</th>",
        "the account itself",
        "not in the directory",
        "<span class=\"date\">2026-12-31</span>",
    ] {
        assert!(html.contains(part), "no {part} in\n{html}");
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
fn what_changed_since_a_side_is_shown() {
    let folder = folder();
    let (before, after) = (last_year(&folder.path().join("before")), this_year(&folder.path().join("after")));
    let since = before.to_str().unwrap();
    let told = matrix(&after, &["--since", since]);
    for part in [
        "3 accounts",
        "Person a  a Made-Up  changed\n  joined Role desk\n  authorisation for files: approved_by Person::\"b\" → Person::\"a\", level 1 → 3\n  \
         wider: File read\n  other conditions: File peek, File write\n",
        "Person b  b Made-Up  changed\n  joined Role idle\n  authorised for files (",
        "  gained: File peek, File read, File write\n",
        "Person old  old Made-Up  gone",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let json: Value = serde_json::from_str(&matrix(&after, &["--since", since, "--format", "json"])).unwrap();
    let changed: Vec<_> = json["changes"]["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["presence"].as_str().unwrap()))
        .collect();
    assert_eq!(changed, [("a", "changed"), ("b", "changed"), ("old", "gone")]);
    let html = page(&after, &folder.path().join("review.html"), &["--since", since]);
    for part in ["What changed since", "level 1 → 3", "wider", "on the same day"] {
        assert!(html.contains(part), "no {part} in\n{html}");
    }
    // The authorisation was over on another day.
    let told = matrix(&before, &["--since", since, "--since-day", "2027-01-01"]);
    assert!(told.contains("authorisation for files: ended → current"), "{told}");
    let told = matrix(&before, &["--since", since]);
    assert!(told.contains("Changed since") && told.contains(": 0 accounts"), "{told}");
}

#[test]
fn the_earlier_side_may_be_in_the_archive() {
    let folder = folder();
    let (before, after) = (last_year(&folder.path().join("before")), this_year(&folder.path().join("after")));
    let sources = Sources::read(&before, &before.join("directory")).unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("revisions")).unwrap();
    Archive::new(data.join("revisions"), u64::MAX).keep(&sources).unwrap();
    let [policies, directory] = [sources.policies.revision(), sources.directory.revision()];
    let since = |since: &str| {
        let more = ["--since", since, "--data", data.to_str().unwrap()];
        run([&["matrix", after.to_str().unwrap(), "--today", "2026-11-23"][..], &more].concat())
    };
    let (told, _) = check(&since(&format!("archive:{policies},{directory}")), 0);
    assert!(told.contains("level 1 → 3"), "{told}");
    let (told, _) = check(&since(&format!("archive:{}", policies.short())), 0);
    assert!(told.contains("0 accounts"), "the directory is that of now:\n{told}");
    for (named, message) in [
        ("archive:abc", "`abc` is no revision; write 8 of its digits or more, as records have them"),
        ("archive:0123456789", "the archive has no revision `0123456789`"),
        ("git:", "is no revision; write git:main"),
    ] {
        let (_, told) = check(&since(named), 64);
        assert!(told.contains("--since: ") && told.contains(message), "{told}");
    }
}

#[test]
fn a_group_gives_what_its_accounts_have_by_it_alone() {
    let folder = folder();
    let told = matrix(&this_year(&folder.path().join("p")), &["--by", "Role"]);
    // What both also have by their authorisation is not of the role.
    let expected = "Role desk  desk  (1 account)\n  held by a\n  File  read\n      by files.desk\n\nRole idle  idle  (1 account)\n  held by b\n  gives nothing to them; no policy names it\n";
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn who_can_is_told_with_conditions_for_one_action_and_type() {
    let folder = folder();
    let told = matrix(&this_year(&folder.path().join("p")), &["--resource", "File", "--action", "write"]);
    for part in [
        "Who can write File on 2026-11-23: 2 of 2 accounts",
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
    page(&copy, &file, &["--account", "detectives-north"]);
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
fn a_team_gives_what_records_that_name_it_ask() {
    let folder = folder();
    let uid = |kind: &str, id: &str| serde_json::json!({"type": kind, "id": id});
    let directory = serde_json::json!([
        {"uid": uid("Team", "heron"), "attrs": {}, "parents": []},
        {"uid": uid("User", "ann"), "attrs": {}, "parents": [uid("Team", "heron")]},
    ]);
    fs::create_dir(folder.path().join("directory")).unwrap();
    let schema = "entity Team; entity User in [Team]; @source(\"request\") entity Doc { team: Team };
        action read appliesTo { principal: User, resource: Doc, context: {} };";
    fs::write(folder.path().join("schema.cedarschema"), schema).unwrap();
    let policy = "@id(\"team\") permit (principal, action, resource) when { principal in resource.team };";
    fs::write(folder.path().join("a.cedar"), policy).unwrap();
    fs::write(folder.path().join("directory/all.json"), directory.to_string()).unwrap();
    let told = matrix(folder.path(), &["--by", "Team"]);
    assert!(told.ends_with("  held by ann\n  Doc  read\n      its records by team\n"), "{told}");
}
