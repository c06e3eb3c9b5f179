//! The files of a directory: on disk, where they are read as a stream, or in memory.

use crate::types::{
    problem::{Problem, SourceFile, open_regular},
    revision::Revision,
};
use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Sees the bytes of a directory while its files are read.
pub trait Observer: Send {
    /// The files are read from the first one on, again if some were read before.
    fn restart(&mut self);
    /// The next bytes are those of this file.
    fn file(&mut self, name: &str);
    /// The next bytes of the file.
    fn bytes(&mut self, bytes: &[u8]);
}

/// Nobody looks.
#[derive(Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn restart(&mut self) {}

    fn file(&mut self, _: &str) {}

    fn bytes(&mut self, _: &[u8]) {}
}

/// The files of a directory, to be read one after another.
pub trait Files: Sync {
    /// The folder or file, as a person would type it.
    fn shown(&self) -> &str;

    /// The names of the files, in order, and by which their problems are reported.
    fn names(&self) -> Vec<(String, Arc<str>)>;

    /// Opens a file, by its place in that order.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, file: usize) -> io::Result<Opened<'_>>;
}

/// A file that is read from start to end.
pub struct Opened<'a> {
    /// Its bytes.
    pub bytes: Box<dyn Read + 'a>,
    /// How many there are.
    pub length: u64,
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The folder of the authorisation profiles, in the policy folder: entities that officers keep and accounts refer to. They
/// are part of the directory, wherever the accounts are.
pub const PROFILES: &str = "profiles";

/// The folder of the entities that tests have beside those of the directory, in the policy folder.
pub const OF_TESTS: &str = "tests/directory";

/// The files of a directory: a folder of `*.json` files or one file on disk, and texts beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    shown: String,
    files: Vec<(String, Place)>,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Disk(PathBuf),
    Memory(SourceFile),
}

impl Folder {
    /// Lists the files.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(path: &Path) -> Result<Self, Vec<Problem>> {
        let shown = path.display().to_string();
        let files = list(path).map_err(|error| vec![unlisted(path, &error)])?;
        Ok(Self { shown, files: on_disk(files.into_iter().map(|path| (name(&path), path))) })
    }

    /// Adds the files of a folder inside another, such as [`PROFILES`], if it is there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn with(mut self, within: &Path, folder: &str) -> Result<Self, Vec<Problem>> {
        self.files.extend(on_disk(list_within(within, folder)?));
        sort(&mut self.files);
        Ok(self)
    }

    /// A directory without files on disk.
    #[must_use]
    pub fn in_memory(shown: &str) -> Self {
        Self { shown: shown.to_owned(), files: Vec::new() }
    }

    /// Adds those of these texts that would be read in a `folder` inside another, under their names with this `prefix`.
    #[must_use]
    pub fn with_texts<'a>(
        mut self,
        within: &str,
        folder: &str,
        prefix: &str,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        for (path, text) in texts {
            let file = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            if let Some(file) = file.filter(|file| is_read(file) && !file.contains('/')) {
                let source = SourceFile { name: format!("{within}/{path}").into(), text: text.into() };
                self.files.push((format!("{prefix}{file}"), Place::Memory(source)));
            }
        }
        sort(&mut self.files);
        self
    }
}

impl Files for Folder {
    fn shown(&self) -> &str {
        &self.shown
    }

    fn names(&self) -> Vec<(String, Arc<str>)> {
        let shown = |place: &Place| match place {
            Place::Disk(path) => path.display().to_string().into(),
            Place::Memory(file) => file.name.clone(),
        };
        self.files.iter().map(|(name, place)| (name.clone(), shown(place))).collect()
    }

    fn open(&self, file: usize) -> io::Result<Opened<'_>> {
        match self.files.get(file).ok_or(io::ErrorKind::NotFound)? {
            (_, Place::Disk(path)) => {
                let (file, length) = open_regular(path)?;
                Ok(Opened { bytes: Box::new(file), length })
            }
            (_, Place::Memory(file)) => Ok(in_memory(file)),
        }
    }
}

impl Files for Sources {
    fn shown(&self) -> &str {
        &self.shown
    }

    fn names(&self) -> Vec<(String, Arc<str>)> {
        self.files.iter().map(|(name, file)| (name.clone(), file.name.clone())).collect()
    }

    fn open(&self, file: usize) -> io::Result<Opened<'_>> {
        let (_, file) = self.files.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(in_memory(file))
    }
}

fn in_memory(file: &SourceFile) -> Opened<'_> {
    Opened { bytes: Box::new(file.text.as_bytes()), length: file.text.len() as u64 }
}

