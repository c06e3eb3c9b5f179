//! Why a token does not count. None of it says what the token has.

use jsonwebtoken::errors::ErrorKind;
use thiserror::Error;

/// A token does not let an application ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenFault {
    /// There is none.
    #[error("the application must send the subject's own token with each question: `poort-subject-token`")]
    Missing,
    /// It is not one JWT with the members that are needed.
    #[error(
        "the subject's token cannot be read: it must be one signed JWT with `kid`, `exp` and claims of the usual types and lengths"
    )]
    Unreadable,
    /// No issuer has the key.
    #[error(
        "no issuer publishes the key that the subject's token names; keys are read again, so try once more in ten seconds"
    )]
    UnknownKey,
    /// The keys were not read for too long.
    #[error(
        "the issuer's keys were not read within the last hour, so its tokens cannot be verified; the log of poort says why"
    )]
    StaleKeys,
    /// The signature is not one of that key.
    #[error(
        "the signature of the subject's token does not fit the key that it names, or has another algorithm than that key"
    )]
    Signature,
    /// Its time is over.
    #[error("the subject's token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the subject's token is not valid yet")]
    NotYet,
    /// It is another issuer's.
    #[error("the subject's token is not of the issuer whose key signed it")]
    Issuer,
    /// It is for others.
    #[error("the subject's token is not meant for poort: `aud` has another audience")]
    Audience,
    /// It was given to another application.
    #[error(
        "the subject's token was not given to this application: `azp` or `client_id` names another, or both are missing"
    )]
    Application,
    /// It is another account's.
    #[error("the subject's token is of another account than the subject")]
    Account,
}

impl TokenFault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Missing,
        Self::Unreadable,
        Self::UnknownKey,
        Self::StaleKeys,
        Self::Signature,
        Self::Expired,
        Self::NotYet,
        Self::Issuer,
        Self::Audience,
        Self::Application,
        Self::Account,
    ];

    /// What a program reads, in answers; and in records and metrics.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("TOKEN_MISSING", "token_missing"),
            Self::Unreadable => ("TOKEN_UNREADABLE", "token_unreadable"),
            Self::UnknownKey => ("TOKEN_KEY_UNKNOWN", "token_key_unknown"),
            Self::StaleKeys => ("TOKEN_KEYS_STALE", "token_keys_stale"),
            Self::Signature => ("TOKEN_SIGNATURE", "token_signature"),
            Self::Expired => ("TOKEN_EXPIRED", "token_expired"),
            Self::NotYet => ("TOKEN_NOT_YET_VALID", "token_not_yet_valid"),
            Self::Issuer => ("TOKEN_ISSUER", "token_issuer"),
            Self::Audience => ("TOKEN_AUDIENCE", "token_audience"),
            Self::Application => ("TOKEN_APPLICATION", "token_application"),
            Self::Account => ("TOKEN_ACCOUNT", "token_account"),
        }
    }

    /// That of an error of the library.
    pub(super) fn of(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYet,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => Self::Issuer,
            ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Self::Audience,
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Self::Signature,
            _ => Self::Unreadable,
        }
    }
}
