//! Comments in policies that say why a change cannot matter.

use crate::{
    conditions::{Conditioned, tokens},
    problem::{Problem, SourceFile},
};
use std::{collections::BTreeMap, ops::Range};

/// How such a comment begins.
const MARK: &str = "// poort: equivalent";
/// How its reason begins.
const REASON: &str = ", because ";

/// All such comments of the policies.
pub(super) struct Explanations {
    files: BTreeMap<String, (SourceFile, Vec<Explanation>)>,
}

struct Explanation {
    /// The comment, in bytes.
    place: Range<usize>,
    /// The lines that it explains, counted from zero.
    line: usize,
    reason: String,
    used: bool,
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
        let found = explanations.iter_mut().find(|one| lines.contains(&one.line) && !one.reason.is_empty())?;
        found.used = true;
        Some(found.reason.clone())
    }

    /// What is wrong with them.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (file, explanations) in self.files.values() {
            for one in explanations {
                let at = |problem: Problem| problem.at(one.place.clone(), "here");
                if one.reason.is_empty() {
                    let problem = Problem::warning("mutation::no-reason", file, "this comment gives no reason");
                    problems.push(at(problem).help("write // poort: equivalent, because …"));
                } else if !one.used {
                    let message = "this comment explains nothing: the tests notice every change of that line";
                    problems.push(at(Problem::warning("mutation::unused", file, message)).help("leave it out"));
                }
            }
        }
        problems
    }
}

fn read(text: &str) -> Vec<Explanation> {
    let tokens = tokens(text);
    text.match_indices(MARK)
        // In a string it is no comment.
        .filter(|(start, _)| !tokens.iter().any(|token| token.place.contains(start)))
        .map(|(start, _)| {
            let before = text.get(..start).unwrap_or_default();
            let comment = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
            let reason = comment.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(REASON)).unwrap_or_default();
            let stands_alone = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
            // Alone on its line, it speaks of the next line that is no comment.
            let skipped =
                text.get(start..).unwrap_or_default().lines().take_while(|line| line.trim().starts_with("//"));
            let down = if stands_alone { skipped.count() } else { 0 };
            Explanation {
                place: start..start + comment.len(),
                line: before.matches('\n').count() + down,
                reason: reason.trim().to_owned(),
                used: false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_comment_speaks_of_its_line_or_of_the_next() {
        let text = "@id(\"// poort: equivalent, because no\")\n\
                    when { a && // poort: equivalent, because b\n\
                    // poort: equivalent, because c\n\
                    // and so on\n\
                    d }; // poort: equivalent\n";
        let found: Vec<_> = read(text).into_iter().map(|one| (one.line, one.reason)).collect();
        assert_eq!(found, [(1, "b".to_owned()), (4, "c".to_owned()), (4, String::new())]);
    }
}
