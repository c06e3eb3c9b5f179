//! What detection promises, over made-up months of work.

use super::{
    detection::Detection,
    fact::Fact,
    follow_up::{Act, Verdict},
    json,
    reasons::Reason,
    retries::Stated,
    settings::SettingsFiles,
    signal::{About, Change, Circumstance, Family, Signal},
};
use crate::{
    sources::policy,
    types::{
        language::Language,
        problem::SourceFile,
        trace::{RecordIdentity, SpanId, TraceId},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

const SETTINGS: &str = concat!(
    include_str!("../../../policies/signals/detectors.toml"),
    "[circumstances]\nmost = 1.5\nhour_share = 0.1\ndormant = 1.0\ndormant_days = 60\n",
);
const HOUR: i64 = 3_600_000;

fn files() -> SettingsFiles {
    let file = SourceFile { name: Arc::from("detectors.toml"), text: Arc::from(SETTINGS) };
    SettingsFiles::of(&file, policy::Sources::from_texts("signals", [])).unwrap()
}

fn reason(id: &str, weight: f64, only_unexplained: bool) -> Arc<Reason> {
    Arc::new(Reason {
        id: Arc::from(id),
        title: format!("The title of {id}.").into(),
        weight,
        only_itself: false,
        is_rule: only_unexplained,
        only_unexplained,
    })
}

fn identity(call: &str) -> RecordIdentity {
    let mut hasher = DefaultHasher::new();
    call.hash(&mut hasher);
    let bytes = hasher.finish().to_be_bytes();
    let trace = [bytes, bytes].concat().try_into().unwrap();
    RecordIdentity { trace_id: TraceId::from_bytes(trace).unwrap(), span_id: SpanId::from_bytes(bytes).unwrap() }
}

fn peers(function: &str) -> Option<Arc<[String]>> {
    Some(Arc::from([format!("Officer · {function}"), "Officer".to_owned()]))
}

/// An access: by whom, to what, when, for a reason or not.
fn access(account: &str, record: &str, day: i64, hour: i64, is_explained: bool) -> Fact {
    Fact {
        time: (day * 24 + hour) * HOUR,
        day,
        hour: hour.rem_euclid(24) as u8,
        seq: 0,
        record: identity(&format!("{account} {record} {day} {hour}")),
        item: None,
        listed: false,
        account: account.to_owned(),
        known: true,
        peers: peers("patrol"),
        resource: record.to_owned(),
        allowed: true,
        denied_by: Vec::new(),
        stated: None,
        flow: None,
        reasons: if is_explained { vec![reason("own-team", 1.0, false)] } else { Vec::new() },
        rules: Vec::new(),
        tried: Arc::from([reason("own-team", 1.0, false)]),
        act: None,
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
        let signals: Vec<_> = facts.into_iter().flat_map(|fact| detection.step(fact)).collect();
        detection.end();
        signals
    }
}

fn opened<'s>(signals: &'s [Signal], account: &str) -> Vec<&'s Signal> {
    signals.iter().filter(|signal| signal.about.name() == account && signal.change == Change::Opened).collect()
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
    let mut work = Work::new(8, 800, 57);
    work.day("burst", 20, 4, 0.04);
    for day in 0..57 {
        for account in ["slow", "burst", "harvest", "mole", "hard-worker"] {
            work.day(account, day, 4, 0.02);
        }
        work.day("mole", day, 3, 1.0);
        work.day("hard-worker", day, 16, 0.02);
    }
    (40..48).for_each(|day| work.day("slow", day, 1, 1.0));
    work.day("burst", 45, 8, 1.0);
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
    assert!(first.observed >= 4.0 && first.days >= 4, "{first:?}");
    assert!(first.expected < first.observed / 2.0 && first.of > Some(15.0), "{first:?}");
    let sentence = first.sentence(Language::English);
    assert!(sentence.contains(&format!("over {} of its days", first.days)), "{sentence}");
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
fn what_was_kept_on_disk_goes_on_as_if_it_had_not_ended() {
    let mut work = Work::new(9, 60, 45);
    work.day("burst", 40, 9, 1.0);
    let (rule, mut looks) = (reason("rule", 5.0, true), access("clerk", "staff", 30, 9, false));
    looks.rules = vec![rule];
    work.facts.push(looks);
    // A denial that is retried, and numbers in a row, with a restart between them.
    for number in 0..9 {
        let fact = |minute: i64| {
            let fact = access("shopper", &format!("closed-{number}"), 40, 9, true);
            let time = fact.time + (number * 7 + minute) * 60_000;
            let record = identity(&format!("shopper {number} {minute}"));
            Fact { time, record, stated: Some(Stated::for_test(&fact.resource, &minute.to_string())), ..fact }
        };
        work.facts.extend([denied(fact(0), "never.one"), fact(5)]);
    }
    let mut facts: Vec<_> = work.facts.iter().collect();
    facts.sort_by_key(|fact| fact.time);
    let files = files();
    let whole = work.signals();
    for detector in ["rule", "shopping", "enumeration", "unexplained"] {
        assert!(whole.iter().any(|signal| signal.detector.name() == detector), "{detector}");
    }
    let mut detection = Detection::new(&files);
    let mut signals = Vec::new();
    for (place, fact) in facts.into_iter().enumerate() {
        if place % 97 == 0 || (fact.account == "shopper" && place % 3 == 0) {
            let kept = serde_json::to_vec(detection.known()).unwrap();
            detection = Detection::resume(&files, serde_json::from_slice(&kept).unwrap());
        }
        signals.extend(detection.step(fact));
    }
    assert_eq!(signals, whole);
}

#[test]
fn a_second_look_explains_nothing() {
    let mut work = Work::new(10, 60, 45);
    let mut again = Vec::new();
    for number in 0..6 {
        let record = format!("foreign-{number}-file");
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
        work.facts.push(access("colleague", &format!("{number}-own"), 39, 9, true));
        work.facts.push(access("colleague", &format!("{number}-own"), 40, 9, false));
    }
    assert_eq!(opened(&work.signals(), "colleague"), Vec::<&Signal>::new());
}

/// A page of these foreign records, in one call.
fn list(account: &str, day: i64, hour: i64, numbers: std::ops::Range<usize>) -> Vec<Fact> {
    let record = identity(&format!("list {account} {day} {hour} {numbers:?}"));
    let item = |number| {
        let fact = access(account, &format!("{number}-listed"), day, hour, false);
        Fact { record, listed: true, item: Some(number), ..fact }
    };
    numbers.map(item).collect()
}

#[test]
fn a_list_is_one_access_whatever_its_length() {
    let mut work = Work::new(11, 60, 45);
    work.facts.extend(list("lister", 40, 9, 0..50));
    assert_eq!(opened(&work.signals(), "lister"), Vec::<&Signal>::new());
    for length in [6, 10, 15, 50] {
        let mut work = Work::new(11, 60, 45);
        (0..8).for_each(|page| work.facts.extend(list("lister", 40, 9, page * length..(page + 1) * length)));
        let signals = work.signals();
        let found = opened(&signals, "lister");
        assert!(!found.is_empty(), "eight pages of {length} are eight accesses");
        assert!(found[0].observed.fract() == 0.0 && found[0].observed <= 8.0, "{found:?}");
    }
}

#[test]
fn a_list_does_not_excuse_what_is_opened_from_it() {
    let mut work = Work::new(11, 60, 45);
    work.facts.extend(list("lister", 39, 9, 0..50));
    for number in 0..8 {
        work.facts.push(access("lister", &format!("{number}-listed"), 40, 9, false));
    }
    assert!(!opened(&work.signals(), "lister").is_empty());
    // One foreign record among many of the own team is one, too.
    let mut work = Work::new(11, 60, 45);
    for page in 0..8 {
        let mut facts = list("mixer", 40, 9, page * 50..(page + 1) * 50);
        facts[1..].iter_mut().for_each(|fact| fact.reasons = vec![reason("own-team", 1.0, false)]);
        work.facts.extend(facts);
    }
    assert!(!opened(&work.signals(), "mixer").is_empty());
}

#[test]
fn what_explains_itself_alone_excuses_nothing_later() {
    let mut work = Work::new(11, 60, 45);
    let itself = Arc::new(Reason { only_itself: true, ..(*reason("street", 1.0, false)).clone() });
    for number in 0..8 {
        let fact = access("snoop", &format!("{number}-met"), 39, 9, false);
        work.facts.push(Fact { reasons: vec![itself.clone()], ..fact });
        work.facts.push(access("street-only", &format!("{number}-met"), 39, 9, false));
        work.facts.last_mut().unwrap().reasons = vec![itself.clone()];
        work.facts.push(access("snoop", &format!("{number}-met"), 40, 9, false));
    }
    let signals = work.signals();
    assert!(!opened(&signals, "snoop").is_empty());
    assert!(opened(&signals, "street-only").is_empty());
}

#[test]
fn a_reason_in_part_explains_in_part() {
    let observed = |weight: f64| {
        let mut work = Work::new(11, 60, 45);
        for number in 0..20 {
            let fact = access("half", &format!("weak-{number}"), 40, 9, false);
            work.facts.push(Fact { reasons: vec![reason("weak", weight, false)], ..fact });
        }
        let signals = work.signals();
        let of_reason =
            signals.iter().filter(|signal| signal.about.name() == "half" && signal.family == Family::Reason);
        of_reason.map(|signal| signal.observed).fold(0.0, f64::max)
    };
    let in_part = observed(0.1);
    assert!(in_part > 9.0 && in_part.fract() > 1e-6, "{in_part}");
    assert_eq!(observed(1.0), 0.0);
}

#[test]
fn denied_questions_are_a_signal_where_many_policies_deny() {
    let mut work = Work::new(12, 60, 45);
    for number in 0..12 {
        let fact = access("prober", &format!("closed-{number}-file"), 40, 9, false);
        work.facts.push(denied(fact, &format!("never.rule-{}", number % 4)));
        let fact = access("mistaken", &format!("closed-{number}-file"), 40, 9, false);
        work.facts.push(denied(fact, "never.one"));
    }
    let signals = work.signals();
    let of_prober = opened(&signals, "prober");
    assert_eq!(of_prober.iter().map(|signal| signal.family).collect::<Vec<_>>(), [Family::Denial]);
    assert_eq!(of_prober[0].detector.name(), "probing");
    assert_eq!(opened(&signals, "mistaken"), Vec::<&Signal>::new());
}

#[test]
fn what_was_denied_and_allowed_with_another_purpose_is_a_signal() {
    let stated = |account: &str, number: i64, purpose: &str, day: i64, allowed: bool| {
        let fact = access(account, &format!("closed-{number}"), day, 9 + number, true);
        let stated = Some(Stated::for_test(&fact.resource, purpose));
        let fact = Fact { stated, time: fact.time + i64::from(allowed), ..fact };
        if allowed {
            Fact { record: identity(&format!("{account} {number} again")), ..fact }
        } else {
            denied(fact, "never.one")
        }
    };
    let of = |retried: i64, of_all: usize| {
        let mut work = Work::new(12, 60, 45);
        for number in 0..retried {
            work.facts.extend([stated("shopper", number, "8", 40, false), stated("shopper", number, "9", 40, true)]);
            work.facts.extend([stated("patient", number, "8", 40, false), stated("patient", number, "8", 40, true)]);
        }
        // What all do is usual.
        for (day, account) in (0..45).flat_map(|day| (0..of_all).map(move |account| (day, account))) {
            let account = format!("officer-{account}");
            work.facts.extend([stated(&account, 0, "8", day, false), stated(&account, 0, "9", day, true)]);
        }
        let signals = work.signals();
        assert_eq!(opened(&signals, "patient"), Vec::<&Signal>::new());
        opened(&signals, "shopper").into_iter().cloned().collect::<Vec<_>>()
    };
    let found = of(4, 0);
    let [first] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.detector.name(), first.family), ("shopping", Family::Denial));
    assert!(first.evidence.len() >= 2 && first.score <= 3.0 + first.observed.log2(), "{first:?}");
    let sentence = first.sentence(Language::Dutch);
    assert!(sentence.contains("met een ander doel"), "{sentence}");
    assert_eq!(of(2, 60), [], "what all do is no signal");
}

