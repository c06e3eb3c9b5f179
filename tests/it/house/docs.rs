//! The project's pages: their links resolve, the tests and source files that they name exist, the README is short, and every
//! metric has a row. What they show is compared with what happens in `readme`, `recipes` and `config`.

use crate::{
    sources::bundles::Place,
    support::{Authority, Exposition, Identity, Sidecar, allowed, folder, repository},
};
use poort::record::evidence::Key;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The longest README that a newcomer reads.
const README_LINES: usize = 180;
/// What Prometheus adds to the name of an instrument: its unit, and for a counter `_total`.
const SUFFIXES: [&str; 5] = ["", "_total", "_seconds", "_bytes", "_bytes_total"];

#[test]
fn every_relative_link_resolves() {
    let pages = pages();
    for page in ["README.md", "docs/operating.md", "policies/README.md"] {
        assert!(pages.contains(Path::new(page)), "{page} is not among the pages that are read: {pages:?}");
    }
    let mut broken = Vec::new();
    for page in &pages {
        let text = read(page);
        for (number, line) in lines(&text) {
            for target in links(&without_code(line)) {
                if let Err(why) = resolve(page, &target) {
                    broken.push(format!("{}:{number}: `{target}`: {why}", page.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_test_and_source_file_that_a_page_names_exists() {
    let mut missing = Vec::new();
    let mut n_tests = 0;
    for page in pages() {
        let text = read(&page);
        for (number, line) in lines(&text) {
            for span in code(line).filter(|span| span.starts_with("src/") || span.starts_with("tests/")) {
                let (path, test) = span.split_once("::").map_or((span, None), |(path, test)| (path, Some(test)));
                // A policy folder has `tests/` too.
                if !path.ends_with(".rs") {
                    continue;
                }
                let file = repository().join(path);
                n_tests += usize::from(test.is_some());
                let is_there = match test {
                    None => file.exists(),
                    Some(test) => fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {test}("))),
                };
                if !is_there {
                    missing.push(format!("{}:{number}: there is no `{span}`", page.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(n_tests > 10, "docs/security.md names a test for each promise, and {n_tests} were found");
}

#[test]
fn the_readme_is_short() {
    let count = read(Path::new("README.md")).lines().count();
    assert!(count <= README_LINES, "README.md has {count} lines, above {README_LINES}: move a part to a page in docs/");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_has_a_row_and_every_row_a_metric() {
    let rows = rows();
    let (sidecar, _authority) = with_all_parts();
    let mut exported = Exposition::of(&sidecar).await.names();
    // With `[callers]` the test itself may not ask.
    let plain = Sidecar::builder().start();
    plain.evaluate(&allowed()).await;
    exported.extend(Exposition::of(&plain).await.names());
    let missing: Vec<_> = exported.difference(&rows).collect();
    assert!(missing.is_empty(), "/metrics has what docs/operating.md has no row for: {missing:?}");
    let gone: Vec<_> = rows.difference(&exported).collect();
    assert!(gone.is_empty(), "docs/operating.md has rows for what /metrics has not: {gone:?}");
    let instruments = instruments();
    let is_of = |row: &String, instrument: &String| {
        row.strip_prefix(instrument.as_str()).is_some_and(|suffix| SUFFIXES.contains(&suffix))
    };
    for instrument in &instruments {
        assert!(rows.iter().any(|row| is_of(row, instrument)), "docs/operating.md has no row for {instrument}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_counter_is_zero_before_its_first_event() {
    let (sidecar, _authority) = with_all_parts();
    let metrics = Exposition::of(&sidecar).await;
    let counters: Vec<_> = rows().into_iter().filter(|row| row.ends_with("_total")).collect();
    assert!(counters.len() > 15, "{counters:?}");
    for counter in counters {
        assert!(!metrics.series(&counter).is_empty(), "{counter} is not there before its first event");
    }
    // With each of the values that the page names.
    let page = read(Path::new("docs/operating.md"));
    for metric in ["poort_calls_refused_total", "poort_connections_closed_total"] {
        let (_, table) = page.split_once(&format!("| `{metric}`, `reason` |")).unwrap();
        let table = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let mut documented: Vec<_> = table.map(|row| code(row).next().unwrap()).collect();
        let mut exported: Vec<_> = metrics
            .series(metric)
            .iter()
            .map(|(labels, _)| labels.split("reason=\"").nth(1).unwrap().split('"').next().unwrap())
            .collect();
        documented.sort_unstable();
        exported.sort_unstable();
        exported.dedup();
        assert_eq!(documented, exported, "{metric}");
    }
    let policies = metrics.series("poort_policy_errors_total").len() as f64;
    assert_eq!(policies, metrics.value("poort_policies", ""));
}

/// A sidecar with every part that has metrics, and the authority of its certificate.
fn with_all_parts() -> (Sidecar, (Authority, Place)) {
    let authority = Authority::new();
    let Identity { certificate, key } = authority.signs("poort");
    let ca = authority.root();
    let folder = folder();
    let policy = folder.path().join("policy");
    let witness = Key::from_seed([1; 32]).public_witness("witness.example/away");
    fs::write(&policy, format!("witness away {witness} http://127.0.0.1:1\nquorum away\n")).unwrap();
    let bundles = Place::of_the_repository();
    // The policy is read at the start.
    let sidecar = Sidecar::builder()
        .config("[ship.test]\nkind = \"json-lines\"\npath = \"lines\"\n")
        .config("[ship.collector]\nkind = \"otlp-grpc\"\nendpoint = \"https://localhost:9\"\n")
        .config(&format!("tls.ca = {ca:?}\ntls.certificate = {certificate:?}\ntls.key = {key:?}\n"))
        .config(&bundles.config(""))
        .config("[signals]\nenabled = true\n")
        .config("[callers.test]\nsocket.uid = 1\n")
        .config("[issuers.test]\nissuer = \"test\"\naudience = \"poort\"\njwks = \"keys\"\n")
        .config("algorithms = [\"ES256\"]\ntype = \"Officer\"\n")
        .config(&format!("[log.witness]\npolicy = \"{}\"\n", policy.display()))
        .start();
    (sidecar, (authority, bundles))
}

/// All Markdown files of the project, from its root.
fn pages() -> BTreeSet<PathBuf> {
    let mut git = Command::new("git");
    git.current_dir(repository()).args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"]);
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().map(PathBuf::from).filter(|page| repository().join(page).exists()).collect()
}

fn read(page: &Path) -> String {
    fs::read_to_string(repository().join(page)).unwrap()
}

/// The lines that are not in a block of code, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((number, line))
    })
}

/// What stands between backticks in a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("code")
}

/// The targets of the links and pictures in a line.
fn links(line: &str) -> Vec<String> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// Whether the target of a link on this page is there.
pub(super) fn resolve(page: &Path, target: &str) -> Result<(), &'static str> {
    if target.contains("://") {
        return Ok(());
    }
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let linked = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
    if !repository().join(&linked).exists() {
        return Err("there is no such file");
    }
    match heading {
        Some(heading) if !headings(&read(&linked)).contains(heading) => Err("the page has no such heading"),
        _ => Ok(()),
    }
}

/// The anchors of a page's headings, as GitHub and GitLab make them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let titles = lines(text).filter_map(|(_, line)| line.strip_prefix('#'));
    titles
        .map(|title| {
            let title = title.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
            let anchor: String = kept.map(|it| if it == ' ' { '-' } else { it }).collect();
            let times = seen.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        })
        .collect()
}

/// The metrics that have a row in the table of docs/operating.md.
pub(super) fn rows() -> BTreeSet<String> {
    let text = read(Path::new("docs/operating.md"));
    let (_, section) = text.split_once("\n## Every metric\n").unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = table.skip(2).map(|row| code(row).next().unwrap().to_owned()).collect();
    let names: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(names.len(), rows.len(), "a metric has two rows: {rows:?}");
    names
}

/// The names of the instruments that the source makes, with underscores.
fn instruments() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![repository().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().unwrap() == "tests" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for made in ["counter(", "gauge(", "histogram("] {
                let arguments = text.split(made).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                let names = arguments.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name.replace('.', "_"));
                found.extend(names.filter(|name| name.starts_with("poort_") || name.starts_with("process_")));
            }
        }
    }
    assert!(found.contains("poort_ship_lag") && found.contains("poort_questions"), "{found:?}");
    found
}
