//! What changed in the files: policies, schema and directory.

use serde::Serialize;

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is only in the side after.
    Added,
    /// It is only in the side before.
    Removed,
    /// It says something else.
    Changed,
    /// It decides the same, with other annotations.
    Reworded,
}

impl Change {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Reworded => "reworded",
        }
    }
}

/// A policy that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// Its id.
    pub id: String,
    /// What it says, in one sentence.
    pub title: String,
    /// How it changed.
    pub change: Change,
    /// Annotations that changed.
    pub annotations: Vec<AnnotationChange>,
    /// Where it stands in the side before.
    pub base: Option<Spot>,
    /// Where it stands in the side after.
    pub head: Option<Spot>,
    /// Its text with what was removed and added.
    pub lines: Vec<Line>,
}

/// An annotation that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnnotationChange {
    /// Its name, without the @.
    pub name: String,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
}

/// A text in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The file.
    pub file: String,
    /// Its first line, counted from one.
    pub line: usize,
    /// Its last line.
    pub end: usize,
    /// The text.
    pub text: String,
}

/// A line of a text that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `-` removed, `+` added, a blank if it stayed.
    pub mark: char,
    /// Its number before.
    pub base: Option<usize>,
    /// Its number after.
    pub head: Option<usize>,
    /// The line.
    pub text: String,
}

/// A type or action of the schema that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaChange {
    /// `entity type` or `action`.
    pub what: String,
    /// Its name.
    pub name: String,
    /// How it changed.
    pub change: Change,
    /// What it no longer declares.
    pub removed: Vec<String>,
    /// What it declares now.
    pub added: Vec<String>,
}

/// Entities of the directory that changed, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DirectoryChange {
    /// Only in the side after.
    pub added: Vec<String>,
    /// Only in the side before.
    pub removed: Vec<String>,
    /// With other attributes or parents.
    pub changed: Vec<String>,
}
