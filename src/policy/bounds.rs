//! Bounds on the texts of policies and schema, held before they are parsed.
//!
//! The parser, the validator and the evaluator walk expressions by recursion, one step a level, and a stack that runs over
//! ends the whole process, the server with the last good revision included. No policy that a person writes comes near
//! these bounds.

use crate::problem::{Problem, SourceFile};
use std::ops::Range;

/// How deep brackets may lie in each other.
const DEPTH: usize = 64;
/// How many operators one policy, or one declaration of the schema, may hold. `a || b || c` is as deep as it is long.
const OPERATORS: usize = 1_000;

/// Whether a file is within the bounds. If not, a problem says where it leaves them, and it must not be parsed.
pub(super) fn check(file: &SourceFile, problems: &mut Vec<Problem>) -> bool {
    let Err((place, message)) = scan(&file.text) else { return true };
    problems.push(
        Problem::error("policy::too-deep", file, message)
            .at(place, "here")
            .help("split it: several policies say the same as one with many conditions joined by ||"),
    );
    false
}

fn scan(text: &str) -> Result<(), (Range<usize>, String)> {
    let mut depth = 0_usize;
    let mut operators = 0_usize;
    let mut characters = text.char_indices().peekable();
    // Whether the character before could end a word, so that `if` in `notify` is none.
    let mut in_word = false;
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                // To the end of the string; an escape takes the character behind it along.
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
            '(' | '[' | '{' => {
                depth += 1;
                operators += 1;
            }
            // `Set<…>`; elsewhere it compares.
            '<' if in_word => {
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
    use super::scan;

    #[test]
    fn what_is_nested_or_joined_without_end_is_out_of_bounds() {
        assert!(scan(&"(".repeat(65)).is_err());
        assert!(scan(&"Set<".repeat(65)).is_err());
        assert!(scan(&"true && ".repeat(600)).is_err());
        assert!(scan(&"if a then b else ".repeat(1_001)).is_err());
        assert!(scan(&format!("a{}", ".b".repeat(1_001))).is_err());
    }

    #[test]
    fn strings_comments_and_other_policies_do_not_count() {
        scan(&format!("// {}\n\"{}\\\"((\"", "(".repeat(99), "&&".repeat(1_000))).unwrap();
        scan(&"permit (principal, action, resource) when { a < b && c <= d };\n".repeat(5_000)).unwrap();
        scan(&format!("[{}]", "\"8\", ".repeat(50_000))).unwrap();
        scan(&"notify verify".repeat(1_000)).unwrap();
    }

    #[test]
    fn comparisons_do_not_pile_up() {
        scan(&"a < b && ".repeat(200)).unwrap();
    }
}
