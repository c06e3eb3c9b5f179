//! The comparison: the result of comparing two sides.

use super::{Account, ApplicationChange, Change, EntityChange, PolicyChange, Question, SchemaChange, SideAnswer};
use crate::{
    review::proof::Environment,
    types::{language::Language, texts::diff as texts},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that differs between two sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The side before the change.
    pub base: SideName,
    /// The side after the change.
    pub head: SideName,
    /// What became of each environment, in order.
    pub environments: Vec<EnvironmentChange>,
    /// How many environments were left out by a filter.
    pub filtered: usize,
    /// Policies that changed.
    pub policies: Vec<PolicyChange>,
    /// Guarantees that changed.
    pub guarantees: Vec<PolicyChange>,
    /// What changed in the schema.
    pub schema: Vec<SchemaChange>,
    /// What applications may ask otherwise than before.
    pub applications: Vec<ApplicationChange>,
    /// What changed in the directory.
    pub directory: Vec<EntityChange>,
    /// Actions that the tests no longer ask about.
    pub untested: Vec<String>,
    /// The accounts for whom something is different, by their names in it.
    pub people: BTreeMap<String, Account>,
    /// Why it is not known what the change of the directory changes in decisions, if it is not.
    pub not_worked_out: Option<String>,
}

/// A side, as it was named, with its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideName {
    /// As it was named.
    pub name: String,
    /// The revision of the policies.
    pub policies: String,
    /// The revision of the directory.
    pub directory: String,
}

/// What became of one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentChange {
    /// The type of the principal; without namespace, unless another type has that name too.
    pub principal: String,
    /// The action; its id alone, unless another action has that id too.
    pub action: String,
    /// The type of the resource, named as that of the principal.
    pub resource: String,
    /// The types and the action with their namespaces.
    pub whole: Whole,
    /// What is different, if anything.
    pub differences: Vec<Difference>,
    /// For which accounts of the directory something is different, in each direction that has differences.
    pub reached: Vec<Reached>,
    /// Why something could not be decided.
    pub undecided: Vec<String>,
    /// If something is undecided: names exactly what was compared. It is the digest of the policies that can apply on
    /// both sides, and of the schemas where these differ in what matters here.
    pub undecided_digest: Option<String>,
    /// What the comparison rests on, if not on the same types on both sides.
    pub note: Option<Note>,
    /// How it was settled.
    pub settled: Settled,
    /// What the change of the directory changes under the policies of the side after.
    pub accounts: Vec<AccountEffect>,
    /// Whether what policies read of the directory changed together with them.
    pub together: Together,
}

/// What a comparison rests on, if not on the same types on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Note {
    /// The old schema does not have these questions.
    RefusedBefore,
    /// The new schema does not have these questions.
    RefusedNow,
    /// Compared for the questions of the old schema, and one more of the new schema.
    OldQuestions,
    /// Compared under the new schema.
    NewSchema,
}

impl Note {
    const ALL: [Self; 4] = [Self::RefusedBefore, Self::RefusedNow, Self::OldQuestions, Self::NewSchema];

    /// For people.
    #[must_use]
    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::RefusedBefore => texts::refused_before(language),
            Self::RefusedNow => texts::refused_now(language),
            Self::OldQuestions => texts::old_questions(language),
            Self::NewSchema => texts::under_new_schema(language),
        }
    }
}

/// In files: its words in English.
impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.words(Language::English).to_owned()
    }
}

impl TryFrom<String> for Note {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_it = |note: &Self| note.words(Language::English) == text;
        Self::ALL.into_iter().find(is_it).ok_or_else(|| format!("`{text}` is no note"))
    }
}

/// What of the directory changed together with policies that read it. Then neither `differences` nor `accounts` alone say what
/// could be done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Together {
    /// Nothing.
    Nothing,
    /// Accounts: `reached` has those for whom both changes together make a difference, and counts those of whom that is not
    /// known.
    Accounts,
    /// Also what policies name, or questions beside the account. What both changes do to such questions is not known.
    Records,
}

/// What a change of the directory changes for accounts, with a question that shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountEffect {
    /// What it is.
    pub change: Direction,
    /// The accounts that ask, as `Type::"id"`: all that are alike but for their ids. The example is about the first.
    /// Empty: whoever asks about what is in `named`.
    pub accounts: Vec<String>,
    /// The entities that the question names, where they matter: the place, such as `resource.team`, and those that are alike.
    pub named: Vec<(String, Vec<String>)>,
    /// The changed entities of the directory that cause it.
    pub because: Vec<String>,
    /// The question.
    pub example: Question,
    /// What the directory before makes of it.
    pub base: SideAnswer,
    /// What the directory after makes of it.
    pub head: SideAnswer,
}

/// An environment by the names of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// The type of the principal.
    pub principal: String,
    /// The action.
    pub action: String,
    /// The type of the resource.
    pub resource: String,
}

impl EnvironmentChange {
    /// Nothing differs, so far.
    pub(super) fn equal(environment: &Environment, settled: Settled) -> Self {
        Self {
            principal: environment.principal_name(),
            action: environment.action_name().to_owned(),
            resource: environment.resource_name(),
            whole: Whole {
                principal: environment.principal.to_string(),
                action: environment.action.to_string(),
                resource: environment.resource.to_string(),
            },
            differences: Vec::new(),
            reached: Vec::new(),
            undecided: Vec::new(),
            undecided_digest: None,
            note: None,
            settled,
            accounts: Vec::new(),
            together: Together::Nothing,
        }
    }

