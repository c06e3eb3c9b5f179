//! The report of a simulation: how many signals there are, of whom, and how much of the planted misuse is found.

use super::{
    FIRST_DAY, Plan,
    work::{DAY, Event},
    world::World,
};
use crate::oversight::signals::{
    detection::Detection,
    settings::SettingsFiles,
    signal::{About, Change, Detector, Signal},
};
use serde::Serialize;
use statrs::distribution::{DiscreteCDF, Poisson};
use std::collections::{BTreeMap, BTreeSet};

/// An account is active for so many days after it asked, as for the threshold.
const ACTIVE: u32 = 28;

/// For so many days after it began, what is signalled counts for an operation.
const AFTER_OPERATION: u32 = 7;

/// What is signalled of a force.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How many accounts there are.
    pub accounts: usize,
    /// How many days.
    pub days: u32,
    /// What everything is drawn from.
    pub seed: u64,
    /// The share of records whose assignment is never entered.
    pub missing: f64,
    /// How many questions they asked.
    pub questions: u64,
    /// The digest of the settings.
    pub settings: String,
    /// Signals for each 1 000 active accounts and workday.
    pub budget: f64,
    /// How many days have no signals.
    pub baseline_days: u32,
    /// The score that is needed at the end.
    pub threshold: Option<f64>,
    /// Attributes that peers have in common under the settings, and the force has not.
    pub unknown: Vec<String>,
    /// The weeks after the baseline.
    pub weeks: Vec<Week>,
    /// False signals beside the budget, but for those of the operation.
    pub quiet: Week,
    /// Whose false signals they are: of the district that has the most for its size, of functions and of kinds of accounts.
    pub shares: Vec<Share>,
    /// The large operation.
    pub operation: Option<InOperation>,
    /// The planted misuse.
    pub planted: Vec<OfPattern>,
}

/// A week, or all of them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Week {
    /// Its first day, counted from 0.
    pub from: u32,
    /// Its workdays.
    pub workdays: u32,
    /// Accounts that were active in four weeks up to its end.
    pub active: usize,
    /// Signals that were opened, of others than those with planted misuse, by family.
    pub false_signals: BTreeMap<&'static str, u32>,
    /// How many these are for each 1 000 active accounts and workday.
    pub per_thousand: f64,
    /// Signals of accounts with planted misuse.
    pub of_planted: u32,
    /// Signals of records that many accounts had access to without a reason. They are of no account, and apart from the budget.
    pub crowds: u32,
}

/// What a group of accounts has of the false signals.
#[derive(Debug, Serialize)]
pub struct Share {
    /// What kind of group it is.
    pub by: &'static str,
    /// Which.
    pub name: String,
    /// Of how many groups.
    pub of: usize,
    /// Its accounts.
    pub accounts: u32,
    /// Its false signals.
    pub signals: u32,
    /// Its share of these over its share of accounts.
    pub times: f64,
    /// How likely so many are by chance alone in one of as many groups of its size (a Poisson distribution).
    pub by_chance: f64,
}

/// A large operation.
#[derive(Debug, Serialize)]
pub struct InOperation {
    /// Its first day, counted from 0.
    pub day: u32,
    /// The accounts in it.
    pub accounts: usize,
    /// Of these, those without planted misuse that `unexplained` signalled within a week.
    pub signalled: usize,
    /// How many the budget has for so many accounts in a week.
    pub budget: f64,
}

/// A pattern of misuse.
#[derive(Debug, Serialize)]
pub struct OfPattern {
    /// Its name.
    pub pattern: String,
    /// The accounts that did it after the baseline.
    pub accounts: usize,
    /// How many of them had a signal after that.
    pub found: usize,
    /// The median of acts up to the signal.
    pub acts: Option<f64>,
    /// The median of hours from the first act to the signal.
    pub hours: Option<f64>,
    /// The median of all acts.
    pub all_acts: Option<f64>,
}

/// What was planted in an account, and when it was found.
#[derive(Debug, Clone, Copy, Default)]
struct Course {
    pattern: usize,
    /// The first act after the baseline.
    first: Option<i64>,
    acts: u32,
    /// Acts up to the first signal, and its time.
    found: Option<(u32, i64)>,
}

/// An account as the report sees it.
#[derive(Debug)]
struct Seen {
    unit: String,
    function: &'static str,
    kind: &'static str,
    in_operation: bool,
    course: Option<Course>,
    last: Option<u32>,
    false_signals: u32,
}

/// Counts.
#[derive(Debug)]
pub(super) struct Tally<'p> {
    plan: &'p Plan,
    baseline: u32,
    accounts: Vec<Seen>,
    week: Week,
    weeks: Vec<Week>,
    /// False signals in the operation.
    of_operation: u32,
    signalled: BTreeSet<usize>,
}

