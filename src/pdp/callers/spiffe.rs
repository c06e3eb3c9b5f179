//! SPIFFE ids: `spiffe://TRUST-DOMAIN/PATH`, as SPIFFE-ID 1.0 writes them.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// The longest id (SPIFFE-ID 1.0, section 2.3), and the longest name of a trust domain.
const LONGEST: usize = 2048;
const LONGEST_DOMAIN: usize = 255;

/// The id of a workload. It has a path: an id without one names the trust domain itself, and no workload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    text: String,
    domain_end: usize,
}

/// A text is no id of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not the SPIFFE id of a workload: {why}; an example is spiffe://politie.example/bvh/desk")]
pub struct NotAnId {
    text: String,
    why: &'static str,
}

impl SpiffeId {
    /// What comes before every id.
    pub const SCHEME: &'static str = "spiffe://";

    /// The name of its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.text.get(Self::SCHEME.len()..self.domain_end).unwrap_or_default()
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for SpiffeId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let not = |why| NotAnId { text: crate::types::escape::cut(text).into_owned(), why };
        if text.len() > LONGEST {
            return Err(not("it is longer than 2048 bytes"));
        }
        let rest = text.strip_prefix(Self::SCHEME).ok_or_else(|| not("it does not begin with spiffe://"))?;
        let (domain, path) = rest.split_once('/').ok_or_else(|| not("it has no path"))?;
        check_trust_domain(domain).map_err(not)?;
        for segment in path.split('/') {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if segment.is_empty() || segment == "." || segment == ".." || !segment.bytes().all(is_plain) {
                return Err(not("each part of its path is of letters, digits, `.`, `-` and `_`, and not `.` or `..`"));
            }
        }
        Ok(Self { text: text.to_owned(), domain_end: Self::SCHEME.len() + domain.len() })
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a text can be the name of a trust domain.
///
/// # Errors
/// Why it cannot.
pub fn check_trust_domain(name: &str) -> Result<(), &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > LONGEST_DOMAIN || !name.bytes().all(is_plain) {
        return Err("its trust domain is of lower-case letters, digits, `.`, `-` and `_`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_trust_domain_and_a_plain_path() {
        let id: SpiffeId = "spiffe://politie.example/bvh/desk".parse().unwrap();
        assert_eq!((id.trust_domain(), id.as_str()), ("politie.example", "spiffe://politie.example/bvh/desk"));
        let long = format!("spiffe://politie.example/{}", "a".repeat(LONGEST));
        for odd in [
            "",
            "spiffe://politie.example",
            "spiffe://politie.example/",
            "spiffe:///desk",
            "spiffe://Politie.example/desk",
            "SPIFFE://politie.example/desk",
            "spiffe://politie.example:443/desk",
            "spiffe://user@politie.example/desk",
            "spiffe://politie.example/desk/",
            "spiffe://politie.example//desk",
            "spiffe://politie.example/../desk",
            "spiffe://politie.example/./desk",
            "spiffe://politie.example/de%73k",
            "spiffe://politie.example/desk?x",
            "spiffe://politie.example/desk#x",
            "https://politie.example/desk",
            &long,
        ] {
            assert!(odd.parse::<SpiffeId>().is_err(), "{odd}");
        }
    }
}
