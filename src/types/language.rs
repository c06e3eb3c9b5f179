//! The languages of texts for people, and content negotiation between them (RFC 9110, section 12.5.4).
//!
//! A program reads names and numbers, which are the same in every language. A language chooses sentences alone.

use std::{fmt, str::FromStr};

/// A language that poort has sentences in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Dutch.
    Dutch,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Dutch];

    /// Its tag (RFC 5646), as in `Content-Language`, `--lang` and `@title_nl`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Dutch => "nl",
        }
    }

    /// The language that a list of ranges such as `nl-NL, en;q=0.8` prefers. `usual` is what `*` stands for. `None`: it names
    /// none of these languages. What cannot be read in a list is ignored.
    #[must_use]
    pub fn preferred<'a>(lists: impl IntoIterator<Item = &'a str>, usual: Self) -> Option<Self> {
        let ranges = lists.into_iter().flat_map(|list| list.split(',')).filter_map(Range::read);
        let wishes: Vec<_> = ranges
            .enumerate()
            .map(|(place, Range { language, quality })| (language, Wish { quality, earliness: usize::MAX - place }))
            .collect();
        let best =
            |of: Option<Self>| wishes.iter().filter(|(language, _)| *language == of).map(|(_, wish)| *wish).max();
        // The last of equal ones counts: the usual one.
        let others = Self::ALL.into_iter().filter(|language| *language != usual).chain([usual]);
        let wished = others.filter_map(|language| Some((language, best(Some(language)).or_else(|| best(None))?)));
        wished.filter(|(_, wish)| wish.quality > 0).max_by_key(|(_, wish)| *wish).map(|(language, _)| language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(tag: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|language| language.tag() == tag).ok_or_else(|| {
            let tags = Self::ALL.map(Self::tag).join(" and ");
            format!("`{tag}` is no language of poort; the languages are {tags}")
        })
    }
}

/// How much a language is wanted: a better quality first, and of equal ones what was named first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    quality: u16,
    earliness: usize,
}

/// A range of a list: a language with its quality in thousandths.
struct Range {
    /// `None`: any language (`*`).
    language: Option<Language>,
    quality: u16,
}

impl Range {
    /// `None`: it is about another language, or cannot be read. Of a tag such as `nl-BE` the language counts (RFC 4647, section
    /// 3.4).
    fn read(text: &str) -> Option<Self> {
        let (tag, weight) = text.split_once(';').map_or((text, None), |(tag, weight)| (tag, Some(weight)));
        let quality = weight.map_or(Some(1_000), quality)?;
        let tag = tag.trim();
        let language = match tag.split('-').next()? {
            "*" => None,
            primary => Some(Language::ALL.into_iter().find(|it| it.tag().eq_ignore_ascii_case(primary))?),
        };
        Some(Self { language, quality })
    }
}

/// `q=0.8`, in thousandths.
fn quality(weight: &str) -> Option<u16> {
    let (name, value) = weight.split_once('=')?;
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = if is_number { format!("{fraction:0<3}").parse().ok()? } else { return None };
    match (name.trim(), whole, thousandths) {
        ("q" | "Q", "0", _) => Some(thousandths),
        ("q" | "Q", "1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Language::{Dutch, English},
        *,
    };

    #[test]
    fn a_list_prefers_by_quality_and_then_by_order() {
        for (list, preferred) in [
            ("nl", Some(Dutch)),
            ("NL-nl", Some(Dutch)),
            ("en-GB", Some(English)),
            ("en, nl", Some(English)),
            ("nl, en", Some(Dutch)),
            ("en;q=0.5, nl;q=0.501", Some(Dutch)),
            ("en;q=0.5,nl ; Q=0.5", Some(English)),
            ("fr, nl;q=0.3, de", Some(Dutch)),
            ("nl;q=0.1, nl-BE;q=0.9, en;q=0.5", Some(Dutch)),
            ("fr-CA, *;q=0.5, nl;q=0.6", Some(Dutch)),
            ("nl;q=0", None),
            ("fr", None),
            ("", None),
        ] {
            for usual in Language::ALL {
                assert_eq!(Language::preferred([list], usual), preferred, "{list}");
            }
        }
        assert_eq!(Language::preferred(["fr, en;q=0.1", "nl"], English), Some(Dutch), "two lists are one");
    }

    #[test]
    fn any_language_is_the_usual_one_if_that_is_wanted() {
        for usual in Language::ALL {
            assert_eq!(Language::preferred(["*"], usual), Some(usual));
            assert_eq!(Language::preferred(["fr, *;q=0.1"], usual), Some(usual));
            assert_eq!(Language::preferred(["en;q=0, *"], usual), Some(Dutch));
            assert_eq!(Language::preferred(["nl, *;q=0"], usual), Some(Dutch));
        }
    }

    #[test]
    fn what_cannot_be_read_is_ignored() {
        for odd in ["nl;q=2", "nl;q=-1", "nl;q=0.1234", "nl;q", "nl;w=1", "nl;q=1.5", "nl_NL", ";;", "q=1", "nl;q=0.é"]
        {
            assert_eq!(Language::preferred([odd], English), None, "{odd}");
            assert_eq!(Language::preferred([odd, "en"], Dutch), Some(English), "{odd}");
        }
    }
}
