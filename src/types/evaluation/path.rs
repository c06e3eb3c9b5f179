//! The path of a value in a question, such as `resource.properties.level`.

use crate::types::escape;
use std::fmt;

/// A path. It is formatted only for a message, so it costs a correct question nothing. Long names in it are cut then:
/// they are the caller's, and a message must not grow with them.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The path of a part of the question.
    #[must_use]
    pub const fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Name(name) }
    }

    /// The path of a member of this.
    #[must_use]
    pub const fn field(&'a self, name: &'a str) -> Self {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    /// The path of an element of this, from 0.
    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    /// Whether this is the whole context.
    #[must_use]
    pub fn is_context(&self) -> bool {
        matches!((self.step, self.parent), (Step::Name("context"), None))
    }

    /// The property, or the part of the context, that contains or is this.
    #[must_use]
    pub fn outermost(&self) -> Self {
        let mut path = *self;
        while let Some(parent) = path.parent {
            let is_holder = match (parent.step, parent.parent) {
                (Step::Name(name), None) => name == "context",
                (Step::Name(name), Some(part)) => name == "properties" && part.parent.is_none(),
                (Step::Index(_), _) => false,
            };
            if is_holder {
                break;
            }
            path = *parent;
        }
        path
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (self.step, self.parent) {
            (Step::Name(name), Some(_)) => write!(f, ".{}", escape::cut(name)),
            (Step::Name(name), None) => f.write_str(&escape::cut(name)),
            (Step::Index(index), _) => write!(f, "[{index}]"),
        }
    }
}