#[test]
fn numbers_one_after_the_other_are_a_signal_unless_peers_work_so() {
    let of = |length: i64, is_page: bool, of_all: i64| {
        let mut work = Work::new(12, 60, 45);
        let run = |account: &str, day: i64, length: i64| {
            let one = |number| Fact {
                listed: is_page,
                ..access(account, &format!("{account}-{day}{number:03}"), day, 9, true)
            };
            (0..length).map(one).collect::<Vec<_>>()
        };
        work.facts.extend(
            (0..45)
                .flat_map(|day| (0..60).map(move |account| (day, account)))
                .flat_map(|(day, account)| run(&format!("officer-{account}"), day, of_all)),
        );
        work.facts.extend(run("reader", 40, length));
        let signals = work.signals();
        let found = opened(&signals, "reader").into_iter().filter(|it| it.detector.name() == "enumeration");
        found.cloned().collect::<Vec<_>>()
    };
    let found = of(7, false, 0);
    let [first] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.family, first.evidence.len()), (Family::Volume, first.observed as usize));
    let sentence = first.sentence(Language::English);
    assert!(sentence.contains("records in a row whose numbers follow each other"), "{sentence}");
    assert_eq!(of(5, false, 0), [], "too few");
    assert_eq!(of(7, true, 0), [], "a page");
    assert_eq!(of(7, false, 10), [], "all do");
}

