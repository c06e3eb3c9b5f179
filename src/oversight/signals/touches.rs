//! Which account had access to which record, for as long as an access can explain the next.
//!
//! Pairs are kept as numbers of 64 bits, in two generations: memory is bounded, and what is older than two generations is
//! forgotten. A pair that is touched again moves to the newer one.

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
    /// It had, without a reason.
    Unexplained,
    /// It had, for a reason.
    Explained,
}

/// The pairs.
#[derive(Debug)]
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
    pub(super) fn new(days: u32, most: usize) -> Self {
        Self { newer: HashSet::new(), older: HashSet::new(), since: None, days: i64::from(days), most }
    }

    /// Whether this account had access to this record before this day, and whether that was explained.
    pub(super) fn before(&self, account: &str, record: &str) -> Before {
        let (with, without) = numbers(account, record);
        let has = |number| self.newer.contains(number) || self.older.contains(number);
        if has(&with) {
            Before::Explained
        } else if has(&without) {
            Before::Unexplained
        } else {
            Before::Never
        }
    }

    /// Keeps an access.
    pub(super) fn keep(&mut self, account: &str, record: &str, is_explained: bool, day: i64) {
        let since = *self.since.get_or_insert(day);
        if (day - since).abs() >= self.days || self.newer.len() >= self.most {
            self.older = mem::take(&mut self.newer);
            self.since = Some(day);
        }
        let (with, without) = numbers(account, record);
        self.newer.insert(if is_explained { with } else { without });
    }
}

/// The number of a pair, explained and not.
fn numbers(account: &str, record: &str) -> (u64, u64) {
    let mut hasher = DefaultHasher::new();
    (account, record).hash(&mut hasher);
    let number = hasher.finish();
    (number | 1, number & !1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_forgotten_after_two_generations() {
        let mut touches = Touches::new(30, 1_000);
        assert_eq!(touches.before("a", "r"), Before::Never);
        touches.keep("a", "r", false, 0);
        assert_eq!(touches.before("a", "r"), Before::Unexplained);
        touches.keep("a", "r", true, 1);
        assert_eq!(touches.before("a", "r"), Before::Explained);
        assert_eq!(touches.before("b", "r"), Before::Never);
        touches.keep("b", "r", true, 31);
        assert_eq!(touches.before("a", "r"), Before::Explained, "it is in the older generation");
        touches.keep("b", "r", true, 61);
        assert_eq!(touches.before("a", "r"), Before::Never);
        assert_eq!(touches.before("b", "r"), Before::Explained, "it was touched again");
    }

    #[test]
    fn many_accesses_end_a_generation_early() {
        let mut touches = Touches::new(30, 10);
        for record in 0..100 {
            touches.keep("a", &record.to_string(), true, 0);
            assert!(touches.newer.len() + touches.older.len() <= 20);
        }
        assert_eq!(touches.before("a", "99"), Before::Explained);
        assert_eq!(touches.before("a", "0"), Before::Never);
    }
}
