//! The shape of the code: imports run one way, few rooms know Cedar's insides, and tests that are cited exist.

use crate::support::repository;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Which wings each wing may use. A wing stands above all that it uses. The list of `src/lib.rs`, as data, from below.
const WINGS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("telemetry", &[]),
    ("sources", &["types"]),
    ("record", &["sources", "types"]),
    ("pdp", &["record", "sources", "telemetry", "types"]),
    ("review", &["pdp", "sources", "types"]),
    ("oversight", &["pdp", "record", "review", "sources", "types"]),
    ("api", &["pdp", "record", "sources", "telemetry", "types"]),
    ("config", &["api", "oversight", "pdp", "record", "sources", "telemetry", "types"]),
    ("server", &["api", "config", "oversight", "pdp", "record", "sources", "telemetry", "types"]),
    ("commands", &["config", "oversight", "pdp", "record", "review", "server", "sources", "telemetry", "types"]),
];

/// Which rooms of its wing each room may use, from below. The files of `config`, `server`, `telemetry` and `commands` are one room.
const ROOMS: &[(&str, &[&str])] = &[
    ("types/escape", &[]),
    ("types/suggest", &[]),
    ("types/language", &[]),
    ("types/texts", &["language"]),
    ("types/moment", &[]),
    ("types/revision", &[]),
    ("types/build", &["revision"]),
    ("types/trace", &[]),
    ("types/entity_id", &[]),
    ("types/evaluation", &["escape"]),
    ("types/problem", &["escape"]),
    ("types/decision", &["evaluation", "language", "revision", "texts", "trace"]),
    ("types/authzen", &["decision", "escape", "evaluation", "language", "suggest", "trace"]),
    ("sources/per_thread", &[]),
    ("sources/policy", &["per_thread"]),
    ("sources/directory", &["per_thread", "policy"]),
    ("sources/bundle", &[]),
    ("sources/snapshot", &["bundle", "directory", "per_thread", "policy"]),
    ("sources/store", &["bundle", "directory", "policy", "snapshot"]),
    ("record/evidence", &[]),
    ("record/spool", &[]),
    ("record/decision_log", &["evidence", "spool"]),
    ("record/shipping", &["evidence", "spool"]),
    ("record/retention", &["decision_log", "shipping", "spool"]),
    ("record/witness", &["decision_log", "evidence", "shipping", "spool"]),
    ("pdp/engine", &[]),
    ("pdp/conditions", &["engine"]),
    ("pdp/explain", &["conditions", "engine"]),
    ("pdp/cache", &[]),
    ("pdp/callers", &[]),
    ("pdp/description", &[]),
    ("review/report", &[]),
    ("review/lint", &[]),
    ("review/basis", &["report"]),
    ("review/proof", &[]),
    ("review/account", &[]),
    ("review/scaffold", &[]),
    ("review/remedies", &[]),
    ("review/reference", &["report"]),
    ("review/codegen", &[]),
    ("review/partial", &[]),
    ("review/matrix", &["account", "partial", "report"]),
    ("review/diff", &["partial", "proof", "report"]),
    ("review/suite", &["report"]),
    ("oversight/replay", &[]),
    ("oversight/access_report", &["replay"]),
    ("oversight/signals", &["replay"]),
    ("api/status", &[]),
    ("api/peer", &[]),
    ("api/call", &["peer"]),
    ("api/origin", &["peer"]),
    ("api/grpc", &["call", "status"]),
    ("api/documents", &["status"]),
    ("api/http", &["call", "documents", "grpc", "origin", "status"]),
    ("api/transport", &["grpc", "peer"]),
    ("api/admin", &["grpc"]),
];

/// Which rooms may name `cedar_policy_core`, whose interface can change with each release of Cedar. The others use what
/// `sources/policy/cedar_core.rs` lists.
const CEDAR_INSIDE: &[&str] = &["sources/per_thread", "sources/policy", "pdp/engine"];

/// A source file, and the path of its module.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) module: Vec<String>,
    pub(super) text: String,
}

impl Source {
    fn wing(&self) -> &str {
        &self.module[0]
    }

    /// The paths from the crate's root that it names.
    pub(super) fn uses(&self) -> BTreeSet<Vec<String>> {
        let code = code(self.text.split("#[cfg(test)]\nmod tests {").next().unwrap());
        let parents = self.module.len() - usize::from(self.module.last().is_some_and(|last| last == "mod"));
        let mut used = uses(&code, "crate::", &[]);
        for above in 1..=parents {
            let from = format!("{}::", vec!["super"; above].join("::"));
            used.extend(uses(&code, &from, &self.module[..parents - above]));
        }
        used
    }

    /// `wing/room`; `None` for what belongs to the whole wing.
    fn room(&self) -> Option<String> {
        self.module.get(1).map(|room| format!("{}/{room}", self.wing())).filter(|room| is_room(room))
    }
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, _)| *room == name)
}

#[test]
fn imports_run_one_way() {
    check_order(WINGS, |wing| wing);
    check_order(ROOMS, |room| room.split_once('/').unwrap().1);
    let (mut wings, mut rooms) = (BTreeSet::new(), BTreeSet::new());
    for source in sources() {
        wings.insert(source.wing().to_owned());
        rooms.extend(source.room());
        for used in source.uses() {
            let place = source.path.display();
            let [wing, rest @ ..] = used.as_slice() else { continue };
            if wing != source.wing() {
                let allowed = allowed(WINGS, source.wing());
                assert!(allowed.contains(&wing.as_str()), "{place} uses {wing}, which is not below {}", source.wing());
            } else if let (Some(room), Some(used)) = (source.room(), rest.first())
                && is_room(&format!("{wing}/{used}"))
                && room != format!("{wing}/{used}")
            {
                assert!(
                    allowed(ROOMS, &room).contains(&used.as_str()),
                    "{place} uses {used}, which is not below {room}"
                );
            }
        }
    }
    assert_eq!(wings, WINGS.iter().map(|(wing, _)| (*wing).to_owned()).collect());
    assert_eq!(rooms, ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect());
}

