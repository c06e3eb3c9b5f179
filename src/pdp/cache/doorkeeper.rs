//! A doorkeeper: where most keys are asked for once, a key gets into the cache when it is asked for again.
//!
//! An entry costs moka some microseconds, for the books by which it chooses what goes. A key that is never asked for again is
//! not worth them, and pushes nothing out if it stays outside. (Einziger, Friedman, Manes: *TinyLFU: A Highly Efficient Cache
//! Admission Policy*, section 3.4.2.) A cache whose misses are mostly of keys that were asked for before keeps each key at
//! once, so that the second question is a hit.
//!
//! Only misses come here. No thread waits for another; a count that is lost in a race changes nothing that matters.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

/// How many misses together decide whether most keys are asked for once.
const WINDOW: u32 = 4_096;

/// They are, if fewer than one in so many of these misses is of a key that was asked for before.
const RARE: u32 = 8;

/// How many keys are remembered, at 8 bytes each: those of a few seconds of a busy sidecar.
const REMEMBERED: usize = 1 << 17;

pub(super) struct Doorkeeper {
    hasher: RandomState,
    /// The hash of the key that was last at each place. So what is remembered is bounded, and ages.
    seen: Box<[AtomicU64]>,
    /// The misses of this window, and those of them that were of a key that was seen.
    misses: AtomicU32,
    again: AtomicU32,
    /// Whether the keys of the last window were mostly asked for once.
    is_strict: AtomicBool,
}

impl Doorkeeper {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            seen: (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect(),
            misses: AtomicU32::new(0),
            again: AtomicU32::new(0),
            is_strict: AtomicBool::new(false),
        }
    }

    /// Whether this key, which the cache does not have, gets in.
    pub(super) fn admits(&self, key: &[u8]) -> bool {
        let hash = self.hasher.hash_one(key);
        #[expect(clippy::cast_possible_truncation, reason = "the place is chosen by some of its bits")]
        let place = self.seen.get(hash as usize % REMEMBERED);
        let was_seen = place.is_some_and(|place| place.swap(hash, Ordering::Relaxed) == hash);
        if was_seen {
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        if self.misses.fetch_add(1, Ordering::Relaxed) == WINDOW {
            self.misses.store(0, Ordering::Relaxed);
            let again = self.again.swap(0, Ordering::Relaxed);
            self.is_strict.store(again < WINDOW / RARE, Ordering::Relaxed);
        }
        was_seen || !self.is_strict.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorkeeper").field("is_strict", &self.is_strict).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> [u8; 4] {
        number.to_le_bytes()
    }

    #[test]
    fn a_key_gets_in_at_once_until_most_keys_are_asked_for_once() {
        let doorkeeper = Doorkeeper::new();
        assert!((0..WINDOW).all(|number| doorkeeper.admits(&key(number))));
        doorkeeper.admits(&key(WINDOW));
        assert!(!doorkeeper.admits(&key(1_000_000)));
        assert!(doorkeeper.admits(&key(1_000_000)));
        // Again and again the same keys.
        for _ in 0..3 {
            (0..WINDOW / 2).for_each(|number| _ = doorkeeper.admits(&key(number)));
        }
        assert!(doorkeeper.admits(&key(2_000_000)));
    }

    #[test]
    fn what_was_asked_for_long_ago_is_forgotten() {
        let doorkeeper = Doorkeeper::new();
        (0..2_000_000).for_each(|number| _ = doorkeeper.admits(&key(number)));
        let remembered = (0..1_000).filter(|number| doorkeeper.admits(&key(*number))).count();
        assert!(remembered < 10, "{remembered}");
    }
}
