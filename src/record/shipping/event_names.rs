//! The `event_name` of the records that are no decisions and that shipping treats apart.

/// The record that says which records are missing, and why.
pub(super) const GAP: &str = "poort.log.gap";
/// The signed state of the log.
pub(super) const CHECKPOINT: &str = "poort.log.checkpoint";
