//! Finds deceptive characters: those that do not show, and those that look like others.

use super::written;
use crate::{
    sources::policy::Policies,
    types::{
        escape,
        problem::{Problem, SourceFile},
    },
};
use std::{collections::BTreeMap, ops::Range};
use unicode_security::{MixedScript as _, confusable_detection::skeleton, is_potential_mixed_script_confusable_char};

/// Characters that do not show, or that change the order in which text is shown: what an officer reads would not be what is
/// evaluated. In comments too, where they can hide a policy.
#[must_use]
pub fn invisible(file: &SourceFile) -> Vec<Problem> {
    let hidden = |character: char| escape::is_hidden(character) && !matches!(character, '\n' | '\r' | '\t');
    file.text
        .char_indices()
        .filter(|(_, character)| hidden(*character))
        .map(|(place, character)| (place..place + character.len_utf8(), character))
        .map(|(place, character)| invisible_at(file, place, character))
        .collect()
}

/// The same for a file of the directory, as warnings. Characters that JSON writes by number count too, since they are
/// then in the name of an account.
#[must_use]
pub fn invisible_in_directory(file: &SourceFile) -> Vec<Problem> {
    let escaped = escapes(&file.text).filter(|(_, character)| escape::is_hidden(*character));
    let escaped = escaped.map(|(place, character)| invisible_at(file, place, character));
    let mut problems: Vec<_> = invisible(file).into_iter().chain(escaped).map(Problem::as_warning).collect();
    problems.sort_by_key(Problem::position);
    problems
}

fn invisible_at(file: &SourceFile, place: Range<usize>, character: char) -> Problem {
    let message = format!("the character U+{:04X} does not show", u32::from(character));
    Problem::error("text::invisible", file, message)
        .at(place, "here")
        .help("delete it; what is read here must be what is evaluated")
}

/// The characters that a JSON text writes by their numbers, with their places.
fn escapes(text: &str) -> impl Iterator<Item = (Range<usize>, char)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text.get(at..)?.find('\\')?;
            let rest = text.get(start..)?;
            if let Some((character, length)) = escape::numbered(rest) {
                at = start + length;
                return Some((start..at, character));
            }
            // Skips the escaped character, so that `\\u0041` is no escape of a letter.
            at = start + 1 + rest.chars().nth(1)?.len_utf8();
        }
    })
}

/// Warns of ids that look like others, or that hold lookalike letters of another script: the reader of a report takes
/// such a policy for another one.
pub(super) fn confusable_ids(policies: &Policies, problems: &mut Vec<Problem>) {
    let mut alike = BTreeMap::<String, Vec<_>>::new();
    for (id, place) in written(policies) {
        let id: &str = id.as_ref();
        let is_foreign =
            |it: &char| !it.is_ascii() && (is_potential_mixed_script_confusable_char(*it) || !id.is_single_script());
        if let Some(foreign) = id.chars().find(is_foreign) {
            let number = u32::from(foreign);
            let message = format!("the id `{id}` holds `{foreign}` (U+{number:04X}), which looks like another letter");
            problems.push(
                Problem::warning("text::confusable", &place.file, message)
                    .at(place.annotation("id"), "here")
                    .help("type the id anew, in letters of one alphabet"),
            );
        }
        alike.entry(skeleton(id).collect()).or_default().push((id, place));
    }
    for mut ids in alike.into_values() {
        ids.sort_by_key(|(_, place)| (place.file.name.clone(), place.span.start));
        let Some(((first, at), others)) = ids.split_first() else { continue };
        for (id, place) in others {
            let message = format!("the id `{id}` looks like the id `{first}` ({}:{})", at.file.name, at.line());
            problems.push(
                Problem::warning("text::confusable", &place.file, message)
                    .at(place.annotation("id"), "here")
                    .help("choose an id that nobody takes for the other"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escapes;

    #[test]
    fn escapes_are_found_where_json_has_them() {
        let found: Vec<_> =
            escapes(r#"["\u202e", "\\u0041", "\n\u0009", "\é\u00zz", "\ud83d\u0020", "\udb40\udc41\"#).collect();
        let expected = [(2..8, '\u{202e}'), (25..31, '\t'), (54..60, ' '), (64..76, '\u{e0041}')];
        assert_eq!(found, expected);
    }
}
