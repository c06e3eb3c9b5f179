//! Pages in a real browser, without a network.

use super::folder;
use std::{fs, path::Path, process::Command};

/// What a browser made of a page.
pub struct Shown {
    /// The document after its script ran.
    pub html: String,
    /// What it said on its console: errors of scripts and refused loads.
    pub console: Vec<String>,
}

/// Opens a file in headless Chromium, in which no name resolves. `fragment` is what follows `#`.
pub fn open(page: &Path, fragment: &str) -> Shown {
    let url = format!("file://{}{}{fragment}", page.display(), if fragment.is_empty() { "" } else { "#" });
    let (html, console) = run(&["--dump-dom", &url]);
    Shown { html: String::from_utf8(html).unwrap(), console }
}

/// The same in a window of this width, when its scripts have ended.
pub fn open_wide(page: &Path, width: usize) -> Shown {
    let size = format!("--window-size={width},1000");
    let (html, console) =
        run(&["--dump-dom", "--virtual-time-budget=60000", &size, &format!("file://{}", page.display())]);
    Shown { html: String::from_utf8(html).unwrap(), console }
}

/// The page on paper, as PDF.
pub fn print(page: &Path, into: &Path) {
    let into = format!("--print-to-pdf={}", into.display());
    run(&[&into, "--no-pdf-header-footer", &format!("file://{}", page.display())]);
}

/// What headless Chromium prints, and what pages said on its console.
fn run(arguments: &[&str]) -> (Vec<u8>, Vec<String>) {
    let profile = folder();
    // Installed by `tests/run`.
    let output = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-extensions", "--disable-background-networking", "--enable-logging=stderr", "--v=0"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let console = told.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (output.stdout, console)
}

/// Checks that a page is complete in itself: it names nothing to load, and a browser runs it without a word.
pub fn check_page(page: &Path) -> Shown {
    let text = fs::read_to_string(page).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>"), "{}", &text[..100.min(text.len())]);
    assert!(text.contains("Content-Security-Policy"), "no policy of its own");
    for outside in ["http:", "https:", "src=", "@import", "url(", "<link", "<iframe", "<img"] {
        assert!(!text.contains(outside), "the page has {outside}");
    }
    let shown = open(page, "");
    assert_eq!(shown.console, Vec::<String>::new());
    assert!(shown.html.contains("</footer>"), "the page is not whole");
    shown
}