    /// Whether poort decides all its questions equally.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.undecided.is_empty() && self.accounts.is_empty()
    }

    /// As people name it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} × {} × {}", self.principal, self.action, self.resource)
    }
}

/// How an environment was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// The policies that can apply are the same on both sides.
    Unchanged,
    /// By the solver.
    Solver,
    /// By the solver, on an earlier run.
    Cache,
}

/// What a question was before, and is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Denied before, allowed now.
    NewlyAllowed,
    /// Allowed before, denied now.
    NewlyDenied,
}

impl Direction {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewlyAllowed => "newly-allowed",
            Self::NewlyDenied => "newly-denied",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::NewlyAllowed => texts::newly_allowed(language),
            Self::NewlyDenied => texts::newly_denied(language),
        }
    }
}

/// The accounts for whom something is different in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// In which direction.
    pub change: Direction,
    /// The accounts, as `Type::"id"`, ordered. The engine decided a question of each, or of one that is alike.
    pub accounts: Vec<String>,
    /// For how many more it is not known.
    pub open: usize,
    /// The directory holds no accounts of this type: whoever the question describes.
    pub whoever: bool,
}

/// A difference with a question that shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is.
    pub change: Direction,
    /// The policies that changed and cause it, ordered by id.
    pub policies: Vec<String>,
    /// Names exactly this change of them: the digest of their conditions on both sides, and of the schema where a change of
    /// it alone is the cause.
    pub digest: String,
    /// The question.
    pub example: Question,
    /// What the side before says to it.
    pub base: SideAnswer,
    /// What the side after says to it.
    pub head: SideAnswer,
}

impl Comparison {
    /// The differences of one direction with their environments.
    pub fn differences(&self, change: Direction) -> impl Iterator<Item = (&EnvironmentChange, &Difference)> {
        self.environments.iter().flat_map(move |outcome| {
            let of = outcome.differences.iter().filter(move |difference| difference.change == change);
            of.map(move |difference| (outcome, difference))
        })
    }

    /// In how many environments there is a difference of this direction.
    #[must_use]
    pub fn count(&self, change: Direction) -> usize {
        let has = |it: &&EnvironmentChange| {
            it.differences.iter().any(|found| found.change == change)
                || it.accounts.iter().any(|effect| effect.change == change)
        };
        self.environments.iter().filter(has).count()
    }

    /// In how many environments something is undecided.
    #[must_use]
    pub fn undecided(&self) -> usize {
        self.environments.iter().filter(|outcome| !outcome.undecided.is_empty()).count()
    }

    /// In how many environments both sides are proven equal.
    #[must_use]
    pub fn equal(&self) -> usize {
        self.environments.iter().filter(|outcome| outcome.is_equal()).count()
    }

    /// What the whole rests on, in sentences that every report shows.
    #[must_use]
    pub fn notes(&self, language: Language) -> Vec<String> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for note in self.environments.iter().filter_map(|outcome| outcome.note) {
            *counts.entry(note.words(language)).or_default() += 1;
        }
        let mut notes: Vec<_> = counts
            .into_iter()
            .map(|(note, count)| texts::note_of(language, environments(count, language), note))
            .collect();
        if self.filtered > 0 {
            notes.push(texts::left_out_by_env(language, environments(self.filtered, language)));
        }
        if !self.directory.is_empty() {
            let count = |wanted| self.directory.iter().filter(|entity| entity.change == wanted).count();
            notes.push(texts::directory_changed(
                language,
                count(Change::Added),
                count(Change::Removed),
                count(Change::Changed),
            ));
        }
        if !self.untested.is_empty() {
            notes.push(texts::no_longer_tested(language, self.untested.join(", ")));
        }
        if let Some(reason) = &self.not_worked_out {
            notes.push(texts::not_proven(language, reason));
        }
        notes
    }

    /// The answer in one line.
    #[must_use]
    pub fn summary(&self, language: Language) -> String {
        let mut summary = texts::summary(
            language,
            self.count(Direction::NewlyAllowed),
            self.environments.len(),
            self.count(Direction::NewlyDenied),
            self.undecided(),
            self.equal(),
        );
        let obligations = self.policies.iter().filter(|change| change.obligations.is_some()).count();
        for change in [Direction::NewlyAllowed, Direction::NewlyDenied] {
            let count = self.accounts(change);
            if count > 0 {
                summary.push_str(&texts::by_directory(language, change.words(language), accounts(count, language)));
            }
        }
        for (count, words) in [
            (self.filtered, texts::sum_not_looked_at as fn(_, _) -> String),
            (self.guarantees.len(), texts::sum_guarantees),
            (obligations, texts::sum_obligations),
            (self.applications.len(), texts::sum_applications),
            (self.directory.len(), texts::sum_directory),
        ] {
            if count > 0 {
                summary.push_str(&words(language, count));
            }
        }
        summary
    }
}

/// `1 environment`, `2 environments`.
pub(super) fn environments(count: usize, language: Language) -> String {
    if count == 1 { texts::one_environment(language).to_owned() } else { texts::many_environments(language, count) }
}

/// `1 account`, `2 accounts`.
pub(super) fn accounts(count: usize, language: Language) -> String {
    if count == 1 { texts::one_account(language).to_owned() } else { texts::many_accounts(language, count) }
}
