//! Checks the bounds of policy and schema texts before they are parsed.
//!
//! **Why.** Cedar's parser, validator and evaluator recurse, one call for each level. A stack overflow ends the whole
//! process, the server with its last good revision included. No policy that a person writes comes near these bounds.

use crate::types::problem::{Problem, SourceFile};
use std::ops::Range;

/// How deep brackets may nest.
const DEPTH: usize = 64;
/// How many operators one policy, or one declaration of the schema, may hold. `a || b || c` is as deep as it is long.
///
/// Far below what overflows the stacks of `commands`, so that every accepted policy is evaluated to its end: a verdict
/// must not depend on the size of a stack (`tests/it/api/answers.rs::the_longest_policy_that_is_taken_is_evaluated`).
const OPERATORS: usize = 300;
/// How many common types a schema may declare. They can name each other in a chain.
const TYPES: usize = 300;

/// What a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Policies, where `<` compares.
    Policies,
    /// A schema, where `<` is a bracket, as in `Set<Long>`.
    Schema,
}

/// Whether a file is within the bounds. If not, a problem says where it leaves them, and it must not be parsed.
pub(super) fn check(file: &SourceFile, language: Language, problems: &mut Vec<Problem>) -> bool {
    let n_types = file.text.split_whitespace().filter(|word| *word == "type").count();
    if language == Language::Schema && n_types > TYPES {
        let message = format!("the schema declares {n_types} common types; there may be {TYPES}");
        problems.push(Problem::error("policy::too-deep", file, message).help("write the types where they are used"));
        return false;
    }
    let Err((place, message)) = scan(&file.text, language) else { return true };
    problems.push(
        Problem::error("policy::too-deep", file, message)
            .at(place, "here")
            .help("split it: several policies say the same as one with many conditions joined by ||"),
    );
    false
}

fn scan(text: &str, language: Language) -> Result<(), (Range<usize>, String)> {
    let mut depth = 0_usize;
    let mut operators = 0_usize;
    let mut characters = text.char_indices().peekable();
    // Whether the character before could end a word, so that `if` in `notify` is none.
    let mut in_word = false;
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                // To the end of the string; an escape covers the character after it.
                while let Some((_, character)) = characters.next() {
                    match character {
                        '\\' => drop(characters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '/' if characters.peek().is_some_and(|(_, next)| *next == '/') => {
                while characters.next_if(|(_, character)| *character != '\n').is_some() {}
            }
            '<' | '>' if language == Language::Policies => operators += 1,
            '(' | '[' | '{' | '<' => {
                depth += 1;
                operators += 1;
            }
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            '&' | '|' | '+' | '-' | '*' | '!' | '.' | '=' => operators += 1,
            // A policy or a declaration ends.
            ';' => (depth, operators) = (0, 0),
            'i' if !in_word && characters.peek().is_some_and(|(_, next)| *next == 'f') => operators += 1,
            _ => {}
        }
        in_word = character.is_alphanumeric() || character == '_';
        let here = place..place + character.len_utf8();
        if depth > DEPTH {
            return Err((here, format!("brackets lie more than {DEPTH} deep in each other")));
        }
        if operators > OPERATORS {
            return Err((here, format!("this is longer than {OPERATORS} operators and brackets")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Language, scan};

    #[track_caller]
    fn fits(text: &str) {
        scan(text, Language::Policies).unwrap();
    }

    #[track_caller]
    fn is_too_much(language: Language, text: &str) {
        assert!(scan(text, language).is_err());
    }

    #[test]
    fn deep_nesting_and_long_chains_are_out_of_bounds() {
        is_too_much(Language::Policies, &"(".repeat(65));
        is_too_much(Language::Policies, &"true && ".repeat(300));
        is_too_much(Language::Policies, &"if a then b else ".repeat(301));
        is_too_much(Language::Policies, &format!("a{}", ".b".repeat(301)));
        is_too_much(Language::Policies, &"a < ".repeat(301));
        is_too_much(Language::Schema, &"Set<".repeat(65));
        is_too_much(Language::Schema, &"Set\n< ".repeat(65));
    }

    #[test]
    fn strings_comments_and_other_policies_do_not_count() {
        fits(&format!("// {}\n\"{}\\\"((\"", "(".repeat(99), "&&".repeat(1_000)));
        fits(&"permit (principal, action, resource) when { a < b && c <= d };\n".repeat(5_000));
        fits(&format!("[{}]", "\"8\", ".repeat(50_000)));
        fits(&"notify verify".repeat(1_000));
    }

    #[test]
    fn comparisons_are_no_brackets() {
        fits(&"a < b && ".repeat(100));
    }
}
