//! The reply to a send: what a receiver's answer means for the records that were sent.

use std::time::Duration;

/// What became of one send.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SendOutcome {
    /// How many records were taken, counted from the first of the batch.
    pub(super) taken: usize,
    /// Why the others were not; none if all were taken.
    pub(super) trouble: Option<Trouble>,
}

impl SendOutcome {
    /// All of a batch of this length were taken.
    pub(super) const fn all(length: usize) -> Self {
        Self { taken: length, trouble: None }
    }

    /// None was taken.
    pub(super) const fn none(trouble: Trouble) -> Self {
        Self { taken: 0, trouble: Some(trouble) }
    }
}

/// A verdict with its reason, in the receiver's words or in those of the system.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble {
    pub(super) verdict: Reply,
    pub(super) why: String,
}

/// What is kept of a receiver's words: they may be long, and repeat what they were sent.
const WORDS: usize = 300;

impl Trouble {
    pub(super) fn new(verdict: Reply, why: impl Into<String>) -> Self {
        Self { verdict, why: why.into().chars().take(WORDS).collect() }
    }

    pub(super) fn retry(reason: Reason, why: impl Into<String>) -> Self {
        Self::new(Reply::Retry { reason, wait: None }, why)
    }
}

/// What is to be done with records that were not taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reply {
    /// The receiver took some of them and refused the others for good, and does not say which. It must not be sent
    /// again, so all are kept in quarantine.
    TakenInPart,
    /// It passes: the same records again, after a while.
    Retry {
        /// Why, for the metrics.
        reason: Reason,
        /// How long the receiver asks to wait.
        wait: Option<Duration>,
    },
    /// Too large for the receiver: fewer at once, and one that is too large by itself goes to quarantine.
    TooLarge,
    /// Perhaps too large; the words are not sure. The same again, and after equal answers as [`Self::TooLarge`].
    PerhapsTooLarge,
    /// The receiver has no room and does not say when: fewer at once. One record alone is tried some times.
    Exhausted,
    /// It is never taken: the record that is at fault is searched for, and goes to quarantine.
    Refused,
    /// Our configuration is wrong, or theirs; no record is at fault. All wait, and a person has to look.
    Hold,
    /// The receiver has a record already that is sent for the first time. Another process sends the same log, so all
    /// wait, and a person has to look.
    Duplicate,
}

/// Why the same records are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The receiver says that it cannot now.
    Unavailable,
    /// No answer in time.
    Deadline,
    /// No connection, or it broke before a verdict.
    Transport,
    /// A file could not be written.
    Io,
    /// The sink itself failed, which is a mistake in poort.
    Fault,
}

impl Reason {
    /// The label in metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
            Self::Transport => "transport",
            Self::Io => "io",
            Self::Fault => "fault",
        }
    }
}
