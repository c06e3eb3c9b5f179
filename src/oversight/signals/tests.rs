//! What detection promises, over made-up months of work.

use super::{
    detection::Detection,
    fact::Fact,
    json,
    reasons::{Reason, Reasons},
    settings::{Settings, SettingsFiles},
    signal::{Change, Family, Signal},
};
use crate::{
    sources::policy,
    types::{
        language::Language,
        revision::Revision,
        trace::{RecordIdentity, SpanId, TraceId},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{collections::BTreeSet, sync::Arc};

const SETTINGS: &str = include_str!("../../../policies/signals/detectors.toml");
const HOUR: i64 = 3_600_000;

fn files() -> SettingsFiles {
    let settings: Settings = toml::from_str(SETTINGS).unwrap();
    let reasons = Reasons::new(policy::Sources::from_texts("signals", []));
    SettingsFiles { settings, reasons, revision: Revision::of([("detectors.toml", SETTINGS.as_bytes())]) }
}

fn reason(id: &str, weight: f64, only_unexplained: bool) -> Arc<Reason> {
    Arc::new(Reason {
        id: Arc::from(id),
        title: format!("The title of {id}.").into(),
        weight,
        is_rule: only_unexplained,
        only_unexplained,
    })
}

/// An access: by whom, to what, when, for a reason or not.
fn access(account: &str, record: &str, day: i64, hour: i64, is_explained: bool) -> Fact {
    Fact {
        time: (day * 24 + hour) * HOUR,
        day,
        seq: 0,
        record: RecordIdentity {
            trace_id: TraceId::from_bytes([1; 16]).unwrap(),
            span_id: SpanId::from_bytes([1; 8]).unwrap(),
        },
        item: None,
        part: 1.0,
        account: account.to_owned(),
        peers: Arc::from(["Officer · patrol".to_owned(), "Officer".to_owned()]),
        resource: record.to_owned(),
        action: "consult".to_owned(),
        allowed: true,
        denied_by: Vec::new(),
        reasons: if is_explained { vec![reason("own-team", 1.0, false)] } else { Vec::new() },
        rules: Vec::new(),
        tried: Arc::from([reason("own-team", 1.0, false)]),
        judged: true,
    }
}

fn denied(fact: Fact, policy: &str) -> Fact {
    Fact { allowed: false, denied_by: vec![policy.to_owned()], reasons: Vec::new(), ..fact }
}

/// A month and more of work of `accounts` accounts: four new records a day, one in 25 without a known reason.
struct Work {
    random: StdRng,
    accounts: usize,
    facts: Vec<Fact>,
}

impl Work {
    fn new(seed: u64, accounts: usize, days: i64) -> Self {
        let mut work = Self { random: StdRng::seed_from_u64(seed), accounts, facts: Vec::new() };
        for day in 0..days {
            for account in 0..accounts {
                let number = work.random.random_range(2..=6);
                work.day(&format!("officer-{account}"), day, number, 0.04);
            }
        }
        work
    }

    fn day(&mut self, account: &str, day: i64, number: usize, unexplained: f64) {
        for _ in 0..number {
            let record = format!("record-{}", self.random.random::<u64>());
            let is_explained = !self.random.random_bool(unexplained);
            let hour = self.random.random_range(8..16);
            self.facts.push(access(account, &record, day, hour, is_explained));
        }
    }

    fn signals(&self) -> Vec<Signal> {
        let mut facts: Vec<_> = self.facts.iter().collect();
        facts.sort_by_key(|fact| fact.time);
        let mut detection = Detection::new(&files());
        let mut signals: Vec<_> = facts.into_iter().flat_map(|fact| detection.step(fact)).collect();
        signals.extend(detection.end());
        signals
    }
}

fn opened<'s>(signals: &'s [Signal], account: &str) -> Vec<&'s Signal> {
    signals.iter().filter(|signal| signal.account == account && signal.change == Change::Opened).collect()
}

#[test]
fn a_month_without_misuse_keeps_to_the_budget() {
    let work = Work::new(7, 800, 57);
    let signals = work.signals();
    let budget = 0.3 / 1_000.0 * work.accounts as f64 * 20.0;
    // What happens by chance is within two standard deviations of it.
    let most = budget + 2.0 * budget.sqrt();
    let opened = signals.iter().filter(|signal| signal.change == Change::Opened).count();
    assert!(signals.iter().all(|signal| signal.time >= 28 * 24 * HOUR), "no signal before there is a baseline");
    assert!(opened as f64 <= most, "{opened} signals, the budget is {budget}");
    assert!(opened > 0, "the budget is used");
}

