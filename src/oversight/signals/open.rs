//! Open signals: what a score changes among those of an account or a record, so that nothing is told twice.

use super::{
    signal::{About, Change, Detector, Family, Signal},
    tail::HIGHEST,
};
use crate::types::revision::Revision;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// By how much a score rises before it is told again.
pub(super) const RISE: f64 = 1.0;

/// An open signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) id: String,
    pub(super) family: Family,
    pub(super) detector: Detector,
    /// The highest score that was told. That of a crowd has no bound here.
    pub(super) score: f64,
    /// The day on which it was opened.
    pub(super) since: i64,
    /// The last day that gave it.
    pub(super) last: i64,
    /// Whether somebody follows it up.
    pub(super) is_followed: bool,
    /// Whether somebody closed it. It is kept for a time, so that what it was about opens no other.
    pub(super) is_closed: bool,
    /// How many of its kind were opened on its day before.
    pub(super) number: u32,
}

impl Open {
    /// One of a day.
    pub(super) const fn new(day: i64) -> Self {
        Self {
            id: String::new(),
            family: Family::Exact,
            detector: Detector::Crowd,
            score: 0.0,
            since: day,
            last: day,
            is_followed: false,
            is_closed: false,
            number: 0,
        }
    }
}

/// What a score changes among the open signals of an account or a record, and the id of the signal. `None`: nothing is told.
pub(super) fn tell(
    open: &mut Vec<Open>,
    revision: &Revision,
    about: &str,
    family: Family,
    detector: &Detector,
    score: f64,
    day: i64,
) -> Option<(Change, String)> {
    let is_it = |it: &Open| it.family == family && (family != Family::Exact || it.detector.name() == detector.name());
    let known = open.iter_mut().find(|it| is_it(it));
    match known {
        // What was closed says nothing new before its score rises; what is exact is met anew each time.
        Some(known)
            if known.is_closed
                && !matches!(detector, Detector::Rule(_) | Detector::NewDisclosure)
                && score < known.score + RISE =>
        {
            known.last = day;
            None
        }
        Some(known) if !known.is_closed => {
            known.last = day;
            if score < known.score + RISE {
                return None;
            }
            known.score = score;
            Some((Change::Raised, known.id.clone()))
        }
        closed => {
            let number = closed.as_ref().filter(|it| it.since == day).map_or(0, |it| it.number + 1);
            let id = id(revision, about, family, detector, day, number);
            let new = Open { id: id.clone(), family, detector: detector.clone(), score, number, ..Open::new(day) };
            match closed {
                Some(closed) => *closed = new,
                None => open.push(new),
            }
            Some((Change::Opened, id))
        }
    }
}

/// The score of one more finding that is exact: one that is open rises by it.
pub(super) fn one_more(open: &[Open], detector: &Detector, score: f64) -> f64 {
    let known = open.iter().find(|it| !it.is_closed && it.detector.name() == detector.name());
    known.map_or(score, |it| it.score + RISE).min(HIGHEST)
}

/// What became of a signal without anything new.
pub(super) fn told(
    open: Open,
    change: Change,
    time: i64,
    about: About,
    threshold: Option<f64>,
    settings: &Revision,
) -> Signal {
    let Open { id, family, detector, score, .. } = open;
    let score = score.min(HIGHEST);
    Signal {
        id,
        change,
        time,
        about,
        detector,
        family,
        score,
        threshold: threshold.unwrap_or_default(),
        days: 0,
        observed: 0.0,
        of: None,
        expected: 0.0,
        surprise: 0.0,
        peers: String::new(),
        accounts: 0,
        circumstances: Vec::new(),
        evidence: Vec::new(),
        tried: Arc::from([]),
        verdict: None,
        settings: settings.clone(),
    }
}

/// `number`: how many of its kind were opened on the day before it.
fn id(revision: &Revision, account: &str, family: Family, detector: &Detector, day: i64, number: u32) -> String {
    let (day, number) = (day.to_string(), number.to_string());
    let rule = if family == Family::Exact { detector.name() } else { "" };
    let parts = [
        ("settings", revision.as_str()),
        ("account", account),
        ("family", family.name()),
        ("rule", rule),
        ("day", day.as_str()),
        ("number", number.as_str()),
    ];
    let digest = Revision::of(parts.map(|(name, part)| (name, part.as_bytes())));
    digest.digits().get(..16).unwrap_or_default().to_owned()
}
