//! A review item: one finding of a comparison that reviewers may have to accept.

use super::{
    ApplicationChange, Change, Comparison, Difference, Direction, EntityChange, EnvironmentChange, ObligationChange,
    PolicyChange,
};
use serde::{Deserialize, Serialize};
use std::ptr;

/// The kinds of things that can be accepted, as the accept file names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// Denied before, allowed now.
    NewlyAllowed,
    /// Allowed before, denied now.
    NewlyDenied,
    /// It is undecided whether an environment changed.
    Undecided,
    /// A guarantee is gone, or says something else.
    Guarantee,
    /// A policy no longer asks of callers what it asked.
    Obligations,
    /// An application may ask something else than before.
    Application,
    /// The directory changed an account, or an entity that accounts are in or refer to.
    Account,
}

impl ItemKind {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewlyAllowed => "newly-allowed",
            Self::NewlyDenied => "newly-denied",
            Self::Undecided => "undecided",
            Self::Guarantee => "guarantee",
            Self::Obligations => "obligations",
            Self::Application => "application",
            Self::Account => "account",
        }
    }

    /// Whether it is about an environment.
    #[must_use]
    pub const fn has_environment(self) -> bool {
        matches!(self, Self::NewlyAllowed | Self::NewlyDenied | Self::Undecided)
    }

    /// Whether it names policies.
    #[must_use]
    pub const fn has_policies(self) -> bool {
        !matches!(self, Self::Undecided | Self::Application | Self::Account)
    }
}

impl From<Direction> for ItemKind {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::NewlyAllowed => Self::NewlyAllowed,
            Direction::NewlyDenied => Self::NewlyDenied,
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, Copy)]
pub enum ReviewItem<'a> {
    /// Questions whose decisions differ.
    Difference(&'a EnvironmentChange, &'a Difference),
    /// An environment in which something is undecided.
    Undecided(&'a EnvironmentChange),
    /// A change of a guarantee.
    Guarantee(&'a PolicyChange),
    /// A change of what a policy asks of callers.
    Obligations(&'a PolicyChange, &'a ObligationChange),
    /// A change of what an application may ask.
    Application(&'a ApplicationChange),
    /// A change of the directory.
    Account(&'a EntityChange),
}

impl<'a> ReviewItem<'a> {
    /// What kind of thing it is.
    #[must_use]
    pub fn kind(self) -> ItemKind {
        match self {
            Self::Difference(_, difference) => difference.change.into(),
            Self::Undecided(_) => ItemKind::Undecided,
            Self::Guarantee(_) => ItemKind::Guarantee,
            Self::Obligations(..) => ItemKind::Obligations,
            Self::Application(_) => ItemKind::Application,
            Self::Account(_) => ItemKind::Account,
        }
    }

    /// The environment that it is in.
    #[must_use]
    pub const fn outcome(self) -> Option<&'a EnvironmentChange> {
        match self {
            Self::Difference(outcome, _) | Self::Undecided(outcome) => Some(outcome),
            Self::Guarantee(_) | Self::Obligations(..) | Self::Application(_) | Self::Account(_) => None,
        }
    }

    /// The policies that cause it, or the guarantee.
    #[must_use]
    pub fn policies(self) -> &'a [String] {
        match self {
            Self::Difference(_, difference) => &difference.policies,
            Self::Undecided(_) | Self::Application(_) | Self::Account(_) => &[],
            Self::Guarantee(change) | Self::Obligations(change, _) => std::slice::from_ref(&change.id),
        }
    }

    /// What of the directory it is about, as `Type::"id"`.
    #[must_use]
    pub fn account(self) -> Option<&'a str> {
        match self {
            Self::Account(change) => Some(&change.id),
            Self::Difference(..)
            | Self::Undecided(_)
            | Self::Guarantee(_)
            | Self::Obligations(..)
            | Self::Application(_) => None,
        }
    }

    /// The application that it is about.
    #[must_use]
    pub fn application(self) -> Option<&'a str> {
        match self {
            Self::Application(change) => Some(&change.application),
            Self::Difference(..)
            | Self::Undecided(_)
            | Self::Guarantee(_)
            | Self::Obligations(..)
            | Self::Account(_) => None,
        }
    }

    /// Names exactly the texts that a reviewer saw.
    #[must_use]
    pub fn digest(self) -> &'a str {
        match self {
            Self::Difference(_, difference) => &difference.digest,
            Self::Undecided(outcome) => outcome.undecided_digest.as_deref().unwrap_or_default(),
            Self::Guarantee(change) => &change.digest,
            Self::Obligations(_, obligations) => &obligations.digest,
            Self::Application(change) => &change.digest,
            Self::Account(change) => &change.digest,
        }
    }

    /// Whether it must be accepted. `strict`: also where something is taken away.
    #[must_use]
    pub fn asks(self, strict: bool) -> bool {
        match self {
            Self::Difference(_, difference) => strict || difference.change == Direction::NewlyAllowed,
            Self::Undecided(_) | Self::Account(_) => true,
            Self::Guarantee(change) => matches!(change.change, Change::Removed | Change::Changed),
            Self::Obligations(_, obligations) => !obligations.lost.is_empty(),
            Self::Application(change) => strict || !change.widened.is_empty(),
        }
    }

    /// Whether both are the same item, and not merely equal.
    pub(super) fn is(self, other: ReviewItem<'_>) -> bool {
        match (self, other) {
            (Self::Difference(_, one), ReviewItem::Difference(_, other)) => ptr::eq(one, other),
            (Self::Undecided(one), ReviewItem::Undecided(other)) => ptr::eq(one, other),
            (Self::Guarantee(one), ReviewItem::Guarantee(other))
            | (Self::Obligations(one, _), ReviewItem::Obligations(other, _)) => ptr::eq(one, other),
            (Self::Application(one), ReviewItem::Application(other)) => ptr::eq(one, other),
            (Self::Account(one), ReviewItem::Account(other)) => ptr::eq(one, other),
            _ => false,
        }
    }
}

impl Comparison {
    /// All that may ask for acceptance, in the order of reports.
    pub fn matters(&self) -> impl Iterator<Item = ReviewItem<'_>> {
        self.environments
            .iter()
            .flat_map(EnvironmentChange::matters)
            .chain(self.guarantees.iter().map(ReviewItem::Guarantee))
            .chain(self.policies.iter().filter_map(PolicyChange::matter))
            .chain(self.applications.iter().map(ReviewItem::Application))
            .chain(self.directory.iter().map(ReviewItem::Account))
    }
}

impl EnvironmentChange {
    fn matters(&self) -> impl Iterator<Item = ReviewItem<'_>> {
        let differences = self.differences.iter().map(|difference| ReviewItem::Difference(self, difference));
        differences.chain((!self.undecided.is_empty()).then_some(ReviewItem::Undecided(self)))
    }
}

impl PolicyChange {
    fn matter(&self) -> Option<ReviewItem<'_>> {
        self.obligations.as_ref().map(|obligations| ReviewItem::Obligations(self, obligations))
    }
}