#[test]
fn misuse_of_every_pace_is_found() {
    let mut work = Work::new(8, 400, 57);
    work.day("burst", 20, 4, 0.04);
    for day in 0..57 {
        for account in ["slow", "burst", "harvest", "mole", "hard-worker"] {
            work.day(account, day, 4, 0.02);
        }
        work.day("mole", day, 3, 1.0);
        work.day("hard-worker", day, 16, 0.02);
    }
    (40..48).for_each(|day| work.day("slow", day, 1, 1.0));
    work.day("burst", 45, 6, 1.0);
    work.day("harvest", 45, 40, 1.0);
    let signals = work.signals();
    for account in ["slow", "burst", "harvest", "mole"] {
        let found = opened(&signals, account);
        assert!(found.iter().any(|signal| signal.family == Family::Reason), "{account} is not found");
        assert!(found.iter().all(|signal| signal.family != Family::Reason || !signal.evidence.is_empty()));
    }
    let of_work: Vec<_> =
        opened(&signals, "hard-worker").into_iter().filter(|it| it.family == Family::Reason).collect();
    assert_eq!(of_work, Vec::<&Signal>::new(), "who works more has no higher share");
}

#[test]
fn a_sentence_counts_the_days_that_the_score_is_of() {
    let mut work = Work::new(8, 400, 57);
    (0..57).for_each(|day| work.day("slow", day, 4, 0.0));
    (40..48).for_each(|day| work.day("slow", day, 1, 1.0));
    let signals = work.signals();
    let first = opened(&signals, "slow")[0];
    assert!(first.observed >= 6.0 && first.days >= 6, "{first:?}");
    assert!(first.expected < first.observed / 2.0 && first.of > Some(20.0), "{first:?}");
    let sentence = first.sentence(Language::English);
    assert!(sentence.contains(&format!("On its last {} days", first.days)), "{sentence}");
    assert!(sentence.contains("Reasons that were looked for: The title of own-team."), "{sentence}");
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let written = || {
        let mut work = Work::new(9, 60, 45);
        work.day("burst", 40, 9, 1.0);
        work.signals().iter().map(|signal| json(signal).to_string()).collect::<Vec<_>>()
    };
    let first = written();
    assert!(!first.is_empty());
    assert_eq!(first, written());
}

#[test]
fn a_second_look_explains_nothing() {
    let mut work = Work::new(10, 60, 45);
    let mut again = Vec::new();
    for number in 0..6 {
        let record = format!("foreign-{number}");
        work.facts.push(access("snoop", &record, 40, 9, false));
        again.extend((1..4).map(|hour| access("snoop", &record, 40, 9 + hour, false)));
        again.push(access("snoop", &record, 41, 9, false));
    }
    let once = work.signals();
    work.facts.extend(again);
    let often = work.signals();
    let [one, other] = [&once, &often].map(|signals| opened(signals, "snoop")[0].clone());
    assert_eq!((one.observed, one.of), (other.observed, other.of), "neither does it count twice");
    // The records of a colleague who had a reason stay explained.
    let mut work = Work::new(10, 60, 45);
    for number in 0..6 {
        work.facts.push(access("colleague", &format!("own-{number}"), 39, 9, true));
        work.facts.push(access("colleague", &format!("own-{number}"), 40, 9, false));
    }
    assert_eq!(opened(&work.signals(), "colleague"), Vec::<&Signal>::new());
}

#[test]
fn the_items_of_a_batch_are_one_access() {
    let mut work = Work::new(11, 60, 45);
    for item in 0..50 {
        let fact = access("lister", &format!("listed-{item}"), 40, 9, false);
        work.facts.push(Fact { part: 1.0 / 50.0, item: Some(item), ..fact });
    }
    assert_eq!(opened(&work.signals(), "lister"), Vec::<&Signal>::new());
}

