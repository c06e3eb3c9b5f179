//! A simulation: a made-up force that works for some months, and what is signalled of it under some settings.
//!
//! It answers what an officer, a works council and a reviewer ask before settings are used: how many signals there are in a quiet
//! month, whether a unit or a function has more than its share, what a large operation gives, and how much of misuse is found, how
//! late. The force makes facts, and no records: no schema and no policies are in it, and no reasons are evaluated.
//!
//! The same seed gives the same report on one machine. A day at a time is in memory, beside what detection knows.
//!
//! - `world`: the accounts
//! - `work`: what they ask on a day
//! - `planted`: misuse among them
//! - `report`: what is signalled
//! - `chance`: what is drawn

mod chance;
mod planted;
mod report;
mod work;
mod world;

#[cfg(test)]
mod tests;

pub use planted::{Mistake, Pace, Planted, Records};
pub use report::{InOperation, OfPattern, Report, Share, Week};
pub use work::OPERATION_DAYS;

use super::{detection::Detection, fact::Fact, reasons::Reason, settings::SettingsFiles};
use crate::types::trace::{RecordIdentity, SpanId, TraceId};
use report::Tally;
use std::{fmt::Write as _, sync::Arc};
use work::{DAY, Event, Why, Work};
use world::World;

/// The first day, a Monday: 2 March 2026, counted from 1970.
const FIRST_DAY: i64 = 20_514;

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How many accounts the force has, about.
    pub accounts: u32,
    /// How many days.
    pub days: u32,
    /// What is drawn follows from it.
    pub seed: u64,
    /// The share of records whose assignment is never entered.
    pub missing: f64,
    /// The first day of a large operation, counted from 0.
    pub operation: Option<u32>,
    /// The misuse.
    pub planted: Vec<Planted>,
    /// Signals for each 1 000 active accounts and workday, in the place of the settings' own.
    pub budget: Option<f64>,
}

/// Simulates a force under these settings. `passed` is told after each day.
#[must_use]
pub fn simulate(files: &SettingsFiles, plan: &Plan, mut passed: impl FnMut()) -> Report {
    let mut detection = match plan.budget {
        Some(budget) => Detection::with_budget(files, budget),
        None => Detection::new(files),
    };
    let baseline = files.settings.budget.baseline_days;
    let mut world = World::new(plan, &files.settings.peers);
    world.plant(&plan.planted, baseline, plan.days);
    let mut tally = Tally::new(plan, baseline, &world);
    let mut work = Work::new(world, plan.missing, plan.operation);
    let mut facts = Facts::new();
    for day in 0..plan.days {
        for event in work.day(day) {
            let Some(account) = work.world.accounts.get(event.account) else { continue };
            let pace = account.acts.as_ref().filter(|_| event.planted).map(|acts| acts.pace);
            if pace.is_some_and(|pace| !dares(pace, &detection, &account.name)) {
                continue;
            }
            tally.take(&event);
            for item in 0..event.records {
                let signals = detection.step(facts.of(&event, item, &work));
                signals.iter().for_each(|signal| tally.signal(&event, signal));
            }
        }
        tally.end_day(day);
        passed();
    }
    tally.report(&detection, files, facts.seq)
}

/// Whether an adversary acts now. One that paces itself knows the threshold and the score that it would have.
fn dares(pace: Pace, detection: &Detection, account: &str) -> bool {
    // Chance may add one access without a reason to those of who knows that scores add up.
    let more = if pace == Pace::Informed { 2.0 } else { 1.0 };
    let known = detection.threshold().zip(detection.would_score(account, more));
    match pace {
        Pace::Daily(_) => true,
        Pace::Paced => known.is_some_and(|(threshold, (today, _))| today < threshold),
        Pace::Informed => known.is_some_and(|(threshold, (_, with_days_before))| with_days_before < threshold),
    }
}

/// Makes facts. One is made over and over, to save its memory.
struct Facts {
    seq: u64,
    reasons: [Arc<Reason>; 3],
    fact: Fact,
}

impl Facts {
    fn new() -> Self {
        let reasons = [("own-team", "team"), ("own-unit", "unit"), ("consent", "consent")].map(|(id, of)| {
            Arc::new(Reason {
                id: Arc::from(id),
                title: format!("The account has the {of} of the record.").into(),
                weight: 1.0,
                only_itself: false,
                is_rule: false,
                only_unexplained: false,
            })
        });
        let fact = Fact {
            time: 0,
            day: 0,
            hour: 0,
            seq: 0,
            record: identity(1),
            item: None,
            listed: false,
            account: String::new(),
            known: true,
            peers: None,
            resource: String::new(),
            allowed: true,
            denied_by: Vec::new(),
            stated: None,
            flow: None,
            reasons: Vec::new(),
            rules: Vec::new(),
            tried: Arc::from(reasons.clone()),
            act: None,
            judged: true,
        };
        Self { seq: 0, reasons, fact }
    }

    /// The fact of a record of a question.
    fn of(&mut self, event: &Event, item: u8, work: &Work) -> &Fact {
        let Self { seq, reasons, fact } = self;
        let day = event.time.div_euclid(DAY);
        let record = event.record + u64::from(item);
        if item == 0 {
            *seq += 1;
        }
        fact.time = FIRST_DAY * DAY + event.time;
        fact.day = FIRST_DAY + day;
        fact.hour = event.time.div_euclid(DAY / 24).rem_euclid(24) as u8;
        (fact.seq, fact.record) = (*seq, identity(*seq));
        fact.listed = event.records > 1;
        fact.item = fact.listed.then_some(item.into());
        fact.resource.clear();
        let _ = write!(fact.resource, "Record::\"{record:x}\"");
        fact.allowed = event.denied_by.is_none();
        fact.denied_by.clear();
        fact.denied_by.extend(event.denied_by.map(|policy| format!("policy-{policy}")));
        fact.reasons.clear();
        if let Some(account) = work.world.accounts.get(event.account) {
            fact.account.clone_from(&account.name);
            fact.peers = Some(Arc::clone(&account.peers));
            let [team, unit, consent] = reasons;
            let why = work.reason(account, record, event.consent, day);
            fact.reasons.extend(why.map(|why| match why {
                Why::Team => Arc::clone(team),
                Why::Unit => Arc::clone(unit),
                Why::Consent => Arc::clone(consent),
            }));
        }
        fact
    }
}

fn identity(seq: u64) -> RecordIdentity {
    let spread = u128::from(seq) << 64 | 1;
    let ids = TraceId::from_bytes(spread.to_be_bytes()).zip(SpanId::from_bytes((seq | 1 << 63).to_be_bytes()));
    let (trace_id, span_id) = ids.unwrap_or_else(|| (TraceId::random(), SpanId::random()));
    RecordIdentity { trace_id, span_id }
}
