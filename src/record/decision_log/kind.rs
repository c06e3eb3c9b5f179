//! The kinds of records in the log.

use super::{
    bundle::{BUNDLE_ACTIVATED, BUNDLE_ACTIVE, BUNDLE_REFUSED, TRUST_ACTIVATED},
    checkpoint::CHECKPOINT,
    cosigned::COSIGNED,
    damage::DAMAGE,
    gap::GAP,
    keys::KEY,
    restored::RESTORED,
    retention::RETENTION,
    signal::{SIGNAL, SIGNAL_SETTINGS},
};
use std::borrow::Cow;

/// What a record is, by its `event_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The record of a call that was decided: `adl.*`.
    Decision,
    /// A signed checkpoint.
    Checkpoint,
    /// Cosignatures of a checkpoint.
    Cosigned,
    /// Answers that have no record.
    Gap,
    /// Old records were deleted.
    Retention,
    /// Keys of the log were changed on purpose.
    Key,
    /// A segment of the log is damaged.
    Damage,
    /// The folder was put back from a backup.
    Restored,
    /// What became of a signal of atypical use, or its settings.
    Signal,
    /// A bundle was activated or refused, or is active as before.
    Bundle,
    /// Something that this version does not know, or no JSON.
    Other,
}

impl RecordKind {
    /// The kind of a record.
    #[must_use]
    pub fn of(record: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct EventName<'a> {
            #[serde(borrow)]
            event_name: Cow<'a, str>,
        }
        match serde_json::from_slice::<EventName<'_>>(record) {
            Ok(EventName { event_name }) if event_name.starts_with("adl.") => Self::Decision,
            Ok(EventName { event_name }) => match &*event_name {
                CHECKPOINT => Self::Checkpoint,
                COSIGNED => Self::Cosigned,
                GAP => Self::Gap,
                RETENTION => Self::Retention,
                KEY => Self::Key,
                DAMAGE => Self::Damage,
                RESTORED => Self::Restored,
                SIGNAL | SIGNAL_SETTINGS => Self::Signal,
                BUNDLE_ACTIVATED | BUNDLE_ACTIVE | BUNDLE_REFUSED | TRUST_ACTIVATED => Self::Bundle,
                _ => Self::Other,
            },
            Err(_) => Self::Other,
        }
    }
}
