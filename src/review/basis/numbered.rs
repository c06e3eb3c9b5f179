//! The number of an article or a part of one, such as `8`, `126jj`, `2:13` or `1°`, in the order in which laws have them.

use serde::Deserialize;
use std::{cmp::Ordering, fmt, iter};

/// A number as the law writes it: letters and digits, with `:` or `.` between them, and `°` at the end.
///
/// 8 is before 10, and 6a is between 6 and 7.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Numbered(String);

impl TryFrom<String> for Numbered {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if text.strip_suffix('°').unwrap_or(&text).split([':', '.']).all(is_word) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no number of an article; write it as in `8`, `126jj` or `2:13`"))
        }
    }
}

impl Ord for Numbered {
    fn cmp(&self, other: &Self) -> Ordering {
        chunks(&self.0).cmp(chunks(&other.0)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Numbered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text as numbers, each with the signs behind it. No digits count as no number.
fn chunks(text: &str) -> impl Iterator<Item = (Option<u64>, &str)> {
    let mut rest = text;
    iter::from_fn(move || {
        let (number, behind) = rest.split_at(rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len()));
        let (signs, next) = behind.split_at(behind.find(|sign: char| sign.is_ascii_digit()).unwrap_or(behind.len()));
        let is_over = rest.is_empty();
        rest = next;
        (!is_over).then(|| (number.parse().ok(), signs))
    })
}

#[cfg(test)]
mod tests {
    use super::Numbered;

    fn numbered(text: &str) -> Numbered {
        Numbered::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn numbers_have_the_order_of_the_law() {
        let expected =
            ["1", "1°", "2", "2:1", "2:2", "2:13", "6", "6a", "6b", "7", "10", "31d", "32", "126jj", "126nba"];
        let mut sorted: Vec<_> = expected.iter().rev().map(|text| numbered(text)).collect();
        sorted.sort();
        assert_eq!(sorted.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_no_law_numbers_is_refused() {
        for text in ["", " 8", "8 ", "8,", "8(1)", "2:", ":2", "2..1", "°", "°1", "é"] {
            assert!(Numbered::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
