//! The pseudonyms of accounts in records of signals.

use crate::{record::decision_log::Pseudonyms, sources::snapshot::Snapshot};

/// The kind of value that an account is, among pseudonyms. No type of the schema is called so.
const KIND: &str = "poort account of signals";

/// The pseudonym of an account, under the newest key.
pub(super) fn pseudonym(keys: &Pseudonyms, account: &str) -> String {
    keys.of(KIND, account)
}

/// The account of the directory that has this pseudonym, as `Type::"id"`. `None`: the directory does not know it, or its key is
/// gone.
#[must_use]
pub fn account_of(keys: &Pseudonyms, pseudonym: &str, snapshot: &Snapshot) -> Option<String> {
    let mut names = snapshot.directory.uids().map(ToString::to_string);
    names.find(|name| keys.of_all_keys(KIND, name).iter().any(|known| known == pseudonym))
}
