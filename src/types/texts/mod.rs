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
//! - `explain`: explanations of decisions
//! - `page`: what every page has
//! - `signals`: signals of atypical use

/// Makes a function of each text. `{name}` in a text is what is given by that name.
macro_rules! texts {
    ($($name:ident $(($($part:ident),+))? { en: $english:literal, nl: $dutch:literal })+) => {
        $(texts!(@one $name $(($($part),+))? $english, $dutch);)+

        /// The texts of this file: name, English, Dutch, and what is named.
        #[cfg(test)]
        pub(super) const ALL: &[super::tests::Entry] =
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

pub mod access_report;
pub mod account;
pub mod answers;
pub mod explain;
pub mod page;
pub mod signals;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    pub(super) type Entry = (&'static str, &'static str, &'static str, &'static [&'static str]);

    /// Texts that are the same in both languages.
    const SAME: &[&str] = &["accounts"];

    fn all() -> impl Iterator<Item = &'static Entry> {
        [
            super::access_report::ALL,
            super::account::ALL,
            super::answers::ALL,
            super::explain::ALL,
            super::page::ALL,
            super::signals::ALL,
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