fn on_disk(files: impl IntoIterator<Item = (String, PathBuf)>) -> Vec<(String, Place)> {
    files.into_iter().map(|(name, path)| (name, Place::Disk(path))).collect()
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unlisted(path: &Path, error: &io::Error) -> Problem {
    let problem =
        Problem::unreadable("directory::unreadable", &path.display().to_string(), format!("cannot be read: {error}"));
    problem.help("name the folder or file with the accounts with --directory PATH")
}

/// The files of a directory, in memory: for callers that look at their texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    pub(super) shown: String,
    files: Vec<(String, SourceFile)>,
}

impl Sources {
    /// Reads a folder of `*.json` files, or one file.
    ///
    /// # Errors
    /// One problem for each file that cannot be read or is not UTF-8, or one for the folder.
    pub fn read(path: &Path) -> Result<Self, Vec<Problem>> {
        let paths = list(path).map_err(|error| vec![unlisted(path, &error)])?;
        let files = read_files(paths.into_iter().map(|path| (name(&path), path)).collect())?;
        Ok(Self { shown: path.display().to_string(), files })
    }

    /// Adds the files of a folder inside another, such as [`PROFILES`], if it is there.
    ///
    /// # Errors
    /// As [`Sources::read`].
    pub fn with(mut self, within: &Path, folder: &str) -> Result<Self, Vec<Problem>> {
        self.files.extend(read_files(list_within(within, folder)?)?);
        sort(&mut self.files);
        Ok(self)
    }

    /// Adds files that are in memory, as those of this folder.
    #[must_use]
    pub fn with_texts<'a>(
        mut self,
        within: &str,
        folder: &str,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let more = Self::from_texts(&format!("{within}/{folder}"), texts);
        self.files.extend(more.files.into_iter().map(|(name, file)| (format!("{folder}/{name}"), file)));
        sort(&mut self.files);
        self
    }

    /// Sources that are in memory: file names and texts.
    #[must_use]
    pub fn from_texts<'a>(folder: &str, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files: Vec<_> = texts
            .into_iter()
            .map(|(name, text)| {
                (name.to_owned(), SourceFile { name: format!("{folder}/{name}").into(), text: text.into() })
            })
            .collect();
        sort(&mut files);
        Self { shown: folder.to_owned(), files }
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().map(|(_, file)| file)
    }

    /// The files with their names.
    pub fn named_files(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// Shows the bytes of all files.
    pub fn show(&self, observer: &mut dyn Observer) {
        observer.restart();
        for (name, file) in &self.files {
            observer.file(name);
            observer.bytes(file.text.as_bytes());
        }
    }

    /// The digest of the names and contents.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision::of(self.files.iter().map(|(name, file)| (name.as_str(), file.text.as_bytes())))
    }
}

/// The revision is that of the files by name, wherever they were read.
fn sort<T>(files: &mut [(String, T)]) {
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
}

fn is_read(name: &str) -> bool {
    name.ends_with(".json") && !name.starts_with('.')
}

fn list_within(within: &Path, folder: &str) -> Result<Vec<(String, PathBuf)>, Vec<Problem>> {
    let path = within.join(folder);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let files = list(&path).map_err(|error| vec![unlisted(&path, &error)])?;
    Ok(files.into_iter().map(|path| (format!("{folder}/{}", name(&path)), path)).collect())
}

fn read_files(paths: Vec<(String, PathBuf)>) -> Result<Vec<(String, SourceFile)>, Vec<Problem>> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (name, path) in paths {
        match SourceFile::read(&path, "directory::unreadable", "directory::not-utf8") {
            Ok(file) => files.push((name, file)),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // A file that cannot be read is a problem and is not skipped: a broken link would remove its accounts.
        if is_read(name) && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive gives the files of a revision by name, and must find the revision that was read from two folders.
    #[test]
    fn the_revision_does_not_depend_on_where_files_were() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = folder.path().join("accounts");
        for (file, text) in [("accounts/warrants.json", "[]"), ("policies/profiles/patrol.json", "[ ]")] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let policies = folder.path().join("policies");
        let read = Sources::read(&accounts).unwrap().with(&policies, PROFILES).unwrap();
        let listed = Folder::list(&accounts).unwrap().with(&policies, PROFILES).unwrap();
        let kept = Sources::from_texts("archive", [("profiles/patrol.json", "[ ]"), ("warrants.json", "[]")]);
        let added =
            Sources::from_texts("a", [("warrants.json", "[]")]).with_texts("p", PROFILES, [("patrol.json", "[ ]")]);
        assert_eq!(read.revision(), kept.revision());
        assert_eq!(added.revision(), kept.revision());
        let names = |files: &dyn Files| files.names().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&listed), ["profiles/patrol.json", "warrants.json"]);
    }
}
