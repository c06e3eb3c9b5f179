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

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::terminal;

use super::{
    Accepted, AccountGroup, ApplicationChange, Change, Comparison, EntityChange, Fact, Group, Headline, ItemKind,
    Judged, ObligationChange, PolicyChange, ReviewItem, account_groups, comparison::counted,
};

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
    fn headline(&self) -> Headline {
        Headline::of(self.comparison)
    }

    /// The verdict in one line.
    #[must_use]
    pub fn verdict(&self) -> String {
        let of =
            |all: &[ReviewItem<'_>], wanted: &[ItemKind]| all.iter().filter(|it| wanted.contains(&it.kind())).count();
        let differences = [ItemKind::NewlyAllowed, ItemKind::NewlyDenied];
        let kinds: [(&[ItemKind], &str, &str, &str); 6] = [
            (&differences, "difference", "not accepted", "accepted"),
            (&[ItemKind::Undecided], "environment", "undecided", "undecided and accepted"),
            (&[ItemKind::Guarantee], "change", "of guarantees not accepted", "of guarantees accepted"),
            (&[ItemKind::Obligations], "change", "of obligations not accepted", "of obligations accepted"),
            (
                &[ItemKind::Application],
                "change",
                "of what applications may ask not accepted",
                "of what applications may ask accepted",
            ),
            (&[ItemKind::Account], "change", "of the directory not accepted", "of the directory accepted"),
        ];
        let mut parts = Vec::new();
        for (kinds, what, open, accepted) in kinds {
            for (matters, words) in [(&self.judged.open, open), (&self.judged.accepted, accepted)] {
                let count = of(matters, kinds);
                if count > 0 {
                    parts.push(format!("{} {words}", counted(count, what)));
                }
            }
        }
        if self.comparison.filtered > 0 {
            parts.push(format!("{} not looked at", counted(self.comparison.filtered, "environment")));
        }
        let word = if self.passes() { "passed" } else { "not passed" };
        if parts.is_empty() { word.to_owned() } else { format!("{word}: {}", parts.join(", ")) }
    }
}

/// A change of the directory in one line.
fn account_line(change: &EntityChange, groups: &[AccountGroup<'_>]) -> String {
    let facts = change.facts.iter().map(Fact::line);
    let parts: Vec<_> = facts.chain(groups.iter().map(AccountGroup::line)).collect();
    format!("{} {} in the directory: {}", change.id, change.change.name(), parts.join("; "))
}

/// A change of what an application may ask, in one line.
fn application_line(change: &ApplicationChange) -> String {
    let lines: Vec<_> = change.lines().map(|(mark, text)| format!("{mark} {text}")).collect();
    format!("what the application {} may ask changed: {}", change.application, lines.join("; "))
}

/// A change of a guarantee in words.
const fn guarantee_words(change: Change) -> &'static str {
    match change {
        Change::Added => "new",
        Change::Removed => "gone: it no longer keeps later changes from breaking it",
        Change::Changed => "changed: it says something else now",
        Change::Renamed => "renamed: it says the same",
        Change::Obligations | Change::Reworded => "reworded: it says the same",
    }
}
