//! What is kept of an account: what it did today, its scores, and its open signals.

use super::{
    peers::{DayOfAccount, GroupId},
    signal::{Detector, Evidence, Family},
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// How many decisions of each kind are kept as evidence.
const EVIDENCE: usize = 20;

/// How many days with questions a sentence counts.
const DAYS: usize = 7;

/// How long a question counts for a burst, in milliseconds: half after five minutes.
const BURST: f64 = 300_000.0;

/// One for each family.
#[derive(Debug, Clone, Default)]
pub(super) struct ByFamily<T> {
    reason: T,
    volume: T,
    denial: T,
    exact: T,
}

impl<T> ByFamily<T> {
    pub(super) const fn of(&self, family: Family) -> &T {
        match family {
            Family::Reason => &self.reason,
            Family::Volume => &self.volume,
            Family::Denial => &self.denial,
            Family::Exact => &self.exact,
        }
    }

    pub(super) const fn of_mut(&mut self, family: Family) -> &mut T {
        match family {
            Family::Reason => &mut self.reason,
            Family::Volume => &mut self.volume,
            Family::Denial => &mut self.denial,
            Family::Exact => &mut self.exact,
        }
    }
}

/// An account.
#[derive(Debug)]
pub(super) struct Profile {
    /// `Type::"id"`.
    pub(super) account: Arc<str>,
    /// Its groups, the finest first.
    pub(super) groups: Box<[GroupId]>,
    /// The names of them, by which a change is seen.
    pub(super) peers: Arc<[String]>,
    /// On how many days it was active, with these peers.
    pub(super) active_days: u32,
    /// What it did today.
    pub(super) today: DayOfAccount,
    /// The policies that denied it today.
    pub(super) denied_by: BTreeSet<String>,
    /// What today gives each family.
    pub(super) scores: ByFamily<Scored>,
    /// The highest score of a family today, with that of the days before.
    pub(super) highest: f64,
    /// The highest score of the last weeks, and its day.
    pub(super) peak: (f64, i64),
    /// Its open signals.
    pub(super) open: ByFamily<Option<Open>>,
    evidence: ByFamily<VecDeque<Evidence>>,
    /// What was found on the last days with questions.
    found: ByFamily<VecDeque<Found>>,
    /// What the days before give each family, and the day for which that holds.
    carried: ByFamily<f64>,
    carried_on: i64,
    /// Questions, those of minutes ago for less.
    recent: f64,
    /// The time of the last one.
    last: i64,
}

/// The score of a family, and what gives it.
#[derive(Debug, Clone, Default)]
pub(super) struct Scored {
    /// With its weight.
    pub(super) score: f64,
    pub(super) found: Option<Found>,
}

/// What a detector found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) detector: Detector,
    pub(super) observed: f64,
    pub(super) of: Option<f64>,
    pub(super) expected: f64,
    /// Without its weight.
    pub(super) surprise: f64,
}

/// An open signal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open {
    pub(super) id: String,
    pub(super) detector: Detector,
    /// The highest score that was told.
    pub(super) score: f64,
    /// The day on which it was last told.
    pub(super) told: i64,
}

impl Profile {
    pub(super) fn new(account: Arc<str>, peers: Arc<[String]>, groups: Box<[GroupId]>) -> Self {
        Self {
            account,
            groups,
            peers,
            active_days: 0,
            today: DayOfAccount::default(),
            denied_by: BTreeSet::new(),
            scores: ByFamily::default(),
            highest: 0.0,
            peak: (0.0, 0),
            open: ByFamily::default(),
            evidence: ByFamily::default(),
            found: ByFamily::default(),
            carried: ByFamily::default(),
            carried_on: 0,
            recent: 0.0,
            last: 0,
        }
    }

    /// Counts a question. `part`: what part of its call it is.
    pub(super) fn ask(&mut self, time: i64, part: f64) {
        let passed = (time - self.last).max(0) as f64;
        self.recent = self.recent * (-passed / BURST).exp2() + part;
        self.last = self.last.max(time);
        self.today.asked += part;
        self.today.busiest = self.today.busiest.max(self.recent);
    }

    /// Keeps a decision as evidence.
    pub(super) fn keep(&mut self, family: Family, evidence: Evidence) {
        let kept = self.evidence.of_mut(family);
        if kept.len() == EVIDENCE {
            kept.pop_front();
        }
        kept.push_back(evidence);
    }

    pub(super) fn evidence(&self, family: Family) -> Vec<Evidence> {
        self.evidence.of(family).iter().copied().collect()
    }

    /// The score of a family, with that of the days before.
    pub(super) fn score(&self, family: Family, day: i64, half_life: f64) -> f64 {
        self.carried.of(family) * fading(day - self.carried_on, half_life) + self.scores.of(family).score
    }

    /// The families that have a score today, with that of the days before; the highest first.
    pub(super) fn scored(&self, day: i64, half_life: f64) -> Vec<(Family, f64)> {
        let today = Family::ALL.into_iter().filter(|family| self.scores.of(*family).score > 0.0);
        let mut scored: Vec<_> = today.map(|family| (family, self.score(family, day, half_life))).collect();
        scored.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        scored
    }

    /// What a family found today and on the days with questions before, and how many those are. A number of one day is not added
    /// up.
    pub(super) fn found(&self, family: Family) -> Option<(Found, usize)> {
        let mut found = self.scores.of(family).found.clone()?;
        let mut days = 1;
        if found.of.is_some() {
            for before in self.found.of(family) {
                found.observed += before.observed;
                found.of = found.of.zip(before.of).map(|(one, other)| one + other);
                found.expected += before.expected;
                days += 1;
            }
        }
        Some((found, days))
    }

    /// Whether a signal about it is open.
    pub(super) fn is_signalled(&self) -> bool {
        Family::ALL.iter().any(|family| self.open.of(*family).is_some())
    }

    /// The day is over. `usual`: what is left out of a score for each day with questions, since chance alone gives some.
    pub(super) fn end_day(&mut self, day: i64, half_life: f64, usual: f64) {
        for family in Family::ALL {
            let days = self.found.of_mut(family);
            days.extend(self.scores.of(family).found.clone());
            days.drain(..days.len().saturating_sub(DAYS - 1));
            // How much somebody does differs from day to day, and adds up to nothing.
            let carried = if family == Family::Volume { 0.0 } else { self.score(family, day, half_life) - usual };
            *self.carried.of_mut(family) = carried.max(0.0);
        }
        // It is for the number of this day alone.
        *self.evidence.of_mut(Family::Volume) = VecDeque::new();
        self.carried_on = day;
        self.scores = ByFamily::default();
        self.highest = 0.0;
        self.active_days += 1;
        self.today = DayOfAccount::default();
        self.denied_by.clear();
    }
}

fn fading(days: i64, half_life: f64) -> f64 {
    (-(days.abs() as f64) / half_life).exp2()
}
