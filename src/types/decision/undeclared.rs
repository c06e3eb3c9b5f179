//! The undeclared members of a question: the schema does not declare them, so they were ignored, and the answer names
//! them.
//!
//! **Invariant:** an answer does not grow with the question. A few members are named, the others counted.

use crate::types::{evaluation::Path, language::Language, texts::answers};
use std::borrow::Cow;

/// How many are named. A caller that misspells a member does so in one place or in a few.
const MOST: usize = 16;

/// The members that were ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undeclared {
    named: Vec<Member>,
    others: usize,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    path: String,
    /// The length of the path up to the property, or the part of the context, that contains it.
    outermost: usize,
}

impl Undeclared {
    /// Adds one.
    pub fn add(&mut self, path: Path<'_>) {
        if self.named.len() == MOST {
            self.others += 1;
        } else {
            let outermost = path.outermost().to_string().len();
            self.named.push(Member { path: path.to_string(), outermost });
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Their paths, such as `resource.properties.colour`; if there are too many, the last line says how many more.
    pub fn lines(&self, language: Language) -> impl Iterator<Item = Cow<'_, str>> {
        let others = (self.others > 0).then(|| answers::and_more(language, self.others).into());
        self.named.iter().map(|member| member.path.as_str().into()).chain(others)
    }

    /// The same without the part of a path inside a property or a part of the context, and the indexes of the paths
    /// that were cut. Names inside can be values, as those of tags are.
    #[must_use]
    pub fn without_inner_names(&self) -> (Self, Vec<usize>) {
        let mut coarse = self.clone();
        let mut cut = Vec::new();
        for (place, Member { path, outermost }) in coarse.named.iter_mut().enumerate() {
            if path.len() > *outermost {
                path.truncate(*outermost);
                cut.push(place);
            }
        }
        (coarse, cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_named_and_the_others_counted() {
        let context = Path::root("context");
        let mut undeclared = Undeclared::default();
        assert!(undeclared.is_empty() && undeclared.lines(Language::English).next().is_none());
        for number in 0..20 {
            undeclared.add(context.field(&format!("n{number}")));
        }
        let lines: Vec<_> = undeclared.lines(Language::English).collect();
        assert_eq!(lines.len(), 17);
        assert_eq!(
            (lines[0].as_ref(), lines[15].as_ref(), lines[16].as_ref()),
            ("context.n0", "context.n15", "and 4 more")
        );
    }

    #[test]
    fn inner_names_can_be_left_out() {
        let (context, resource) = (Path::root("context"), Path::root("resource"));
        let properties = resource.field("properties");
        let (a, tags) = (context.field("a"), properties.field("tags"));
        let tag = tags.field("name");
        let mut undeclared = Undeclared::default();
        for path in [a, a.field("b"), properties.field("c"), tag.field("d"), a.index(3).field("e")] {
            undeclared.add(path);
        }
        let (coarse, cut) = undeclared.without_inner_names();
        let lines: Vec<_> = coarse.lines(Language::English).collect();
        assert_eq!(lines, ["context.a", "context.a", "resource.properties.c", "resource.properties.tags", "context.a"]);
        assert_eq!(cut, [1, 3, 4]);
    }
}
