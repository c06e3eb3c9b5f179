//! The table of texts: every sentence that poort says in more than one language, each with all its languages.
//!
//! A text is a function of the language and of what it names, so a text without one of the languages, or with a name that
//! nobody gives, does not compile. The tests hold the rest: each language uses the same names, and no text is the same in both
//! without being listed. With two languages and no plurals beyond one and several, that is less than a library for translations
//! would take, and no key is looked up while a question is answered.
//!
//! - `access_report`: who asked for data about a person
//! - `account`: what the directory says of an account
//! - `answers`: reasons and faults, as callers and users see them
//! - `diff_headline`, `diff`, `diff_reports`: what a change of policies would do
//! - `explain`: explanations of decisions
//! - `matrix`, `matrix_page`: who may do what
//! - `page`: what every page has
//! - `signals`: signals of atypical use
//! - `suite`: the results of test suites

/// Makes a function of each text. `{name}` in a text is what is given by that name.
macro_rules! texts {
    ($($name:ident $(($($part:ident),+))? { en: $english:literal, nl: $dutch:literal })+) => {
        $(texts!(@one $name $(($($part),+))? $english, $dutch);)+

        /// The texts of this file: name, English, Dutch, and what is named.
        #[cfg(test)]
        pub(crate) const ALL: &[super::Entry] =
            &[$((stringify!($name), $english, $dutch, &[$($(stringify!($part)),+)?])),+];
    };
    (@one $name:ident $english:literal, $dutch:literal) => {
        #[doc = concat!("“", $english, "”")]
        #[must_use]
        pub const fn $name(language: Language) -> &'static str {
            match language {
                Language::English => $english,
                Language::Dutch => $dutch,
            }
        }
    };
    (@one $name:ident ($($part:ident),+) $english:literal, $dutch:literal) => {
        #[doc = concat!("“", $english, "”")]
        #[must_use]
        pub fn $name(language: Language, $($part: impl Display),+) -> String {
            match language {
                Language::English => format!($english),
                Language::Dutch => format!($dutch),
            }
        }
    };
}

#[cfg(test)]
use std::collections::BTreeSet;

pub mod access_report;
pub mod account;
pub mod answers;
pub mod diff;
pub mod diff_headline;
pub mod diff_reports;
pub mod explain;
pub mod matrix;
pub mod matrix_page;
pub mod page;
pub mod signals;
pub mod suite;

/// A text's name, its English, its Dutch, and what it names.
#[cfg(test)]
pub(crate) type Entry = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// The names of the texts whose English is in what was written, where it is not in their Dutch too. A text counts by its longest
/// part between names, if that is long enough to be nothing else.
#[cfg(test)]
pub(crate) fn english_in(written: &str, table: &[Entry]) -> BTreeSet<&'static str> {
    let written = written.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let is_in = |(_, english, dutch, _): &&Entry| {
        let parts = english.split('{').map(|part| part.split_once('}').map_or(part, |(_, part)| part));
        let longest = parts.max_by_key(|part| part.len()).unwrap_or_default();
        longest.len() > 12 && !dutch.contains(longest) && written.contains(longest)
    };
    table.iter().filter(is_in).map(|(name, ..)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::Entry;
    use std::collections::BTreeSet;

    /// Texts that are the same in both languages.
    const SAME: &[&str] = &[
        "account",
        "account_head",
        "accounts",
        "accounts_head",
        "accounts_named",
        "client",
        "guarantee_line",
        "is",
        "many_accounts",
        "note_of",
        "of_schema",
        "one_account",
        "part_account",
        "schema",
        "schema_head",
        "test_mark",
        "token",
        "verdict",
        "within",
    ];

    fn all() -> impl Iterator<Item = &'static Entry> {
        [
            super::access_report::ALL,
            super::account::ALL,
            super::answers::ALL,
            super::diff::ALL,
            super::diff_headline::ALL,
            super::diff_reports::ALL,
            super::explain::ALL,
            super::matrix::ALL,
            super::matrix_page::ALL,
            super::page::ALL,
            super::signals::ALL,
            super::suite::ALL,
        ]
        .into_iter()
        .flatten()
    }

    /// What a text names in braces.
    fn named(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split(['}', ':']).next().unwrap()).collect()
    }

    #[test]
    fn every_language_of_a_text_names_the_same() {
        for (name, english, dutch, given) in all() {
            let given: BTreeSet<_> = given.iter().copied().collect();
            assert_eq!(named(english), given, "{name}: {english}");
            assert_eq!(named(dutch), given, "{name}: {dutch}");
        }
    }

    #[test]
    fn no_text_is_left_in_english() {
        for (name, english, dutch, _) in all() {
            assert!(!english.trim().is_empty() && !dutch.trim().is_empty(), "{name} is empty");
            assert_eq!(english == dutch, SAME.contains(name), "{name}: {english}");
        }
    }
}
