//! Runs: records that an account asks about one after the other, and whose numbers follow each other.
//!
//! How likely a run is, peers say: how often they ask about the next number, and how often they then go on. Where work is done in the
//! order of numbers, long runs are usual.

use super::{
    peers::{DayOfAccount, Group},
    tail::HIGHEST,
};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How many series of ids of an account are known: an application asks about several types of records in turn.
const SERIES: usize = 4;

/// How far a number is from the one before at most.
const STEP: u32 = 2;

/// The last record of a series of ids, and the run that it is in.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Run {
    /// What its ids begin with, as a number.
    series: u32,
    /// The number at their end, modulo 2^32.
    last: u32,
    /// How many records it has; 0: there is none.
    records: u16,
    /// Whether numbers rise.
    rises: bool,
}

/// The runs of an account, the last one first.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Runs([Run; SERIES]);

/// How many records a run has, and how common it is among peers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likelihood {
    /// -log10 of the probability that a day has one as long.
    pub(super) surprise: f64,
    /// How many records a run of peers has in the mean.
    pub(super) usual: f64,
}

impl Runs {
    /// The account asks about one record. Counts it for the day. Returns whether it goes on with a run.
    pub(super) fn add(&mut self, resource: &str, today: &mut DayOfAccount) -> bool {
        let Some((series, number)) = numbered(resource) else { return false };
        let known = self.0.iter().position(|run| run.records > 0 && run.series == series);
        let place = known.unwrap_or(SERIES - 1);
        let Some(before) = self.0.get(place).copied() else { return false };
        let step = number.wrapping_sub(before.last) as i32;
        let mut run = Run { series, last: number, records: 1, rises: step > 0 };
        if known.is_some() {
            if step == 0 {
                return false;
            }
            let is_near = step.unsigned_abs() <= STEP;
            let goes_on = is_near && before.records > 1 && before.rises == run.rises;
            today.steps += 1.0;
            today.near += f64::from(is_near);
            today.onward += f64::from(goes_on);
            run.records = match (goes_on, is_near) {
                (true, _) => before.records.saturating_add(1),
                (false, true) => 2,
                (false, false) => 1,
            };
            today.run = today.run.max(run.records.into());
        }
        if let Some(runs) = self.0.get_mut(..=place) {
            runs.rotate_right(1);
        }
        if let Some(first) = self.0.first_mut() {
            *first = run;
        }
        run.records > 1
    }
}

/// How likely the longest run of a day is among peers.
pub(super) fn likelihood(today: &DayOfAccount, group: &Group, everybody: &Group) -> Likelihood {
    let (near, onward) = (group.near.mean(&everybody.near), group.onward.mean(&everybody.onward));
    // Each step may begin a run, so who does more has no higher score for one as long.
    let begun = (near * today.steps).min(1.0);
    let surprise = -begun.log10() - onward.log10() * (today.run - 2.0).max(0.0);
    // Logarithms differ in their last digits between machines.
    let surprise = (surprise.clamp(0.0, HIGHEST) * 1e3).round() / 1e3;
    Likelihood { surprise, usual: 1.0 + 1.0 / (1.0 - onward) }
}

/// What the id of a record begins with and the number at its end, of `Type::"id"`. `None`: it ends with no number.
fn numbered(resource: &str) -> Option<(u32, u32)> {
    let id = resource.strip_suffix('"').unwrap_or(resource);
    let series = id.trim_end_matches(|char: char| char.is_ascii_digit());
    let digits = id.get(series.len()..).filter(|digits| !digits.is_empty())?;
    let add = |number: u32, digit: u8| number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
    let mut hasher = DefaultHasher::new();
    series.hash(&mut hasher);
    Some((hasher.finish() as u32, digits.bytes().fold(0, add)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(ids: &[&str]) -> DayOfAccount {
        let (mut runs, mut today) = (Runs::default(), DayOfAccount::default());
        for id in ids {
            runs.add(&format!("File::\"{id}\""), &mut today);
        }
        today
    }

    #[test]
    fn numbers_that_follow_each_other_are_a_run() {
        assert_eq!(day(&["f-8", "f-9", "f-11", "f-12"]).run, 4.0);
        assert_eq!(day(&["f-12", "f-11", "f-09", "f-8"]).run, 4.0, "downwards, and with zeros before");
        assert_eq!(day(&["f-8", "f-9", "f-9", "f-9", "f-10"]).run, 3.0, "the same again is no step");
        assert_eq!(day(&["f-8", "f-9", "f-8", "f-9"]).run, 2.0, "there and back");
        assert_eq!(day(&["f-8", "f-11", "f-14"]).run, 1.0, "they are too far from each other");
        assert_eq!(day(&["a-1", "b-2", "c-3"]).run, 0.0, "other series");
        assert_eq!(day(&["f", "g", "h"]).steps, 0.0, "no numbers");
        let long = "f-4294967290";
        assert_eq!(day(&[long, "f-4294967296", "f-4294967297"]).run, 2.0, "numbers of any length");
    }

    #[test]
    fn what_is_asked_between_ends_no_run() {
        let today = day(&["f-1", "photo-70", "f-2", "photo-40", "g", "f-3", "photo-90", "f-4"]);
        assert_eq!((today.run, today.steps, today.near, today.onward), (4.0, 5.0, 3.0, 2.0));
        // Five series are more than are known.
        let in_turn = |n_series: usize| {
            let ids: Vec<_> =
                (0..9).flat_map(|n| (0..n_series).map(move |of| format!("{}-{n}", "abcde".split_at(of).1))).collect();
            day(&ids.iter().map(String::as_str).collect::<Vec<_>>()).run
        };
        assert_eq!((in_turn(4), in_turn(5)), (9.0, 0.0));
    }
}
