//! A quota: how much of something may be held at once, by all that share it.
//!
//! tokio's semaphore is one too. It keeps a queue of waiters, under a lock that each release takes. Nothing waits here: beyond
//! the quota the answer is no.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What is left of a quota, for all that share it.
#[derive(Debug, Clone)]
pub struct Quota(Arc<AtomicUsize>);

/// What one holder took, given back when it is dropped.
#[derive(Debug)]
pub struct Taken {
    quota: Quota,
    amount: AtomicUsize,
}

impl Quota {
    /// So much may be held at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(limit)))
    }

    /// How much may still be taken.
    #[must_use]
    pub fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes so much, if it is left.
    #[must_use]
    pub fn take(&self, amount: usize) -> Option<Taken> {
        let taken = self.nothing();
        taken.take(amount).then_some(taken)
    }

    /// Takes nothing yet.
    #[must_use]
    pub fn nothing(&self) -> Taken {
        Taken { quota: self.clone(), amount: AtomicUsize::new(0) }
    }
}

impl Taken {
    /// Takes so much more. If so much is not left, it takes nothing.
    #[must_use]
    pub fn take(&self, amount: usize) -> bool {
        let left = &self.quota.0;
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount)).is_ok();
        if taken {
            self.amount.fetch_add(amount, Ordering::Relaxed);
        }
        taken
    }

    /// Divides off so much of what is taken.
    #[must_use]
    pub fn divide(&self, amount: usize) -> Self {
        let rest = |taken: usize| Some(taken.saturating_sub(amount));
        let taken = self.amount.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).unwrap_or_default();
        Self { quota: self.quota.clone(), amount: AtomicUsize::new(amount.min(taken)) }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.quota.0.fetch_add(*self.amount.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back_and_never_more_is_taken_than_there_is() {
        let quota = Quota::new(10);
        let one = quota.nothing();
        assert!(one.take(4) && one.take(5) && !one.take(2));
        let part = one.divide(8);
        let other = quota.nothing();
        assert!(!other.take(2) && quota.take(2).is_none());
        drop(part);
        assert!(other.take(9) && !other.take(1));
        drop((one, other));
        assert_eq!(quota.left(), 10);
        assert!(quota.take(10).is_some());
    }
}
