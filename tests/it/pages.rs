//! The pages for people, made from the repository's own policies and opened in a real browser: they load nothing, run
//! without an error, and show what they are about.

use crate::support::{check_page, copy_folder, folder, policies, run};
use std::{
    fs,
    path::{Path, PathBuf},
};

#[track_caller]
fn made(arguments: &[&str], page: &Path, code: i32) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    check_page(page).html
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The repository's policies with one permit that asks one thing less.
fn changed(into: &Path) -> PathBuf {
    let head = into.join("head");
    copy_folder(&policies(), &head);
    let file = head.join("cas.cedar");
    let before = fs::read_to_string(&file).unwrap();
    let after = before.replacen("context.purpose == \"8\"", "[\"8\", \"9\"].contains(context.purpose)", 1);
    assert_ne!(before, after);
    fs::write(file, after).unwrap();
    head
}

#[test]
fn the_page_of_the_matrix_is_complete() {
    let folder = folder();
    let page = folder.path().join("matrix.html");
    let html = made(&["matrix", text(&policies()), "--account", "officer-0007", "--html", text(&page)], &page, 0);
    assert!(html.contains("officer-0007") && html.contains("summit.team") && html.contains("under conditions"));
}

#[test]
fn the_page_of_the_tests_is_complete() {
    let folder = folder();
    let page = folder.path().join("coverage.html");
    let html = made(&["test", text(&policies()), "--html", text(&page)], &page, 0);
    assert!(html.contains("summit.team") && html.contains("resource.embargo"));
}

#[test]
fn the_page_of_a_change_is_complete_and_shows_who_with_which_line() {
    let folder = folder();
    let (page, head) = (folder.path().join("diff.html"), changed(folder.path()));
    let report = format!("html={}", page.display());
    let html = made(&["diff", text(&policies()), text(&head), "--no-cache", "--report", &report], &page, 5);
    for part in ["newly allowed", "cas.", "[\"8\", \"9\"].contains(context.purpose)", "CrimeArea", "officer-"] {
        assert!(html.contains(&part.replace('"', "&quot;")) || html.contains(part), "no {part} in\n{html}");
    }
}
