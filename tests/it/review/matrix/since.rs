//! What changed since an earlier side: what is told of accounts, groups, authorisations and rights.

use super::yearly::{last_year, matrix, page, person, this_year, written};
use crate::support::{check, folder, run};
use poort::sources::{snapshot::Sources, store::Archive};
use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn what_changed_since_a_side_is_shown() {
    let folder = folder();
    let (before, after) = (last_year(&folder.path().join("before")), this_year(&folder.path().join("after")));
    let since = before.to_str().unwrap();
    let told = matrix(&after, &["--since", since]);
    for part in [
        "3 accounts",
        "Person a  a Made-Up  changed\n  joined Role desk\n  authorisation for files: approved_by Person::\"b\" → Person::\"a\", level 1 → 3\n  \
         other conditions, may reach further: File read\n  other conditions: File peek, File write\n",
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
    for part in ["What changed since", "level 1 → 3", "may reach further", "on the same day"] {
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

/// What changed of each account, by its id.
fn changed(before: &Path, after: &Path, more: &[&str]) -> Vec<(String, Value)> {
    let json = matrix(after, &[&["--format", "json", "--since", before.to_str().unwrap()], more].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let accounts = json["changes"]["accounts"].as_array().unwrap().clone();
    accounts.into_iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one)).collect()
}

#[test]
fn an_account_that_is_there_is_not_told_as_gone() {
    let folder = folder();
    let side = |name: &str, people: &[Value]| written(&folder.path().join(name), people);
    let (clerk, tester) = (person("a", "clerk", None, Some(1), "b"), person("a", "tester", None, Some(1), "b"));
    let (before, after) = (side("clerk", std::slice::from_ref(&clerk)), side("tester", &[tester]));
    for (before, after, is_test, told) in
        [(&before, &after, true, "now a test account"), (&after, &before, false, "no test account any more")]
    {
        let [(_, account)] = &changed(before, after, &[])[..] else { panic!("not one account") };
        assert_eq!((&account["presence"], &account["became_test_account"]), (&"changed".into(), &is_test.into()));
        assert_eq!(account["rights"], Value::Array(Vec::new()));
        let text = matrix(after, &["--since", before.to_str().unwrap()]);
        assert!(text.contains(&format!("Person a  a Made-Up  changed\n  {told}\n")), "{text}");
    }
    // It left the role by which it is found.
    let with_role = side("role", &[person("a", "clerk", Some("desk"), Some(1), "b")]);
    let [(_, account)] = &changed(&with_role, &before, &["--account", "desk"])[..] else { panic!("not one account") };
    assert_eq!((&account["presence"], &account["left"][0]["id"]), (&"changed".into(), &"desk".into()));
    // A text that is an account's id on one side is not a part of other ids on the other.
    let ten = side("ten", &[person("a0", "clerk", None, Some(1), "b")]);
    let both = side("both", &[person("a0", "clerk", None, Some(1), "b"), clerk]);
    let [(id, account)] = &changed(&ten, &both, &["--account", "a"])[..] else { panic!("not one account") };
    assert_eq!((id.as_str(), &account["presence"]), ("a", &"new".into()));
    // What is gone can be asked about.
    let [(id, account)] = &changed(&both, &ten, &["--account", "a"])[..] else { panic!("not one account") };
    assert_eq!((id.as_str(), &account["presence"]), ("a", &"gone".into()));
}

#[test]
fn a_type_and_an_action_are_the_same_on_both_sides() {
    let folder = folder();
    let (before, after) = (last_year(&folder.path().join("before")), last_year(&folder.path().join("after")));
    let edit = |from: &str, to: &str| {
        let schema = fs::read_to_string(before.join("schema.cedarschema")).unwrap();
        fs::write(before.join("schema.cedarschema"), schema.replace(from, to)).unwrap();
    };
    edit("entity File in", "entity OldFile in");
    edit("resource: [File]", "resource: [OldFile]");
    let rights = |more: &[&str]| changed(&before, &after, more)[0].1["rights"].clone();
    let Value::Array(all) = rights(&["--resource", "File"]) else { panic!("no rights") };
    let changes: Vec<_> = all.iter().map(|one| (&one["record"], &one["change"])).collect();
    assert!(!changes.is_empty() && changes.iter().all(|it| *it == (&"File".into(), &"gained".into())), "{changes:?}");
}
