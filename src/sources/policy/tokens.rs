//! Splits a policy's text into tokens with their places. They locate what the syntax tree has no places for: the parts
//! of the scope, and operators.

use std::ops::Range;

/// A word, a string or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'t> {
    /// Its text.
    pub text: &'t str,
    /// Its place, in bytes.
    pub place: Range<usize>,
}

/// Signs of two characters.
const PAIRS: [&str; 7] = ["==", "!=", "<=", ">=", "&&", "||", "::"];

/// All tokens of a text that parses; comments and white space are left out.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = length(rest);
        let is_blank = rest.starts_with(char::is_whitespace) || rest.starts_with("//");
        if let Some(part) = rest.get(..length).filter(|_| !is_blank) {
            found.push(Token { text: part, place: at..at + length });
        }
        at += length;
    }
    found
}

/// The length of the first token of a text, or of the white space or comment there.
fn length(rest: &str) -> usize {
    let run = |is: fn(char) -> bool| rest.find(|character| !is(character)).unwrap_or(rest.len());
    let Some(first) = rest.chars().next() else { return 0 };
    if first.is_whitespace() {
        return run(char::is_whitespace);
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if first == '"' {
        let mut is_escaped = false;
        for (place, character) in rest.char_indices().skip(1) {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => return place + 1,
                _ => {}
            }
        }
        return rest.len();
    }
    if first.is_alphanumeric() || first == '_' {
        return run(|character| character.is_alphanumeric() || character == '_');
    }
    if PAIRS.iter().any(|pair| rest.starts_with(pair)) { 2 } else { first.len_utf8() }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn comments_and_strings_hide_signs() {
        let text = "permit ( // a, \"b\n  principal, action == A::\"x,\\\"y\", é_1 >= 2 );";
        let found: Vec<_> = tokens(text).into_iter().map(|token| token.text).collect();
        assert_eq!(
            found,
            [
                "permit",
                "(",
                "principal",
                ",",
                "action",
                "==",
                "A",
                "::",
                "\"x,\\\"y\"",
                ",",
                "é_1",
                ">=",
                "2",
                ")",
                ";"
            ]
        );
        for token in tokens(text) {
            assert_eq!(text.get(token.place), Some(token.text));
        }
        assert_eq!(tokens("\"open").len(), 1);
    }
}
