//! Refusals: how many refused calls leave a record, so that nobody fills the log with questions that are not answered.
//!
//! Each application has its own bound, and all callers that are no application have one together: one of them takes no
//! records from another. A record says how many refused calls before it left none.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many at once, and then one in each time: 8 672 records a day at most, each of at most some kilobytes.
const BURST: u32 = 32;
const EACH: Duration = Duration::from_secs(10);

/// What each application has left. There are as many as the configuration names, and one.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<String, Bound>>);

#[derive(Debug)]
struct Bound {
    left: u32,
    since: Instant,
    unrecorded: u64,
}

impl Refusals {
    /// Whether a record may be made now, and then how many calls before it left none.
    pub(super) fn take(&self, of: &str) -> Option<u64> {
        self.take_at(of, Instant::now())
    }

    fn take_at(&self, of: &str, now: Instant) -> Option<u64> {
        let mut bounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !bounds.contains_key(of) {
            bounds.insert(of.to_owned(), Bound { left: BURST, since: now, unrecorded: 0 });
        }
        let Bound { left, since, unrecorded } = bounds.get_mut(of)?;
        let earned = now.saturating_duration_since(*since).as_secs() / EACH.as_secs();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        *since += EACH.saturating_mul(earned);
        *left = left.saturating_add(earned).min(BURST);
        match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                Some(std::mem::take(unrecorded))
            }
            None => {
                *unrecorded = unrecorded.saturating_add(1);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_few_records_that_count_the_rest() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let taken = |of: &str, after: Duration| refusals.take_at(of, start + after);
        for _ in 0..BURST {
            assert_eq!(taken("", Duration::ZERO), Some(0));
        }
        for _ in 0..1_000 {
            assert_eq!(taken("", Duration::from_secs(9)), None);
        }
        assert_eq!(taken("desk", Duration::from_secs(9)), Some(0), "another's bound is its own");
        assert_eq!(taken("", EACH), Some(1_000));
        assert_eq!(taken("", EACH), None);
        // A day of silence earns no more than there is at once.
        let day = Duration::from_secs(86_400);
        assert_eq!(taken("", day), Some(1));
        assert_eq!((1..BURST).filter(|_| taken("", day).is_some()).count(), 31);
        assert_eq!(taken("", day), None);
    }
}
