//! What a policy says, in the languages that its author wrote it in.

use crate::types::language::Language;
use serde::{Deserialize, Serialize};

/// A sentence in one language at least.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wording {
    base: String,
    english: Option<String>,
    dutch: Option<String>,
}

impl Wording {
    /// What the author wrote without naming a language (`@title`).
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The sentence in this language (`@title_nl`), else as the author wrote it without naming one.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        let translation = match language {
            Language::English => &self.english,
            Language::Dutch => &self.dutch,
        };
        translation.as_ref().unwrap_or(&self.base)
    }

    /// Adds a translation.
    pub fn translate(&mut self, language: Language, text: String) {
        let translation = match language {
            Language::English => &mut self.english,
            Language::Dutch => &mut self.dutch,
        };
        *translation = Some(text);
    }

    /// The same where the author wrote something; else what another says, with the translations of both.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        if !self.base.is_empty() {
            return self;
        }
        let Self { base, english, dutch } = other.clone();
        Self { base, english: self.english.or(english), dutch: self.dutch.or(dutch) }
    }

    /// The same, with each of its texts changed.
    #[must_use]
    pub fn map(self, change: impl Fn(String) -> String) -> Self {
        let Self { base, english, dutch } = self;
        Self { base: change(base), english: english.map(&change), dutch: dutch.map(&change) }
    }

    /// Whether the author wrote nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.base.is_empty()
    }
}

impl From<String> for Wording {
    fn from(base: String) -> Self {
        Self { base, english: None, dutch: None }
    }
}

impl From<&str> for Wording {
    fn from(base: &str) -> Self {
        base.to_owned().into()
    }
}
