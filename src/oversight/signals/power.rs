//! The power of reasons: how much each explains of accesses as they were, and of the same records with another account in the
//! place of the one that asked.
//!
//! A reason that explains as many at random says nothing, and hides what it should not: such a one gets a weight, or goes.

use super::{
    fact::{Fact, Reader},
    touches::{Before, Touches},
};
use crate::record::decision_log::{EntityName, StoredRecord, Unreadable};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::collections::{BTreeMap, HashSet};

/// How many accesses are known, to find the first ones.
const MOST: usize = 10_000_000;

/// How much of something is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Accesses as they were.
    pub real: u64,
    /// With another account.
    pub random: u64,
}

/// The power of reasons over a log.
#[derive(Debug)]
pub struct Power {
    random: StdRng,
    accounts: Vec<EntityName>,
    known: HashSet<String>,
    seen: Touches,
    /// First accesses.
    pub all: Share,
    /// Those that any reason explains.
    pub explained: Share,
    /// Those that each reason explains.
    pub reasons: BTreeMap<String, Share>,
}

impl Power {
    /// Other accounts are drawn with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            accounts: Vec::new(),
            known: HashSet::new(),
            seen: Touches::new(u32::MAX, MOST),
            all: Share::default(),
            explained: Share::default(),
            reasons: BTreeMap::new(),
        }
    }

    /// Counts the first accesses of a record.
    ///
    /// # Errors
    /// The record has not the form of a decision record.
    pub fn add(&mut self, reader: &mut Reader, recorded: &StoredRecord<'_>) -> Result<(), Unreadable> {
        let decisions = recorded.decisions()?;
        for fact in reader.facts(recorded)? {
            let subject = decisions.get(fact.item.unwrap_or(0)).and_then(|one| one.subject.clone());
            let Some(subject) = subject.filter(|_| fact.allowed && fact.judged && fact.known) else { continue };
            if self.known.insert(fact.account.clone()) {
                self.accounts.push(subject.clone());
            }
            if self.seen.before(&fact.account, &fact.resource) == Before::Never {
                self.seen.keep(&fact.account, &fact.resource, Before::Explained, fact.day);
                self.count(reader, recorded, &fact, &subject);
            }
        }
        Ok(())
    }

    fn count(&mut self, reader: &mut Reader, recorded: &StoredRecord<'_>, fact: &Fact, subject: &EntityName) {
        if self.accounts.len() < 2 {
            return;
        }
        let other = loop {
            let drawn = self.random.random_range(0..self.accounts.len());
            match self.accounts.get(drawn) {
                Some(other) if other != subject => break other,
                _ => {}
            }
        };
        let Ok(at_random) = reader.reasons_of(recorded, fact.item, other) else { return };
        self.all.real += 1;
        self.all.random += 1;
        self.explained.real += u64::from(!fact.reasons.is_empty());
        self.explained.random += u64::from(!at_random.is_empty());
        for reason in &fact.reasons {
            self.reasons.entry(reason.id.to_string()).or_default().real += 1;
        }
        for reason in &at_random {
            self.reasons.entry(reason.id.to_string()).or_default().random += 1;
        }
    }
}
