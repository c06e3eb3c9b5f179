//! Configuration of issuers: whose tokens are believed, and about which accounts.

use jsonwebtoken::Algorithm;
use std::{path::PathBuf, str::FromStr};

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// One of the values of `aud`.
    pub audience: String,
    /// With what it signs.
    pub algorithms: Vec<SignedBy>,
    /// The claim that holds the account's id.
    pub subject: String,
    /// The account's type.
    pub kind: String,
    /// Where its keys are.
    pub jwks: Jwks,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jwks {
    /// In a file that the platform keeps.
    File(PathBuf),
    /// At an address with TLS.
    Url(http::Uri),
}

impl FromStr for Jwks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url = text.parse::<http::Uri>().ok().filter(|url| url.scheme_str() == Some("https"));
        url.map(Self::Url).ok_or_else(|| format!("`{text}` is neither a file nor a URL that begins with https://"))
    }
}

/// A signature that tokens may have. None of them has a secret that poort would share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedBy(pub(super) Algorithm);

impl FromStr for SignedBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ES256" => Ok(Self(Algorithm::ES256)),
            "ES384" => Ok(Self(Algorithm::ES384)),
            "EdDSA" => Ok(Self(Algorithm::EdDSA)),
            "PS256" => Ok(Self(Algorithm::PS256)),
            "RS256" => Ok(Self(Algorithm::RS256)),
            _ => Err(format!("`{text}` must be ES256, ES384, EdDSA, PS256 or RS256")),
        }
    }
}
