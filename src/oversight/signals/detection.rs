//! The step of detection: the facts before, and one more, to signals.

use super::{
    calendar::Calendar,
    circumstances::Hours,
    counting::{Counting, Opened, evidence},
    crowds::{Access, Crowds},
    disclosures::{Disclosures, disclosed},
    fact::Fact,
    follow_up::Act,
    open::{Open, one_more, tell, told},
    peers::{DayOfAccount, Peers},
    profile::{EVIDENCE, Found, Profile, WEEKS},
    retries::Denials,
    runs::Runs,
    scores::{Usual, rules, score, score_ended},
    settings::{Settings, SettingsFiles},
    signal::{About, Change, Detector, Family, Signal},
    tail::HIGHEST,
    touches::{Before, Touches},
};
use crate::types::revision::Revision;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// How many workdays are in the weeks for which a highest score counts for the threshold.
const WORKDAYS: f64 = 20.0;

/// By how much the threshold rises, and falls, from one day to the next at most.
const RISE: f64 = 1.1;
const FALL: f64 = 1.02;

/// The detection of signals under some settings.
#[derive(Debug)]
pub struct Detection {
    settings: Settings,
    revision: Revision,
    places: HashMap<Arc<str>, usize>,
    known: Known,
    /// The days of accounts that ended, if they are asked for.
    ended: Option<Vec<AccountDay>>,
}

