//! The sides of a comparison: a folder, or a folder in a revision of git, read without touching the working tree.

use super::{Exit, output::Output};
use crate::{
    diff::Side,
    directory,
    policy::{self, SCHEMA_FILE},
    problem::has_errors,
    snapshot::{Snapshot, Sources},
};
use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Reads a side and checks it.
pub(super) fn read(named: &str, policies: &Path, directory: Option<&Path>, output: &mut Output) -> Result<Side, Exit> {
    let sources = match named.strip_prefix("git:") {
        Some(revision) => from_git(revision, policies, directory).map_err(|message| {
            output.error(&format!("{named}: {message}"));
            Exit::Usage
        })?,
        None => from_folder(Path::new(named), directory).map_err(|problems| {
            output.problems(&problems);
            output.error(&format!("{named} cannot be read"));
            Exit::NotValid
        })?,
    };
    let (snapshot, problems) = Snapshot::from_sources(&sources);
    if has_errors(&problems) {
        let errors: Vec<_> = problems.into_iter().filter(|problem| problem.is_error()).collect();
        output.problems(&errors);
    }
    let Some(snapshot) = snapshot else {
        output.error(&format!("{named} is not valid, so nothing can be said about the change"));
        return Err(Exit::NotValid);
    };
    Ok(Side { name: named.to_owned(), sources, snapshot })
}

fn from_folder(folder: &Path, directory: Option<&Path>) -> Result<Sources, Vec<crate::problem::Problem>> {
    let own = folder.join("directory");
    let directory = match directory {
        Some(directory) => directory::Sources::read(directory)?,
        None if own.exists() => directory::Sources::read(&own)?,
        None => directory::Sources::from_texts(&own.display().to_string(), []),
    };
    Ok(Sources { policies: policy::Sources::read(folder)?, directory })
}

