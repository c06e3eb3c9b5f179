//! Crowds: records that many accounts had access to within days, each without a known reason. None of them is unusual by itself.
//!
//! Where more than half of the accounts at a record are in open crowds already, it is one of these at one more record, and no signal of its
//! own: an operation that nobody enters would else be a signal about each of its records. Each record raises the signal, so that none is
//! silent. A crowd whose signal somebody closed has no more records: what comes then is new.

use super::{counting::Opened, open::RISE, settings::Crowd as Settings, signal::Evidence};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// How many records are watched at most, some 100 bytes each. Of more than that on one day, the later ones are not.
const RECORDS: usize = 500_000;

/// The score of the smallest crowd.
const SMALLEST: f64 = 4.0;

/// An access without a reason.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Access {
    /// The place of the account.
    pub(super) account: usize,
    pub(super) day: i64,
    /// What it added to the day of the account.
    pub(super) opened: Opened,
    pub(super) evidence: Evidence,
}

/// Accounts, and the records at which they are a crowd.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Crowd {
    /// The first of the records, which the signal is about.
    pub(super) about: String,
    /// With the last day of each.
    records: BTreeMap<String, i64>,
    /// The places of the accounts, with the last day of each.
    accounts: BTreeMap<usize, i64>,
    /// The most accounts at one record.
    most: usize,
}

impl Crowd {
    /// How many accounts it is.
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// At how many records.
    pub(super) fn records(&self) -> usize {
        self.records.len()
    }

    /// Twice as many accounts at one record raise it, and each further record. It has no bound, so that it is told each time.
    pub(super) fn score(&self, set: &Settings) -> f64 {
        let (most, more) = (self.most as f64 / set.accounts as f64, self.records() as f64 - 1.0);
        let score = SMALLEST + most.log2() + more * RISE;
        (score * 1e3).round() / 1e3
    }

    fn has(&self, access: &Access) -> bool {
        self.accounts.contains_key(&access.account)
    }
}

/// The last access of each account to each record, and the crowds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Crowds {
    accesses: HashMap<String, Vec<Access>>,
    crowds: Vec<Crowd>,
}

impl Crowds {
    /// Adds an access. Returns those of all accounts to the record, and the crowd, if they are one. `is_open`: whether the signal about a
    /// record is open, so that its crowd can have more records.
    pub(super) fn add(
        &mut self,
        record: &str,
        access: Access,
        set: &Settings,
        is_open: impl Fn(&str) -> bool,
    ) -> Option<(&[Access], &Crowd)> {
        if self.accesses.len() >= RECORDS && !self.accesses.contains_key(record) {
            return None;
        }
        let accesses = self.accesses.entry(record.to_owned()).or_default();
        // One account is no crowd. Of a crowd the work stays the same for each access, however large it is.
        if accesses.len() < set.accounts {
            accesses.retain(|it| it.account != access.account);
        }
        let old = accesses.iter().take_while(|it| !is_recent(it, access.day, set)).count();
        accesses.drain(..old);
        accesses.push(access);
        if accesses.len() < set.accounts {
            return None;
        }
        let known = self.crowds.iter().position(|crowd| crowd.records.contains_key(record));
        let place = known.or_else(|| joined(&self.crowds, accesses, is_open)).unwrap_or(self.crowds.len());
        if place == self.crowds.len() {
            self.crowds.push(Crowd { about: record.to_owned(), ..Crowd::default() });
        }
        let crowd = self.crowds.get_mut(place)?;
        crowd.records.insert(record.to_owned(), access.day);
        // All of them where it becomes one, or becomes one again.
        let counted = if accesses.len() == set.accounts { 0 } else { accesses.len() - 1 };
        crowd.accounts.extend(accesses.iter().skip(counted).map(|access| (access.account, access.day)));
        crowd.most = crowd.most.max(accesses.len());
        Some((accesses, crowd))
    }

    /// Forgets what is too long ago.
    pub(super) fn end_day(&mut self, next: i64, set: &Settings) {
        self.accesses.retain(|_, accesses| accesses.last().is_some_and(|it| is_recent(it, next, set)));
    }

    /// Forgets crowds about which no signal is kept, and of the others what was so many days ago.
    pub(super) fn forget(&mut self, day: i64, quiet: i64, is_kept: impl Fn(&str) -> bool) {
        self.crowds.retain(|crowd| is_kept(&crowd.about));
        for Crowd { about, records, accounts, .. } in &mut self.crowds {
            records.retain(|record, last| record == about || day - *last < quiet);
            accounts.retain(|_, last| day - *last < quiet);
        }
    }
}

/// The crowd that has most of these accounts, where open ones have more than half of them.
fn joined(crowds: &[Crowd], accesses: &[Access], is_open: impl Fn(&str) -> bool) -> Option<usize> {
    let open: Vec<_> = crowds.iter().enumerate().filter(|(_, crowd)| is_open(&crowd.about)).collect();
    let known = accesses.iter().filter(|access| open.iter().any(|(_, crowd)| crowd.has(access))).count();
    let shared = |crowd: &Crowd| accesses.iter().filter(|access| crowd.has(access)).count();
    let most = open.iter().map(|(place, crowd)| (shared(crowd), Reverse(*place))).max()?;
    (known * 2 > accesses.len()).then_some(most.1.0)
}

fn is_recent(access: &Access, day: i64, set: &Settings) -> bool {
    day - access.day < i64::from(set.days)
}