#[test]
fn a_rule_signals_before_there_is_a_baseline() {
    let about = |account: &str, is_explained, only_unexplained| {
        let rules = vec![reason("rule.colleague", 3.0, only_unexplained)];
        Fact { rules, ..access(account, "file", 1, 9, is_explained) }
    };
    let mut detection = Detection::new(&files());
    assert_eq!(detection.step(&about("explained", true, true)), []);
    assert_eq!(detection.step(&about("explained", false, true)), [], "an access for a reason explains the next");
    assert_eq!(detection.step(&about("always", true, false)).len(), 1);
    let signals = detection.step(&about("unexplained", false, true));
    assert_eq!(signals.len(), 1);
    assert_eq!((signals[0].detector.name(), signals[0].score), ("rule.colleague", 3.0));
    assert_eq!(
        detection.step(&about("unexplained", false, true)),
        [],
        "a second look excuses nothing, and one signal is open"
    );
    let decoy = Fact { rules: vec![reason("rule.decoy", 8.0, false)], ..access("unexplained", "decoy", 1, 9, false) };
    assert_eq!(detection.step(&decoy).len(), 1, "one rule does not hide another");
    // A reason in part is a reason that is known.
    let mut half = about("half", false, true);
    half.reasons = vec![reason("weak", 0.5, false)];
    assert_eq!(detection.step(&half), []);
}

