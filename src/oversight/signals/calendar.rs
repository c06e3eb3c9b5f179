//! The day of detection: that of the records, where they agree on it.
//!
//! A clock that is ahead must not end the day for everybody. So the day after comes with its first record, and any later one when
//! several accounts have it. It never goes back: a record that is late counts for today.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many accounts must have a day that is not the next; fewer, if fewer were active.
const AGREED: usize = 5;

/// How many such days are looked at.
const CANDIDATES: usize = 4;

/// The calendar.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Calendar {
    today: Option<i64>,
    /// Later days, with the accounts that have them.
    candidates: Vec<(i64, BTreeSet<usize>)>,
    /// How many days have ended.
    ended: u32,
}

impl Calendar {
    /// Takes the day of a record of this account. Returns how many days pass with it. `active`: how many accounts were active
    /// today.
    pub(super) fn pass(&mut self, day: i64, account: usize, active: usize) -> i64 {
        let Some(today) = self.today else {
            self.today = Some(day);
            return 0;
        };
        if day <= today {
            return 0;
        }
        if day > today + 1 {
            let place = self.candidates.iter().position(|(candidate, _)| *candidate == day).unwrap_or_else(|| {
                if self.candidates.len() == CANDIDATES {
                    self.candidates.remove(0);
                }
                self.candidates.push((day, BTreeSet::new()));
                self.candidates.len() - 1
            });
            let Some((_, accounts)) = self.candidates.get_mut(place) else { return 0 };
            accounts.insert(account);
            if accounts.len() < AGREED.min(active.max(1)) {
                return 0;
            }
        }
        self.today = Some(day);
        self.candidates.retain(|(candidate, _)| *candidate > day);
        self.ended += 1;
        day - today
    }

    /// Today.
    pub(super) fn today(&self) -> i64 {
        self.today.unwrap_or_default()
    }

    /// How many days have ended.
    pub(super) const fn ended(&self) -> u32 {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_clock_that_is_ahead_ends_no_day() {
        let mut calendar = Calendar::default();
        assert_eq!(calendar.pass(10, 0, 20), 0);
        for day in [11_000, 30, 12] {
            assert_eq!(calendar.pass(day, 1, 20), 0, "one account alone says so");
        }
        assert_eq!((calendar.pass(11, 2, 20), calendar.today()), (1, 11));
        assert_eq!((calendar.pass(9, 3, 20), calendar.today()), (0, 11), "it never goes back");
        // After a weekend several accounts have the same day.
        let passed: Vec<_> = (0..5).map(|account| calendar.pass(14, account, 20)).collect();
        assert_eq!(passed, [0, 0, 0, 0, 3]);
        // Where one was active, one is enough.
        assert_eq!((calendar.pass(20, 0, 1), calendar.ended()), (6, 3));
    }
}
