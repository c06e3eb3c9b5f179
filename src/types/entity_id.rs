//! The id of an entity as a person types it: the one parser of all flags that take an id.
//!
//! | form | names |
//! |---|---|
//! | `officer-0007` | the entity with this id, of whatever type |
//! | `Officer::officer-0007`, `Politie::Officer::officer-0007` | the one of this type; its namespace may be left out |
//! | `Officer::"officer-0007"` | the same, as Cedar writes it, with its escapes: `\"`, `\\`, `\'`, `\n`, `\r`, `\t`, `\0`, `\u{301}` |
//! | `https://politie.example/id-types/officer::officer-0007`, `officer::officer-0007` | the same, by the type's URI, or by what follows its last `/` |
//!
//! Without quotes an id may hold `::`. Then each `::` may be the end of the type, and whoever knows the types decides.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// An id, with a type or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityId {
    text: String,
    /// What it may be: type and id. Those with the longest type are first.
    readings: Vec<(Option<String>, String)>,
}

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no id; write ID, TYPE::ID or TYPE::\"ID\", such as officer-0007, Officer::officer-0007 or \
     Officer::\"officer-0007\""
)]
pub struct NoId(String);

impl FromStr for EntityId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let no_id = || NoId(text.to_owned());
        let quote = if text.starts_with('"') { Some(0) } else { text.find("::\"").map(|end| end + 2) };
        let readings = match quote.map(|quote| text.split_at(quote)) {
            Some((kind, quoted)) => {
                let id = unquoted(quoted).ok_or_else(no_id)?;
                let kind = kind.strip_suffix("::");
                vec![(kind.map(str::to_owned), id)]
            }
            None => {
                let ends = text.rmatch_indices("::").filter_map(|(end, sign)| {
                    Some((Some(text.get(..end)?.to_owned()), text.get(end + sign.len()..)?.to_owned()))
                });
                ends.chain([(None, text.to_owned())]).collect()
            }
        };
        // Only quotes can say that an id is empty.
        let is_closed = quote.is_some() || !text.ends_with('"');
        let is_named = |(kind, id): &(Option<String>, String)| {
            kind.as_deref() != Some("") && (quote.is_some() || !id.trim().is_empty())
        };
        if is_closed && readings.iter().all(is_named) {
            Ok(Self { text: text.to_owned(), readings })
        } else {
            Err(no_id())
        }
    }
}

/// The text in quotes, as Cedar prints it.
fn unquoted(quoted: &str) -> Option<String> {
    let mut signs = quoted.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut text = String::new();
    while let Some(sign) = signs.next() {
        text.push(match sign {
            '"' => return None,
            '\\' => match signs.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let (code, rest) = signs.as_str().strip_prefix('{')?.split_once('}')?;
                    signs = rest.chars();
                    char::from_u32(u32::from_str_radix(code, 16).ok()?)?
                }
                sign @ ('"' | '\\' | '\'') => sign,
                _ => return None,
            },
            sign => sign,
        });
    }
    Some(text)
}

impl fmt::Display for EntityId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl EntityId {
    /// What it may be: type and id. Those with the longest type are first, and no type is last.
    pub fn readings(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        self.readings.iter().map(|(kind, id)| (kind.as_deref(), id.as_str()))
    }

    /// Whether a type is named, or may be.
    #[must_use]
    pub fn has_type(&self) -> bool {
        self.readings().any(|(kind, _)| kind.is_some())
    }

    /// Whether the type that is named may be this one.
    #[must_use]
    pub fn names_type(&self, kind: &str) -> bool {
        self.readings().any(|(named, _)| named.is_some_and(|named| is_same_type(named, kind)))
    }

    /// The ids that it may name in a type.
    pub fn ids_in(&self, kind: &str) -> impl Iterator<Item = &str> {
        let fits = move |named: Option<&str>| named.is_none_or(|named| is_same_type(named, kind));
        self.readings().filter(move |(named, _)| fits(*named)).map(|(_, id)| id)
    }

    /// Whether it names the entity of this type and id.
    #[must_use]
    pub fn names(&self, kind: &str, id: &str) -> bool {
        self.ids_in(kind).any(|named| named == id)
    }

