//! The moment of a decision. Policies read poort's clock, never the caller's.

use std::sync::Arc;

/// Poort's own part of the context, `context.pdp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The moment of the decision in milliseconds since the Unix epoch.
    pub now: i64,
    /// The same in RFC 3339, UTC, with milliseconds.
    pub now_text: String,
    /// The local date, `YYYY-MM-DD`.
    pub today: String,
    /// The local hour, 0 to 23.
    pub hour: u8,
    /// The calling application, if configuration names it.
    pub application: Option<Arc<str>>,
}
