//! The moment of a decision. Policies read poort's clock, never the caller's.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// How old the policies of a decision are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyAge {
    /// Their time is not over, or nothing bounds it.
    #[default]
    Live,
    /// Their time is over, and they still answer.
    Late,
    /// They answer nothing: everything is denied.
    Expired,
}

impl PolicyAge {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Late, Self::Expired];

    /// The name of those that policies answer under, `live` or `late`: what has expired is denied whatever they say.
    #[must_use]
    pub const fn seen(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Late | Self::Expired => "late",
        }
    }

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Late => "late",
            Self::Expired => "expired",
        }
    }
}

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
    /// What is known of the subject's own token, if the call carries one.
    pub token: Option<Arc<TokenClaims>>,
    /// How old the policies are; they see `live` or `late`.
    pub policies: PolicyAge,
}

/// What policies see of a subject's own token (OpenID Connect Core 1.0, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenClaims {
    /// The class of the authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The methods of the authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<BTreeSet<String>>,
    /// When the subject authenticated, in RFC 3339, UTC, with milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<String>,
}

/// A moment as policies see it: in RFC 3339, UTC, with milliseconds.
#[must_use]
pub fn moment_text(moment: jiff::Timestamp) -> String {
    format!("{moment:.3}")
}
