//! Warns of files in the policy folder that are not read and probably should be: otherwise a rule that an officer wrote
//! silently has no effect.

use crate::{
    sources::policy::APPLICATIONS_FILE,
    types::{problem::Problem, suggest::is_like},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How deep subfolders are looked into, and how many files. A policy folder has few; the folder of a whole repository may be
/// named by mistake.
const DEPTH: usize = 4;
const FILES: usize = 10_000;
/// An ending as short as this is too much like others to be guessed, as `.yml` is like `.xml`.
const SHORT: usize = 3;

/// What is read in a folder.
#[derive(Clone, Copy)]
struct Room {
    /// Its name in the policy folder; empty for the policy folder itself.
    name: &'static str,
    /// The endings of the files that are read in it.
    endings: &'static [&'static str],
}

const POLICIES: Room = Room { name: "", endings: &["cedar", "cedarschema", "links.json"] };
const TESTS: &str = "tests";
const ROOMS: [Room; 5] = [
    Room { name: TESTS, endings: &["yaml", "yml", "json"] },
    Room { name: "guarantees", endings: &["cedar", "links.json"] },
    DIRECTORY,
    Room { name: "profiles", endings: &["json"] },
    Room { name: "signals", endings: &["cedar", "toml"] },
];
/// In the policy folder, and in the folder of the tests.
const DIRECTORY: Room = Room { name: "directory", endings: &["json"] };

/// Warns of each of them. A folder that cannot be listed is reported by its reader, and not here.
#[must_use]
pub fn unread(policies: &Path) -> Vec<Problem> {
    let mut walk = Walk { left: FILES, problems: Vec::new() };
    walk.room(policies, POLICIES, &ROOMS);
    for room in ROOMS {
        let within: &[Room] = if room.name == TESTS { &[DIRECTORY] } else { &[] };
        walk.room(&policies.join(room.name), room, within);
    }
    walk.room(&policies.join(TESTS).join(DIRECTORY.name), DIRECTORY, &[]);
    walk.problems.sort_by(|one, other| one.file().cmp(other.file()));
    walk.problems
}

struct Walk {
    left: usize,
    problems: Vec<Problem>,
}

impl Walk {
    /// A folder of which files are read. `rooms`: the subfolders that are folders of this kind too.
    fn room(&mut self, folder: &Path, room: Room, rooms: &[Room]) {
        for (path, name, is_folder) in self.list(folder) {
            let is_misnamed =
                room.name == POLICIES.name && name != APPLICATIONS_FILE && is_like(&name, APPLICATIONS_FILE);
            if !is_folder && is_misnamed {
                let message = format!("is not read: what applications may ask is in `{APPLICATIONS_FILE}`");
                self.warn(&path, message, &format!("name it {APPLICATIONS_FILE}, or move it elsewhere"));
            } else if !is_folder {
                if !is_read(&path, room)
                    && let Some(ending) = likely(&name, room.endings)
                {
                    let message = format!("is not read: its name does not end in `.{ending}`");
                    self.warn(&path, message, &format!("let its name end in .{ending}, or move it elsewhere"));
                }
            } else if let Some(meant) = rooms.iter().find(|room| is_like(&name, room.name) && name != room.name) {
                let message = format!("is not read: the folder of that kind is `{}`", meant.name);
                self.warn(&path, message, &format!("name it `{}`, or move it elsewhere", meant.name));
            } else if !rooms.iter().any(|room| room.name == name) {
                self.below(&path, folder, room, DEPTH);
            }
        }
    }

    /// A subfolder, of which nothing is read.
    fn below(&mut self, folder: &Path, room: &Path, kind: Room, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for (path, _, is_folder) in self.list(folder) {
            if is_folder {
                self.below(&path, room, kind, depth);
            } else if is_read(&path, kind) {
                let message = format!("is not read: of `{}`, only the files in the folder itself are", room.display());
                self.warn(&path, message, "move it up into that folder, or out of it");
            }
        }
    }

    fn warn(&mut self, path: &Path, message: String, help: &str) {
        let problem = Problem::unreadable("folder::not-read", &path.display().to_string(), message);
        self.problems.push(problem.as_warning().help(help));
    }

    /// The entries of a folder that are not hidden, and whether each is a folder itself. A link to a folder is not
    /// followed.
    fn list(&mut self, folder: &Path) -> Vec<(PathBuf, String, bool)> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let listed: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type().ok()?;
                (!name.starts_with('.')).then(|| (entry.path(), name, kind.is_dir()))
            })
            .take(self.left)
            .collect();
        self.left -= listed.len();
        listed
    }
}

/// Whether a file of this name is read where files of these endings are.
fn is_read(path: &Path, room: Room) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    room.endings
        .iter()
        .any(|ending| name.strip_suffix(ending).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.')))
}

/// The ending that a name was probably meant to have: `.ceder`, `.CEDAR`, `.cedar.txt`, `.link.json`.
fn likely(name: &str, endings: &[&'static str]) -> Option<&'static str> {
    let name = name.to_lowercase();
    let (_, parts) = name.split_once('.')?;
    let exact = endings.iter().find(|ending| parts.split('.').any(|part| part == **ending));
    let like = |ending: &str| parts.split('.').chain([parts]).any(|part| is_like(part, ending));
    exact.or_else(|| endings.iter().find(|ending| ending.len() > SHORT && like(ending))).copied()
}

#[cfg(test)]
mod tests {
    use super::{POLICIES, ROOMS, likely};

    #[test]
    fn an_ending_that_was_meant_is_found_and_no_other() {
        for (name, ending) in [
            ("a.ceder", Some("cedar")),
            ("a.CEDAR", Some("cedar")),
            ("a.cedar.txt", Some("cedar")),
            ("a.cedar~", Some("cedar")),
            ("schema.cedarshema", Some("cedarschema")),
            ("a.link.json", Some("links.json")),
            ("README.md", None),
            ("accepted.yaml", None),
            ("notes.txt", None),
            ("cedar", None),
        ] {
            assert_eq!(likely(name, POLICIES.endings), ending, "{name}");
        }
        let tests = ROOMS[0].endings;
        for (name, ending) in
            [("a.ymal", Some("yaml")), ("a.YML", Some("yml")), ("a.yaml.bak", Some("yaml")), ("a.xml", None)]
        {
            assert_eq!(likely(name, tests), ending, "{name}");
        }
    }
}
