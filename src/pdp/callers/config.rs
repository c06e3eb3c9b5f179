//! Configuration of callers: by what each application is recognised, and whose tokens subjects have.

use super::{spiffe::SpiffeId, token::IssuerConfig};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What callers are called in metrics that are no application.
pub(super) const UNKNOWN: &str = "unknown";

/// By what each application is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The applications. Empty: whoever reaches poort may ask, and nobody is recognised.
    pub applications: BTreeMap<Application, Credentials>,
    /// Who issues subjects' own tokens, by the names of the tables.
    pub issuers: BTreeMap<String, IssuerConfig>,
}

/// The name of an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Application(String);

impl Application {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Application {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_plain) || text == UNKNOWN {
            return Err(format!(
                "the name of an application is of 1 to 64 lower-case letters, digits, `-` and `_`, and not `{UNKNOWN}`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By what an application is recognised: by each of these that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// The SPIFFE id of its certificate.
    pub spiffe: Option<SpiffeId>,
    /// A DNS name of its certificate, in lower case.
    pub dns: Option<String>,
    /// The id of the user that it runs as, on a Unix socket.
    pub uid: Option<u32>,
}
