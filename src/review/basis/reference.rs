//! A reference to a place in a law, in the form that `@basis` has: `wpg:16(1)(a)`.

use super::numbered::Numbered;
use serde::Deserialize;
use std::{fmt, str::FromStr};

/// The short name of a law: a letter, then letters and digits, all small.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct LawId(String);

/// An article of a law, or a paragraph or letter of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The law.
    pub law: LawId,
    /// The article in it.
    pub article: Numbered,
    /// The paragraph, the letter in it, and so on; none for the whole article.
    pub parts: Vec<Numbered>,
}

impl Reference {
    /// Whether one of the two is the other or a part of it: a change of `8(1)` matters to what cites `8`, and a change of
    /// `8` to what cites `8(1)`.
    #[must_use]
    pub fn touches(&self, other: &Self) -> bool {
        self.is_of(&other.law, &other.article) && self.parts.iter().zip(&other.parts).all(|(one, other)| one == other)
    }

    /// Whether it is this article or a part of it.
    #[must_use]
    pub fn is_of(&self, law: &LawId, article: &Numbered) -> bool {
        self.law == *law && self.article == *article
    }
}

impl TryFrom<String> for LawId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if text.starts_with(|sign: char| sign.is_ascii_lowercase()) && text.bytes().all(is_small) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no short name of a law; write small letters and digits, as in `wpg`"))
        }
    }
}

impl fmt::Display for LawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (law, place) = text.split_once(':')?;
            let (article, parts) = place.split_at(place.find('(').unwrap_or(place.len()));
            Some(Self {
                law: LawId::try_from(law.to_owned()).ok()?,
                article: numbered(article)?,
                parts: read_parts(parts)?,
            })
        };
        read().ok_or_else(|| format!("`{text}` is no reference to a law; write it as in `wpg:8` or `wpg:16(1)(a)`"))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.law, self.article)?;
        self.parts.iter().try_for_each(|part| write!(f, "({part})"))
    }
}

fn numbered(text: &str) -> Option<Numbered> {
    text.to_owned().try_into().ok()
}

/// Reads `(1)(a)`; nothing gives no parts. `None` if a bracket or a number is missing.
pub(super) fn read_parts(text: &str) -> Option<Vec<Numbered>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.strip_prefix('(')?.strip_suffix(')')?.split(")(").map(numbered).collect()
}

#[cfg(test)]
mod tests {
    use super::Reference;
    use proptest::prelude::*;

    fn read(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn references_are_read_in_their_parts() {
        let parts = |text: &str| {
            let Reference { law, article, parts } = read(text);
            let parts: Vec<_> = parts.iter().map(ToString::to_string).collect();
            (law.to_string(), article.to_string(), parts.join(" "))
        };
        let expected = |law: &str, article: &str, parts: &str| (law.to_owned(), article.to_owned(), parts.to_owned());
        assert_eq!(parts("wpg:8"), expected("wpg", "8", ""));
        assert_eq!(parts("wpg:16(1)(c)(1°)"), expected("wpg", "16", "1 c 1°"));
        assert_eq!(parts("bpg:2:13(1)(a)"), expected("bpg", "2:13", "1 a"));
        assert_eq!(parts("bio2:8.15.05"), expected("bio2", "8.15.05", ""));
        assert_eq!(parts("ecli:EU:C:2024:830"), expected("ecli", "EU:C:2024:830", ""));
    }

    #[test]
    fn a_malformed_reference_is_refused() {
        for text in [
            "",
            "wpg",
            "8(1)",
            "wpg:",
            ":8",
            "Wpg:8",
            "wpg: 8",
            "wpg:8 (1)",
            "wpg:8(1",
            "wpg:8(1)a",
            "wpg:8()",
            "wpg:8((1))",
            "wpg:(1)",
            "wpg:8)(",
            "Wpg art. 8(1)",
            "wpg:8(1),",
            "8wpg:1",
        ] {
            let error = text.parse::<Reference>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no reference")), "{error}");
        }
    }

    #[test]
    fn a_part_touches_the_whole_and_no_other_part() {
        let touches = |one: &str, other: &str| {
            let (one, other) = (read(one), read(other));
            assert_eq!(one.touches(&other), other.touches(&one));
            one.touches(&other)
        };
        assert!(touches("wpg:8", "wpg:8(1)"));
        assert!(touches("wpg:16(1)", "wpg:16(1)(a)"));
        assert!(touches("wpg:8(1)", "wpg:8(1)"));
        assert!(!touches("wpg:8(1)", "wpg:8(3)"));
        assert!(!touches("wpg:16(1)(a)", "wpg:16(1)(b)"));
        assert!(!touches("wpg:8", "wpg:8a"));
        assert!(!touches("wpg:8", "bpg:8"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(
            text in "[a-z][a-z0-9]{0,5}:[0-9A-Za-z]{1,3}([:.][0-9A-Za-z]{1,3}){0,3}(\\([0-9a-z]{1,3}°?\\)){0,3}"
        ) {
            prop_assert_eq!(read(&text).to_string(), text);
        }

        #[test]
        fn any_text_is_refused_or_written_as_it_was(text in "[a-z0-9:().° ]{0,12}|\\PC{0,12}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
