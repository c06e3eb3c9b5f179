//! Writes problems in files in the forms that CI systems read.

use super::repository;
use crate::types::{
    escape,
    problem::{self, Problem},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The form in which problems are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For a terminal: source, line, column and caret.
    #[default]
    Human,
    /// For a script: one object with a list `findings`.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For GitLab merge requests: a Code Quality report.
    Gitlab,
    /// For GitHub Actions: workflow commands that become annotations.
    Github,
}

/// Writes problems in a form. `colour` counts for a terminal alone.
#[must_use]
pub fn findings(problems: &[Problem], format: Format, colour: bool) -> String {
    match format {
        Format::Human => problem::report(problems, colour),
        Format::Json => pretty(&json!({ "findings": problems.iter().map(object).collect::<Vec<_>>() })),
        Format::Sarif => pretty(&sarif(problems)),
        Format::Gitlab => pretty(&Value::Array(gitlab(problems))),
        Format::Github => problems.iter().map(github).collect(),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn severity(problem: &Problem) -> &'static str {
    if problem.is_error() { "error" } else { "warning" }
}

fn object(problem: &Problem) -> Value {
    let region = problem.region().map(|region| {
        json!({ "line": region.start.0, "column": region.start.1, "end_line": region.end.0, "end_column": region.end.1 })
    });
    json!({
        "code": problem.kind(),
        "severity": severity(problem),
        "message": problem.message(),
        "help": problem.help_text(),
        "file": problem.file(),
        "place": region,
    })
}

/// SARIF 2.1.0: a run with a rule for each kind of problem and a result for each problem.
fn sarif(problems: &[Problem]) -> Value {
    let kinds: Vec<_> = {
        let kinds: BTreeMap<_, _> = problems.iter().map(|problem| (problem.kind(), ())).collect();
        kinds.into_keys().collect()
    };
    let results: Vec<_> = problems
        .iter()
        .map(|problem| {
            let text = match problem.help_text() {
                Some(help) => format!("{}\n{help}", problem.message()),
                None => problem.message().to_owned(),
            };
            let mut location = json!({ "artifactLocation": { "uri": uri(&repository::path(problem.file())) } });
            if let (Some(region), Some(location)) = (problem.region(), location.as_object_mut()) {
                location.insert(
                    "region".to_owned(),
                    json!({
                        "startLine": region.start.0, "startColumn": region.start.1,
                        "endLine": region.end.0, "endColumn": region.end.1,
                    }),
                );
            }
            json!({
                "ruleId": problem.kind(),
                "ruleIndex": kinds.binary_search(&problem.kind()).unwrap_or_default(),
                "level": severity(problem),
                "message": { "text": text },
                "locations": [{ "physicalLocation": location }],
                "partialFingerprints": { "poort/v1": fingerprint(problem, 0) },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "poort",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": kinds.iter().map(|kind| json!({ "id": kind })).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a URI reference: SARIF 2.1.0, section 3.4.4.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn gitlab(problems: &[Problem]) -> Vec<Value> {
    let mut seen = BTreeMap::<String, usize>::new();
    problems
        .iter()
        .map(|problem| {
            // GitLab shows one finding for each fingerprint.
            let again = seen.entry(fingerprint(problem, 0)).or_default();
            let fingerprint = fingerprint(problem, *again);
            *again += 1;
            json!({
                "description": match problem.help_text() {
                    Some(help) => format!("{} ({help})", problem.message()),
                    None => problem.message().to_owned(),
                },
                "check_name": problem.kind(),
                "fingerprint": fingerprint,
                "severity": if problem.is_error() { "blocker" } else { "minor" },
                "location": {
                    "path": repository::path(problem.file()),
                    "lines": { "begin": problem.region().map_or(1, |region| region.start.0) },
                },
            })
        })
        .collect()
}

/// The same for the same problem when other lines of the file move.
fn fingerprint(problem: &Problem, again: usize) -> String {
    let mut digest = Sha256::new();
    let file = repository::path(problem.file());
    for part in [problem.kind(), &file, problem.message(), problem.snippet(), &again.to_string()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A workflow command: `::error file=…,line=…,title=…::message`.
fn github(problem: &Problem) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut line =
        format!("::{} file={}", severity(problem), property(&escape::line(&repository::path(problem.file()))));
    if let Some(region) = problem.region() {
        line.push_str(&format!(",line={},endLine={}", region.start.0, region.end.0));
        // GitHub accepts columns only for places within one line.
        if region.start.0 == region.end.0 {
            line.push_str(&format!(",col={},endColumn={}", region.start.1, region.end.1));
        }
    }
    let text = match problem.help_text() {
        Some(help) => format!("{}\n{help}", problem.message()),
        None => problem.message().to_owned(),
    };
    format!("{line},title={}::{}\n", property(problem.kind()), data(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::problem::SourceFile;

    fn problems() -> Vec<Problem> {
        let file = SourceFile { name: "a folder/é.cedar".into(), text: "first\nsecond: é, 100%\n".into() };
        vec![
            Problem::error("policy::x", &file, "a, b: 100%\nnext").at(14..16, "here").help("do this"),
            Problem::warning("policy::y", &file, "whole file"),
            Problem::warning("policy::y", &file, "whole file"),
            Problem::unreadable("policy::z", "gone.cedar", "cannot be read"),
        ]
    }

    #[test]
    fn places_count_characters_from_one() {
        let json: Value = serde_json::from_str(&findings(&problems(), Format::Json, false)).unwrap();
        assert_eq!(
            json["findings"][0]["place"],
            json!({ "line": 2, "column": 9, "end_line": 2, "end_column": 10 }),
            "{json}"
        );
        assert_eq!(json["findings"][1]["place"], Value::Null);
        assert_eq!(json["findings"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn workflow_commands_escape_what_would_end_them() {
        let text = findings(&problems(), Format::Github, false);
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some(
                "::error file=a folder/é.cedar,line=2,endLine=2,col=9,endColumn=10,title=policy%3A%3Ax::a, b: 100%25%0Anext%0Ado this"
            )
        );
        assert_eq!(lines.next(), Some("::warning file=a folder/é.cedar,title=policy%3A%3Ay::whole file"));
        assert_eq!(lines.count(), 2);
    }

    #[test]
    fn fingerprints_differ_and_stay_when_lines_move() {
        let one: Value = serde_json::from_str(&findings(&problems(), Format::Gitlab, false)).unwrap();
        let prints: std::collections::BTreeSet<_> =
            one.as_array().unwrap().iter().map(|finding| finding["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(prints.len(), 4);
        let moved = SourceFile { name: "a folder/é.cedar".into(), text: "\n\nfirst\nsecond: é, 100%\n".into() };
        let moved = Problem::error("policy::x", &moved, "a, b: 100%\nnext").at(16..18, "here").help("other words");
        assert_eq!(fingerprint(&moved, 0), fingerprint(&problems()[0], 0));
    }

    #[test]
    fn sarif_names_each_rule_once() {
        let sarif: Value = serde_json::from_str(&findings(&problems(), Format::Sarif, false)).unwrap();
        let run = &sarif["runs"][0];
        assert_eq!(
            run["tool"]["driver"]["rules"],
            json!([{"id": "policy::x"}, {"id": "policy::y"}, {"id": "policy::z"}])
        );
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20folder/%C3%A9.cedar");
        assert_eq!(place["region"], json!({"startLine": 2, "startColumn": 9, "endLine": 2, "endColumn": 10}));
    }
}
