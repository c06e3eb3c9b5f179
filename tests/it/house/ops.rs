//! The files of operators: alerts fire when they must, say what is to be done, and name metrics that exist; the dashboard too.

use super::docs::{resolve, rows};
use crate::support::{folder, repository};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path, process::Command};

#[track_caller]
fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").current_dir(repository()).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("promtool: {error}; tests/run installs it"));
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{told}");
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(repository().join(path)).unwrap()).unwrap()
}

fn rules() -> Vec<Value> {
    yaml("ops/alerts.yaml")["groups"][0]["rules"].as_array().unwrap().clone()
}

/// The metrics that an expression names, without what Prometheus adds to a histogram.
fn named(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words = words.filter(|word| ["poort_", "process_"].iter().any(|start| word.starts_with(start)));
    words.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
}

#[track_caller]
fn exist(what: &Value, expression: &str) {
    let unknown: Vec<_> = named(expression).difference(&rows()).cloned().collect();
    assert!(unknown.is_empty(), "{what}: there is no {unknown:?}");
}

#[test]
fn each_alert_fires_on_its_own_cause() {
    promtool(&["test", "rules", "ops/tests.yaml"]);
    let tests = yaml("ops/tests.yaml");
    let tested: BTreeSet<_> =
        tests["tests"].as_array().unwrap().iter().map(|test| test["name"].clone().to_string()).collect();
    for rule in rules() {
        assert!(tested.contains(&rule["alert"].to_string()), "{} has no test in ops/tests.yaml", rule["alert"]);
    }
}

#[test]
fn each_alert_says_what_to_do() {
    for rule in rules() {
        let (alert, said) = (&rule["alert"], &rule["annotations"]);
        let text = |name: &str| said[name].as_str().unwrap_or_else(|| panic!("{alert} has no {name}"));
        assert!(text("summary").contains("$labels.instance"), "{alert}: which one?");
        assert!(text("action").ends_with('.'), "{alert}");
        resolve(Path::new("README.md"), text("runbook")).unwrap_or_else(|why| panic!("{alert}: {why}"));
        exist(alert, rule["expr"].as_str().unwrap());
    }
}

#[test]
fn each_panel_of_the_dashboard_asks_for_what_there_is() {
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(repository().join("ops/dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    let mut places = BTreeSet::new();
    let mut recorded = Vec::new();
    for panel in panels {
        let (title, place) = (&panel["title"], &panel["gridPos"]);
        let number = |name: &str| place[name].as_u64().unwrap();
        for x in number("x")..number("x") + number("w") {
            for y in number("y")..number("y") + number("h") {
                assert!(x < 24 && places.insert((x, y)), "{title} is over another panel, or outside");
            }
        }
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            exist(title, expression);
            assert!(!named(expression).is_empty() && expression.contains("$instance"), "{title}: {expression}");
            recorded.push(
                expression.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$instance", ".*"),
            );
        }
    }
    assert!(recorded.len() > 20);
    // Prometheus reads each of them.
    let rules: Vec<_> =
        recorded.iter().map(|expression| serde_json::json!({"record": "panel", "expr": expression})).collect();
    let folder = folder();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string()).unwrap();
    promtool(&["check", "rules", "--lint=none", file.to_str().unwrap()]);
}
