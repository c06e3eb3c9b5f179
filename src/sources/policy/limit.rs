//! The limit of an attribute's values beyond their type: `@values("consult, write")`, `@range("1..4")`.
//!
//! A limit holds for the value, or for each element of a set. It holds alike for questions, for the directory and for the
//! entities of tests; a literal of a policy that it excludes is a finding of `lint`.

use crate::types::{evaluation::Value, suggest::nearest};
use smol_str::SmolStr;
use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc};

/// What a value may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// One of these texts.
    Values(Arc<BTreeSet<SmolStr>>),
    /// A whole number from the first to the last.
    Range(RangeInclusive<i64>),
}

impl Limit {
    /// Reads `@values` or `@range`.
    ///
    /// # Errors
    /// What is wrong with the text, and what to write.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, String> {
        if name == "values" {
            let values: Vec<_> = text.split(',').map(str::trim).collect();
            let distinct: BTreeSet<_> = values.iter().copied().map(SmolStr::new).collect();
            return if values.contains(&"") || distinct.len() < values.len() {
                Err("write @values(\"one, other\"): texts between commas, each once".to_owned())
            } else {
                Ok(Self::Values(Arc::new(distinct)))
            };
        }
        let ends = text.split_once("..").and_then(|(first, last)| Some((number(first)?, number(last)?)));
        match ends {
            Some((first, last)) if first <= last => Ok(Self::Range(first..=last)),
            _ => Err("write @range(\"1..4\"): the least and the greatest whole number".to_owned()),
        }
    }

    /// Why a text is none of the values, in words that follow its name.
    ///
    /// # Errors
    /// Those words.
    pub fn text(&self, text: &str) -> Result<(), String> {
        match self {
            Self::Values(values) if !values.contains(text) => Err(match nearest(text, self.names()) {
                Some(near) => format!("is `{text}`, which the schema does not list; did you mean `{near}`?"),
                None => format!("is `{text}`; the schema lists {}", self.described()),
            }),
            _ => Ok(()),
        }
    }

    /// Why a number is outside the range, in words that follow its name.
    ///
    /// # Errors
    /// Those words.
    pub fn long(&self, long: i64) -> Result<(), String> {
        match self {
            Self::Range(range) if !range.contains(&long) => {
                Err(format!("is {long}; the schema allows {}", self.described()))
            }
            _ => Ok(()),
        }
    }

    /// Why a value, or one of its elements, is not allowed.
    pub(super) fn value(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) => self.text(text),
            #[expect(clippy::cast_possible_truncation, reason = "whole, and its type was checked before")]
            Value::Number(number) => self.long(*number as i64),
            Value::List(elements) => elements.iter().try_for_each(|element| self.value(element)),
            Value::Null | Value::Bool(_) | Value::Map(_) => Ok(()),
        }
    }

    /// The texts; none for a range.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let values = match self {
            Self::Values(values) => Some(values),
            Self::Range(_) => None,
        };
        values.into_iter().flat_map(|values| values.iter().map(SmolStr::as_str))
    }

    /// The text, where it lists one alone.
    pub(super) fn only(&self) -> Option<&str> {
        let mut names = self.names();
        names.next().filter(|_| names.next().is_none())
    }

    /// What is allowed, for a message.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::Values(_) => self.names().collect::<Vec<_>>().join(", "),
            Self::Range(range) => format!("{} to {}", range.start(), range.end()),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_what_it_allows() {
        let values = Limit::read("values", "watch, consult,8").unwrap();
        assert_eq!(values.text("watch"), Ok(()));
        assert_eq!(
            values.text("wach").unwrap_err(),
            "is `wach`, which the schema does not list; did you mean `watch`?"
        );
        assert_eq!(values.text("art8").unwrap_err(), "is `art8`; the schema lists 8, consult, watch");
        let range = Limit::read("range", "-1..4").unwrap();
        assert_eq!((range.long(-1), range.long(4)), (Ok(()), Ok(())));
        assert_eq!(range.long(9).unwrap_err(), "is 9; the schema allows -1 to 4");
        let numbers = Value::List(vec![Value::Number(1.0), Value::Number(5.0)]);
        assert_eq!(range.value(&numbers).unwrap_err(), "is 5; the schema allows -1 to 4");
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for (name, text) in [
            ("values", ""),
            ("values", "a,,b"),
            ("values", "a,a"),
            ("range", "4"),
            ("range", "4..1"),
            ("range", "a..b"),
        ] {
            assert!(Limit::read(name, text).is_err(), "{name} {text}");
        }
    }
}
