//! Reads the files of a directory and names their bytes by a revision.

use crate::types::{
    problem::{Problem, SourceFile},
    revision::Revision,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Sees the bytes of a directory while its files are read.
pub trait Observer {
    /// The files are read from the first one on, again if some were read before.
    fn restart(&mut self);
    /// The next bytes are those of this file.
    fn file(&mut self, name: &str);
    /// The next bytes of the file.
    fn bytes(&mut self, bytes: &[u8]);
}

/// The files of a directory.
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
        let shown = path.display().to_string();
        let unreadable = |path: &Path, error: &io::Error| {
            let path = path.display().to_string();
            Problem::unreadable("directory::unreadable", &path, format!("cannot be read: {error}"))
        };
        let paths = list(path).map_err(|error| {
            vec![unreadable(path, &error).help("name the folder or file with the accounts with --directory PATH")]
        })?;
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            match SourceFile::read(&path, "directory::unreadable", "directory::not-utf8") {
                Ok(file) => files.push((name, file)),
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() { Ok(Self { shown, files }) } else { Err(problems) }
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
        files.sort_by(|one, other| one.0.cmp(&other.0));
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

fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // A file that cannot be read is a problem and is not skipped: a broken link would remove its accounts.
        if name.ends_with(".json") && !name.starts_with('.') && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
