//! What is kept of an account: what it did today, its scores, and its open signals.

use super::{
    open::Open,
    peers::{DayOfAccount, GroupId},
    runs::Runs,
    signal::{Detector, Evidence, Family},
    tail::HIGHEST,
};
use crate::types::trace::RecordIdentity;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// How many decisions of each family are kept as evidence.
pub(super) const EVIDENCE: usize = 8;

/// How long a question counts for a burst, in milliseconds: half after five minutes.
const BURST: f64 = 300_000.0;

/// How many weeks a highest score counts for the threshold.
pub(super) const WEEKS: i64 = 4;

/// One for each family.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    /// `Type::"id"`.
    pub(super) account: Arc<str>,
    /// Whether the directory knows it. What it does not know is no peer of anybody.
    pub(super) known: bool,
    /// Its groups, the finest first.
    pub(super) groups: Box<[GroupId]>,
    /// The names of them, by which a change is seen.
    pub(super) peers: Arc<[String]>,
    /// On how many days it was active, with these peers.
    pub(super) active_days: u32,
    /// Whether its groups count it.
    pub(super) counted: bool,
    /// The last day on which it was active.
    pub(super) last_day: i64,
    /// What it did today.
    pub(super) today: DayOfAccount,
    /// Whether anything of today could be judged.
    pub(super) judged: bool,
    /// Whether it asked nothing for long before today.
    pub(super) was_away: bool,
    /// The hours of today in which it asked, a bit each.
    pub(super) hours: u32,
    /// The policies that denied it today.
    pub(super) denied_by: BTreeSet<String>,
    /// Its last call, and what of it is counted.
    pub(super) call: Call,
    /// Its runs of today.
    pub(super) runs: Runs,
    /// What today gives each family.
    pub(super) scores: ByFamily<Scored>,
    /// The highest score of a family today, with that of the days before.
    pub(super) highest: f64,
    /// Its open signals.
    pub(super) open: Vec<Open>,
    /// The highest score of a week, for each of the last ones.
    peaks: [(i64, f64); WEEKS as usize],
    evidence: ByFamily<VecDeque<Evidence>>,
    /// The accesses of the days before that what lasts of them adds up from.
    before: Before,
    /// What the days before give each family, and the day for which that holds.
    carried: ByFamily<f64>,
    carried_on: i64,
    /// Calls, those of minutes ago for less.
    recent: f64,
    /// The time of the last one.
    last: i64,
}

/// What of a call is counted: each once, however many questions it has.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Call {
    record: Option<RecordIdentity>,
    pub(super) first: bool,
    pub(super) unexplained: f64,
    pub(super) denied: bool,
    pub(super) retried: bool,
}

/// First accesses of days.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Before {
    days: usize,
    observed: f64,
    of: f64,
    expected: f64,
}

/// The score of a family, and what gives it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Scored {
    /// With its weight.
    pub(super) score: f64,
    /// What of it adds up with that of other days.
    pub(super) lasting: f64,
    pub(super) found: Option<Found>,
}

/// What a detector found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) detector: Detector,
    pub(super) observed: f64,
    pub(super) of: Option<f64>,
    pub(super) expected: f64,
    /// Without its weight.
    pub(super) surprise: f64,
}

impl Profile {
    pub(super) fn new(account: Arc<str>, known: bool) -> Self {
        Self {
            account,
            known,
            groups: Box::default(),
            peers: Arc::from([]),
            active_days: 0,
            counted: false,
            last_day: 0,
            today: DayOfAccount::default(),
            judged: false,
            was_away: false,
            hours: 0,
            denied_by: BTreeSet::new(),
            call: Call::default(),
            runs: Runs::default(),
            scores: ByFamily::default(),
            highest: 0.0,
            open: Vec::new(),
            peaks: [(i64::MIN, 0.0); WEEKS as usize],
            evidence: ByFamily::default(),
            before: Before::default(),
            carried: ByFamily::default(),
            carried_on: 0,
            recent: 0.0,
            last: 0,
        }
    }

    /// Whether it is compared with its own earlier days.
    pub(super) fn is_alone(&self) -> bool {
        matches!(&*self.peers, [name] if **name == *self.account)
    }

    /// Whether others are compared with it.
    pub(super) fn is_peer(&self) -> bool {
        self.known && !self.is_alone()
    }

