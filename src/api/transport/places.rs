//! The places of connections: how many may be open, and which one is closed where one more arrives.
//!
//! That is the connection that was silent for longest.

use super::activity::Activity;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long a connection that gives up its place has to end in order, before a further one is asked.
const TURN: Duration = Duration::from_millis(50);

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    limit: usize,
    /// A connection whose calls did not move for this long may be closed although calls are open on it.
    stalled: Duration,
    taken: Mutex<HashMap<u64, Occupant>>,
    next: AtomicU64,
}

/// The connection in a place.
#[derive(Debug, Clone)]
struct Occupant {
    activity: Arc<Activity>,
    leave: CancellationToken,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    /// What happens on the connection.
    pub(super) activity: Arc<Activity>,
    /// Cancelled when another connection needs the place.
    pub(super) leave: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(limit: usize, stalled: Duration) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(limit));
        Arc::new(Self { free, limit, stalled, taken: Mutex::default(), next: AtomicU64::new(0) })
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.limit.saturating_sub(self.free.available_permits())
    }

    /// Waits until no place is taken.
    pub(super) async fn all_free(&self) {
        let all = u32::try_from(self.limit).unwrap_or(u32::MAX);
        // It fails only when it is closed, and then none is taken either.
        drop(self.free.acquire_many(all).await);
    }

    /// Waits for a place. `None` when there will be none any more.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Place> {
        let permit = loop {
            if let Ok(permit) = self.free.clone().try_acquire_owned() {
                break permit;
            }
            self.make_room();
            if let Ok(permit) = tokio::time::timeout(TURN, self.free.clone().acquire_owned()).await {
                break permit.ok()?;
            }
        };
        let (activity, leave) = (Activity::new(), CancellationToken::new());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, Occupant { activity: activity.clone(), leave: leave.clone() });
        Some(Place { places: self.clone(), number, activity, leave, _permit: permit })
    }

    /// Asks the connection that moved longest ago to leave: one that never made a call, else one without a call that poort
    /// works on, else one whose calls are stalled.
    fn make_room(&self) {
        let now = Instant::now();
        let taken = self.lock();
        let candidates = taken.values().filter(|occupant| !occupant.leave.is_cancelled());
        let first = candidates
            .map(|occupant| {
                let activity = &occupant.activity;
                ((activity.is_busy(), activity.has_asked(), activity.moved()), occupant)
            })
            .filter(|((busy, _, moved), _)| !busy || now.saturating_duration_since(*moved) > self.stalled)
            .min_by_key(|(order, _)| *order);
        if let Some((_, occupant)) = first {
            occupant.leave.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Occupant>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_connection_gets_the_place_of_the_one_that_said_nothing_for_longest() {
        let places = Places::new(3, Duration::from_secs(3600));
        let busy = places.take().await.unwrap();
        let call = busy.activity.begin(Instant::now());
        let silent = places.take().await.unwrap();
        let idle = places.take().await.unwrap();
        drop(idle.activity.begin(Instant::now()));
        assert_eq!(places.taken(), 3);
        let leaving = {
            let leave = silent.leave.clone();
            tokio::spawn(async move {
                leave.cancelled().await;
                drop(silent);
            })
        };
        let fourth = places.take().await.unwrap();
        leaving.await.unwrap();
        drop(fourth.activity.begin(Instant::now()));
        let leaving = tokio::spawn(async move {
            idle.leave.cancelled().await;
            drop(idle);
        });
        places.take().await.unwrap();
        leaving.await.unwrap();
        assert!(!busy.leave.is_cancelled());
        drop(call);
    }
}
