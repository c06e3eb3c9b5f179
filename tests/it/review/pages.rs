//! The HTML pages, made from the repository's own policies and opened in a real browser: they load nothing, run without
//! an error, and show their contents.

use crate::support::{check_page, copy_folder, folder, open, policies, run};
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
fn the_page_of_a_change_shows_accounts_and_lines() {
    let folder = folder();
    let (page, head) = (folder.path().join("diff.html"), changed(folder.path()));
    let report = format!("html={}", page.display());
    let html = made(&["diff", text(&policies()), text(&head), "--no-cache", "--report", &report], &page, 5);
    for part in ["newly allowed", "cas.", "[\"8\", \"9\"].contains(context.purpose)", "CrimeArea", "officer-"] {
        assert!(html.contains(&part.replace('"', "&quot;")) || html.contains(part), "no {part} in\n{html}");
    }
}

/// The one that `cargo bench --bench compare` draws with.
#[path = "../../../benches/served/picture.rs"]
mod picture;

/// Checks that a picture is complete in itself, and shows these words in a browser.
#[track_caller]
fn check_picture(path: &Path, words: &[&str]) {
    let text = fs::read_to_string(path).unwrap();
    let outside = text.replace("http://www.w3.org/2000/svg", "");
    for reference in ["http:", "https:", "href", "url(", "@import", "<script", "<image"] {
        assert!(!outside.contains(reference), "the picture has {reference}");
    }
    let shown = open(path, "");
    assert_eq!(shown.console, Vec::<String>::new());
    for word in words {
        assert!(shown.html.contains(word), "{word}");
    }
}

#[test]
fn the_picture_of_the_bench_is_complete() {
    let words = ["does nothing", "poort, cache off", "Cerbos", "calls a second", "p99", "policies", "accounts"];
    let point = |server, policies, accounts| picture::Point {
        server,
        policies,
        accounts,
        per_second: 1_000.0 + policies as f64,
        p99: 3.0 + policies as f64 / 100.0,
    };
    let points: Vec<_> = ["does nothing", "poort", "poort, cache off", "Cerbos"]
        .into_iter()
        .flat_map(|server| [(10, 100), (100, 100), (10_000, 100), (100, 100_000)].map(|(p, a)| point(server, p, a)))
        .collect();
    let folder = folder();
    let path = folder.path().join("picture.svg");
    picture::draw(&points, (100, 100), &path, "8 connections & 32 calls").unwrap();
    check_picture(&path, &words);
    check_picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare.svg"), &words);
}