    /// Counts a call, once.
    pub(super) fn ask(&mut self, time: i64, record: RecordIdentity) {
        if self.call.record == Some(record) {
            return;
        }
        self.call = Call { record: Some(record), ..Call::default() };
        let passed = time.abs_diff(self.last) as f64;
        self.recent = self.recent * (-passed / BURST).exp2() + 1.0;
        self.last = time;
        self.today.asked += 1.0;
        self.today.busiest = self.today.busiest.max(self.recent);
    }

    /// Keeps a decision as evidence.
    pub(super) fn keep(&mut self, family: Family, evidence: Evidence) {
        let kept = self.evidence.of_mut(family);
        if kept.back() == Some(&evidence) {
            return;
        }
        if kept.len() == EVIDENCE {
            kept.pop_front();
        }
        kept.push_back(evidence);
    }

    pub(super) fn evidence(&self, family: Family) -> Vec<Evidence> {
        self.evidence.of(family).iter().copied().collect()
    }

    /// The score of a family: of today, or with the days before if that is more.
    pub(super) fn score(&self, family: Family, day: i64, half_life: f64) -> f64 {
        self.scores.of(family).score.max(self.added_up(family, day, half_life))
    }

    /// The highest that its days add up to.
    pub(super) fn standing(&self, day: i64, half_life: f64) -> f64 {
        Family::ALL.into_iter().map(|family| self.added_up(family, day, half_life)).fold(0.0, f64::max)
    }

    /// What today adds up to with the days before. How much somebody does differs from day to day, and adds up to nothing. Nor does what is
    /// compared with own days: these have it in them.
    fn added_up(&self, family: Family, day: i64, half_life: f64) -> f64 {
        if family == Family::Volume || self.is_alone() {
            return 0.0;
        }
        let before = self.carried.of(family) * fading(day - self.carried_on, half_life);
        (before + self.scores.of(family).lasting).clamp(0.0, HIGHEST)
    }

    /// The families that have a score today, with that of the days before; the highest first.
    pub(super) fn scored(&self, day: i64, half_life: f64) -> Vec<(Family, f64)> {
        let today = Family::ALL.into_iter().filter(|family| self.scores.of(*family).score > 0.0);
        let mut scored: Vec<_> = today.map(|family| (family, self.score(family, day, half_life))).collect();
        scored.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        scored
    }

    /// What a family found, and on how many days: today, or also on the days before where the score is of what they add up to.
    pub(super) fn found(&self, family: Family, day: i64, half_life: f64) -> Option<(Found, usize)> {
        let Scored { score, found, .. } = self.scores.of(family);
        let mut found = found.clone()?;
        if family != Family::Reason || *score >= self.added_up(family, day, half_life) {
            return Some((found, 1));
        }
        found.observed += self.before.observed;
        found.of = found.of.map(|of| of + self.before.of);
        found.expected += self.before.expected;
        Some((found, self.before.days + 1))
    }

    /// Whether today says what is usual: of an account that the directory knows, with something that could be judged.
    pub(super) const fn counts_today(&self) -> bool {
        self.known && self.judged
    }

    /// The highest score of the last weeks; `None` if it was not active in them.
    pub(super) fn peak(&self, day: i64) -> Option<f64> {
        let week = day.div_euclid(7);
        let of_late = self.peaks.iter().filter(|(of, _)| week - of.max(&(week - WEEKS)) < WEEKS);
        of_late.map(|(_, score)| *score).reduce(f64::max)
    }

    /// The day is over.
    pub(super) fn end_day(&mut self, day: i64, half_life: f64) {
        let week = day.div_euclid(7);
        if let Some(peak) = self.peaks.get_mut(week.rem_euclid(WEEKS) as usize) {
            *peak = if peak.0 == week { (week, peak.1.max(self.highest)) } else { (week, self.highest) };
        }
        for family in Family::ALL {
            *self.carried.of_mut(family) = self.added_up(family, day, half_life);
        }
        if *self.carried.of(Family::Reason) == 0.0 {
            self.before = Before::default();
        } else if let Some(found) = &self.scores.of(Family::Reason).found {
            self.before.days += 1;
            self.before.observed += found.observed;
            self.before.of += found.of.unwrap_or_default();
            self.before.expected += found.expected;
        }
        // It is for the number of this day alone.
        *self.evidence.of_mut(Family::Volume) = VecDeque::new();
        self.carried_on = day;
        self.last_day = day;
        self.scores = ByFamily::default();
        self.highest = 0.0;
        self.active_days += 1;
        self.today = DayOfAccount::default();
        self.denied_by.clear();
        self.judged = false;
    }
}

fn fading(days: i64, half_life: f64) -> f64 {
    (-(days.max(0) as f64) / half_life).exp2()
}
