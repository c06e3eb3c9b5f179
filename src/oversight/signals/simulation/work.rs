//! What the accounts of the force ask on a day, in the order in which a log has it.

use super::{
    chance::Chance,
    planted::Records,
    world::{Account, Hours, Team, World},
};

/// A day, and an hour, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;
const HOUR: f64 = 3_600_000.0;

/// The share of days on which somebody is away, of fortnights that are a holiday, and of people of an office that work at a weekend.
const AWAY: f64 = 0.06;
const HOLIDAY: f64 = 0.08;
const WEEKEND: f64 = 0.04;

/// How many questions follow each other in the mean, and how long after each other, in milliseconds.
const SESSION: f64 = 3.0;
const PAUSE: f64 = 40_000.0;

/// The share of questions about one of the records that the account had recently.
const AGAIN: f64 = 0.4;

/// How many days old a record is in the mean. Records are numbered from so many days before the first.
const AGE: f64 = 5.0;
const EPOCH: i64 = 1_000;

/// The share of questions that are a page of records, and how many a page has at most.
const PAGE: f64 = 0.04;
const PAGE_MOST: usize = 16;

/// The share of questions that are denied, and how many policies deny them.
const DENIED: f64 = 0.015;
const POLICIES: usize = 6;

/// The share of records whose assignment is entered on the day after.
const ASSIGNED_LATE: f64 = 0.1;

/// How far the clock of a sidecar is off at most, in milliseconds, and the share of days on which one of them sends the records of an
/// hour after it.
const SKEW: f64 = 3_000.0;
const OUTAGE: f64 = 0.05;

/// How many days a large operation has.
pub const OPERATION_DAYS: u32 = 3;

/// Its records, the questions of an account and day about them, and the share of them with an assignment.
const OPERATION_RECORDS: usize = 200;
const OPERATION_CALLS: f64 = 6.0;
const OPERATION_ASSIGNED: f64 = 0.1;
/// What its records have in the place of a team.
const OF_OPERATION: u32 = u32::MAX;

/// A question, or a page of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Event {
    /// When the log has it, in milliseconds since the first day.
    at: i64,
    /// The time in its record.
    pub(super) time: i64,
    pub(super) account: usize,
    /// The first of its records, and how many they are.
    pub(super) record: u64,
    pub(super) records: u8,
    pub(super) consent: bool,
    /// The number of the policy that denies it.
    pub(super) denied_by: Option<usize>,
    pub(super) planted: bool,
}

/// The work of the force.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) world: World,
    /// The share of records whose assignment is never entered.
    missing: f64,
    /// The first day of the operation.
    operation: Option<u32>,
    /// Questions of later days.
    coming: Vec<Event>,
}

impl Work {
    pub(super) fn new(world: World, missing: f64, operation: Option<u32>) -> Self {
        Self { world, missing, operation, coming: Vec::new() }
    }

