//! The step of detection: the facts before, and one more, to signals.

use super::{
    fact::Fact,
    peers::{Group, Peers},
    profile::{Found, Open, Profile, Scored},
    settings::{Settings, SettingsFiles},
    signal::{Change, Detector, Evidence, Family, Signal},
    tail,
    touches::{Before, Touches},
};
use crate::types::revision::Revision;
use std::{collections::HashMap, sync::Arc};

/// How long a highest score counts for the threshold, in days, and how many workdays that are.
const WEEKS: i64 = 28;
const WORKDAYS: f64 = 20.0;

/// No log pauses for so many days.
const YEAR: i64 = 366;

/// How many days a record can be late.
const LATE: i64 = 7;

/// By how much the threshold moves from one day to the next at most.
const STEP: f64 = 1.1;

/// By how much a score rises before it is told again.
const RISE: f64 = 1.0;

/// What is known of all accounts.
#[derive(Debug)]
pub struct Detection {
    settings: Settings,
    revision: Revision,
    places: HashMap<Arc<str>, usize>,
    profiles: Vec<Profile>,
    /// Those that were active today.
    active: Vec<usize>,
    peers: Peers,
    touches: Touches,
    /// The first day, and today.
    days: Option<(i64, i64)>,
    threshold: Option<f64>,
    /// The days of accounts that ended, if they are asked for.
    ended: Option<Vec<AccountDay>>,
}

/// A day of an account that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountDay {
    /// The account.
    pub account: Arc<str>,
    /// The day, counted from 1970.
    pub day: i64,
    /// Its highest score of that day.
    pub score: f64,
}

impl Detection {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(files: &SettingsFiles) -> Self {
        let settings = files.settings.clone();
        Self {
            peers: Peers::new(settings.peers.accounts),
            touches: Touches::new(settings.accesses.days, settings.accesses.most),
            settings,
            revision: files.revision.clone(),
            places: HashMap::new(),
            profiles: Vec::new(),
            active: Vec::new(),
            days: None,
            threshold: None,
            ended: None,
        }
    }

    /// The score that is needed for a signal. `None`: there is no baseline yet.
    #[must_use]
    pub const fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// How many accounts are known.
    #[must_use]
    pub const fn accounts(&self) -> usize {
        self.profiles.len()
    }

    /// The days of accounts that ended since this was last asked; from the first time on.
    pub fn ended_days(&mut self) -> Vec<AccountDay> {
        self.ended.replace(Vec::new()).unwrap_or_default()
    }

    /// Takes one more decision. Returns what it signals.
    pub fn step(&mut self, fact: &Fact) -> Vec<Signal> {
        let mut signals = Vec::new();
        let (first, today) = *self.days.get_or_insert((fact.day, fact.day));
        // A record that is late counts for today. If it is later than that, the clock was ahead before.
        let day = if today - fact.day > LATE { fact.day } else { today.max(fact.day) };
        if day != today {
            self.days = Some((first.min(day), day));
            self.end_day(today, day, fact.time, &mut signals);
        }
        let place = self.place(fact);
        let Self { settings, peers, touches, threshold, revision, .. } = self;
        let Some(profile) = self.profiles.get_mut(place) else { return signals };
        if profile.today.asked == 0.0 {
            self.active.push(place);
        }
        let (name, group) = peers.nearest(&profile.groups);
        let usual = Usual { group, everybody: peers.everybody() };
        profile.ask(fact.time, fact.part);
        if fact.allowed {
            touch(profile, touches, fact, day);
        } else {
            profile.today.denied += fact.part;
            profile.denied_by.extend(fact.denied_by.iter().cloned());
            profile.keep(Family::Denial, evidence(fact));
        }
        score(profile, settings, &usual);
        let half_life = settings.budget.half_life_days;
        let scored = profile.scored(day, half_life);
        profile.highest = scored.iter().map(|(_, score)| *score).fold(profile.highest, f64::max);
        let of_rule = rule(profile, fact).map(|score| (Family::Exact, score));
        let of_scores = scored.into_iter().filter(|(_, score)| threshold.is_some_and(|threshold| *score > threshold));
        for (family, score) in of_rule.into_iter().chain(of_scores) {
            let Some((found, days)) = profile.found(family) else { continue };
            let open = profile.open.of_mut(family);
            let change = match open {
                None => Change::Opened,
                Some(open) if score >= open.score + RISE => Change::Raised,
                Some(_) => continue,
            };
            let id = match open {
                Some(open) => open.id.clone(),
                None => id(revision, &profile.account, family, day),
            };
            let Found { detector, observed, of, expected, surprise } = found;
            *open = Some(Open { id: id.clone(), detector: detector.clone(), score, told: day });
            signals.push(Signal {
                id,
                change,
                time: fact.time,
                account: profile.account.to_string(),
                detector,
                family,
                score,
                threshold: threshold.unwrap_or_default(),
                days,
                observed,
                of,
                expected,
                surprise,
                peers: name.to_owned(),
                accounts: group.accounts,
                evidence: profile.evidence(family),
                tried: Arc::clone(&fact.tried),
                settings: revision.clone(),
            });
        }
        signals
    }

