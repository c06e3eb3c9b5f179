//! Retries: a record that was denied to an account, and allowed to it within minutes under another purpose, task or application.
//!
//! A denial says what would have been needed, and somebody who wants a record can say that next. A mistake in the first question looks
//! the same, so the share among peers decides.

use super::settings::Shopping;
use crate::types::evaluation::{Parts, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher as _},
};

/// How many denials of an account are known at most.
const DENIALS: usize = 32;

const MINUTE: u64 = 60_000;

/// What a question said, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// What was asked: the action, and the record.
    asked: u64,
    /// Under which purpose, task and application.
    under: u64,
}

impl Stated {
    /// Of a question that an application asked.
    pub(super) fn of(question: &Parts<'_>, application: Option<&str>, set: &Shopping) -> Self {
        let Parts { action, resource, context, .. } = question;
        let mut under = DefaultHasher::new();
        application.hash(&mut under);
        for name in &set.context {
            hash(context.get(name), &mut under);
        }
        Self { asked: number((&action.name, &resource.kind, &resource.id)), under: under.finish() }
    }

    #[cfg(test)]
    pub(super) fn for_test(asked: &str, under: &str) -> Self {
        Self { asked: number(asked), under: number(under) }
    }
}

/// A value of a context, which has no number by itself.
pub(super) fn hash(value: Option<&Value>, hasher: &mut DefaultHasher) {
    match value {
        None | Some(Value::Null) => 0_u8.hash(hasher),
        Some(Value::String(text)) => text.hash(hasher),
        Some(other) => format!("{other:?}").hash(hasher),
    }
}

fn number(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A question that was denied.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Denial {
    asked: u64,
    under: u64,
    time: i64,
}

/// The last denials of accounts, by the places of these.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Denials(HashMap<usize, VecDeque<Denial>>);

impl Denials {
    /// A question was denied.
    pub(super) fn add(&mut self, account: usize, stated: Stated, time: i64) {
        let Stated { asked, under } = stated;
        let denials = self.0.entry(account).or_default();
        if denials.iter().any(|it| (it.asked, it.under, it.time) == (asked, under, time)) {
            return;
        }
        if denials.len() == DENIALS {
            denials.pop_front();
        }
        denials.push_back(Denial { asked, under, time });
    }

    /// A question was allowed. Returns whether the same was denied to the account under something else, and forgets that.
    pub(super) fn take(&mut self, account: usize, stated: Stated, time: i64, set: &Shopping) -> bool {
        let Some(denials) = self.0.get_mut(&account) else { return false };
        let known = denials.len();
        denials.retain(|it| !(it.asked == stated.asked && it.under != stated.under && it.is_recent(time, set)));
        denials.len() < known
    }

    /// Forgets what is too long ago.
    pub(super) fn end_day(&mut self, time: i64, set: &Shopping) {
        self.0.retain(|_, denials| {
            denials.retain(|it| it.is_recent(time, set));
            !denials.is_empty()
        });
    }
}

impl Denial {
    const fn is_recent(&self, time: i64, set: &Shopping) -> bool {
        self.time.abs_diff(time) <= set.minutes as u64 * MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Shopping {
        Shopping { score: 3.0, minutes: 10, context: vec!["purpose".to_owned()] }
    }

    #[test]
    fn only_the_same_question_under_something_else_is_a_retry() {
        let (denied, set) = (Stated::for_test("read r", "8"), set());
        let allowed_after = |account: usize, stated: Stated, minutes: u64| {
            let mut denials = Denials::default();
            denials.add(1, denied, 0);
            denials.take(account, stated, (minutes * MINUTE) as i64, &set)
        };
        let other = Stated::for_test("read r", "9");
        assert!(allowed_after(1, other, 10));
        assert!(!allowed_after(1, other, 11), "too late");
        assert!(!allowed_after(2, other, 1), "another account");
        assert!(!allowed_after(1, denied, 1), "nothing else was said");
        assert!(!allowed_after(1, Stated::for_test("read s", "9"), 1), "another record");
    }

    #[test]
    fn a_denial_counts_once_and_few_are_kept() {
        let (mut denials, set) = (Denials::default(), set());
        let other = Stated::for_test("r", "9");
        denials.add(1, Stated::for_test("r", "8"), 0);
        assert!(denials.take(1, other, 1, &set) && !denials.take(1, other, 2, &set));
        denials.add(1, Stated::for_test("r", "8"), 3);
        (0..DENIALS).for_each(|record| denials.add(1, Stated::for_test(&record.to_string(), "8"), 4));
        assert!(!denials.take(1, other, 5, &set));
        denials.end_day((20 * MINUTE) as i64, &set);
        assert!(denials.0.is_empty());
    }
}