#[test]
fn a_signal_is_raised_and_fades_and_is_never_open_twice() {
    let mut work = Work::new(13, 100, 80);
    work.day("burst", 40, 6, 1.0);
    work.day("burst", 41, 9, 1.0);
    let signals = work.signals();
    let of_account: Vec<_> = signals.iter().filter(|signal| signal.about.name() == "burst").collect();
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
            fact.peers = peers("desk");
        }
    }
    for day in 40..50 {
        for number in 0..4 {
            let fact = access("officer-3", &format!("of-others-{day}-{number}"), day, 9, false);
            work.facts.push(Fact { peers: peers("desk"), ..fact });
        }
    }
    let signals = work.signals();
    let of_reasons = |account: &str| opened(&signals, account).iter().any(|signal| signal.family == Family::Reason);
    assert!(!of_reasons("officer-3"));
    assert!(!(0..25).any(|account| of_reasons(&format!("desk-{account}"))));
}

#[test]
fn days_on_which_all_have_fewer_reasons_hide_nothing_after_them() {
    let mut work = Work::new(12, 300, 57);
    (0..57).for_each(|day| work.day("slow", day, 4, 0.02));
    // Three days of an operation that no assignment was entered for.
    for day in 40..43 {
        (0..300).for_each(|account| work.day(&format!("officer-{account}"), day, 3, 0.7));
    }
    (45..53).for_each(|day| work.day("slow", day, 1, 1.0));
    let signals = work.signals();
    let of_reason: Vec<_> =
        signals.iter().filter(|it| it.change == Change::Opened && it.family == Family::Reason).collect();
    let of_the_operation = of_reason.iter().filter(|it| (40..45).contains(&(it.time / HOUR / 24))).count();
    assert!(of_the_operation < 10, "{of_the_operation} signals of an operation");
    assert!(of_reason.iter().any(|it| it.about.name() == "slow"), "slow misuse after it is found");
}

#[test]
fn the_score_that_an_account_would_have_is_the_one_it_gets() {
    let mut work = Work::new(12, 300, 45);
    work.facts.sort_by_key(|fact| fact.time);
    let mut detection = Detection::new(&files());
    work.facts.iter().for_each(|fact| drop(detection.step(fact)));
    assert_eq!(detection.would_score("nobody", 1.0), None);
    let would = |detection: &Detection, more| detection.would_score("officer-7", more).unwrap();
    let (today, with_days_before) = would(&detection, 3.0);
    assert!(today > 0.0 && with_days_before >= today && with_days_before < would(&detection, 4.0).1);
    (0..3).for_each(|number| drop(detection.step(&access("officer-7", &format!("foreign-{number}"), 44, 20, false))));
    assert_eq!(would(&detection, 0.0), (today, with_days_before));
}

/// An allowed question about a signal.
fn about(signal: &str, verdict: Option<Verdict>, day: i64, hour: i64) -> Fact {
    let act = Some(Act { signal: signal.to_owned(), verdict });
    Fact { act, known: false, ..access("investigator", &format!("{signal} {hour}"), day, hour, true) }
}

#[test]
fn what_was_closed_is_told_again_only_where_it_is_worse() {
    let rules = vec![reason("rule", 5.0, true)];
    let hit = |hour| Fact { rules: rules.clone(), ..access("clerk", &format!("staff-{hour}"), 1, hour, false) };
    let mut detection = Detection::new(&files());
    let mut step = |fact: &Fact| detection.step(fact);
    let first = step(&hit(9)).remove(0);
    assert_eq!(step(&hit(10)), [], "it is open");
    let denied = Fact { allowed: false, ..about(&first.id, Some(Verdict::Mistake), 1, 10) };
    assert_eq!(step(&denied), [], "who may not close it closes nothing");
    assert_eq!(step(&about("another", None, 1, 10)), []);
    let change = |signals: Vec<Signal>| signals.into_iter().map(|it| (it.change, it.verdict)).collect::<Vec<_>>();
    assert_eq!(change(step(&about(&first.id, None, 1, 11))), [(Change::Followed, None)]);
    assert_eq!(change(step(&about(&first.id, None, 1, 12))), [], "once");
    let verdict = Some(Verdict::Misuse);
    assert_eq!(change(step(&about(&first.id, verdict, 1, 13))), [(Change::Closed, verdict)]);
    assert_eq!(change(step(&about(&first.id, verdict, 1, 14))), []);
    let second = step(&hit(15)).remove(0);
    assert_eq!((second.change, second.id == first.id), (Change::Opened, false), "a rule that is met again");

    // What adds up is told again when it rose by one, and says nothing when it ends.
    let mut work = Work::new(11, 200, 46);
    [(40, 5), (41, 12)].into_iter().for_each(|(day, number)| work.day("snoop", day, number, 1.0));
    let opened = opened(&work.signals(), "snoop")[0].clone();
    work.facts.push(Fact {
        time: opened.time + 1,
        ..about(&opened.id, Some(Verdict::Justified), opened.time / HOUR / 24, 0)
    });
    let signals: Vec<_> = work.signals().into_iter().filter(|it| it.about.name() == "snoop").collect();
    let after: Vec<_> = signals.iter().skip_while(|it| it.change != Change::Closed).skip(1).collect();
    let [again, ..] = after.as_slice() else { panic!("{signals:?}") };
    assert!(again.change == Change::Opened && again.score >= opened.score + 1.0 && again.id != opened.id, "{again:?}");
    (42..80).for_each(|day| (0..30).for_each(|account| work.day(&format!("officer-{account}"), day, 3, 0.0)));
    let faded = work.signals().into_iter().filter(|it| it.about.name() == "snoop" && it.change == Change::Faded);
    assert_eq!(
        faded.map(|it| it.id).collect::<Vec<_>>(),
        std::slice::from_ref(&again.id),
        "what was closed does not fade"
    );
}

