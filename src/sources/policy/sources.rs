//! Reads the files of a policy folder that decide answers: the schema, the policies, the template links, and what each
//! application may ask.
//!
//! Only these are in the revision. Tests, guarantees and the directory are in the same folder and have no part in it.

use crate::types::{
    problem::{Problem, SourceFile},
    revision::Revision,
};
use std::{fs, io, path::Path, sync::Arc};

/// The name of the schema's file.
pub const SCHEMA_FILE: &str = "schema.cedarschema";

/// The name of the file that says what each application may ask.
pub const APPLICATIONS_FILE: &str = "applications.toml";

/// The contents of a policy folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    folder: String,
    files: Vec<(String, SourceFile)>,
}

impl Sources {
    /// Reads a folder: `schema.cedarschema`, `*.cedar`, `*.links.json` and `applications.toml`, not its subfolders.
    ///
    /// # Errors
    /// One problem for each file that cannot be read or is not UTF-8, or one for the folder.
    pub fn read(folder: &Path) -> Result<Self, Vec<Problem>> {
        let shown = folder.display().to_string();
        let unreadable = |path: &str, error: &io::Error| {
            Problem::unreadable("policy::unreadable", path, format!("cannot be read: {error}"))
        };
        let entries = fs::read_dir(folder).map_err(|error| {
            vec![unreadable(&shown, &error).help("name the folder that holds the policies with --policies DIR")]
        })?;
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    problems.push(unreadable(&shown, &error));
                    continue;
                }
            };
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !is_read(name) || path.is_dir() {
                continue;
            }
            match SourceFile::read(&path, "policy::unreadable", "policy::not-utf8") {
                Ok(file) => files.push((name.to_owned(), file)),
                Err(problem) => problems.push(*problem),
            }
        }
        files.sort_by(|one, other| one.0.cmp(&other.0));
        if problems.is_empty() { Ok(Self { folder: shown, files }) } else { Err(problems) }
    }

    /// Sources that are in memory: file names and texts.
    #[must_use]
    pub fn from_texts<'a>(folder: &str, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files: Vec<_> = texts
            .into_iter()
            .map(|(name, text)| (name.to_owned(), source(&format!("{folder}/{name}"), text.to_owned())))
            .collect();
        files.sort_by(|one, other| one.0.cmp(&other.0));
        Self { folder: folder.to_owned(), files }
    }

    /// Those of these files that [`Sources::read`] would read in a folder.
    #[must_use]
    pub fn among<'a>(folder: &str, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_texts(folder, texts.into_iter().filter(|(name, _)| is_read(name) && !name.contains('/')))
    }

    /// The digest of the names and contents.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision::of(self.files.iter().map(|(name, file)| (name.as_str(), file.text.as_bytes())))
    }

    /// The folder, as it was named.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    pub(super) fn schema(&self) -> Option<&SourceFile> {
        self.files.iter().find(|(name, _)| name == SCHEMA_FILE).map(|(_, file)| file)
    }

    /// The file that says what each application may ask.
    pub(super) fn applications(&self) -> Option<&SourceFile> {
        self.files.iter().find(|(name, _)| name == APPLICATIONS_FILE).map(|(_, file)| file)
    }

    /// The policy files with their stems, by name.
    pub(super) fn policies(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().filter_map(|(name, file)| Some((name.strip_suffix(".cedar")?, file)))
    }

    /// The files of template links, by name.
    pub(super) fn links(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|(name, _)| is_links(name)).map(|(_, file)| file)
    }
}

fn source(name: &str, text: String) -> SourceFile {
    SourceFile { name: Arc::from(name), text: Arc::from(text) }
}

/// Editors and copying tools leave hidden files that end in .cedar while they work.
fn is_read(name: &str) -> bool {
    !name.starts_with('.') && (is_policy(name) || is_links(name) || [SCHEMA_FILE, APPLICATIONS_FILE].contains(&name))
}

fn is_policy(name: &str) -> bool {
    name.strip_suffix(".cedar").is_some_and(|stem| !stem.is_empty())
}

fn is_links(name: &str) -> bool {
    name.ends_with(".links.json")
}
