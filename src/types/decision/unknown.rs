//! The references of a question that the directory does not know. Cedar sees such an entity without attributes and parents, so
//! a policy that reads it denies, for a reason that names something else.
//!
//! **Invariant:** an answer does not grow with the question. A few references are named.

use crate::types::{language::Language, texts::answers};

/// How many are named.
pub const MOST: usize = 4;

/// A reference to an entity that the directory should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownReference {
    /// Where the question refers to it, such as `resource.properties.unit`.
    pub path: String,
    /// The type of the entity.
    pub kind: String,
    /// What it is; `None` in a record that conceals it.
    pub named: Option<Named>,
}

/// What a reference names, and what it may be meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The id.
    pub id: String,
    /// The id that the directory has and that is most like it, if one is alike.
    pub nearest: Option<String>,
}

impl UnknownReference {
    /// A sentence for a person.
    #[must_use]
    pub fn sentence(&self, language: Language) -> String {
        let Self { path, kind, named } = self;
        match named {
            None => answers::unknown_hidden(language, kind, path),
            Some(Named { id, nearest: None }) => answers::unknown_named(language, kind, id, path),
            Some(Named { id, nearest: Some(nearest) }) => answers::unknown_like(language, kind, id, path, nearest),
        }
    }
}