#[test]
fn a_signal_stays_open_while_it_goes_on() {
    let mut work = Work::new(17, 400, 90);
    for day in 0..90 {
        work.day("mole", day, 4, 0.02);
        work.day("mole", day, 3, 1.0);
    }
    let signals = work.signals();
    assert_eq!(
        opened(&signals, "mole").len(),
        1,
        "{:?}",
        signals.iter().map(|it| (it.change, it.about.name())).collect::<Vec<_>>()
    );
    assert!(!signals.iter().any(|signal| signal.about.name() == "mole" && signal.change == Change::Faded));
}

#[test]
fn the_budget_holds_for_months() {
    let work = Work::new(18, 500, 168);
    let signals = work.signals();
    let opened = signals.iter().filter(|signal| signal.change == Change::Opened).count() as f64;
    let budget: f64 = 0.3 / 1_000.0 * 500.0 * 100.0;
    assert!(opened <= budget + 2.0 * budget.sqrt(), "{opened} signals in 100 workdays, the budget is {budget}");
    assert!(opened >= budget / 2.5, "{opened} signals in 100 workdays, the budget is {budget}");
}

#[test]
fn what_cannot_be_judged_counts_neither_way() {
    let mut work = Work::new(15, 60, 45);
    for number in 0..20 {
        let fact = access("unknown", &format!("record-{number}-of-unknown"), 40, 9, false);
        work.facts.push(Fact { judged: false, peers: None, ..fact });
    }
    let without = work.signals();
    assert_eq!(opened(&without, "unknown"), Vec::<&Signal>::new());
    // A revision that is away for a while moves nobody to other peers.
    let mut away = Work::new(15, 60, 45);
    away.day("burst", 40, 9, 1.0);
    let with = opened(&away.signals(), "burst")[0].peers.clone();
    for account in 0..60 {
        let fact = access(&format!("officer-{account}"), "away", 38, 9, false);
        away.facts.push(Fact { judged: false, peers: None, ..fact });
    }
    assert_eq!(opened(&away.signals(), "burst")[0].peers, with);
    assert_eq!(with, "Officer · patrol");
    // A day of which nothing can be judged says nothing about what is usual.
    let expected = |unjudged: i64| {
        let mut work = Work::new(15, 60, 45);
        work.facts.retain(|fact| fact.day < 30 || fact.day >= 40);
        for day in 30..30 + unjudged {
            for account in 0..60 {
                let fact = access(&format!("officer-{account}"), "unjudged", day, 9, false);
                work.facts.push(Fact { judged: false, peers: None, ..fact });
            }
        }
        for number in 0..20 {
            work.facts.push(access("broad", &format!("{number}-own"), 41, 9, true));
        }
        opened(&work.signals(), "broad")[0].expected
    };
    let (without, with) = (expected(0), expected(10));
    assert!((without - with).abs() < 0.2, "{without} {with}");
}

#[test]
fn accounts_that_the_directory_does_not_know_are_nobodys_peers() {
    let score = |invented: usize| {
        let mut work = Work::new(19, 60, 45);
        work.day("burst", 40, 6, 1.0);
        for day in 0..40 {
            for _ in 0..invented {
                let fact = access("Officer that the directory does not know", "any", day, 9, false);
                work.facts.push(denied(Fact { known: false, peers: None, ..fact }, "unknown"));
            }
        }
        let signals = work.signals();
        let first = opened(&signals, "burst")[0];
        (first.expected, first.accounts)
    };
    assert_eq!(score(0), score(200));
}

#[test]
fn one_of_a_kind_is_compared_with_everybody() {
    let mut work = Work::new(20, 100, 57);
    for day in 0..57 {
        work.day("system", day, 4, 1.0);
    }
    for fact in work.facts.iter_mut().filter(|fact| fact.account == "system") {
        fact.peers = Some(Arc::from(["System".to_owned()]));
    }
    let signals = work.signals();
    let found = opened(&signals, "system");
    assert_eq!(found.len(), 1, "what it always does is no measure of itself");
    assert!(found[0].sentence(Language::Dutch).contains("alle accounts"), "{}", found[0].sentence(Language::Dutch));
}