impl<'p> Tally<'p> {
    pub(super) fn new(plan: &'p Plan, baseline: u32, world: &World) -> Self {
        let seen = world.accounts.iter().map(|account| {
            let unit = world.teams.get(account.team as usize).and_then(|(unit, _)| world.units.get(*unit));
            let course = account.acts.as_ref().map(|acts| Course { pattern: acts.pattern, ..Course::default() });
            Seen {
                unit: unit.map(|(name, _)| name.clone()).unwrap_or_default(),
                function: account.function.name,
                kind: account.function.kind,
                in_operation: account.in_operation,
                course,
                last: None,
                false_signals: 0,
            }
        });
        let accounts = seen.collect();
        let (week, weeks, signalled) = (Week { from: baseline, ..Week::default() }, Vec::new(), BTreeSet::new());
        Self { plan, baseline, accounts, week, weeks, of_operation: 0, signalled }
    }

    /// A question is asked.
    pub(super) fn take(&mut self, event: &Event) {
        let Some(seen) = self.accounts.get_mut(event.account) else { return };
        seen.last = u32::try_from(event.time.div_euclid(DAY)).ok();
        if let Some(course) =
            seen.course.as_mut().filter(|_| event.planted && event.time >= i64::from(self.baseline) * DAY)
        {
            course.first.get_or_insert(event.time);
            course.acts += 1;
        }
    }

    /// Something is signalled because of a question.
    pub(super) fn signal(&mut self, event: &Event, signal: &Signal) {
        let Some(seen) = self.accounts.get_mut(event.account) else { return };
        let is_opened = signal.change == Change::Opened;
        if !is_opened && signal.change != Change::Raised {
            return;
        }
        if let About::Record(_) = signal.about {
            self.week.crowds += u32::from(is_opened);
            return;
        }
        let day = (signal.time - FIRST_DAY * DAY).div_euclid(DAY);
        let from = self.plan.operation.filter(|_| seen.in_operation).map(i64::from);
        let is_of_operation = from.is_some_and(|from| (from..from + i64::from(AFTER_OPERATION)).contains(&day));
        if is_of_operation && seen.course.is_none() && signal.detector == Detector::Unexplained {
            self.signalled.insert(event.account);
        }
        match &mut seen.course {
            Some(course) => {
                self.week.of_planted += u32::from(is_opened);
                if course.first.is_some() {
                    course.found.get_or_insert((course.acts, event.time));
                }
            }
            None if is_opened => {
                seen.false_signals += 1;
                *self.week.false_signals.entry(signal.family.name()).or_default() += 1;
                self.of_operation += u32::from(is_of_operation);
            }
            None => {}
        }
    }

    /// A day is over.
    pub(super) fn end_day(&mut self, day: u32) {
        if day < self.baseline {
            return;
        }
        self.week.workdays += u32::from(day % 7 < 5);
        let is_last = day + 1 == self.plan.days;
        if (day + 1 - self.baseline).is_multiple_of(7) || is_last {
            self.week.active =
                self.accounts.iter().filter(|it| it.last.is_some_and(|last| last + ACTIVE > day)).count();
            let next = Week { from: day + 1, ..Week::default() };
            let mut week = std::mem::replace(&mut self.week, next);
            week.per_thousand = rate(week.false_signals.values().sum(), week.active, week.workdays);
            self.weeks.push(week);
        }
    }

    pub(super) fn report(self, detection: &Detection, files: &SettingsFiles, questions: u64) -> Report {
        let Self { plan, baseline, accounts, weeks, of_operation, signalled, .. } = self;
        let budget = plan.budget.unwrap_or(files.per_thousand());
        let mut quiet = Week { from: baseline, ..Week::default() };
        for week in &weeks {
            quiet.workdays += week.workdays;
            quiet.of_planted += week.of_planted;
            quiet.crowds += week.crowds;
            week.false_signals
                .iter()
                .for_each(|(family, count)| *quiet.false_signals.entry(family).or_default() += count);
        }
        quiet.active = weeks.iter().map(|week| week.active).sum::<usize>() / weeks.len().max(1);
        let count = quiet.false_signals.values().sum::<u32>() - of_operation;
        quiet.per_thousand = rate(count, quiet.active, quiet.workdays);
        let mut shares = shares("district", &accounts, &|it| (it.kind == "Officer").then_some(&it.unit));
        shares.truncate(1);
        shares.extend(self::shares("function", &accounts, &|it| Some(it.function)));
        shares.extend(self::shares("kind", &accounts, &|it| Some(it.kind)));
        let operation = plan.operation.map(|day| {
            let accounts = accounts.iter().filter(|it| it.in_operation).count();
            let budget = budget / 1_000.0 * accounts as f64 * 5.0;
            InOperation { day, accounts, signalled: signalled.len(), budget }
        });
        let known = ["organisation", "function", "unit"];
        let unknown =
            files.settings.peers.same.iter().filter(|name| !known.contains(&name.as_str())).cloned().collect();
        Report {
            accounts: accounts.len(),
            days: plan.days,
            seed: plan.seed,
            missing: plan.missing,
            questions,
            settings: files.revision.as_str().to_owned(),
            budget,
            baseline_days: baseline,
            threshold: detection.threshold(),
            unknown,
            shares,
            planted: patterns(plan, &accounts),
            weeks,
            quiet,
            operation,
        }
    }
}