    /// The end that the id has, wherever the type ends.
    #[must_use]
    pub fn tail(&self) -> &str {
        self.readings.first().map_or(&self.text, |(_, id)| id)
    }
}

/// Whether two names of types can be those of one type. A namespace or the beginning of a URI may be left out. Schemas write
/// `PersonEntry` where URIs write `person-entry`.
#[must_use]
pub fn is_same_type(one: &str, other: &str) -> bool {
    let ends = |whole: &str, end: &str| whole.strip_suffix(end).is_some_and(|rest| rest.ends_with("::"));
    let is_uri = |name: &str| name.contains('/');
    let has_namespace = |name: &str| !is_uri(name) && name.contains("::");
    let short = |name: &str| {
        let last = name.rsplit(['/', ':']).next().unwrap_or(name);
        last.chars().filter(|sign| !matches!(sign, '-' | '_')).collect::<String>().to_lowercase()
    };
    if one == other || ends(one, other) || ends(other, one) {
        return true;
    }
    let are_whole = is_uri(one) && is_uri(other) || has_namespace(one) && has_namespace(other);
    !are_whole && short(one) == short(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> EntityId {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_form_names_the_same_entity() {
        for text in [
            "officer-0007",
            "\"officer-0007\"",
            "Officer::officer-0007",
            "officer::officer-0007",
            "Politie::Officer::officer-0007",
            "Officer::\"officer-0007\"",
            "Politie::Officer::\"officer-0007\"",
            "https://politie.example/id-types/officer::officer-0007",
            "https://politie.example/id-types/officer::\"officer-0007\"",
        ] {
            for kind in ["Officer", "Politie::Officer", "https://politie.example/id-types/officer"] {
                assert!(id(text).names(kind, "officer-0007"), "{text} {kind}");
                assert!(!id(text).names(kind, "officer-0008"), "{text} {kind}");
            }
            assert_eq!(id(text).names("Politie::Partner", "officer-0007"), !text.contains("::"), "{text}");
            assert_eq!(id(text).tail(), "officer-0007", "{text}");
            assert_eq!(id(text).to_string(), text);
        }
    }

    #[test]
    fn an_id_may_hold_what_separates_it() {
        for text in ["a::b", "\"a::b\"", "Kind::a::b", "Kind::\"a::b\"", "Space::Kind::\"a::b\""] {
            assert!(id(text).names("Kind", "a::b"), "{text}");
        }
        assert!(!id("\"a::b\"").names("a", "b"));
        // What a caller sent may be any text.
        assert!(id("a\"b\\c::d").names("a\"b\\c", "d") && id("Kind::\"\"").names("Kind", ""));
        // As Cedar prints them.
        for text in ["say \"so\" \\", "O'Example", "e\u{301}", "a\tb\r\n\0", "\u{1}\u{202e}", "plain"] {
            let printed = cedar_policy::EntityUid::from_type_name_and_id(
                "Kind".parse().unwrap(),
                cedar_policy::EntityId::new(text),
            );
            assert!(id(&printed.to_string()).names("Kind", text), "{printed}");
        }
    }

    #[test]
    fn types_are_one_where_no_part_says_otherwise() {
        for (one, other, is_one) in [
            ("PersonEntry", "https://politie.example/id-types/person-entry", true),
            ("A::B::C", "B::C", true),
            ("A::C", "B::C", false),
            ("https://one.example/person", "https://other.example/person", false),
            ("Officer", "Partner", false),
            ("Record", "MedicalRecord", false),
        ] {
            assert_eq!((is_same_type(one, other), is_same_type(other, one)), (is_one, is_one), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            " ",
            "Officer::",
            "::officer-0007",
            "Officer::\"a",
            "Officer::a\"",
            "::\"a\"",
            "\"a\"b",
            "\"a\\\"",
            "\"a\"b\"",
            "\"\\q\"",
        ] {
            let error = text.parse::<EntityId>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no id; write ID, TYPE::ID or TYPE::\"ID\"")), "{error}");
        }
    }
}