#[test]
fn a_system_is_compared_with_its_own_days() {
    let officers = |with_system: bool| {
        let mut work = Work::new(21, 100, 50);
        work.day("burst", 45, 12, 1.0);
        // It is new on day 5, has more on some days of each week, and ten times as much on one day.
        for day in (5..50).filter(|_| with_system) {
            let number = if day == 45 { 3_000 } else { 300 + (day as usize % 7) * 20 };
            work.day("system", day, number, 1.0);
        }
        for fact in work.facts.iter_mut().filter(|fact| fact.account == "system") {
            fact.peers = Some(Arc::from(["system".to_owned()]));
        }
        work.signals()
    };
    let signals = officers(true);
    let found = opened(&signals, "system");
    let days: Vec<_> = found.iter().map(|it| (it.time / (24 * HOUR), it.family)).collect();
    assert_eq!(days, [(45, Family::Volume)], "{found:?}");
    assert_eq!((&*found[0].peers, found[0].accounts), ("itself", 1));
    let sentence = found[0].sentence(Language::English);
    assert!(sentence.contains("on its own earlier days"), "{sentence}");
    // How much it does is no matter of others.
    let of = |signals: &[Signal]| {
        let of_others = signals.iter().filter(|it| it.about.name() != "system");
        of_others.map(|it| (it.id.clone(), it.change, it.expected.to_bits())).collect::<Vec<_>>()
    };
    assert!(!of(&signals).is_empty());
    assert_eq!(of(&signals), of(&officers(false)));
}

#[test]
fn a_system_that_discloses_otherwise_than_before_is_a_signal() {
    let disclosures = |days: i64, day: i64, more: &[(u64, usize)]| {
        let mut work = Work::new(23, 60, days);
        let mut disclose = |day: i64, flow: u64, number: usize| {
            for number in 0..number {
                let fact = access("system", &format!("{day}-{flow}-{number}-file"), day, 9, true);
                work.facts.push(Fact { flow: Some(flow), peers: Some(Arc::from(["system".to_owned()])), ..fact });
            }
        };
        // One flow with much, and one with little, each day; one on each third day.
        for day in 0..days {
            disclose(day, 1, 100 + (day as usize % 5) * 50);
            disclose(day, 2, 11 + day as usize % 3);
            disclose(day, 4, if day % 3 == 0 { 20 } else { 0 });
        }
        more.iter().for_each(|(flow, number)| disclose(day, *flow, *number));
        let signals = work.signals();
        let of_system = opened(&signals, "system").into_iter();
        of_system.map(|it| (it.time / (24 * HOUR), it.detector.name().to_owned(), it.score)).collect::<Vec<_>>()
    };
    assert_eq!(disclosures(50, 45, &[]), []);
    assert_eq!(disclosures(50, 45, &[(3, 1)]), [(45, "new-disclosure".to_owned(), 3.0)]);
    assert_eq!(disclosures(50, 45, &[(3, 5), (5, 1)]).len(), 1, "one is open for all");
    assert_eq!(disclosures(50, 20, &[(3, 1)]), [], "its first days say what is usual");
    let surge = disclosures(50, 45, &[(2, 50)]);
    let [(45, detector, _)] = surge.as_slice() else { panic!("{surge:?}") };
    assert_eq!(detector, "disclosure", "few beside all that it does");
}

#[test]
fn circumstances_add_to_a_score_and_are_none_by_themselves() {
    let of = |hour: i64, away: bool, is_explained: bool| {
        let mut work = Work::new(24, 100, 90);
        (1..8).for_each(|day| work.day("clerk", day, 4, 0.0));
        (8..80).filter(|_| !away).for_each(|day| work.day("clerk", day, 4, 0.0));
        // Another one works at night each day.
        (1..90).for_each(|day| work.facts.push(access("night", &format!("{day}-file"), day, 3, true)));
        for number in 0..5 {
            work.facts.push(access("clerk", &format!("{number}-file"), 80, hour, is_explained));
        }
        work.facts.sort_by_key(|fact| fact.time);
        let mut detection = Detection::new(&files());
        detection.ended_days();
        let signals: Vec<_> = work.facts.iter().flat_map(|fact| detection.step(fact)).collect();
        assert_eq!(opened(&signals, "night"), Vec::<&Signal>::new());
        let day = detection.ended_days().into_iter().find(|it| &*it.account == "clerk" && it.day == 80).unwrap();
        let opened =
            opened(&signals, "clerk").into_iter().map(|it| (it.circumstances.clone(), it.sentence(Language::English)));
        (day.score, opened.collect::<Vec<_>>())
    };
    let (by_day, found) = of(10, false, false);
    assert_eq!(found[0].0, []);
    let (at_night, found) = of(2, false, false);
    assert_eq!(found[0].0, [Circumstance::Hour]);
    assert!(at_night > by_day + 0.3 && at_night <= by_day + 1.5, "{at_night} {by_day}");
    assert!(found[0].1.contains("at which its peers seldom ask"), "{found:?}");
    let (_, found) = of(2, true, false);
    assert_eq!(found[0].0, [Circumstance::Hour, Circumstance::Dormant]);
    assert!(found[0].1.contains("It had asked nothing for long."), "{found:?}");
    assert_eq!(of(2, true, true), (0.0, Vec::new()), "alone they are no signal");
}

