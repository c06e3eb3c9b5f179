//! The shape of the code: imports run one way.

use crate::support::repository;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What each module may use, besides what those may use. The picture of `src/lib.rs`, as data.
const MODULES: &[(&str, &[&str])] = &[
    ("shown", &[]),
    ("evaluation", &["shown"]),
    ("evidence", &[]),
    ("apart", &[]),
    ("revision", &[]),
    ("trace", &[]),
    ("moment", &[]),
    ("nearest", &[]),
    ("problem", &["shown"]),
    ("decision", &["evaluation", "revision"]),
    ("authzen", &["decision", "nearest", "trace"]),
    ("spool", &[]),
    ("telemetry", &[]),
    ("report", &["problem"]),
    ("policy", &["apart", "authzen", "nearest", "problem"]),
    ("lint", &["policy"]),
    ("conditions", &["policy"]),
    ("directory", &["policy"]),
    ("snapshot", &["directory"]),
    ("engine", &["snapshot", "moment"]),
    ("cache", &["decision"]),
    ("store", &["snapshot"]),
    ("matrix", &["snapshot", "report"]),
    ("decision_log", &["authzen", "evidence", "moment", "policy", "spool"]),
    ("shipping", &["spool"]),
    ("pdp", &["engine", "cache", "store", "decision_log", "telemetry"]),
    ("proof", &["engine"]),
    ("diff", &["proof", "report"]),
    ("admin", &["pdp"]),
    ("api", &["pdp"]),
    ("suite", &["pdp", "conditions", "report"]),
    ("replay", &["pdp"]),
    ("config", &["admin", "api", "shipping"]),
    ("commands", &["config", "diff", "lint", "matrix", "replay", "suite"]),
];

#[test]
fn imports_run_one_way() {
    let below = below();
    let mut seen = BTreeSet::new();
    for (module, path) in files(&repository().join("src")) {
        seen.insert(module.clone());
        let text = fs::read_to_string(&path).unwrap();
        let allowed = below.get(module.as_str()).unwrap_or_else(|| panic!("{module} has no layer"));
        for used in uses(&text) {
            assert!(
                used == module || allowed.contains(used.as_str()),
                "{} uses {used}, which is not below {module}",
                path.display()
            );
        }
    }
    assert_eq!(seen, below.keys().map(|module| (*module).to_owned()).collect());
}

fn below() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut below: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for &(module, direct) in MODULES {
        let mut all: BTreeSet<_> = direct.iter().copied().collect();
        for used in direct {
            all.extend(below.get(used).unwrap_or_else(|| panic!("{module} stands above {used}")));
        }
        below.insert(module, all);
    }
    below
}

/// All source files with the module that they belong to, but for `lib.rs` and `main.rs`.
fn files(source: &Path) -> Vec<(String, std::path::PathBuf)> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(source, &mut found);
    found
        .into_iter()
        .filter_map(|path| {
            let first = path.strip_prefix(source).unwrap().components().next().unwrap();
            let module = first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
            (module != "lib" && module != "main").then_some((module, path))
        })
        .collect()
}

/// The modules that a text names after `crate::`, also in a group of imports.
fn uses(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => drop(used.insert(word(rest))),
            Some(group) => {
                let mut depth = 0;
                let mut at_start = true;
                for (place, character) in group.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => at_start = true,
                        _ if at_start && character.is_alphabetic() => {
                            used.insert(word(&group[place..]));
                            at_start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    used
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}
