//! Crowds: records that many accounts had access to within days, each without a known reason. None of them is unusual by itself.

use super::{counting::Opened, settings::Crowd, signal::Evidence};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How many records are watched at most, some 100 bytes each. Of more than that on one day, the later ones are not.
const RECORDS: usize = 500_000;

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

/// The last access of each account to each record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Crowds(HashMap<String, Vec<Access>>);

impl Crowds {
    /// Adds an access. Returns those of all accounts, if they are a crowd.
    pub(super) fn add(&mut self, record: &str, access: Access, set: &Crowd) -> Option<&[Access]> {
        if self.0.len() >= RECORDS && !self.0.contains_key(record) {
            return None;
        }
        let accesses = self.0.entry(record.to_owned()).or_default();
        // One account is no crowd. Of a crowd the work stays the same for each access, however large it is.
        if accesses.len() < set.accounts {
            accesses.retain(|it| it.account != access.account);
        }
        let old = accesses.iter().take_while(|it| !is_recent(it, access.day, set)).count();
        accesses.drain(..old);
        accesses.push(access);
        (accesses.len() >= set.accounts).then_some(accesses)
    }

    /// Forgets what is too long ago.
    pub(super) fn end_day(&mut self, next: i64, set: &Crowd) {
        self.0.retain(|_, accesses| accesses.last().is_some_and(|it| is_recent(it, next, set)));
    }
}

fn is_recent(access: &Access, day: i64, set: &Crowd) -> bool {
    day - access.day < i64::from(set.days)
}