#[test]
fn a_record_that_many_open_without_a_reason_is_one_signal() {
    let mut work = Work::new(22, 60, 50);
    let look = |account: usize, day: i64, hour: i64, explained: bool| {
        access(&format!("officer-{account}"), "notable", day, hour, explained)
    };
    // One account again and again, a team for a reason, and seven accounts are no crowd; nor is a look every third day.
    (0..9).for_each(|hour| work.facts.push(look(50, 30, hour, false)));
    (10..30).for_each(|account| work.facts.push(look(account, 30, 10, true)));
    (0..6).for_each(|account| work.facts.push(look(account, 30, 11, false)));
    (51..60).for_each(|account| {
        work.facts.push(access(&format!("officer-{account}"), "old", 3 * account as i64 - 133, 9, false));
    });
    let of_records = |work: &Work| {
        let signals = work.signals().into_iter();
        signals.filter(|it| matches!(it.about, About::Record(_))).collect::<Vec<_>>()
    };
    assert_eq!(of_records(&work), []);
    (6..8).for_each(|account| work.facts.push(look(account, 31, 9, false)));
    let signals = of_records(&work);
    let [opened, faded] = signals.as_slice() else { panic!("{signals:?}") };
    assert_eq!((&opened.about, opened.change), (&About::Record("notable".to_owned()), Change::Opened));
    assert_eq!((opened.time, opened.observed, opened.score), ((31 * 24 + 9) * HOUR, 8.0, 4.0));
    assert_eq!(opened.evidence.len(), 8, "a decision of each account");
    let sentence = opened.sentence(Language::English);
    assert!(sentence.starts_with("Within 2 days 8 accounts had access to one record"), "{sentence}");
    assert_eq!((faded.change, &faded.id, &faded.about), (Change::Faded, &opened.id, &opened.about));
    // Twice as many raise it; what somebody closed is told again only then.
    let close = |work: &mut Work, id: &str| {
        let act = Some(Act { signal: id.to_owned(), verdict: Some(Verdict::Justified) });
        work.facts.push(Fact { act, ..access("officer-9", "signal", 31, 10, true) });
    };
    (30..36).for_each(|account| work.facts.push(look(account, 31, 12, false)));
    close(&mut work, &opened.id);
    let changes = |work: &Work| of_records(work).iter().map(|it| it.change).collect::<Vec<_>>();
    assert_eq!(changes(&work), [Change::Opened, Change::Closed]);
    work.facts.push(look(37, 31, 13, false));
    (38..46).for_each(|account| work.facts.push(look(account, 31, 14, false)));
    let signals = of_records(&work);
    assert_eq!(
        signals.iter().map(|it| it.change).collect::<Vec<_>>(),
        [Change::Opened, Change::Closed, Change::Opened, Change::Faded]
    );
    assert_eq!((signals[2].observed, signals[2].score), (16.0, 5.0));
    assert_ne!(signals[2].id, opened.id);
}

#[test]
fn accesses_of_a_crowd_count_for_none_of_its_accounts() {
    let of_accounts = |is_crowd: bool| {
        let mut work = Work::new(23, 200, 50);
        for account in 0..40 {
            for number in 0..8 {
                let name = if is_crowd { format!("{number}-notable") } else { format!("{account}-{number}-own") };
                let hour = 8 + (account * 3 + number) % 8;
                work.facts.push(access(&format!("officer-{account}"), &name, 40, hour, false));
            }
        }
        work.day("lone", 40, 8, 1.0);
        let signals = work.signals();
        assert_eq!(opened(&signals, "lone").len(), 1);
        let of_day =
            |account: usize| opened(&signals, &format!("officer-{account}")).iter().any(|it| it.time / HOUR / 24 == 40);
        (0..40).filter(|account| of_day(*account)).count()
    };
    assert!(of_accounts(false) > 30, "each would be one");
    assert_eq!(of_accounts(true), 0);
}

