//! Text from files and callers, as it is shown to people: nothing in it acts on a terminal, starts a line of its own, or
//! shows in another order than it is read.
//!
//! What is meant for programs keeps its value: in JSON a hidden character stands in JSON's own way ([`json`]), and whoever
//! needs the text as it was before takes that back ([`from_json`]). A formatted file escapes in its own way.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character does not show, or changes how what is around it shows: control characters, and those of Unicode
/// Technical Report 36, section 2.3.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// For a place within a line: every hidden character stands as its number, such as `\u{1b}`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// For lines of their own: the same, with the ends of lines and tabs as they are.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_hidden(character) && !matches!(character, '\n' | '\t'))
}

/// For a text in which places are counted in bytes: every hidden character becomes a sign of the same length. Ends of lines
/// and tabs stay.
#[must_use]
pub fn same_length(text: &str) -> Cow<'_, str> {
    let stays = |character| matches!(character, '\n' | '\t' | '\r');
    if !text.contains(|character| is_hidden(character) && !stays(character)) {
        return Cow::Borrowed(text);
    }
    let sign = |character: char| match character.len_utf8() {
        _ if !is_hidden(character) || stays(character) => character,
        1 => '?',
        2 => '¿',
        _ => '\u{fffd}',
    };
    Cow::Owned(text.chars().map(sign).collect())
}

/// How many characters a message quotes: what a person needs to find a name or a value again.
const QUOTED: usize = 100;

/// What a caller sent, for a message that quotes it: its beginning, if it is long. So no message grows with a question.
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    cut_to(text, QUOTED)
}

/// The same, to so many characters.
#[must_use]
pub fn cut_to(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// JSON text in which every hidden character stands as `\\uXXXX`: no value changes (RFC 8259, section 7).
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_hidden = |character| is_hidden(character) && character != '\n';
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 32);
    for character in text.chars() {
        if is_hidden(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// What canonical JSON (RFC 8785) was before [`json`]: it writes every hidden character as itself, but for those below U+0020,
/// which stay escaped.
#[must_use]
pub fn from_json(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let number = escape.strip_prefix("\\u").and_then(|digits| digits.get(..4));
        let number = number.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let character = number.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        let taken = match character.filter(|character| *character >= '\u{7f}' && is_hidden(*character)) {
            Some(character) => {
                plain.push(character);
                6
            }
            // The backslash and what it escapes, which may be a backslash.
            None => {
                let len = escape.chars().take(2).map(char::len_utf8).sum();
                plain.push_str(escape.get(..len).unwrap_or(escape));
                len
            }
        };
        rest = escape.get(taken..).unwrap_or_default();
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_stand_as_their_numbers() {
        assert_eq!(line("a\u{1b}[31mb\nc\u{202e}d\u{9b}"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{9b}");
        assert_eq!(lines("a\n\tb\r\u{7}"), "a\n\tb\\u{d}\\u{7}");
        assert!(matches!(line("é, 日本, 100%"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert!(matches!(cut(&"é".repeat(QUOTED)), Cow::Borrowed(_)));
        assert_eq!(cut(&"é".repeat(1_000)), format!("{}…", "é".repeat(QUOTED)));
        assert_eq!(cut_to("abc", 0), "…");
    }

    #[test]
    fn json_keeps_its_values_and_what_it_was_can_be_told() {
        let text = "{\"a\u{202e}\":\"\u{9b}31m \\u001b \\\\u202e \\\" é \\\\\u{7f}\u{feff}\"}";
        let shown = json(text);
        assert!(!shown.contains(is_hidden), "{shown}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(text));
        assert_eq!(from_json(&shown), text);
        assert_eq!(from_json(text), text);
        assert_eq!(from_json("\"\\ud83d\\u20"), "\"\\ud83d\\u20");
        assert!(matches!(json("{\"a\":\"é\"}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn places_stay_where_characters_become_signs() {
        let text = "a\u{1b}b\u{9b}c\u{202e}d\r\n\te";
        let signs = same_length(text);
        assert_eq!(signs, "a?b¿c\u{fffd}d\r\n\te");
        assert_eq!(signs.len(), text.len());
    }
}
