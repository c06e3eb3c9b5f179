//! Reads the comments in policies that say why a mutation cannot matter.

use crate::{
    pdp::conditions::Conditioned,
    sources::policy::tokens,
    types::{
        problem::{Problem, SourceFile},
        suggest::is_like,
    },
};
use std::{collections::BTreeMap, ops::Range};

/// How such a comment begins.
const MARK: &str = "// poort: equivalent";
/// How its reason begins.
const REASON: &str = ", because ";
/// How it is written.
const FORM: &str = "write // poort: equivalent, because …";

/// All such comments of the policies.
pub(super) struct Explanations {
    files: BTreeMap<String, (SourceFile, Vec<Explanation>)>,
}

struct Explanation {
    /// The comment, in bytes.
    place: Range<usize>,
    /// The lines that it explains, counted from zero.
    line: usize,
    what: What,
    used: bool,
}

/// What such a comment says.
#[derive(Debug, PartialEq, Eq)]
enum What {
    /// Why a change cannot matter.
    Reason(String),
    /// That it cannot, and not why.
    NoReason,
    /// Something that is like it, and explains nothing.
    Misspelt,
}

impl What {
    /// `None`: a comment about something else.
    fn of(comment: &str) -> Option<Self> {
        if let Some(rest) = comment.strip_prefix(MARK)
            && !rest.starts_with(char::is_alphanumeric)
        {
            let reason = rest.strip_prefix(REASON).map(str::trim).filter(|reason| !reason.is_empty());
            return Some(reason.map_or(Self::NoReason, |reason| Self::Reason(reason.to_owned())));
        }
        let folded = |text: &str| text.to_lowercase().replace(|it: char| it.is_whitespace() || it == '/', "");
        let (mark, comment) = (folded(MARK), folded(comment));
        let start: String = comment.chars().take(mark.chars().count()).collect();
        (is_like(&start, &mark) || comment.contains("poort:")).then_some(Self::Misspelt)
    }
}

impl Explanations {
    pub(super) fn of<'a>(policies: impl Iterator<Item = &'a Conditioned>) -> Self {
        let mut files = BTreeMap::new();
        for policy in policies {
            let file = &policy.place.file;
            files.entry(file.name.to_string()).or_insert_with(|| (file.clone(), read(&file.text)));
        }
        Self { files }
    }

    /// Why a change at this place cannot matter.
    pub(super) fn find(&mut self, policy: &Conditioned, place: &Range<usize>) -> Option<String> {
        let (file, explanations) = self.files.get_mut(policy.place.file.name.as_ref())?;
        let line = |place: usize| file.text.get(..place).unwrap_or_default().matches('\n').count();
        let lines = line(place.start)..=line(place.end);
        explanations.iter_mut().filter(|one| lines.contains(&one.line)).find_map(|one| {
            let What::Reason(reason) = &one.what else { return None };
            one.used = true;
            Some(reason.clone())
        })
    }

    /// What is wrong with them.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (file, explanations) in self.files.values() {
            for one in explanations {
                let (code, message, help) = match one.what {
                    What::Reason(_) if one.used => continue,
                    What::Reason(_) => (
                        "mutation::unused",
                        "this comment explains nothing: the tests notice every change of that line",
                        "leave it out",
                    ),
                    What::NoReason => ("mutation::no-reason", "this comment gives no reason", FORM),
                    What::Misspelt => ("mutation::misspelt", "this comment explains nothing as it is written", FORM),
                };
                problems.push(Problem::warning(code, file, message).at(one.place.clone(), "here").help(help));
            }
        }
        problems
    }
}

fn read(text: &str) -> Vec<Explanation> {
    comments(text)
        .filter_map(|place| {
            let comment = text.get(place.clone()).unwrap_or_default();
            let what = What::of(comment)?;
            let before = text.get(..place.start).unwrap_or_default();
            let stands_alone = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
            // Alone on its line, it is about the next line that is no comment.
            let skipped =
                text.get(place.start..).unwrap_or_default().lines().take_while(|line| line.trim().starts_with("//"));
            let down = if stands_alone { skipped.count() } else { 0 };
            Some(Explanation { place, line: before.matches('\n').count() + down, what, used: false })
        })
        .collect()
}

/// The places of all comments, without the ends of their lines.
fn comments(text: &str) -> impl Iterator<Item = Range<usize>> {
    let tokens = tokens(text);
    let mut end = 0;
    text.match_indices("//").filter_map(move |(start, _)| {
        // Inside a string or another comment, `//` starts none.
        if start < end || tokens.iter().any(|token| token.place.contains(&start)) {
            return None;
        }
        end = start + text.get(start..)?.lines().next()?.len();
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::{What, read};

    fn reason(reason: &str) -> What {
        What::Reason(reason.to_owned())
    }

    #[test]
    fn a_comment_speaks_of_its_line_or_of_the_next() {
        let text = "@id(\"// poort: equivalent, because no\")\n\
                    when { a && // poort: equivalent, because b // poort: equivalent\n\
                    // poort: equivalent, because c\n\
                    // and so on\n\
                    d }; // poort: equivalent\n";
        let found: Vec<_> = read(text).into_iter().map(|one| (one.line, one.what)).collect();
        let expected = [(1, reason("b // poort: equivalent")), (4, reason("c")), (4, What::NoReason)];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_like_such_a_comment_is_one_misspelt() {
        for comment in [
            "// poort: equivalen",
            "//poort:equivalent, because a",
            "// Poort: Equivalent, because a",
            "// port: equivalent, because a",
            "// poort: equivalently, because a",
            "// poort equivalent, because a",
            "/// poort: equivalent, because a",
            "// poort: same, because a",
            "// so: poort: equivalent, because a",
        ] {
            assert_eq!(What::of(comment), Some(What::Misspelt), "{comment}");
        }
        assert_eq!(What::of("// poort: equivalent because a"), Some(What::NoReason));
        for comment in ["// why", "// equivalent to the law", "// poort denies what fails", ""] {
            assert_eq!(What::of(comment), None, "{comment}");
        }
    }
}