    /// The questions of a day, in the order of the log.
    pub(super) fn day(&mut self, day: u32) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.coming);
        let World { chance, units, .. } = &mut self.world;
        let outage = if chance.happens(OUTAGE) { Some(chance.below(units.len())) } else { None };
        for place in 0..self.world.accounts.len() {
            self.account_day(place, day, outage, &mut events);
        }
        events.sort_by_key(|event| event.at);
        let end = i64::from(day + 1) * DAY;
        self.coming = events.split_off(events.partition_point(|event| event.at < end));
        events
    }

    fn account_day(&mut self, place: usize, day: u32, outage: Option<usize>, events: &mut Vec<Event>) {
        let operation = self.operation.is_some_and(|from| (from..from + OPERATION_DAYS).contains(&day));
        self.world.move_to_new_team(place, day);
        let World { accounts, chance, teams, units, .. } = &mut self.world;
        let Some(account) = accounts.get_mut(place) else { return };
        let Some((start, length)) = hours(account, place as u64, day, chance) else { return };
        let unit = teams.get(account.team as usize).map_or(0, |(unit, _)| *unit);
        let skew = (Chance::of(unit as u64, 4) * 2.0 - 1.0) * SKEW;
        let midnight = i64::from(day) * DAY;
        let mut add = |time: f64, (record, consent): (u64, bool), records: u8, denied_by, planted| {
            let is_late = outage == Some(unit) && (10.0 * HOUR..11.0 * HOUR).contains(&time);
            let at = if is_late { 11.0 * HOUR + (time - 10.0 * HOUR) / 60.0 } else { time };
            let (at, time) = (midnight + at as i64, midnight + (time + skew) as i64);
            events.push(Event { at, time, account: place, record, records, consent, denied_by, planted });
        };
        let of_day = chance.gamma(4);
        let mut time = start;
        for _ in 0..chance.poisson(account.function.calls * account.work * of_day) {
            let is_new_session = time == start || chance.happens(1.0 / SESSION);
            let next = time + chance.exponential(PAUSE);
            time = if is_new_session || next > start + length { start + chance.share() * length } else { next };
            let again = chance.one(&account.recent).copied().flatten().filter(|_| chance.happens(AGAIN));
            let asked = again.unwrap_or_else(|| {
                let found = new_record(account, unit, teams, units, day, chance);
                let kept = chance.below(account.recent.len());
                account.recent.get_mut(kept).into_iter().for_each(|kept| *kept = Some(found));
                found
            });
            let records = if chance.happens(PAGE) { 2 + chance.below(PAGE_MOST - 1) as u8 } else { 1 };
            let denied_by = if chance.happens(DENIED) { Some(chance.below(POLICIES)) } else { None };
            add(time, asked, records, denied_by, false);
        }
        if operation && account.in_operation {
            for _ in 0..chance.poisson(OPERATION_CALLS) {
                let record = u64::from(OF_OPERATION) << 32 | chance.below(OPERATION_RECORDS) as u64;
                add(start + chance.share() * length, (record, false), 1, None, false);
            }
        }
        let (acts, records) = account.acts.as_mut().map_or((0, Records::Foreign), |acts| acts.of_day(day));
        for _ in 0..acts {
            let team = if records == Records::Own { account.team } else { foreign(teams, unit, chance) };
            let denied_by = if records == Records::Denied { Some(chance.below(POLICIES)) } else { None };
            add(start + chance.share() * length, (record(team, teams, day, chance), false), 1, denied_by, true);
        }
    }

    /// The reason for which an account asks about a record on this day.
    pub(super) fn reason(&self, account: &Account, record: u64, consent: bool, day: i64) -> Option<Why> {
        let (team, number) = ((record >> 32) as u32, record & u64::from(u32::MAX));
        if team == OF_OPERATION {
            return (Chance::of(record, 1) < OPERATION_ASSIGNED).then_some(Why::Team);
        }
        let unit_of = |team: u32| self.world.teams.get(team as usize).map(|(unit, function)| (*unit, function.records));
        let (unit, records) = unit_of(team)?;
        let is_new = (number / records) as i64 - EPOCH == day;
        let is_missing = Chance::of(record, 2) < self.missing || (is_new && Chance::of(record, 3) < ASSIGNED_LATE);
        match unit_of(account.team) {
            _ if is_missing => None,
            _ if consent => Some(Why::Consent),
            _ if team == account.team => Some(Why::Team),
            Some((own, _)) if own == unit => Some(Why::Unit),
            _ => None,
        }
    }
}

/// Why an account asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Team,
    Unit,
    Consent,
}

/// A record that is drawn anew, and whether a consent is for it.
fn new_record(
    account: &Account,
    unit: usize,
    teams: &[Team],
    units: &[(String, Vec<u32>)],
    day: u32,
    chance: &mut Chance,
) -> (u64, bool) {
    let (of_team, of_unit) = (account.function.team, account.function.team + account.function.unit);
    let with_reason = of_unit + account.function.consent;
    let is_foreign = chance.happens(((1.0 - with_reason) * account.foreign).min(0.95));
    let drawn = chance.share() * with_reason;
    let team = match drawn {
        _ if is_foreign || drawn >= of_unit => foreign(teams, unit, chance),
        _ if drawn < of_team => account.team,
        _ => units.get(unit).and_then(|(_, teams)| chance.one(teams)).copied().unwrap_or(account.team),
    };
    (record(team, teams, day, chance), !is_foreign && drawn >= of_unit)
}

/// A record of a team, not old.
fn record(team: u32, teams: &[Team], day: u32, chance: &mut Chance) -> u64 {
    let records = teams.get(team as usize).map_or(1, |(_, function)| function.records);
    let day = (EPOCH + i64::from(day) - chance.exponential(AGE) as i64).max(0) as u64;
    u64::from(team) << 32 | (day * records + chance.below(records as usize) as u64)
}

/// A team of another unit.
fn foreign(teams: &[Team], unit: usize, chance: &mut Chance) -> u32 {
    let mut drawn = (0..100).map(|_| chance.below(teams.len()));
    let is_other = |team: &usize| teams.get(*team).is_some_and(|(of, it)| *of != unit && it.kind != "System");
    drawn.find(is_other).unwrap_or(0) as u32
}

/// When an account begins on a day, and how long it works, in milliseconds. `None`: it does not work.
fn hours(account: &Account, place: u64, day: u32, chance: &mut Chance) -> Option<(f64, f64)> {
    let (from, to) = account.days;
    let is_away = chance.happens(AWAY) || Chance::of(place, 16 + u64::from(day / 14)) < HOLIDAY;
    let begins = |hour: u64, length: f64| Some((hour as f64 * HOUR, length * HOUR));
    match account.function.hours {
        _ if !(from..to).contains(&day) => None,
        Hours::Always => begins(0, 23.9),
        _ if is_away => None,
        Hours::Office if day % 7 >= 5 && !chance.happens(WEEKEND) => None,
        Hours::Office => begins(8, 9.0),
        Hours::Shifts if (u64::from(day) + place) % 7 >= 5 => None,
        Hours::Shifts => begins(6 + 8 * ((place + u64::from(day / 7)) % 3), 8.0),
    }
}