/// `REVISION` or `REVISION:path/to/policies`.
fn from_git(named: &str, policies: &Path, directory: Option<&Path>) -> Result<Sources, String> {
    let (revision, folder) = match named.split_once(':') {
        Some((revision, folder)) => (revision, Some(folder.trim_matches('/').to_owned())),
        None => (named, None),
    };
    if revision.is_empty() || revision.starts_with('-') {
        return Err(format!("`{revision}` is no revision; write git:main, or git:main:path/to/policies"));
    }
    let root = git(&["rev-parse", "--show-toplevel"], None)
        .map_err(|error| format!("this is not inside a git repository ({error})"))?;
    let root = PathBuf::from(text(&root)?.trim_end());
    let commit = git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")], None)
        .map_err(|_| format!("git does not know the revision `{revision}`"))?;
    let commit = text(&commit)?.trim().to_owned();
    let folder = match folder {
        Some(folder) => folder,
        None => inside(&root, policies)?,
    };
    let is_policy = |name: &str| {
        !name.starts_with('.') && (name.ends_with(".cedar") || name.ends_with(".links.json") || name == SCHEMA_FILE)
    };
    let files = files(&root, &commit, &folder, &is_policy)?;
    if files.is_empty() {
        let shown = if folder.is_empty() { "its root".to_owned() } else { format!("the folder `{folder}`") };
        return Err(format!("`{revision}` has no policies in {shown}"));
    }
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let shown = if folder.is_empty() { "." } else { folder.as_str() };
    let policies = policy::Sources::from_texts(shown, texts);
    let directory = match directory {
        Some(directory) => directory::Sources::read(directory).map_err(|problems| {
            problems.iter().map(crate::problem::Problem::one_line).collect::<Vec<_>>().join("; ")
        })?,
        None => {
            let own = if folder.is_empty() { "directory".to_owned() } else { format!("{folder}/directory") };
            let files = self::files(&root, &commit, &own, &|name| !name.starts_with('.') && name.ends_with(".json"))?;
            directory::Sources::from_texts(&own, files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        }
    };
    Ok(Sources { policies, directory })
}

/// The path of a folder from the root of the repository.
fn inside(root: &Path, folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    // The folder need not be there any more; what is above it is.
    let whole = here.join(folder);
    let (parent, name) = (whole.parent().unwrap_or(&whole), whole.file_name());
    let found = match (whole.canonicalize(), parent.canonicalize(), name) {
        (Ok(found), ..) => found,
        (Err(_), Ok(parent), Some(name)) => parent.join(name),
        (Err(error), ..) => return Err(format!("{shown}: {error}")),
    };
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let path = found
        .strip_prefix(&root)
        .map_err(|_| format!("{shown} is not in the repository; name the folder: git:REVISION:path/to/policies"))?;
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{shown} is no text"))
}

/// The files of a folder of a commit, not its subfolders, with their texts.
fn files(
    root: &Path,
    commit: &str,
    folder: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, String> {
    let tree = if folder.is_empty() { commit.to_owned() } else { format!("{commit}:{folder}") };
    // A folder that is not there holds nothing; whether that is a mistake, the caller says.
    let Ok(listed) = git(&["ls-tree", "-z", "--full-tree", &tree], Some(root)) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in text(&listed)?.split('\0').filter(|entry| !entry.is_empty()) {
        let Some((facts, name)) = entry.split_once('\t') else {
            return Err("git ls-tree says what poort cannot read".into());
        };
        let mut facts = facts.split(' ');
        let (mode, _, object) = (facts.next(), facts.next(), facts.next());
        match (mode, object) {
            (Some("160000"), _) => {
                return Err(format!("`{folder}/{name}` is a submodule; poort reads files of this repository alone"));
            }
            _ if !wanted(name) => {}
            (Some("120000"), _) => {
                return Err(format!("`{folder}/{name}` is a symbolic link; poort reads plain files from git"));
            }
            (Some(mode), Some(object)) if mode.starts_with("100") => names.push((name.to_owned(), object.to_owned())),
            _ => {}
        }
    }
    let objects: String = names.iter().map(|(_, object)| format!("{object}\n")).collect();
    let bytes = git_with_input(&["cat-file", "--batch"], Some(root), objects.as_bytes())?;
    let mut rest = bytes.as_slice();
    let broken = || "git cat-file says what poort cannot read".to_owned();
    let mut files = Vec::new();
    for (name, _) in names {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
        let (header, body) = rest.split_at_checked(end).ok_or_else(broken)?;
        let size: usize = std::str::from_utf8(header)
            .ok()
            .and_then(|header| header.rsplit(' ').next()?.parse().ok())
            .ok_or_else(broken)?;
        let content = body.get(1..=size).ok_or_else(broken)?;
        let text = String::from_utf8(content.to_vec()).map_err(|_| format!("`{folder}/{name}` is not UTF-8 text"))?;
        rest = body.get(size + 2..).ok_or_else(broken)?;
        files.push((name, text));
    }
    Ok(files)
}

fn git(arguments: &[&str], folder: Option<&Path>) -> Result<Vec<u8>, String> {
    git_with_input(arguments, folder, b"")
}

fn git_with_input(arguments: &[&str], folder: Option<&Path>, input: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    if let Some(folder) = folder {
        command.arg("-C").arg(folder);
    }
    let mut process = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the program git cannot be started: {error}"))?;
    let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
    let mut bytes = Vec::new();
    let read = std::thread::scope(|scope| {
        // Beside the reading, since both pipes have an end.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input)));
        stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut bytes))
    });
    read.map_err(|error| format!("git: {error}"))?;
    let ended = process.wait_with_output().map_err(|error| format!("git: {error}"))?;
    if ended.status.success() {
        return Ok(bytes);
    }
    let told = String::from_utf8_lossy(&ended.stderr);
    Err(told.lines().next().unwrap_or("git failed").to_owned())
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a path in the repository is not UTF-8 text".to_owned())
}