#[test]
fn denied_questions_are_a_signal_where_many_policies_deny() {
    let mut work = Work::new(12, 60, 45);
    for number in 0..12 {
        let fact = access("prober", &format!("closed-{number}"), 40, 9, false);
        work.facts.push(denied(fact, &format!("never.rule-{}", number % 4)));
        let fact = access("mistaken", &format!("closed-{number}"), 40, 9, false);
        work.facts.push(denied(fact, "never.one"));
    }
    let signals = work.signals();
    let of_prober = opened(&signals, "prober");
    assert_eq!(of_prober.iter().map(|signal| signal.family).collect::<Vec<_>>(), [Family::Denial]);
    assert_eq!(of_prober[0].detector.name(), "probing");
    assert_eq!(opened(&signals, "mistaken"), Vec::<&Signal>::new());
}

#[test]
fn a_rule_signals_before_there_is_a_baseline() {
    let about = |account: &str, is_explained, only_unexplained| {
        let rules = vec![reason("rule.colleague", 3.0, only_unexplained)];
        Fact { rules, ..access(account, "file", 1, 9, is_explained) }
    };
    let mut detection = Detection::new(&files());
    assert_eq!(detection.step(&about("explained", true, true)), []);
    assert_eq!(detection.step(&about("always", true, false)).len(), 1);
    let signals = detection.step(&about("unexplained", false, true));
    assert_eq!(signals.len(), 1);
    assert_eq!((signals[0].detector.name(), signals[0].score), ("rule.colleague", 3.0));
    assert_eq!(detection.step(&about("unexplained", false, true)), [], "one signal is open");
}

#[test]
fn a_signal_is_raised_and_fades_and_is_never_open_twice() {
    let mut work = Work::new(13, 100, 80);
    work.day("burst", 40, 6, 1.0);
    work.day("burst", 41, 9, 1.0);
    let signals = work.signals();
    let of_account: Vec<_> = signals.iter().filter(|signal| signal.account == "burst").collect();
    let changes: Vec<_> = of_account.iter().map(|signal| signal.change).collect();
    assert_eq!(changes.first(), Some(&Change::Opened));
    assert_eq!(changes.last(), Some(&Change::Faded));
    assert!(changes[1..changes.len() - 1].iter().all(|change| *change == Change::Raised), "{changes:?}");
    assert!(changes.len() > 2, "it was raised");
    let ids: BTreeSet<_> = of_account.iter().map(|signal| &signal.id).collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn who_moves_is_compared_with_new_peers() {
    let mut work = Work::new(14, 100, 50);
    // The desk works on the records of others.
    for day in 0..50 {
        for account in 0..25 {
            work.day(&format!("desk-{account}"), day, 4, 0.9);
        }
    }
    for fact in &mut work.facts {
        if fact.account.starts_with("desk-") || (fact.account == "officer-3" && fact.day >= 40) {
            fact.peers = Arc::from(["Officer · desk".to_owned(), "Officer".to_owned()]);
        }
    }
    for day in 40..50 {
        for number in 0..4 {
            let fact = access("officer-3", &format!("of-others-{day}-{number}"), day, 9, false);
            work.facts.push(Fact { peers: Arc::from(["Officer · desk".to_owned(), "Officer".to_owned()]), ..fact });
        }
    }
    let signals = work.signals();
    let of_reasons = |account: &str| opened(&signals, account).iter().any(|signal| signal.family == Family::Reason);
    assert!(!of_reasons("officer-3"));
    assert!(!(0..25).any(|account| of_reasons(&format!("desk-{account}"))));
}

#[test]
fn what_cannot_be_judged_counts_neither_way() {
    let mut work = Work::new(15, 60, 45);
    for number in 0..20 {
        let fact = access("unknown", &format!("record-of-unknown-{number}"), 40, 9, false);
        work.facts.push(Fact { judged: false, ..fact });
    }
    assert_eq!(opened(&work.signals(), "unknown"), Vec::<&Signal>::new());
}

#[test]
fn a_clock_that_was_ahead_blinds_nobody() {
    let mut work = Work::new(16, 60, 60);
    work.day("burst", 50, 9, 1.0);
    let mut facts = work.facts.clone();
    facts.sort_by_key(|fact| fact.time);
    // One record of the year 11000, and some that are a day late.
    let place = facts.iter().position(|fact| fact.day == 20).unwrap();
    facts.insert(place, access("officer-1", "far", 3_300_000, 9, true));
    let late = facts.iter().position(|fact| fact.day == 31).unwrap();
    let moved = facts.remove(late - 1);
    facts.insert(late + 30, moved);
    let mut detection = Detection::new(&files());
    let signals: Vec<_> = facts.iter().flat_map(|fact| detection.step(fact)).collect();
    assert_eq!(opened(&signals, "burst").len(), 1);
}
