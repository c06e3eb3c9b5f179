//! Which account had access to which record, for as long as an access can explain the next.
//!
//! Pairs are kept as numbers of 64 bits, in two generations: memory is bounded, and what is older than two generations is
//! forgotten. A pair that is touched again moves to the newer one.

use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    mem,
};

/// What was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// The account never had access to the record, or long ago.
    Never,
    /// It was in a list of several, at most.
    Listed,
    /// It had, without a reason.
    Unexplained,
    /// It had, for a reason.
    Explained,
}

/// The pairs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Touches {
    newer: HashSet<u64>,
    older: HashSet<u64>,
    /// The first day of the newer generation.
    since: Option<i64>,
    /// How many days a generation has.
    days: i64,
    /// How many pairs a generation has at most; then it ends early.
    most: usize,
}

impl Touches {
    /// A generation has so many days; both together have so many pairs.
    pub(super) fn new(days: u32, most: usize) -> Self {
        Self { newer: HashSet::new(), older: HashSet::new(), since: None, days: i64::from(days), most: most / 2 }
    }

    /// What there was of this account and this record before.
    pub(super) fn before(&self, account: &str, record: &str) -> Before {
        let number = number(account, record);
        let has =
            |kind: Before| self.newer.contains(&(number | kind as u64)) || self.older.contains(&(number | kind as u64));
        let kinds = [Before::Explained, Before::Unexplained, Before::Listed];
        kinds.into_iter().find(|kind| has(*kind)).unwrap_or(Before::Never)
    }

    /// Keeps an access.
    pub(super) fn keep(&mut self, account: &str, record: &str, kind: Before, day: i64) {
        let since = *self.since.get_or_insert(day);
        if day - since >= self.days || self.newer.len() >= self.most {
            self.older = mem::take(&mut self.newer);
            self.since = Some(day);
        }
        self.newer.insert(number(account, record) | kind as u64);
    }
}

/// The number of a pair; the last two bits are free.
fn number(account: &str, record: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (account, record).hash(&mut hasher);
    hasher.finish() & !3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_forgotten_after_two_generations() {
        let mut touches = Touches::new(30, 1_000);
        assert_eq!(touches.before("a", "r"), Before::Never);
        touches.keep("a", "r", Before::Unexplained, 0);
        assert_eq!(touches.before("a", "r"), Before::Unexplained);
        touches.keep("a", "r", Before::Explained, 1);
        assert_eq!(touches.before("a", "r"), Before::Explained);
        assert_eq!(touches.before("b", "r"), Before::Never);
        touches.keep("b", "r", Before::Explained, 31);
        assert_eq!(touches.before("a", "r"), Before::Explained, "it is in the older generation");
        touches.keep("b", "r", Before::Explained, 61);
        assert_eq!(touches.before("a", "r"), Before::Never);
        assert_eq!(touches.before("b", "r"), Before::Explained, "it was touched again");
    }

    #[test]
    fn many_accesses_end_a_generation_early() {
        let mut touches = Touches::new(30, 20);
        for record in 0..100 {
            touches.keep("a", &record.to_string(), Before::Explained, 0);
            assert!(touches.newer.len() + touches.older.len() <= 20);
        }
        assert_eq!(touches.before("a", "99"), Before::Explained);
        assert_eq!(touches.before("a", "0"), Before::Never);
    }
}
