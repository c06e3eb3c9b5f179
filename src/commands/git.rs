//! Reads folders from a git revision without touching the working tree.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A commit of the repository that the working folder is in.
pub(super) struct Commit {
    root: PathBuf,
    id: String,
}

impl Commit {
    /// The commit that a revision names.
    pub(super) fn of(revision: &str) -> Result<Self, String> {
        // Git would take it for a flag.
        if revision.is_empty() || revision.starts_with('-') {
            return Err(format!("`{revision}` is no revision; write git:main, or git:main:path/to/policies"));
        }
        let root = git(&["rev-parse", "--show-toplevel"], None)
            .map_err(|error| format!("this is not inside a git repository ({error})"))?;
        let root = PathBuf::from(text(&root)?.trim_end());
        let commit = git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")], None)
            .map_err(|_| format!("git does not know the revision `{revision}`"))?;
        Ok(Self { root, id: text(&commit)?.trim().to_owned() })
    }

    /// The path of a folder from the root of the repository.
    pub(super) fn inside(&self, folder: &Path) -> Result<String, String> {
        inside(&self.root, folder)
    }

    /// The files of a folder, not its subfolders, with their texts; `None` if the commit has no such folder.
    pub(super) fn files(
        &self,
        folder: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Vec<(String, String)>>, String> {
        if !self.has(folder)? {
            return Ok(None);
        }
        let Self { root, id } = self;
        let tree = if folder.is_empty() { id.clone() } else { format!("{id}:{folder}") };
        let listed = git(&["ls-tree", "-z", "--full-tree", &tree], Some(root))
            .map_err(|error| format!("git cannot read the folder `{folder}`: {error}"))?;
        let mut names = Vec::new();
        for entry in text(&listed)?.split('\0').filter(|entry| !entry.is_empty()) {
            let Some((facts, name)) = entry.split_once('\t') else {
                return Err("git ls-tree says what poort cannot read".into());
            };
            let mut facts = facts.split(' ');
            let (mode, _, object) = (facts.next(), facts.next(), facts.next());
            match (mode, object) {
                (Some("160000"), _) => {
                    return Err(format!(
                        "`{folder}/{name}` is a submodule; poort reads files of this repository alone"
                    ));
                }
                _ if !wanted(name) => {}
                (Some("120000"), _) => {
                    return Err(format!("`{folder}/{name}` is a symbolic link; poort reads plain files from git"));
                }
                (Some(mode), Some(object)) if mode.starts_with("100") => {
                    names.push((name.to_owned(), object.to_owned()));
                }
                _ => {}
            }
        }
        self.contents(folder, names).map(Some)
    }

    /// The files of these names and objects, with their texts.
    fn contents(&self, folder: &str, names: Vec<(String, String)>) -> Result<Vec<(String, String)>, String> {
        let objects: String = names.iter().map(|(_, object)| format!("{object}\n")).collect();
        let bytes = git_with_input(&["cat-file", "--batch"], Some(&self.root), objects.as_bytes())?;
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
            let text =
                String::from_utf8(content.to_vec()).map_err(|_| format!("`{folder}/{name}` is not UTF-8 text"))?;
            rest = body.get(size + 2..).ok_or_else(broken)?;
            files.push((name, text));
        }
        Ok(files)
    }

    /// Whether the commit has this folder. If git cannot tell, that is an error and not a no.
    fn has(&self, folder: &str) -> Result<bool, String> {
        if folder.is_empty() {
            return Ok(true);
        }
        let asked = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", &self.id, "--", folder];
        let listed = git(&asked, Some(&self.root))
            .map_err(|error| format!("git cannot look for the folder `{folder}`: {error}"))?;
        let entry = text(&listed)?;
        if entry.is_empty() {
            return Ok(false);
        }
        match entry.split(' ').nth(1) {
            Some("tree") => Ok(true),
            _ => Err(format!("`{folder}` is no folder there")),
        }
    }
}

/// The path of a folder from the root of the repository.
fn inside(root: &Path, folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    // The folder may be gone; the one above it exists.
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
        // In parallel with the reading, since both pipes have a bounded buffer.
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