#[test]
fn few_rooms_know_what_is_inside_of_cedar() {
    let mut found = BTreeSet::new();
    for source in sources().into_iter().filter(|source| code(&source.text).contains("cedar_policy_core")) {
        let room = source.room().unwrap_or_else(|| source.wing().to_owned());
        assert!(CEDAR_INSIDE.contains(&room.as_str()), "{} names cedar_policy_core", source.path.display());
        found.insert(room);
    }
    assert_eq!(found, CEDAR_INSIDE.iter().map(|room| (*room).to_owned()).collect());
    let comment = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    for room in CEDAR_INSIDE {
        assert!(comment.contains(&format!("`{room}`")), "the comment in Cargo.toml does not name {room}");
    }
}

#[test]
fn what_comments_cite_exists() {
    let mut n_cited = 0;
    let map = repository().join("src/lib.rs");
    let map = Source { module: Vec::new(), text: fs::read_to_string(&map).unwrap(), path: map };
    for source in sources().into_iter().chain([map]) {
        for (file, name) in cited(&source.text) {
            let is_whole = ["src/", "tests/it/", "benches/"].iter().any(|start| file.starts_with(start));
            let path = if is_whole { repository().join(file) } else { source.path.parent().unwrap().join(file) };
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|error| panic!("{} cites {file}: {error}", source.path.display()));
            let is_there = name.is_none_or(|name| text.contains(&format!("fn {name}(")));
            assert!(
                is_there,
                "{} cites {file}::{}, which is not there",
                source.path.display(),
                name.unwrap_or_default()
            );
            n_cited += 1;
        }
    }
    assert!(n_cited > 30, "{n_cited}");
}

/// The files, and tests in them, that comments cite: `folder/file.rs` and `folder/file.rs::name` between backticks.
fn cited(text: &str) -> Vec<(&str, Option<&str>)> {
    let comments = text.lines().filter(|line| line.trim_start().starts_with("//"));
    let quoted = comments.flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|quoted| ["src/", "tests/", "benches/"].iter().any(|start| quoted.starts_with(start)))
        .filter_map(|quoted| match quoted.split_once(".rs") {
            Some((file, "")) => Some((&quoted[..file.len() + 3], None)),
            Some((file, name)) => Some((&quoted[..file.len() + 3], name.strip_prefix("::"))),
            None => None,
        })
        .collect()
}

/// Whatever a wing or room uses stands before it.
fn check_order(order: &[(&str, &[&str])], name: impl Fn(&str) -> &str) {
    let mut before = BTreeSet::new();
    for (above, used) in order {
        for used in *used {
            assert!(before.contains(used), "{used} does not stand before {above}");
        }
        before.insert(name(above));
    }
}

fn allowed<'a>(order: &[(&str, &'a [&'a str])], name: &str) -> &'a [&'a str] {
    order.iter().find(|(above, _)| *above == name).unwrap_or_else(|| panic!("{name} has no place in the order")).1
}

/// All source files, but for `lib.rs` and `main.rs`.
pub(super) fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let folder = repository().join("src");
    let mut found = Vec::new();
    walk(&folder, &mut found);
    found
        .into_iter()
        .filter(|path| !["lib.rs", "main.rs"].iter().any(|root| *path == folder.join(root)))
        .map(|path| {
            let inside = path.strip_prefix(&folder).unwrap().with_extension("");
            let module = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let text = fs::read_to_string(&path).unwrap();
            Source { path, module, text }
        })
        .collect()
}

/// A text without its comments.
pub(super) fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The paths that code names after `crate::` or some `super::`, also in groups of imports.
fn uses(code: &str, root: &str, base: &[String]) -> BTreeSet<Vec<String>> {
    let mut used = BTreeSet::new();
    for (start, found) in code.match_indices(root) {
        let is_deeper = code[..start].ends_with("super::") || code[start + found.len()..].starts_with("super::");
        if !is_deeper {
            paths(&code[start + found.len()..], base, &mut used);
        }
    }
    used
}

/// Reads a path, or a group of them, that follows `before`. Gives what follows it.
pub(super) fn paths<'t>(text: &'t str, before: &[String], found: &mut BTreeSet<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = paths(rest, before, found).trim_start();
            match rest.strip_prefix(',') {
                Some(after) if !after.trim_start().starts_with('}') => rest = after,
                Some(after) => return after.trim_start().strip_prefix('}').unwrap_or_default(),
                None => return rest.strip_prefix('}').unwrap_or_default(),
            }
        }
    }
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let path = [before, &[word.to_owned()]].concat();
    match rest.strip_prefix("::") {
        Some(rest) => paths(rest, &path, found),
        None => {
            found.insert(path);
            match rest.strip_prefix(" as ").or(rest.strip_prefix('*')) {
                Some(alias) => {
                    alias.trim_start_matches(|character: char| character.is_alphanumeric() || character == '_')
                }
                None => rest,
            }
        }
    }
}

#[test]
fn paths_are_read_from_groups_of_imports() {
    let text = "use crate::{\n a::{self, b::C as D, *},\n e::f,\n};\n// crate::not\nlet x = crate::g::h();";
    let expected = [&["a", "self"][..], &["a", "b", "C"], &["a", ""], &["e", "f"], &["g", "h"]];
    let expected = expected.iter().map(|path| path.iter().map(|part| (*part).to_owned()).collect());
    assert_eq!(uses(&code(text), "crate::", &[]), expected.collect());
}