    /// Ends the last day.
    pub fn end(&mut self) -> Vec<Signal> {
        let mut signals = Vec::new();
        if let Some((_, today)) = self.days {
            self.end_day(today, today + 1, 0, &mut signals);
        }
        signals
    }

    /// The place of an account's profile. Where its peers are others than before, it begins anew among them.
    fn place(&mut self, fact: &Fact) -> usize {
        let Self { places, profiles, peers, settings, .. } = self;
        match places.get(fact.account.as_str()) {
            Some(place) => {
                if let Some(profile) = profiles.get_mut(*place)
                    && profile.peers != fact.peers
                {
                    if profile.active_days >= settings.peers.active_days {
                        peers.count(&profile.groups, false);
                    }
                    profile.active_days = 0;
                    profile.groups = peers.of(&fact.peers);
                    profile.peers = Arc::clone(&fact.peers);
                }
                *place
            }
            None => {
                let account: Arc<str> = Arc::from(fact.account.as_str());
                let groups = peers.of(&fact.peers);
                profiles.push(Profile::new(Arc::clone(&account), Arc::clone(&fact.peers), groups));
                places.insert(account, profiles.len() - 1);
                profiles.len() - 1
            }
        }
    }

    /// A day is over: what was usual on it is known, and with it the threshold of the next.
    fn end_day(&mut self, ended: i64, next: i64, time: i64, signals: &mut Vec<Signal>) {
        let Self { settings, profiles, peers, .. } = self;
        let mut firsts: Vec<_> =
            self.active.iter().filter_map(|place| Some(profiles.get(*place)?.today.first)).collect();
        firsts.sort_by(f64::total_cmp);
        let most = firsts.get(firsts.len() * 99 / 100).copied().unwrap_or(1.0).max(1.0);
        // A clock that was a year wrong takes nothing away from what is usual.
        let passed = (next - ended).max(1);
        (0..if passed > YEAR { 0 } else { passed }).for_each(|_| peers.fade());
        for place in self.active.drain(..) {
            let Some(profile) = profiles.get_mut(place) else { continue };
            peers.add(&profile.groups, &profile.today, most);
            if profile.highest >= profile.peak.0 || (ended - profile.peak.1).abs() >= WEEKS {
                profile.peak = (profile.highest, ended);
            }
            if let Some(days) = &mut self.ended {
                let (account, score) = (Arc::clone(&profile.account), profile.highest);
                days.push(AccountDay { account, day: ended, score });
            }
            profile.end_day(ended, settings.budget.half_life_days, settings.budget.usual_score);
            if profile.active_days == settings.peers.active_days {
                peers.count(&profile.groups, true);
            }
        }
        self.close_quiet(next, time, signals);
        self.set_threshold(next);
    }

    /// Closes signals to which nothing came for long.
    fn close_quiet(&mut self, day: i64, time: i64, signals: &mut Vec<Signal>) {
        let quiet = i64::from(self.settings.budget.quiet_days);
        for profile in &mut self.profiles {
            for family in Family::ALL {
                let Some(open) = profile.open.of_mut(family).take_if(|open| (day - open.told).abs() >= quiet) else {
                    continue;
                };
                signals.push(Signal {
                    id: open.id,
                    change: Change::Faded,
                    time,
                    account: profile.account.to_string(),
                    detector: open.detector,
                    family,
                    score: open.score,
                    threshold: self.threshold.unwrap_or_default(),
                    days: 0,
                    observed: 0.0,
                    of: None,
                    expected: 0.0,
                    surprise: 0.0,
                    peers: String::new(),
                    accounts: 0,
                    evidence: Vec::new(),
                    tried: Arc::from([]),
                    settings: self.revision.clone(),
                });
            }
        }
    }

    /// The threshold is the score that as many accounts passed in the last weeks as the budget has signals. An account with an
    /// open signal has no part in it: else misuse that was found would hide what comes after it.
    fn set_threshold(&mut self, day: i64) {
        let budget = &self.settings.budget;
        let Some((first, _)) = self.days else { return };
        let of_late = self.profiles.iter().filter(|profile| (day - profile.peak.1).abs() <= WEEKS);
        let accounts = of_late.clone().count();
        let mut peaks: Vec<_> =
            of_late.filter(|profile| !profile.is_signalled()).map(|profile| profile.peak.0).collect();
        if day - first < i64::from(budget.baseline_days) {
            return;
        }
        peaks.sort_by(|one, other| other.total_cmp(one));
        let signals = budget.per_thousand / 1_000.0 * accounts as f64 * WORKDAYS;
        let wanted = peaks.get(signals as usize).copied().unwrap_or_default();
        let moved = match self.threshold {
            None => wanted,
            Some(before) => wanted.clamp(before / STEP, before * STEP),
        };
        self.threshold = Some(moved.max(budget.least_score));
    }
}

