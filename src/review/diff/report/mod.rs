//! Reports a comparison in the forms that people and CI systems read.
//!
//! **Invariant:** no form omits a difference, an undecided environment, a change of a guarantee, of obligations, of what
//! applications may ask or of the directory, what that changes for accounts, or a note on what the comparison rests on. No form reports success if one of them needs acceptance
//! and has none, or if a part was not compared.

mod html;
pub mod invalid;
mod json;
mod junit;
mod markdown;
mod sarif;
mod terminal;
#[cfg(test)]
mod tests;

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::terminal;

use super::{
    Accepted, AccountGroup, ApplicationChange, Change, Comparison, EntityChange, Group, Headline, ItemKind, Judged,
    ObligationChange, PolicyChange, ReviewItem, account_groups, comparison,
};
use crate::types::{language::Language, texts::diff as texts};

/// What a report is about.
#[derive(Debug)]
pub struct Report<'a> {
    comparison: &'a Comparison,
    judged: Judged<'a>,
}

/// The state of an item's review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It needs acceptance and has none.
    Open,
    /// It is accepted.
    Accepted,
    /// It needs no acceptance.
    Listed,
}

impl<'a> Report<'a> {
    /// A report on a comparison, of which reviewers accepted a part. `strict`: what is newly denied needs acceptance
    /// too.
    #[must_use]
    pub fn new(comparison: &'a Comparison, accepted: &Accepted, strict: bool) -> Self {
        Self { comparison, judged: accepted.judge(comparison, strict) }
    }