fn rate(signals: u32, active: usize, workdays: u32) -> f64 {
    let accounts_and_days = active as f64 / 1_000.0 * f64::from(workdays);
    if accounts_and_days > 0.0 { f64::from(signals) / accounts_and_days } else { 0.0 }
}

/// What each group has of the false signals, the one with the most for its size first.
fn shares<'s, N: AsRef<str> + Ord>(
    by: &'static str,
    accounts: &'s [Seen],
    name: &dyn Fn(&'s Seen) -> Option<N>,
) -> Vec<Share> {
    let mut groups = BTreeMap::<N, (u32, u32)>::new();
    for (name, account) in accounts.iter().filter_map(|account| Some((name(account)?, account))) {
        let (size, signals) = groups.entry(name).or_default();
        *size += 1;
        *signals += account.false_signals;
    }
    let (accounts, all) =
        groups.values().fold((0, 0), |(accounts, all), (size, signals)| (accounts + size, all + signals));
    let expected = |size: u32| f64::from(all) * f64::from(size) / f64::from(accounts);
    let of = groups.len();
    // With many groups, one of them has much by chance.
    let by_chance = |size: u32, signals: u32| {
        let fewer = u64::from(signals).checked_sub(1).zip(Poisson::new(expected(size)).ok());
        1.0 - fewer.map_or(0.0, |(most, of_chance)| of_chance.cdf(most)).powf(of as f64)
    };
    let mut shares: Vec<_> = groups
        .iter()
        .map(|(name, (accounts, signals))| {
            let times = if all == 0 { 0.0 } else { f64::from(*signals) / expected(*accounts) };
            let (name, by_chance) = (name.as_ref().to_owned(), by_chance(*accounts, *signals));
            Share { by, name, of, accounts: *accounts, signals: *signals, times, by_chance }
        })
        .collect();
    shares.sort_by(|one, other| other.times.total_cmp(&one.times));
    shares
}

fn patterns(plan: &Plan, accounts: &[Seen]) -> Vec<OfPattern> {
    let of = |(number, planted): (usize, &super::Planted)| {
        let courses = accounts.iter().filter_map(|it| it.course.filter(|it| it.pattern == number));
        let acted: Vec<_> = courses.filter_map(|it| Some((it, it.first?))).collect();
        let found: Vec<_> = acted.iter().filter_map(|(it, first)| Some((it.found?, *first))).collect();
        let hours = |((_, time), first): &((u32, i64), i64)| (time - first) as f64 / 3_600_000.0;
        OfPattern {
            pattern: planted.pattern.clone(),
            accounts: acted.len(),
            found: found.len(),
            acts: median(found.iter().map(|((acts, _), _)| f64::from(*acts))),
            hours: median(found.iter().map(hours)),
            all_acts: median(acted.iter().map(|(it, _)| f64::from(it.acts))),
        }
    };
    plan.planted.iter().enumerate().map(of).collect()
}

fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(unit: &str, false_signals: u32) -> Seen {
        Seen {
            unit: unit.to_owned(),
            function: "patrol",
            kind: "Officer",
            in_operation: false,
            course: None,
            last: None,
            false_signals,
        }
    }

    #[test]
    fn a_share_is_of_signals_over_that_of_accounts() {
        let accounts: Vec<_> =
            (0..100).map(|number| if number < 10 { seen("a", 1) } else { seen("b", u32::from(number < 20)) }).collect();
        let found = shares("district", &accounts, &|it| Some(&it.unit));
        let brief: Vec<_> = found.iter().map(|it| (&*it.name, it.of, it.accounts, it.signals, it.times)).collect();
        assert_eq!(brief, [("a", 2, 10, 10, 5.0), ("b", 2, 90, 10, 10.0 / 18.0)]);
        assert!(found[0].by_chance < 0.001 && found[1].by_chance > 0.99, "{found:?}");
    }

    #[test]
    fn a_budget_is_for_each_thousand_accounts_and_workday() {
        assert_eq!(rate(6, 2_000, 10), 0.3);
        assert_eq!(rate(0, 0, 0), 0.0);
    }
}
