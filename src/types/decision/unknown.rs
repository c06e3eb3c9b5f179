//! The references of a question that the directory does not know. Cedar sees such an entity without attributes and parents, so
//! a policy that reads it denies, for a reason that names something else.
//!
//! **Invariant:** an answer does not grow with the question. A few references are named.

use std::borrow::Cow;

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
    pub fn sentence(&self) -> String {
        let Self { path, kind, named } = self;
        match named {
            None => format!("The directory does not know the {kind} of {path}."),
            Some(Named { id, nearest }) => {
                let meant: Cow<'_, str> =
                    nearest.as_ref().map_or("".into(), |nearest| format!("; did you mean `{nearest}`?").into());
                let end = if meant.is_empty() { "." } else { "" };
                format!("The directory does not know the {kind} `{id}` of {path}{meant}{end}")
            }
        }
    }
}
