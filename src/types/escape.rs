//! Escapes text from files and callers before it is shown: no character of it controls a terminal, starts a new line,
//! or changes the order in which text is displayed.
//!
//! Text for programs keeps its value: JSON has escapes of its own ([`json`]), and [`from_json`] reverts them. Other
//! formats have their own escapes too.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character is invisible, or changes how its neighbours are displayed. These are control characters, those
/// of Unicode Technical Report 36, section 2.3, and interlinear annotations. All code points that a reader may ignore
/// (`Default_Ignorable_Code_Point`, UAX #44), such as the tag characters, are hidden too. Variation selectors are not:
/// names and emoji are written with them.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// For use within a line: every hidden character is written as its number, such as `\u{1b}`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// For whole lines: the same, and line ends and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_hidden(character) && !matches!(character, '\n' | '\t'))
}

/// For a text with places in bytes: every hidden character becomes visible signs of the same length. Line ends and tabs
/// stay.
#[must_use]
pub fn same_length(text: &str) -> Cow<'_, str> {
    let stays = |character| matches!(character, '\n' | '\t' | '\r');
    if !text.contains(|character| is_hidden(character) && !stays(character)) {
        return Cow::Borrowed(text);
    }
    let mut signs = String::with_capacity(text.len());
    for character in text.chars() {
        match character.len_utf8() {
            _ if !is_hidden(character) || stays(character) => signs.push(character),
            1 => signs.push('?'),
            2 => signs.push('¿'),
            3 => signs.push('\u{fffd}'),
            _ => signs.push_str("\u{fffd}?"),
        }
    }
    Cow::Owned(signs)
}

/// How many characters a message quotes: what a person needs to find a name or a value again.
const QUOTED: usize = 100;

/// Cuts a caller's text for a quotation in a message, so that no message grows with a question.
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

/// JSON text in which every hidden character is written as `\u` and four hex digits: no value changes (RFC 8259, section 7).
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

/// Reverts [`json`] for canonical JSON (RFC 8785), which writes every hidden character as itself, but for those below
/// U+0020, which stay escaped.
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
        let numbered = numbered(escape).filter(|(character, _)| *character >= '\u{7f}' && is_hidden(*character));
        let taken = match numbered {
            Some((character, len)) => {
                plain.push(character);
                len
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

/// The character that JSON writes by its number at the start of a text, and the length of that: `\u` and four hex digits, or a pair of these
/// for a character above U+FFFF. `None` for anything else, such as half of a pair (RFC 8259, section 7).
#[must_use]
pub fn numbered(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(text)?;
    let pair = [first, text.get(UNIT..).and_then(unit).unwrap_or_default()];
    let character = char::decode_utf16(pair).next()?.ok()?;
    Some((character, character.len_utf16() * UNIT))
}

/// The length of one unit of UTF-16 as JSON escapes it.
const UNIT: usize = 6;

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
    fn escaped_json_keeps_its_values_and_reverts() {
        let text = "{\"a\u{202e}\":\"\u{9b}31m \\u001b \\\\u202e \\\" é \\\\\u{7f}\u{feff}\"}";
        let shown = json(text);
        assert!(!shown.contains(is_hidden), "{shown}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(text));
        assert_eq!(from_json(&shown), text);
        assert_eq!(from_json(text), text);
        for half in ["\"\\ud83d\\u20", "\"\\udb40\\u0041\"", "\"\\udc41\\udb40\"", "\"\\udb40\\\\udc41\""] {
            assert_eq!(from_json(half), half);
        }
        assert!(matches!(json("{\"a\":\"é\"}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn characters_above_the_first_plane_are_pairs_in_json() {
        let text = "\"a\u{e0041}\u{1d173}b \u{1f600}\"";
        assert_eq!(json(text), "\"a\\udb40\\udc41\\ud834\\udd73b \u{1f600}\"");
        assert_eq!(from_json(&json(text)), text);
        // Only hidden characters were escaped.
        assert_eq!(from_json("\"\\ud83d\\ude00\""), "\"\\ud83d\\ude00\"");
    }

    #[test]
    fn what_unicode_lets_a_reader_ignore_is_hidden() {
        for hidden in
            "\u{180e}\u{e0001}\u{e0020}\u{e007f}\u{34f}\u{115f}\u{206f}\u{3164}\u{ffa0}\u{fff9}\u{1bca0}".chars()
        {
            assert!(is_hidden(hidden), "U+{:04X}", u32::from(hidden));
        }
        for shown in "aé日 \u{fe0f}\u{1f600}\u{e0100}".chars() {
            assert!(!is_hidden(shown), "U+{:04X}", u32::from(shown));
        }
    }

    #[test]
    fn places_stay_where_characters_become_signs() {
        let text = "a\u{1b}b\u{9b}c\u{202e}\u{e0041}d\r\n\te";
        let signs = same_length(text);
        assert_eq!(signs, "a?b¿c\u{fffd}\u{fffd}?d\r\n\te");
        assert_eq!(signs.len(), text.len());
    }
}
