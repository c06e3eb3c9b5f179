//! No files import each other in a circle: of any two files, one can be read without the other.
//!
//! A folder's `mod.rs` and the files below it may know each other. What a `mod.rs` only passes on counts as an import of the
//! file that has it.

use super::layers::{Source, code, paths, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The path of a module from the crate's root.
type Module = Vec<String>;

#[test]
fn no_files_import_each_other() {
    let found = circles(&sources());
    assert!(
        found.is_empty(),
        "{found:#?} import each other: move what they share into a file that imports none of them"
    );
}

#[test]
fn a_circle_is_found_through_what_a_folder_passes_on() {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        module: path.split('/').map(str::to_owned).collect(),
        text: text.to_owned(),
    };
    let folder =
        source("wing/room/mod", "mod low;\nmod top;\n\npub(super) use top::{\n    Both, Top,\n};\nuse low::Low;");
    let low = |text| [source("wing/room/low", text), source("wing/room/top", "use super::{low::{A, B}, Low};")];
    for (text, is_circle) in [
        ("use super::Top;", true),
        ("use crate::wing::{other, room::Both};", true),
        ("fn f() -> super::top::Inner {}", true),
        ("use super::super::room::top;", true),
        ("use super::{super::room::Top};", true),
        ("use super::Owned;", false),
        ("use std::fmt;", false),
    ] {
        let [low, top] = low(text);
        let expected = BTreeSet::from(["wing/room/low".to_owned(), "wing/room/top".to_owned()]);
        let expected = if is_circle { BTreeSet::from([expected]) } else { BTreeSet::new() };
        assert_eq!(circles(&[folder.clone(), low, top]), expected, "{text}");
    }
}

/// The circles of imports, each as all files that are in it.
fn circles(sources: &[Source]) -> BTreeSet<BTreeSet<String>> {
    let imports = imports(sources);
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        imports.keys().map(|start| (start, reached(&imports, start))).collect();
    let circle = |module| reached[module].iter().filter(|other| reached[*other].contains(module));
    imports.keys().map(|module| circle(module).map(|file| file.join("/")).collect()).filter(is_some_circle).collect()
}

fn is_some_circle(circle: &BTreeSet<String>) -> bool {
    !circle.is_empty()
}

/// The files that can be reached from this one over imports. It is one of them if it is in a circle.
fn reached<'a>(imports: &'a BTreeMap<Module, BTreeSet<Module>>, start: &Module) -> BTreeSet<&'a Module> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&Module> = imports[start].iter().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(&imports[module]);
        }
    }
    found
}

/// Which files each file imports, without those above and below it.
fn imports(sources: &[Source]) -> BTreeMap<Module, BTreeSet<Module>> {
    let served = sources.iter().filter(|source| !source.module.iter().any(|part| part == "tests"));
    let used: BTreeMap<Module, BTreeSet<Module>> = served
        .map(|source| {
            let is_folder = source.module.last().is_some_and(|last| last == "mod");
            let module = source.module[..source.module.len() - usize::from(is_folder)].to_vec();
            let from_below = passed_on(&source.text, &module);
            (module, source.uses().into_iter().map(without_super).chain(from_below).collect())
        })
        .collect();
    let is_apart = |one: &Module, other: &Module| !one.starts_with(other) && !other.starts_with(one);
    let files_of = |(module, paths): (&Module, &BTreeSet<Module>)| {
        let files = paths.iter().map(|path| file_of(path, &used)).filter(|file| is_apart(module, file));
        (module.clone(), files.filter(|file| used.contains_key(file)).collect())
    };
    used.iter().map(files_of).collect()
}

/// The file that has what this path names: the module in it that goes deepest, or what that passes on.
fn file_of(path: &Module, used: &BTreeMap<Module, BTreeSet<Module>>) -> Module {
    let n_parts = (0..=path.len()).rev().find(|n_parts| used.contains_key(&path[..*n_parts])).unwrap_or(0);
    let (module, rest) = path.split_at(n_parts);
    let Some(name) = rest.first() else { return module.to_vec() };
    let below = |other: &&Module| other.len() > path.len() && other.starts_with(module) && other.last() == Some(name);
    match used.get(module).and_then(|paths| paths.iter().find(below)) {
        Some(passed_on) => file_of(passed_on, used),
        None => module.to_vec(),
    }
}

/// What a file imports from modules below it: `use below::Name` and `pub use below::Name`.
fn passed_on(text: &str, module: &[String]) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let code = code(text);
    let mut rest = code.as_str();
    loop {
        let line = rest.trim_start();
        let visible = line.strip_prefix("pub").map_or(line, |line| line.trim_start_matches(|c| c != ' ' && c != '\n'));
        if let Some(imported) = visible.trim_start().strip_prefix("use ") {
            paths(imported, module, &mut found);
        }
        match line.split_once('\n') {
            Some((_, below)) => rest = below,
            None => return found,
        }
    }
}

/// A path from which each `super` is taken, with what it goes back over.
fn without_super(path: Module) -> Module {
    let mut walked = Module::new();
    for part in path {
        if part == "super" {
            walked.pop();
        } else {
            walked.push(part);
        }
    }
    walked
}