#[test]
fn records_that_the_same_accounts_open_are_one_signal() {
    let mut work = Work::new(24, 90, 64);
    let look = |work: &mut Work, account: usize, record: &str, day: i64, hour: i64| {
        work.facts.push(access(&format!("officer-{account}"), record, day, hour, false));
    };
    // An operation of 16 accounts on 64 records, a quarter of the records a day.
    for number in 0..64 {
        (0..16).for_each(|account| {
            look(&mut work, account, &format!("{number}-operation"), 40 + number / 16, 9 + number % 8);
        });
    }
    // Of eight accounts at one record four are in it, which is too few; then five, which is enough.
    (12..20).for_each(|account| look(&mut work, account, "notable", 44, 9));
    (3..8).chain(70..73).for_each(|account| look(&mut work, account, "64-operation", 44, 10));
    // Others are a crowd of their own. Of those of whom three come from each of two, more than half were told of.
    (60..68).for_each(|account| look(&mut work, account, "other", 44, 11));
    (0..3).chain(60..63).chain(80..82).for_each(|account| look(&mut work, account, "gathering", 44, 12));
    let of_records = |work: &Work, change: Change| {
        let signals =
            work.signals().into_iter().filter(|it| matches!(it.about, About::Record(_)) && it.change == change);
        signals.collect::<Vec<_>>()
    };
    let opened = of_records(&work, Change::Opened);
    let about: Vec<_> = opened.iter().map(|it| (it.about.name(), it.observed, it.of)).collect();
    let alone = |name| (name, 8.0, None);
    assert_eq!(about, [alone("0-operation"), alone("notable"), alone("other")]);
    // Twice as many accounts raise it, and each record: 4 for eight accounts at one. The highest score that is shown is 8.
    let raised = of_records(&work, Change::Raised);
    assert!(raised.iter().all(|it| it.about.name() == "0-operation" && it.id == opened[0].id));
    let told: Vec<_> = raised.iter().map(|it| (it.of, it.score)).collect();
    assert_eq!(told[..5], [(None, 5.0), (Some(2.0), 6.0), (Some(3.0), 7.0), (Some(4.0), 8.0), (Some(5.0), 8.0)]);
    assert_eq!(told.len(), 1 + 65, "none is silent");
    let sentence = raised.last().unwrap().sentence(Language::English);
    assert!(sentence.starts_with("24 accounts had access to 66 records without a known reason"), "{sentence}");
    // What comes after somebody closed it is new.
    let act = Some(Act { signal: opened[0].id.clone(), verdict: Some(Verdict::Justified) });
    work.facts.push(Fact { act, ..access("officer-9", "signal", 44, 13, true) });
    (0..8).for_each(|account| look(&mut work, account, "celebrity", 44, 14));
    let after = of_records(&work, Change::Opened);
    assert_eq!(after.last().map(|it| (it.about.name(), it.observed, it.of)), Some(alone("celebrity")));
    // Records and accounts of weeks ago count no more: it begins anew.
    (20..28).for_each(|account| look(&mut work, account, "0-operation", 62, 9));
    let after = of_records(&work, Change::Opened);
    assert_eq!(after.last().map(|it| (it.about.name(), it.observed, it.of)), Some(alone("0-operation")));
}

#[test]
fn accesses_of_a_crowd_launder_no_others() {
    let first = |with_crowd: bool| {
        let mut work = Work::new(23, 200, 50);
        // Every other day one record of a crowd, and two that nobody else opens.
        for day in 40..48 {
            for account in (0..9).filter(|_| with_crowd && day % 2 == 0) {
                let look = access(&format!("officer-{account}"), &format!("{day}-notable"), day, 8, false);
                work.facts.push(look);
            }
            if with_crowd && day % 2 == 0 {
                work.facts.push(access("snoop", &format!("{day}-notable"), day, 9, false));
            }
            (0..2).for_each(|number| work.facts.push(access("snoop", &format!("{day}-{number}-own"), day, 10, false)));
        }
        let signals = work.signals();
        let of_snoop = opened(&signals, "snoop");
        of_snoop.iter().map(|it| (it.time / HOUR / 24, it.observed, it.of)).collect::<Vec<_>>()
    };
    assert!(!first(false).is_empty());
    assert_eq!(first(false), first(true));
}

#[test]
fn days_on_which_nothing_is_opened_take_nothing_off() {
    let found = |between: bool| {
        let mut work = Work::new(23, 200, 60);
        work.facts.push(access("slow", "own", 38, 9, true));
        for day in (40..56).step_by(2) {
            work.facts.push(access("slow", &format!("{day}-foreign"), day, 9, false));
            if between {
                work.facts.push(access("slow", "own", day + 1, 9, true));
            }
        }
        opened(&work.signals(), "slow").iter().any(|it| it.family == Family::Reason)
    };
    assert!(found(false) && found(true));
}

#[test]
fn a_retry_now_and_then_adds_up_to_nothing() {
    let mut work = Work::new(25, 200, 120);
    for day in 0..120 {
        for number in 0..40 {
            work.facts.push(access("clerk", &format!("{day}-{number}-file"), day, 8 + number % 8, true));
        }
        if day % 5 == 0 {
            let asked = |hour, purpose: &str| Fact {
                stated: Some(Stated::for_test(&format!("{day}"), purpose)),
                ..access("clerk", &format!("{day}-retried"), day, hour, true)
            };
            work.facts.push(denied(asked(9, "8"), "never.one"));
            let allowed = asked(9, "9");
            work.facts.push(Fact { time: allowed.time + 60_000, ..allowed });
        }
    }
    let signals = work.signals();
    let of_denials: Vec<_> = opened(&signals, "clerk").into_iter().filter(|it| it.family == Family::Denial).collect();
    assert!(of_denials.iter().all(|it| it.score <= 3.0), "{of_denials:?}");
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
    let opened: Vec<_> = signals.iter().map(|signal| (signal.about.name(), signal.change)).collect();
    assert_eq!(opened, work.signals().iter().map(|signal| (signal.about.name(), signal.change)).collect::<Vec<_>>());
    assert!(opened.contains(&("burst", Change::Opened)));
    // Neither does a time that no clock has.
    for time in [i64::MIN, i64::MAX] {
        detection.step(&Fact { time, ..access("officer-2", "far", 59, 9, true) });
    }
}
