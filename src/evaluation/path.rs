//! Where a value stands in a question, such as `resource.properties.level`.

use std::fmt;

/// A path. It is put into words only where something is wrong, so it costs nothing where nothing is.
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

    /// The path of what stands under a name in this.
    #[must_use]
    pub const fn field(&'a self, name: &'a str) -> Self {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    /// The path of an element of this, from 0.
    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (self.step, self.parent) {
            (Step::Name(name), Some(_)) => write!(f, ".{name}"),
            (Step::Name(name), None) => f.write_str(name),
            (Step::Index(index), _) => write!(f, "[{index}]"),
        }
    }
}
