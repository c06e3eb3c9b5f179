//! What a decision adds to the day of its account.

use super::{
    fact::Fact,
    profile::Profile,
    retries::Denials,
    settings::Settings,
    signal::{Evidence, Family},
    touches::{Before, Touches},
};
use serde::{Deserialize, Serialize};

/// What opening a record without a reason added to the day of an account.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) first: f64,
    pub(super) unexplained: f64,
}

/// What it is counted with.
pub(super) struct Counting<'k> {
    pub(super) settings: &'k Settings,
    pub(super) touches: &'k mut Touches,
    pub(super) denials: &'k mut Denials,
    /// The place of the account.
    pub(super) place: usize,
    pub(super) day: i64,
}

impl Counting<'_> {
    /// Counts a decision. Returns what opening the record without a reason added.
    pub(super) fn count(self, profile: &mut Profile, fact: &Fact, before: Before) -> Option<Opened> {
        let Self { settings, touches, denials, place, day } = self;
        let mut opened = None;
        if fact.allowed {
            opened = touch(profile, touches, fact, before, day);
        } else {
            profile.today.denied += if profile.call.denied { 0.0 } else { 1.0 };
            profile.call.denied = true;
            profile.denied_by.extend(fact.denied_by.iter().cloned());
            profile.keep(Family::Denial, evidence(fact));
        }
        // A page is one act, whatever numbers are on it.
        if settings.enumeration.is_some() && !fact.listed && profile.runs.add(&fact.resource, &mut profile.today) {
            profile.keep(Family::Volume, evidence(fact));
        }
        if let Some((set, stated)) = settings.shopping.as_ref().zip(fact.stated) {
            if !fact.allowed {
                denials.add(place, stated, fact.time);
            } else if denials.take(place, stated, fact.time, set) {
                profile.today.retried += if profile.call.retried { 0.0 } else { 1.0 };
                profile.call.retried = true;
                profile.keep(Family::Denial, evidence(fact));
            }
        }
        opened
    }
}

/// Counts an access that was allowed, where the account had none to the record before. Of a call it counts once. Returns what
/// opening it without a reason added.
fn touch(profile: &mut Profile, touches: &mut Touches, fact: &Fact, before: Before, day: i64) -> Option<Opened> {
    let explained = fact.reasons.iter().filter(|reason| !reason.only_itself);
    let explained = explained.map(|reason| reason.weight).fold(0.0, f64::max);
    // What explains itself alone is neither an access without a reason nor a reason for others.
    if !fact.judged || (explained < 1.0 && fact.reasons.iter().any(|reason| reason.only_itself)) {
        return None;
    }
    let kind = match (fact.listed, explained >= 1.0) {
        (true, _) => Before::Listed,
        (false, true) => Before::Explained,
        (false, false) => Before::Unexplained,
    };
    // A record that was in a list is counted when it is opened.
    let is_first = before == Before::Never || (before == Before::Listed && !fact.listed);
    if is_first || kind == Before::Explained {
        touches.keep(&profile.account, &fact.resource, kind, day);
    }
    if !is_first {
        return None;
    }
    let first = if profile.call.first { 0.0 } else { 1.0 };
    profile.today.first += first;
    profile.call.first = true;
    profile.keep(Family::Volume, evidence(fact));
    let unexplained = 1.0 - explained;
    let added = Opened { first, unexplained: (unexplained - profile.call.unexplained).max(0.0) };
    if unexplained > 0.0 {
        profile.today.unexplained += added.unexplained;
        profile.call.unexplained = profile.call.unexplained.max(unexplained);
        profile.keep(Family::Reason, evidence(fact));
    }
    (kind == Before::Unexplained).then_some(added)
}

pub(super) const fn evidence(fact: &Fact) -> Evidence {
    let Fact { seq, record, item, .. } = fact;
    Evidence { seq: *seq, record: *record, item: *item }
}
