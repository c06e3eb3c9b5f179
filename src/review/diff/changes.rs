//! The changes in files between two sides: policies, guarantees, schema and directory.

use super::application_lines;
use crate::types::{
    decision::Wording,
    language::Language,
    texts::{diff as texts, diff_headline},
};
use serde::{Serialize, Serializer};

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is only in the side after.
    Added,
    /// It is only in the side before.
    Removed,
    /// It says something else.
    Changed,
    /// It has another id, and decides the same.
    Renamed,
    /// It decides the same, and asks something else of callers.
    Obligations,
    /// It decides and asks the same, with other annotations.
    Reworded,
}

impl Change {
    /// For people.
    #[must_use]
    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::Added => texts::added(language),
            Self::Removed => texts::removed(language),
            Self::Changed => texts::changed(language),
            Self::Renamed => texts::renamed(language),
            Self::Obligations => texts::obligations_changed(language),
            Self::Reworded => texts::reworded(language),
        }
    }
}

/// A policy that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// Its id.
    pub id: String,
    /// Its id in the side before, if that is another one.
    pub renamed_from: Option<String>,
    /// What it says, in one sentence. A program gets it as the author wrote it.
    #[serde(serialize_with = "base")]
    pub title: Wording,
    /// How it changed.
    pub change: Change,
    /// Names exactly this change: the digest of effect and conditions on both sides.
    pub digest: String,
    /// What it did in the side before, if it was there.
    pub before: Option<Effect>,
    /// What it does in the side after, if it is there.
    pub after: Option<Effect>,
    /// Annotations that changed.
    pub annotations: Vec<AnnotationChange>,
    /// What it asks of callers, if that changed.
    pub obligations: Option<ObligationChange>,
    /// Its place in the side before.
    pub base: Option<Spot>,
    /// Its place in the side after.
    pub head: Option<Spot>,
    /// Its text with what was removed and added.
    pub lines: Vec<Line>,
}

fn base<S: Serializer>(wording: &Wording, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(wording.base())
}

impl PolicyChange {
    /// Its id, and the one that it had.
    #[must_use]
    pub fn named(&self) -> String {
        self.renamed_from.as_ref().map_or_else(|| self.id.clone(), |before| format!("{before} → {}", self.id))
    }
}

/// What a policy does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

impl Effect {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

/// What a policy asks of callers, where that changed. Obligations in JSON, advice as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ObligationChange {
    /// Obligations that are gone. Of one that changed, as it was.
    pub lost: Vec<String>,
    /// Obligations that are new. Of one that changed, as it is.
    pub gained: Vec<String>,
    /// Advice that is gone; callers need not follow advice, so it needs no acceptance.
    pub advice_lost: Vec<String>,
    /// Advice that is new.
    pub advice_gained: Vec<String>,
    /// Names exactly this change.
    pub digest: String,
}

impl ObligationChange {
    /// All of it: whether it is gone or new, what it is, and its text.
    pub fn lines(&self, language: Language) -> impl Iterator<Item = (char, &'static str, &str)> {
        let (obligation, advice) = (texts::obligation(language), texts::advice(language));
        let list = |mark, what, texts| -> Vec<(char, &'static str, &str)> {
            let texts: &Vec<String> = texts;
            texts.iter().map(|text| (mark, what, text.as_str())).collect()
        };
        [
            list('-', obligation, &self.lost),
            list('+', obligation, &self.gained),
            list('-', advice, &self.advice_lost),
            list('+', advice, &self.advice_gained),
        ]
        .into_iter()
        .flatten()
    }
}

/// An application that may ask something else than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApplicationChange {
    /// Its name.
    pub application: String,
    /// Whether its entry is new, gone or other.
    pub change: Change,
    /// What it may ask now and could not before.
    pub widened: Vec<String>,
    /// What it could ask and no longer may.
    pub narrowed: Vec<String>,
    /// Names exactly this change: the digest of all that both sides say of it.
    pub digest: String,
}

impl ApplicationChange {
    /// All of it for people: whether it is gone or new, and its text.
    pub fn lines(&self, language: Language) -> impl Iterator<Item = (char, String)> {
        let narrowed = self.narrowed.iter().map(move |text| ('-', application_lines::words(text, language)));
        narrowed.chain(self.widened.iter().map(move |text| ('+', application_lines::words(text, language))))
    }
}

/// An annotation that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnnotationChange {
    /// Its name, without the @.
    pub name: String,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
}

/// A text in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The file.
    pub file: String,
    /// Its first line, counted from one.
    pub line: usize,
    /// Its last line.
    pub end: usize,
    /// The text.
    pub text: String,
}

/// A line of a text that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `-` removed, `+` added, a blank if it stayed.
    pub mark: char,
    /// Its number before.
    pub base: Option<usize>,
    /// Its number after.
    pub head: Option<usize>,
    /// The line.
    pub text: String,
}

/// A type or action of the schema that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaChange {
    /// `entity type` or `action`.
    pub what: String,
    /// Its name.
    pub name: String,
    /// How it changed.
    pub change: Change,
    /// What it no longer declares.
    pub removed: Vec<String>,
    /// What it declares now.
    pub added: Vec<String>,
}

impl SchemaChange {
    /// Whether it is a type or an action, for people.
    #[must_use]
    pub fn kind(&self, language: Language) -> &'static str {
        if self.what == texts::action(Language::English) {
            texts::action(language)
        } else {
            texts::entity_type(language)
        }
    }
}

/// An entity of the directory that changed: an account, or an entity that accounts are in or refer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityChange {
    /// It, as `Type::"id"`.
    pub id: String,
    /// Whether it is new, gone or other.
    pub change: Change,
    /// What is other of it. Of one that is new or gone, all that the directory says or said.
    pub facts: Vec<Fact>,
    /// Names exactly this change: the digest of all that both sides say of it.
    pub digest: String,
}

/// What the directory says of an entity: an attribute, a part of a record, a tag, or a parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Its name, such as `level`, `authorised.level`, `tag "suspended"` or `parent`.
    pub name: String,
    /// The value before; `None`, if it is new.
    pub before: Option<String>,
    /// The value now; `None`, if it is gone.
    pub after: Option<String>,
    /// What a set holds now and did not hold before, if it was there before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// What a set held before and no longer holds, if it is there now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Fact {
    /// The elements of a set that are new or gone, each with `+` or `−`; empty for another value.
    #[must_use]
    pub fn elements(&self) -> Vec<(char, &str)> {
        let added = self.added.iter().map(|text| ('+', text.as_str()));
        added.chain(self.removed.iter().map(|text| ('−', text.as_str()))).collect()
    }

    /// The values before and now.
    #[must_use]
    pub fn sides(&self, language: Language) -> [&str; 2] {
        [&self.before, &self.after].map(|side| side.as_deref().unwrap_or(diff_headline::nothing(language)))
    }

    /// In one line: `level: 1 → 3`, `tasks: + "9"`.
    #[must_use]
    pub fn line(&self, language: Language) -> String {
        let elements = self.elements();
        if !elements.is_empty() {
            let elements: Vec<_> = elements.iter().map(|(mark, text)| format!("{mark} {text}")).collect();
            return format!("{}: {}", self.name, elements.join(", "));
        }
        let [before, after] = self.sides(language);
        format!("{}: {before} → {after}", self.name)
    }
}
