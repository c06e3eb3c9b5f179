//! The HTML pages, made from the repository's own policies and opened in a real browser: they load nothing, run without
//! an error, and show their contents.

use crate::support::{check_accessible, check_page, folder, open, policies, run, violations};
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

#[test]
fn the_page_of_the_matrix_is_complete() {
    let folder = folder();
    let page = folder.path().join("matrix.html");
    let html = made(&["matrix", text(&policies()), "--account", "officer-0007", "--html", text(&page)], &page, 0);
    assert!(html.contains("officer-0007") && html.contains("summit.team") && html.contains("under conditions"));
    check_accessible(&page);
}

#[test]
fn the_page_of_the_tests_is_complete() {
    let folder = folder();
    let page = folder.path().join("coverage.html");
    let html = made(&["test", text(&policies()), "--html", text(&page)], &page, 0);
    assert!(html.contains("summit.team") && html.contains("resource.embargo"));
}

const SCHEMA: &str = r#"entity Role; entity User in [Role] { level: Long };
    @source("request") entity Doc { level: Long, open: Bool };
    action read, write appliesTo { principal: User, resource: Doc, context: {} };"#;

const SUITE: &str = r#"name: Documents
cases:
  - {name: open, subject: User::ann, action: read, resource: {type: Doc, id: d, properties: {level: 1, open: true}}, decision: allow}
  - {name: wrong, subject: User::ann, action: read, resource: {type: Doc, id: d, properties: {level: 1, open: true}}, decision: deny}
"#;

/// A small policy folder with these policies.
fn small(into: &Path, level: usize, policies: &str) -> PathBuf {
    let uid = |kind: &str, id: &str| serde_json::json!({"type": kind, "id": id});
    let directory = serde_json::json!([
        {"uid": uid("Role", "desk"), "attrs": {}, "parents": []},
        {"uid": uid("User", "ann"), "attrs": {"level": level}, "parents": [uid("Role", "desk")]},
    ]);
    for folder in ["directory", "tests"] {
        fs::create_dir_all(into.join(folder)).unwrap();
    }
    fs::write(into.join("schema.cedarschema"), SCHEMA).unwrap();
    fs::write(into.join("a.cedar"), policies).unwrap();
    fs::write(into.join("tests/a.yaml"), SUITE).unwrap();
    fs::write(into.join("directory/all.json"), directory.to_string()).unwrap();
    into.to_owned()
}

const READ: &str = r#"@id("read") @title("The desk reads.") permit (principal in Role::"desk", action == Action::"read", resource)
        when { resource.open && resource.level <= principal.level };"#;

#[test]
fn the_page_of_a_change_shows_accounts_and_lines() {
    let folder = folder();
    let before = small(&folder.path().join("before"), 1, READ);
    let after = small(&folder.path().join("after"), 1, &READ.replace("resource.open && ", ""));
    let page = folder.path().join("diff.html");
    let report = format!("html={}", page.display());
    let html = made(&["diff", text(&before), text(&after), "--no-cache", "--report", &report], &page, 5);
    for part in ["newly allowed", "1 user can now read Doc (ann; role desk).", "when { resource.level", "User", "Doc"] {
        assert!(html.contains(part), "no {part} in\n{html}");
    }
}

#[test]
fn every_page_meets_wcag_aa() {
    const MORE: &str = r#"@id("all") @title("All write.") permit (principal, action == Action::"write", resource) unless { resource.open };
        @id("limit") @title("Not the highest.") forbid (principal, action, resource) when { resource.level > 3 };"#;
    let folder = folder();
    let before = small(&folder.path().join("before"), 1, READ);
    let after = small(&folder.path().join("after"), 2, &format!("{READ}\n{MORE}"));
    let (before, after) = (text(&before), text(&after));
    let page = folder.path().join("page.html");
    let report = format!("html={}", page.display());
    made(&["matrix", after, "--since", before, "--html", text(&page)], &page, 0);
    check_accessible(&page);
    made(&["test", after, "--html", text(&page)], &page, 4);
    check_accessible(&page);
    // Changes are tried only where all cases pass.
    let passing: Vec<_> = SUITE.lines().filter(|line| !line.contains("wrong")).collect();
    fs::write(Path::new(after).join("tests/a.yaml"), passing.join("\n")).unwrap();
    made(&["test", after, "--mutate", "--html", text(&page)], &page, 4);
    check_accessible(&page);
    made(&["diff", before, after, "--no-cache", "--report", &report], &page, 5);
    check_accessible(&page);
    let broken = small(&folder.path().join("broken"), 2, "permit (principal, action, resource");
    made(&["diff", before, text(&broken), "--no-cache", "--report", &report], &page, 3);
    check_accessible(&page);
}

#[test]
fn an_inaccessible_page_is_noticed() {
    let folder = folder();
    let page = folder.path().join("page.html");
    let write = |body: &str| {
        let page_text = format!(
            "<!DOCTYPE html><html lang=en><head><title>t</title><meta name=viewport content='width=device-width'></head>\
             <body><main><h1>t</h1>{body}</main></body></html>"
        );
        fs::write(&page, page_text).unwrap();
    };
    write("<p>fine</p>");
    check_accessible(&page);
    for (body, rule) in [
        ("<p style='color: #aaa; background: #fff'>pale</p>", "color-contrast"),
        ("<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>", "scope | "),
        ("<a href='#x'></a>", "link-name"),
        (
            "<button style='width: 9px; height: 9px; padding: 0'>a</button><button style='width: 9px; height: 9px; padding: 0'>b</button>",
            "target-size",
        ),
        ("<p style='width: 2000px'>wide</p>", "reflow"),
    ] {
        write(body);
        let found = violations(&page, 600);
        assert!(found.iter().any(|line| line.starts_with(rule)), "{rule}: {found:?}");
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
