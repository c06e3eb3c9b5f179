//! The lines that say what an application may ask: in English in files, in a language for people.

use crate::types::{language::Language, texts::diff as texts};

pub(super) const ORGANISATIONS: &str = "organisations: ";
pub(super) const ANY: &str = texts::any_organisation(Language::English);
pub(super) const WITHOUT_TOKEN: &str = texts::without_token(Language::English);

/// A line in a language. In files it is in English, and the digests of accepted entries are made of that.
pub(super) fn words(line: &str, language: Language) -> String {
    if line == ANY {
        return texts::any_organisation(language).to_owned();
    }
    if line == WITHOUT_TOKEN {
        return texts::without_token(language).to_owned();
    }
    if let Some(client) = line.strip_prefix(texts::with_token(Language::English, "").as_str()) {
        return texts::with_token(language, client);
    }
    let lists = [texts::subjects, texts::organisations, texts::actions, texts::resources];
    let named = lists.into_iter().find_map(|list| {
        let names = line.strip_prefix(list(Language::English))?.strip_prefix(": ")?;
        Some(format!("{}: {names}", list(language)))
    });
    named.unwrap_or_else(|| line.to_owned())
}