    /// What the accepted entries make of it.
    #[must_use]
    pub const fn judged(&self) -> &Judged<'a> {
        &self.judged
    }

    /// Whether the change may proceed: nothing is open, and nothing was left out.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.judged.open.is_empty() && self.comparison.filtered == 0
    }

    fn standing(&self, matter: ReviewItem<'_>) -> Standing {
        let among = |all: &[ReviewItem<'_>]| all.iter().any(|one| one.is(matter));
        if among(&self.judged.open) {
            Standing::Open
        } else if among(&self.judged.accepted) {
            Standing::Accepted
        } else {
            Standing::Listed
        }
    }

    /// How many differences of a group are open, and the state of the whole group.
    fn standing_of(&self, group: &Group<'_>) -> (usize, Standing) {
        let standings: Vec<_> = group
            .members
            .iter()
            .map(|(outcome, difference)| self.standing(ReviewItem::Difference(outcome, difference)))
            .collect();
        let open = standings.iter().filter(|standing| **standing == Standing::Open).count();
        let whole = match (open, standings.contains(&Standing::Listed)) {
            (0, true) => Standing::Listed,
            (0, false) => Standing::Accepted,
            _ => Standing::Open,
        };
        (open, whole)
    }

    /// Environments in which something is undecided.
    fn undecided(&self) -> Vec<ReviewItem<'a>> {
        self.comparison.matters().filter(|matter| matter.kind() == ItemKind::Undecided).collect()
    }

    /// Policies that ask something else of callers.
    fn obligations(&self) -> Vec<(&'a PolicyChange, &'a ObligationChange, Standing)> {
        let changed = self.comparison.policies.iter();
        changed
            .filter_map(|change| Some((change, change.obligations.as_ref()?)))
            .map(|(change, obligations)| {
                (change, obligations, self.standing(ReviewItem::Obligations(change, obligations)))
            })
            .collect()
    }

    /// Guarantees that changed.
    fn guarantees(&self) -> Vec<(&'a PolicyChange, Standing)> {
        let changed = self.comparison.guarantees.iter();
        changed.map(|change| (change, self.standing(ReviewItem::Guarantee(change)))).collect()
    }

    /// Applications that may ask something else.
    fn applications(&self) -> Vec<(&'a ApplicationChange, Standing)> {
        let changed = self.comparison.applications.iter();
        changed.map(|change| (change, self.standing(ReviewItem::Application(change)))).collect()
    }

    /// Accounts that changed, and what else the directory holds, with what that changes. What several changes cause together
    /// is with the first of them.
    fn accounts(&self) -> Vec<(&'a EntityChange, Standing, Vec<AccountGroup<'a>>)> {
        let mut groups = account_groups(self.comparison);
        let changed = self.comparison.directory.iter();
        changed
            .map(|change| {
                let (its, others) =
                    groups.drain(..).partition(|group: &AccountGroup<'_>| group.because.first() == Some(&change.id));
                groups = others;
                (change, self.standing(ReviewItem::Account(change)), its)
            })
            .collect()
    }

    /// Who can now do what, in words: the first lines of every form that people read.
    fn headline(&self, language: Language) -> Headline {
        Headline::of(self.comparison, language)
    }

    /// The verdict in one line.
    #[must_use]
    pub fn verdict(&self, language: Language) -> String {
        let of =
            |all: &[ReviewItem<'_>], wanted: &[ItemKind]| all.iter().filter(|it| wanted.contains(&it.kind())).count();
        type Words = fn(Language, String) -> String;
        type Counted = fn(usize, Language) -> String;
        let differences = [ItemKind::NewlyAllowed, ItemKind::NewlyDenied];
        let environments: Counted = comparison::environments;
        let kinds: [(&[ItemKind], Counted, Words, Words); 6] = [
            (&differences, counted_differences, texts::part_not_accepted, texts::part_accepted),
            (&[ItemKind::Undecided], environments, texts::part_undecided, texts::part_undecided_accepted),
            (&[ItemKind::Guarantee], counted_changes, texts::guarantees_not_accepted, texts::guarantees_accepted),
            (&[ItemKind::Obligations], counted_changes, texts::obligations_not_accepted, texts::obligations_accepted),
            (&[ItemKind::Application], counted_changes, texts::applications_not_accepted, texts::applications_accepted),
            (&[ItemKind::Account], counted_changes, texts::directory_not_accepted, texts::directory_accepted),
        ];
        let mut parts = Vec::new();
        for (kinds, counted, open, accepted) in kinds {
            for (matters, words) in [(&self.judged.open, open), (&self.judged.accepted, accepted)] {
                let count = of(matters, kinds);
                if count > 0 {
                    parts.push(words(language, counted(count, language)));
                }
            }
        }
        if self.comparison.filtered > 0 {
            parts.push(texts::not_looked_at(language, environments(self.comparison.filtered, language)));
        }
        let word = if self.passes() { texts::passed(language) } else { texts::not_passed(language) };
        if parts.is_empty() { word.to_owned() } else { texts::verdict(language, word, parts.join(", ")) }
    }
}

fn counted_differences(count: usize, language: Language) -> String {
    if count == 1 { texts::one_difference(language).to_owned() } else { texts::many_differences(language, count) }
}

fn counted_changes(count: usize, language: Language) -> String {
    if count == 1 { texts::one_change(language).to_owned() } else { texts::many_changes(language, count) }
}

/// A change of the directory in one line, for programs.
fn account_line(change: &EntityChange, groups: &[AccountGroup<'_>]) -> String {
    let english = Language::English;
    let facts = change.facts.iter().map(|fact| fact.line(english));
    let parts: Vec<_> = facts.chain(groups.iter().map(|group| group.line(english))).collect();
    format!("{} {} in the directory: {}", change.id, change.change.words(english), parts.join("; "))
}

/// A change of what an application may ask, in one line, for programs.
fn application_line(change: &ApplicationChange) -> String {
    let lines: Vec<_> = change.lines(Language::English).map(|(mark, text)| format!("{mark} {text}")).collect();
    format!("what the application {} may ask changed: {}", change.application, lines.join("; "))
}

/// A change of a guarantee in words.
const fn guarantee_words(change: Change, language: Language) -> &'static str {
    match change {
        Change::Added => texts::guarantee_added(language),
        Change::Removed => texts::guarantee_removed(language),
        Change::Changed => texts::guarantee_changed(language),
        Change::Renamed => texts::guarantee_renamed(language),
        Change::Obligations | Change::Reworded => texts::guarantee_reworded(language),
    }
}