/// What is known of all accounts: what the decisions before have to do with the next.
#[derive(Debug, Serialize, Deserialize)]
pub struct Known {
    profiles: Vec<Profile>,
    /// Those that were active today.
    active: Vec<usize>,
    peers: Peers,
    touches: Touches,
    calendar: Calendar,
    threshold: Option<f64>,
    crowds: Crowds,
    denials: Denials,
    disclosures: Disclosures,
    hours: Hours,
    /// The signals of records.
    records: BTreeMap<String, Vec<Open>>,
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
        let Settings { peers, accesses, .. } = &files.settings;
        let known = Known {
            profiles: Vec::new(),
            active: Vec::new(),
            peers: Peers::new(peers.accounts),
            touches: Touches::new(accesses.days, accesses.most),
            calendar: Calendar::default(),
            threshold: None,
            crowds: Crowds::default(),
            denials: Denials::default(),
            disclosures: Disclosures::default(),
            hours: Hours::default(),
            records: BTreeMap::new(),
        };
        Self::resume(files, known)
    }

    /// Goes on with what was known, under the same settings.
    #[must_use]
    pub fn resume(files: &SettingsFiles, mut known: Known) -> Self {
        known.peers.index();
        let places = known.profiles.iter().enumerate();
        Self {
            settings: files.settings.clone(),
            revision: files.revision.clone(),
            places: places.map(|(place, profile)| (Arc::clone(&profile.account), place)).collect(),
            known,
            ended: None,
        }
    }

    /// Nothing is known yet, and there are so many signals for each 1 000 active accounts and workday.
    #[must_use]
    pub fn with_budget(files: &SettingsFiles, per_thousand: f64) -> Self {
        let mut detection = Self::new(files);
        detection.settings.budget.per_thousand = per_thousand;
        detection
    }

    /// How many days there were after the baseline.
    #[must_use]
    pub const fn days_after_baseline(&self) -> Option<u32> {
        self.known.calendar.ended().checked_sub(self.settings.budget.baseline_days)
    }

    /// What is known, to go on with it later.
    #[must_use]
    pub const fn known(&self) -> &Known {
        &self.known
    }

    /// The score that is needed for a signal. `None`: there is no baseline yet.
    #[must_use]
    pub const fn threshold(&self) -> Option<f64> {
        self.known.threshold
    }

    /// How many signals the budget has for a workday, with the accounts that are known.
    #[must_use]
    pub fn budget(&self) -> f64 {
        self.settings.budget.per_thousand / 1_000.0 * self.accounts() as f64
    }

    /// How many accounts are known.
    #[must_use]
    pub const fn accounts(&self) -> usize {
        self.known.profiles.len()
    }

    /// The score of accesses without a reason that an account would have if it had so many more now: of today alone, and with that of
    /// the days before. An adversary in a simulation asks for it. `None`: the account is not known.
    #[must_use]
    pub fn would_score(&self, account: &str, more: f64) -> Option<(f64, f64)> {
        let Self { settings, places, known: Known { profiles, peers, calendar, .. }, .. } = self;
        let mut profile = profiles.get(*places.get(account)?)?.clone();
        profile.today.first += more;
        profile.today.unexplained += more;
        let usual = Usual::of(&profile, peers, settings)?;
        score(&mut profile, settings, &usual);
        let of_today = profile.scores.of(Family::Reason).score;
        Some((of_today, profile.score(Family::Reason, calendar.today(), settings.budget.half_life_days)))
    }

    /// The days of accounts that ended since this was last asked; from the first time on.
    pub fn ended_days(&mut self) -> Vec<AccountDay> {
        self.ended.replace(Vec::new()).unwrap_or_default()
    }

    /// Takes one more decision. Returns what it signals.
    pub fn step(&mut self, fact: &Fact) -> Vec<Signal> {
        let mut signals = Vec::new();
        let place = self.place(fact);
        let ended = self.known.calendar.today();
        let passed = self.known.calendar.pass(fact.day, place, self.known.active.len());
        if passed > 0 {
            self.end_day(ended, passed);
            if let Some(set) = &self.settings.shopping {
                self.known.denials.end_day(fact.time, set);
            }
            self.close_quiet(fact.time, &mut signals);
            self.set_threshold();
        }
        let act = fact.act.as_ref().filter(|_| fact.allowed);
        signals.extend(act.and_then(|act| self.act(fact, act)));
        let (before, opened) = self.count(fact, place);
        if let Some(opened) = opened {
            signals.extend(self.crowd(fact, place, opened));
        }
        signals.extend(self.judge(fact, place, before));
        signals
    }

    /// Counts a decision. Returns what was before, and what opening the record without a reason added to the day.
    fn count(&mut self, fact: &Fact, place: usize) -> (Before, Option<Opened>) {
        let Self { settings, known: Known { profiles, active, peers, touches, denials, calendar, .. }, .. } = self;
        let day = calendar.today();
        let Some(profile) = profiles.get_mut(place) else { return (Before::Never, None) };
        if profile.today.asked == 0.0 {
            active.push(place);
            let away = settings.circumstances.as_ref().map(|set| i64::from(set.dormant_days));
            profile.was_away = profile.last_day > 0 && away.is_some_and(|days| day - profile.last_day > days);
        }
        let day_before = profile.today;
        profile.ask(fact.time, fact.record);
        profile.hours |= 1 << fact.hour.min(23);
        profile.judged |= fact.judged || !fact.allowed;
        let before = touches.before(&profile.account, &fact.resource);
        let opened = Counting { settings, touches, denials, place, day }.count(profile, fact, before);
        if !profile.is_peer() {
            return (before, None);
        }
        peers.go_on(&profile.groups, &day_before, &profile.today);
        (before, opened)
    }

    /// What the decision says of its account.
    fn judge(&mut self, fact: &Fact, place: usize, before: Before) -> Vec<Signal> {
        let Self { settings, revision, known, .. } = self;
        let Known { profiles, peers, disclosures, hours, threshold, calendar, .. } = known;
        let (day, mut signals) = (calendar.today(), Vec::new());
        let Some(profile) = profiles.get_mut(place) else { return signals };
        let scores = Family::ALL.map(|family| profile.scores.of(family).score);
        let usual = Usual::of(profile, peers, settings);
        if let Some(usual) = &usual {
            score(profile, settings, usual);
        }
        let flow = settings.disclosure.as_ref().zip(fact.flow).filter(|_| fact.allowed && profile.is_alone());
        let flow = flow.map(|(set, flow)| (set, disclosures.add(place, flow, day)));
        if flow.is_some() {
            profile.keep(Family::Volume, evidence(fact));
        }
        let new_flow = flow.and_then(|(set, flow)| disclosed(profile, settings, set, &flow));
        let (name, accounts) = usual.map_or(("", 0), |usual| (usual.name, usual.group.accounts.max(1)));
        let half_life = settings.budget.half_life_days;
        let mut scored = profile.scored(day, half_life);
        let of_people = settings.circumstances.as_ref().filter(|_| profile.is_peer());
        let around = of_people.map(|set| hours.around(set, profile, &scores, peers.nearest_id(&profile.groups), fact));
        let around = around.unwrap_or_default();
        scored.iter_mut().for_each(|(family, score)| *score += around.of(*family));
        profile.highest = scored.iter().map(|(_, score)| *score).fold(profile.highest, f64::max);
        // What cannot be higher passes whatever threshold.
        let passes = |score: f64| threshold.is_some_and(|threshold| score > threshold || score >= HIGHEST);
        let of_scores = scored.into_iter().filter(|(_, score)| passes(*score)).filter_map(|(family, score)| {
            let (found, days) = profile.found(family, day, half_life)?;
            Some((family, score, found, days))
        });
        let of_rules = rules(fact, before).map(|found| (Family::Exact, found.surprise, found, 1));
        let new_flow =
            new_flow.map(|found| (Family::Exact, one_more(&profile.open, &found.detector, found.surprise), found, 1));
        let told: Vec<_> = of_rules.chain(new_flow).chain(of_scores).collect();
        for (family, score, found, days) in told {
            if family == Family::Exact {
                profile.keep(family, evidence(fact));
            }
            let Found { detector, observed, of, expected, surprise } = found;
            let Some((change, id)) = tell(&mut profile.open, revision, &profile.account, family, &detector, score, day)
            else {
                continue;
            };
            signals.push(Signal {
                id,
                change,
                time: fact.time,
                about: About::Account(profile.account.to_string()),
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
                accounts,
                circumstances: around.named(family),
                evidence: profile.evidence(family),
                tried: Arc::clone(&fact.tried),
                verdict: None,
                settings: revision.clone(),
            });
        }
        signals
    }

    /// What the accesses to its record say, of which this one is the last and without a reason. Those of a crowd are one signal about its
    /// first record: the ones of today count neither way for its accounts.
    fn crowd(&mut self, fact: &Fact, account: usize, opened: Opened) -> Option<Signal> {
        let Self { settings, revision, known, .. } = self;
        let Known { crowds, records, threshold, profiles, peers, calendar, .. } = known;
        let (set, day) = (settings.crowd?, calendar.today());
        let last = Access { account, day, opened, evidence: evidence(fact) };
        let is_open = |record: &str| records.get(record).is_some_and(|open| open.iter().any(|it| !it.is_closed));
        let (accesses, crowd) = crowds.add(&fact.resource, last, &set, is_open)?;
        let counted = if accesses.len() == set.accounts { 0 } else { accesses.len() - 1 };
        for access in accesses.iter().skip(counted).filter(|access| access.day == day) {
            let Some(profile) = profiles.get_mut(access.account) else { continue };
            let before = profile.today;
            profile.today.first -= access.opened.first;
            profile.today.unexplained -= access.opened.unexplained;
            peers.go_on(&profile.groups, &before, &profile.today);
        }
        let (family, detector, score) = (Family::Exact, Detector::Crowd, crowd.score(&set));
        let open = records.entry(crowd.about.clone()).or_default();
        let (change, id) = tell(open, revision, &crowd.about, family, &detector, score, day)?;
        let about = About::Record(crowd.about.clone());
        let open = Open { id, family, detector, score, ..Open::new(day) };
        let signal = told(open, change, fact.time, about, *threshold, revision);
        let evidence = accesses.iter().rev().take(EVIDENCE).rev().map(|access| access.evidence).collect();
        let (observed, of) = match crowd.records() {
            1 => (accesses.len() as f64, None),
            records => (crowd.accounts() as f64, Some(records as f64)),
        };
        Some(Signal { days: set.days as usize, observed, of, surprise: signal.score, evidence, ..signal })
    }

    /// Nobody was told of the signals that are open, so what comes next opens them anew.
    pub fn forget_open(&mut self) {
        self.known.profiles.iter_mut().for_each(|profile| profile.open.clear());
        self.known.records.clear();
        self.known.crowds.forget(0, 0, |_| false);
    }

    /// Ends the last day, of which no more records come.
    pub fn end(&mut self) {
        self.end_day(self.known.calendar.today(), 1);
    }

    /// The place of an account's profile. Where its peers are others than before, it begins anew among them.
    fn place(&mut self, fact: &Fact) -> usize {
        let Self { places, known: Known { profiles, peers, .. }, .. } = self;
        let place = places.get(fact.account.as_str()).copied().unwrap_or_else(|| {
            let account: Arc<str> = Arc::from(fact.account.as_str());
            profiles.push(Profile::new(Arc::clone(&account), fact.known));
            places.insert(account, profiles.len() - 1);
            profiles.len() - 1
        });
        if let Some(names) = fact.peers.as_ref().filter(|_| fact.known)
            && let Some(profile) = profiles.get_mut(place)
            && profile.peers != *names
        {
            leave(profile, peers);
            let (none, today) = (DayOfAccount::default(), profile.today);
            if profile.is_peer() {
                peers.go_on(&profile.groups, &today, &none);
            }
            profile.groups = peers.of(names);
            profile.peers = Arc::clone(names);
            if profile.is_peer() {
                peers.go_on(&profile.groups, &none, &today);
            }
        }
        place
    }

    /// A day is over: what was usual on it is known.
    fn end_day(&mut self, ended: i64, passed: i64) {
        let Self { settings, known: Known { profiles, active, peers, crowds, disclosures, hours, .. }, .. } = self;
        for place in &*active {
            if let Some(profile) = profiles.get_mut(*place) {
                score_ended(profile, settings, peers, ended);
            }
        }
        (0..passed.min(366)).for_each(|_| {
            peers.fade();
            hours.fade();
        });
        // A day of which nothing could be judged says nothing about first accesses.
        let days = active.iter().filter_map(|place| profiles.get(*place)).filter(|it| it.is_peer());
        let bounds = peers.bounds(days.map(|profile| (&*profile.groups, profile.today)));
        for profile in active.iter().filter_map(|place| profiles.get(*place)).filter(|it| it.counts_today()) {
            if profile.is_alone() {
                peers.add_to_itself(&profile.groups, &profile.today);
            } else {
                let most = bounds.of(peers.nearest_id(&profile.groups));
                peers.add(&profile.groups, &profile.today, most);
            }
        }
        for place in active.drain(..) {
            let Some(profile) = profiles.get_mut(place) else { continue };
            disclosures.end_day(place);
            if settings.circumstances.is_some() && profile.is_peer() {
                hours.add(&profile.groups, ended, profile.hours);
            }
            profile.hours = 0;
            if let Some(days) = &mut self.ended {
                let (account, score) = (Arc::clone(&profile.account), profile.highest);
                days.push(AccountDay { account, day: ended, score });
            }
            profile.runs = Runs::default();
            profile.end_day(ended, settings.budget.half_life_days);
            if profile.is_peer() && !profile.counted && profile.active_days >= settings.peers.active_days {
                peers.count(&profile.groups, true);
                profile.counted = true;
            }
        }
        peers.begin_day();
        if let Some(set) = &settings.crowd {
            crowds.end_day(ended + passed, set);
        }
    }

    /// Closes signals to which nothing came for long. Who was not active for weeks is no peer any more.
    fn close_quiet(&mut self, time: i64, signals: &mut Vec<Signal>) {
        let (day, quiet) = (self.known.calendar.today(), i64::from(self.settings.budget.quiet_days));
        let threshold = self.known.threshold;
        for profile in &mut self.known.profiles {
            if profile.counted && day - profile.last_day > WEEKS * 7 {
                leave(profile, &mut self.known.peers);
            }
        }
        for (about, open) in all_open(&mut self.known.profiles, &mut self.known.records) {
            let quiet = open.extract_if(.., |open| day - open.last >= quiet).filter(|open| !open.is_closed);
            let fade = |open| told(open, Change::Faded, time, about.clone(), threshold, &self.revision);
            signals.extend(quiet.map(fade));
        }
        let Known { records, crowds, .. } = &mut self.known;
        records.retain(|_, open| !open.is_empty());
        crowds.forget(day, quiet, |record| records.contains_key(record));
    }

    /// Somebody follows a signal up, or closes it. Nothing becomes of one that is closed, or not known.
    fn act(&mut self, fact: &Fact, act: &Act) -> Option<Signal> {
        let Known { profiles, records, threshold, .. } = &mut self.known;
        let (about, open) = all_open(profiles, records)
            .find_map(|(about, open)| Some((about, open.iter_mut().find(|open| open.id == act.signal)?)))?;
        let change = match act.verdict {
            _ if open.is_closed => return None,
            Some(_) => Change::Closed,
            None if open.is_followed => return None,
            None => Change::Followed,
        };
        (open.is_followed, open.is_closed) = (true, change == Change::Closed);
        let signal = told(open.clone(), change, fact.time, about, *threshold, &self.revision);
        Some(Signal { verdict: act.verdict, evidence: vec![evidence(fact)], ..signal })
    }

    /// The threshold is the score that as many accounts passed in the last weeks as the budget has signals. An account whose
    /// signal is older has no part in it: else misuse that was found would hide what comes after it. Nor has one that is compared with its
    /// own days.
    fn set_threshold(&mut self) {
        let (budget, day) = (&self.settings.budget, self.known.calendar.today());
        if self.known.calendar.ended() < budget.baseline_days {
            return;
        }
        let active: Vec<_> = self
            .known
            .profiles
            .iter()
            .filter(|profile| profile.is_peer())
            .filter_map(|profile| Some((profile, profile.peak(day)?)))
            .collect();
        let is_old = |profile: &Profile| profile.open.iter().any(|open| day - open.since > WEEKS * 7);
        let mut peaks: Vec<_> = active.iter().filter(|(it, _)| !is_old(it)).map(|(_, peak)| *peak).collect();
        peaks.sort_by(|one, other| other.total_cmp(one));
        let signals = budget.per_thousand / 1_000.0 * active.len() as f64 * WORKDAYS;
        let wanted = peaks.get(signals as usize).copied().unwrap_or_default();
        let moved = match self.known.threshold {
            // What added up for weeks is above the threshold at once, so it begins where that is a week's.
            None => {
                let half_life = budget.half_life_days;
                let mut now: Vec<_> = active.iter().map(|(it, _)| it.standing(day, half_life)).collect();
                now.sort_by(|one, other| other.total_cmp(one));
                wanted.max(now.get((signals / WEEKS as f64) as usize).copied().unwrap_or_default())
            }
            Some(before) => wanted.clamp(before / FALL, before * RISE),
        };
        self.known.threshold = Some(moved.max(budget.least_score));
    }
}

/// All open signals, with what they are about.
fn all_open<'k>(
    profiles: &'k mut [Profile],
    records: &'k mut BTreeMap<String, Vec<Open>>,
) -> impl Iterator<Item = (About, &'k mut Vec<Open>)> {
    let of_accounts = profiles.iter_mut().filter(|profile| !profile.open.is_empty());
    let of_accounts = of_accounts.map(|profile| (About::Account(profile.account.to_string()), &mut profile.open));
    of_accounts.chain(records.iter_mut().map(|(record, open)| (About::Record(record.clone()), open)))
}

/// An account is no peer any more of those that it was with.
fn leave(profile: &mut Profile, peers: &mut Peers) {
    if profile.counted {
        peers.count(&profile.groups, false);
    }
    (profile.counted, profile.active_days) = (false, 0);
}
