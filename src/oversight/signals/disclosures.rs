//! Disclosures: flows of records from a system to a recipient, each compared with its own earlier days.

use super::{
    peers::Count,
    profile::{Found, Profile, Scored},
    retries::hash,
    settings::{Disclosing, Settings},
    signal::{Detector, Family},
    tail,
};
use crate::types::evaluation::{Parts, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// How many flows of an account are known at most; then the one that was quiet for longest is forgotten.
const FLOWS: usize = 256;

/// By how much the usual number of a day can rise, as of other numbers.
const MOST: f64 = 5.0;

/// The flow that a question is of, as a number: the type of its record, and what the settings name of its context. `None`: it discloses
/// nothing.
pub(super) fn flow(question: &Parts<'_>, set: &Disclosing) -> Option<u64> {
    let Parts { action, resource, context, .. } = question;
    if action.name != set.action {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    resource.kind.hash(&mut hasher);
    for path in &set.flow {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| context.get(name));
        let value = names.fold(first, |value, name| match value {
            Some(Value::Map(members)) => members.get(name),
            _ => None,
        });
        hash(value, &mut hasher);
    }
    Some(hasher.finish())
}

/// How often a flow is used on a day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Flow {
    usual: Count,
    /// How many days it has, and the last with a disclosure.
    days: u32,
    last: i64,
    today: f64,
}

impl Flow {
    /// Whether there was none before today.
    const fn is_new(&self) -> bool {
        self.days == 0
    }

    /// Whether this is the first of all.
    fn is_first(&self) -> bool {
        self.is_new() && self.today <= 1.0
    }

    /// More than is usual. `least_days`: a flow with fewer says nothing yet.
    fn surge(&self, set: &Disclosing, least_days: u32) -> Option<Found> {
        let Self { usual, days, today, .. } = self;
        (*today >= set.least && *days >= least_days).then(|| Found {
            detector: Detector::Disclosure,
            observed: *today,
            of: None,
            expected: usual.mean(),
            surprise: tail::of_count(usual.mean(), usual.variance(), *today),
        })
    }
}

/// A system disclosed a record in a flow: scores that. Returns whether it did not have the flow before, once it has a baseline of its own.
pub(super) fn disclosed(profile: &mut Profile, settings: &Settings, set: &Disclosing, flow: &Flow) -> Option<Found> {
    if let Some(found) = flow.surge(set, settings.peers.active_days) {
        let (score, scored) = (found.surprise * set.weight, profile.scores.of_mut(Family::Volume));
        if score > scored.score {
            *scored = Scored { score, lasting: 0.0, found: Some(found) };
        }
    }
    let is_known = profile.active_days >= settings.budget.baseline_days;
    let new = Found { detector: Detector::NewDisclosure, observed: 1.0, of: None, expected: 0.0, surprise: set.score };
    (is_known && flow.is_first()).then_some(new)
}

/// The flows of accounts, by the places of these.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Disclosures(HashMap<usize, BTreeMap<u64, Flow>>);

impl Disclosures {
    /// An account disclosed a record. Returns the flow with it.
    pub(super) fn add(&mut self, account: usize, flow: u64, day: i64) -> Flow {
        let flows = self.0.entry(account).or_default();
        if flows.len() >= FLOWS && !flows.contains_key(&flow) {
            let quiet = flows.iter().min_by_key(|(_, it)| it.last).map(|(flow, _)| *flow);
            quiet.and_then(|flow| flows.remove(&flow));
        }
        let flow = flows.entry(flow).or_default();
        flow.today += 1.0;
        flow.last = day;
        *flow
    }

    /// A day of an account is over.
    pub(super) fn end_day(&mut self, account: usize) {
        for flow in self.0.get_mut(&account).into_iter().flat_map(BTreeMap::values_mut) {
            let most = if flow.is_new() { f64::INFINITY } else { flow.usual.mean().max(1.0) * MOST };
            flow.usual.fade();
            flow.usual.add(flow.today.min(most));
            flow.days += 1;
            flow.today = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::evaluation::Evaluation;

    fn set() -> Disclosing {
        let flow = vec!["recipient.organisation".to_owned(), "legal_basis".to_owned()];
        Disclosing { action: "disclose".to_owned(), flow, score: 3.0, weight: 1.0, least: 10.0 }
    }

    #[test]
    fn a_flow_is_a_type_a_recipient_and_a_basis() {
        let of = |action: &str, kind: &str, organisation: &str, person: &str, basis: &str| {
            let text = |text: &str| Value::String(text.to_owned());
            let mut asked = Evaluation::default();
            asked.action.name = action.to_owned();
            asked.resource.kind = kind.to_owned();
            let recipient = [("organisation".to_owned(), text(organisation)), ("id".to_owned(), text(person))];
            asked.context.insert("recipient".to_owned(), Value::Map(recipient.into()));
            asked.context.insert("legal_basis".to_owned(), text(basis));
            flow(&(&asked).into(), &set())
        };
        let one = of("disclose", "Report", "cjib", "p1", "16");
        assert!(one.is_some() && one == of("disclose", "Report", "cjib", "p2", "16"));
        assert_ne!(one, of("disclose", "Report", "ind", "p1", "16"));
        assert_ne!(one, of("disclose", "Report", "cjib", "p1", "19"));
        assert_ne!(one, of("disclose", "Spot", "cjib", "p1", "16"));
        assert_eq!(of("consult", "Report", "cjib", "p1", "16"), None);
    }

    #[test]
    fn the_flow_that_was_quiet_longest_is_forgotten() {
        let mut disclosures = Disclosures::default();
        for flow in 0..FLOWS as u64 {
            disclosures.add(1, flow, flow as i64);
        }
        disclosures.add(1, 0, 1_000);
        disclosures.end_day(1);
        assert!(disclosures.add(1, 5_000, 1_001).is_new());
        assert!(!disclosures.add(1, 0, 1_001).is_new() && disclosures.add(1, 1, 1_001).is_new());
        assert_eq!(disclosures.0[&1].len(), FLOWS);
    }
}
