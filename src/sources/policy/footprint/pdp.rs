//! Finds which parts of `context.pdp` policies read. A verdict that depends on time is valid only for that time.

use super::Reads;

/// Parts of `context.pdp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PdpReads {
    /// The moment of the decision. An answer that depends on it is never reused.
    pub now: bool,
    /// The local date.
    pub today: bool,
    /// The local hour.
    pub hour: bool,
    /// The calling application.
    pub application: bool,
    /// How old the policies are.
    pub policies: bool,
    /// The subject's own token.
    pub token: bool,
}

impl PdpReads {
    /// All of it.
    pub const ALL: Self = Self { now: true, today: true, hour: true, application: true, policies: true, token: true };
}

impl Reads {
    /// Which parts of `context.pdp` the policies read.
    pub(super) fn pdp(&self) -> PdpReads {
        let pdp = self.context.fields.get("pdp");
        if self.context.whole || pdp.is_some_and(|pdp| pdp.whole) {
            return PdpReads::ALL;
        }
        let reads = |name| pdp.is_some_and(|pdp| pdp.fields.contains_key(name));
        PdpReads {
            now: reads("now"),
            today: reads("today"),
            hour: reads("hour"),
            application: reads("application"),
            policies: reads("policies"),
            token: reads("token"),
        }
    }
}
