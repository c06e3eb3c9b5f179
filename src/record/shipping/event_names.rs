//! The `event_name` of records that shipping treats apart.

/// How those of decisions begin: the names of the Authorization Decision Log.
pub(super) const DECISIONS: &str = "adl.";
/// The record that says which records are missing, and why.
pub(super) const GAP: &str = "poort.log.gap";
/// The signed state of the log.
pub(super) const CHECKPOINT: &str = "poort.log.checkpoint";
/// What became of a signal of atypical use.
pub(super) const SIGNAL: &str = "poort.signal";
/// The same, cosigned by witnesses.
pub(super) const COSIGNED: &str = "poort.log.cosigned";