/// What is usual for an account.
struct Usual<'a> {
    group: &'a Group,
    everybody: &'a Group,
}

/// Counts an access that was allowed.
fn touch(profile: &mut Profile, touches: &mut Touches, fact: &Fact, day: i64) {
    if !fact.judged {
        return;
    }
    let before = touches.before(&profile.account, &fact.resource);
    let explained = fact.reasons.iter().map(|reason| reason.weight).fold(0.0, f64::max);
    // A reason that explains only in part makes no reason for the next access.
    let is_explained = explained >= 1.0 || before == Before::Explained;
    touches.keep(&profile.account, &fact.resource, is_explained, day);
    if before != Before::Never {
        return;
    }
    profile.today.first += fact.part;
    profile.today.unexplained += fact.part * (1.0 - explained);
    profile.keep(Family::Volume, evidence(fact));
    if explained < 1.0 {
        profile.keep(Family::Reason, evidence(fact));
    }
}

/// The scores of today, as they are now.
fn score(profile: &mut Profile, settings: &Settings, usual: &Usual<'_>) {
    let Settings { unexplained, breadth, burst, probing, .. } = settings;
    let Usual { group, everybody } = usual;
    let today = profile.today;
    if let Some(set) = unexplained {
        let share = group.unexplained.share(&everybody.unexplained);
        // Early on a day it is not known yet how many there will be.
        let of = today.first.max(group.first.mean());
        let surprise = tail::of_share(share, of, today.unexplained);
        let found = Found {
            detector: Detector::Unexplained,
            observed: today.unexplained,
            of: Some(today.first),
            expected: tail::expected(share, of),
            surprise,
        };
        *profile.scores.of_mut(Family::Reason) = Scored { score: surprise * set.weight, found: Some(found) };
    }
    let counted = [
        (breadth, Detector::Breadth, today.first, &group.first),
        (burst, Detector::Burst, today.busiest, &group.busiest),
    ];
    for (set, detector, observed, usual) in counted {
        let Some(set) = set.as_ref().filter(|set| observed >= set.least) else { continue };
        let surprise = tail::of_count(usual.mean(), usual.variance(), observed);
        let scored = profile.scores.of_mut(Family::Volume);
        if surprise * set.weight > scored.score {
            let found = Found { detector, observed, of: None, expected: usual.mean(), surprise };
            *scored = Scored { score: surprise * set.weight, found: Some(found) };
        }
    }
    if let Some(set) = probing
        && today.denied >= set.least
        && profile.denied_by.len() >= set.policies
    {
        let share = group.denied.share(&everybody.denied);
        let surprise = tail::of_share(share, today.asked, today.denied);
        let found = Found {
            detector: Detector::Probing,
            observed: today.denied,
            of: Some(today.asked),
            expected: tail::expected(share, today.asked),
            surprise,
        };
        *profile.scores.of_mut(Family::Denial) = Scored { score: surprise * set.weight, found: Some(found) };
    }
}

/// The score of the heaviest rule that a fact meets.
fn rule(profile: &mut Profile, fact: &Fact) -> Option<f64> {
    let is_explained = fact.reasons.iter().any(|reason| reason.weight >= 1.0);
    let met = fact.rules.iter().filter(|rule| fact.allowed && !(rule.only_unexplained && is_explained));
    let rule = met.max_by(|one, other| one.weight.total_cmp(&other.weight))?;
    profile.keep(Family::Exact, evidence(fact));
    let found = Found {
        detector: Detector::Rule(Arc::clone(rule)),
        observed: 1.0,
        of: None,
        expected: 0.0,
        surprise: rule.weight,
    };
    *profile.scores.of_mut(Family::Exact) = Scored { score: 0.0, found: Some(found) };
    Some(rule.weight)
}

const fn evidence(fact: &Fact) -> Evidence {
    let Fact { seq, record, item, .. } = fact;
    Evidence { seq: *seq, record: *record, item: *item }
}

fn id(revision: &Revision, account: &str, family: Family, day: i64) -> String {
    let day = day.to_string();
    let parts = [("settings", revision.as_str()), ("account", account), ("family", family.name()), ("day", &day)];
    let digest = Revision::of(parts.map(|(name, part)| (name, part.as_bytes())));
    digest.digits().get(..16).unwrap_or_default().to_owned()
}
