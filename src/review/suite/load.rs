//! Loads the suites of a policy folder: `tests/*.yaml`, `*.yml` and `*.json`.

use super::{case::Suite, cedar_tests, expand, node, read};
use crate::{
    sources::{directory::OF_TESTS, snapshot::Sources},
    types::problem::{Problem, SourceFile},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of the suites, in the policy folder.
pub const FOLDER: &str = "tests";

/// The sources that suites run with: the entities of [`OF_TESTS`] are in the directory too.
///
/// # Errors
/// The files that cannot be read.
pub fn with_entities(policies: &Path, sources: Sources) -> Result<Sources, Vec<Problem>> {
    Ok(Sources { directory: sources.directory.with(policies, OF_TESTS)?, ..sources })
}

/// Reads all suites of a policy folder, by name. Returns all problems of all files, warnings too.
#[must_use]
pub fn load(policies: &Path) -> (Vec<Suite>, Vec<Problem>) {
    let folder = policies.join(FOLDER);
    let mut problems = Vec::new();
    let mut suites = Vec::new();
    let paths = match list(&folder) {
        Ok(paths) if !paths.is_empty() => paths,
        Ok(_) => {
            let problem = Problem::unreadable("suite::none", &folder.display().to_string(), "holds no suites");
            return (suites, vec![problem.help("write tests/*.yaml; their form: poort test --schema")]);
        }
        Err(error) => {
            let message = format!("there are no suites: the folder cannot be read: {error}");
            let problem = Problem::unreadable("suite::none", &folder.display().to_string(), message);
            return (suites, vec![problem.help("write tests/*.yaml; their form: poort test --schema")]);
        }
    };
    for path in paths {
        match SourceFile::read(&path, "suite::unreadable", "suite::not-utf8") {
            Ok(file) => suites.extend(read_file(&file, &mut problems)),
            Err(problem) => problems.push(*problem),
        }
    }
    (suites, problems)
}

/// Reads one file. `None` if it is no suite, or cannot be read at all.
pub fn read_file(file: &SourceFile, problems: &mut Vec<Problem>) -> Option<Suite> {
    let node = node::read(file).map_err(|problem| problems.push(*problem)).ok()?;
    if file.name.ends_with(".json") {
        return (!cedar_tests::holds_entities(&node)).then(|| cedar_tests::read(file, &node, problems));
    }
    // Each file has problems of its own, so that one file's mistakes do not silence another's warnings.
    let mut found = Vec::new();
    let written = read::read(file, &node, &mut found);
    let suite = expand::expand(file, written, &mut found);
    problems.extend(found);
    Some(suite)
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_suite = [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
        // Editors leave hidden files while they work.
        if is_suite && !name.starts_with('.') && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
