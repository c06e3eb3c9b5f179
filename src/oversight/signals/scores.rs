//! The scores of an account on a day: what each detector finds in it, against what is usual among its peers.

use super::{
    fact::Fact,
    peers::{DayOfAccount, Group, Peers},
    profile::{Found, Profile, Scored},
    runs::{self, Likelihood},
    settings::{Probing, Settings},
    signal::{Detector, Family, ITSELF},
    tail::{self, Share},
    touches::Before,
};
use std::sync::Arc;

/// What is usual for an account.
pub(super) struct Usual<'a> {
    /// The name of the group.
    pub(super) name: &'a str,
    pub(super) group: &'a Group,
    everybody: &'a Group,
}

impl<'a> Usual<'a> {
    /// `None`: it has too few earlier days to be compared with them.
    pub(super) fn of(profile: &Profile, peers: &'a Peers, settings: &Settings) -> Option<Self> {
        if !profile.is_alone() {
            let (name, group) = peers.nearest(&profile.groups);
            return Some(Self { name, group, everybody: peers.everybody() });
        }
        let has_days = profile.active_days >= settings.peers.active_days;
        let group = peers.itself(&profile.groups).filter(|_| has_days)?;
        Some(Self { name: ITSELF, group, everybody: group })
    }

    /// What is usual of accesses without a reason, and whether most peers have no reasons today.
    fn unexplained(&self, settings: &Settings) -> (Share, bool) {
        self.group.usual(self.everybody, settings.peers.accounts)
    }
}

/// The scores of today, as they are now.
pub(super) fn score(profile: &mut Profile, settings: &Settings, usual: &Usual<'_>) {
    let Settings { unexplained, breadth, burst, enumeration, probing, shopping, .. } = settings;
    let Usual { group, everybody, .. } = usual;
    let today = profile.today;
    if let Some(set) = unexplained {
        let (usual, _) = usual.unexplained(settings);
        // Early on a day it is not known yet how many there will be.
        let of = today.first.max(group.first.mean());
        let surprise = usual.score(of, today.unexplained);
        let found = Found {
            detector: Detector::Unexplained,
            observed: today.unexplained,
            of: Some(today.first),
            expected: usual.mean * today.first,
            surprise,
        };
        let ratio = if today.first > 0.0 { usual.likelihood_ratio(of, today.unexplained) } else { 0.0 };
        let (score, lasting) = (surprise * set.weight, ratio * set.weight);
        *profile.scores.of_mut(Family::Reason) = Scored { score, lasting, found: Some(found) };
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
            *scored = Scored { score: surprise * set.weight, lasting: 0.0, found: Some(found) };
        }
    }
    let of_calls = |detector, part: f64, usual: Share| Found {
        detector,
        observed: part,
        of: Some(today.asked),
        expected: usual.mean * today.asked,
        surprise: usual.score(today.asked, part),
    };
    if let Some(set) = enumeration.as_ref().filter(|set| today.run >= set.least) {
        let Likelihood { surprise, usual } = runs::likelihood(&today, group, everybody);
        let (scored, detector) = (profile.scores.of_mut(Family::Volume), Detector::Enumeration);
        if surprise * set.weight > scored.score {
            let found = Found { detector, observed: today.run, of: None, expected: usual, surprise };
            *scored = Scored { score: surprise * set.weight, lasting: 0.0, found: Some(found) };
        }
    }
    let usual_denied = group.denied.share(&everybody.denied);
    let is_probed = |set: &&Probing| today.denied >= set.least && profile.denied_by.len() >= set.policies;
    let probed = probing.as_ref().filter(is_probed);
    // Few denied questions, or by few policies, can take off and add nothing.
    let lasting = probing.as_ref().map_or(0.0, |set| {
        let ratio = usual_denied.likelihood_ratio(today.asked, today.denied) * set.weight;
        if probed.is_some() { ratio } else { ratio.min(0.0) }
    });
    let probed = probed.map(|set| {
        let found = of_calls(Detector::Probing, today.denied, usual_denied);
        (found.surprise * set.weight, found)
    });
    let retried = shopping.as_ref().filter(|_| today.retried > 0.0).map(|set| {
        let found = of_calls(Detector::Shopping, today.retried, group.retried.share(&everybody.retried));
        // One alone can be a mistake in the first question, however rare that is.
        let most = (set.score + today.retried.log2()).min(tail::HIGHEST);
        (found.surprise.min(most), found)
    });
    let denials = probed.into_iter().chain(retried).reduce(|one, other| if other.0 > one.0 { other } else { one });
    let (score, found) = denials.map_or((0.0, None), |(score, found)| (score, Some(found)));
    *profile.scores.of_mut(Family::Denial) = Scored { score, lasting, found };
}

/// The scores of a day that is over: now it is known how many accesses it had. Of a day on which most peers had no reasons, scores from
/// before that was seen do not count for the threshold.
pub(super) fn score_ended(profile: &mut Profile, settings: &Settings, peers: &Peers, day: i64) {
    let Some(usual) = Usual::of(profile, peers, settings) else { return };
    score(profile, settings, &usual);
    let (unexplained, is_without_reasons) = usual.unexplained(settings);
    if let Some(set) = &settings.unexplained {
        let DayOfAccount { first, unexplained: observed, .. } = profile.today;
        // A day on which nothing was opened says nothing.
        let ratio = if first > 0.0 { unexplained.likelihood_ratio(first, observed) } else { 0.0 };
        profile.scores.of_mut(Family::Reason).lasting = ratio * set.weight;
    }
    if is_without_reasons {
        let scored = profile.scored(day, settings.budget.half_life_days);
        profile.highest = scored.first().map_or(0.0, |(_, score)| *score);
    }
}

/// The rules that a fact meets.
pub(super) fn rules(fact: &Fact, before: Before) -> impl Iterator<Item = Found> {
    let is_explained = !fact.reasons.is_empty() || before == Before::Explained;
    let met = fact.rules.iter().filter(move |rule| fact.allowed && !(rule.only_unexplained && is_explained));
    met.map(|rule| Found {
        detector: Detector::Rule(Arc::clone(rule)),
        observed: 1.0,
        of: None,
        expected: 0.0,
        surprise: rule.weight,
    })
}
