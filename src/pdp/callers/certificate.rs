//! Whom a caller's certificate names: an X509-SVID's SPIFFE id, or DNS names.
//!
//! **Invariant:** a certificate that holds a SPIFFE id names that id and nothing else, so the roots of a trust domain speak
//! for their own ids alone (`tests/it/api/callers.rs::no_other_authority_speaks_for_a_trust_domain`). This reads; whether an
//! authority signed it is for TLS.

use super::spiffe::SpiffeId;
use thiserror::Error;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, KeyUsage},
    prelude::FromDer as _,
};

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A workload, by its SPIFFE id.
    Workload(SpiffeId),
    /// The DNS names of its subject alternative name, in lower case. The common name is not looked at.
    Hosts(Vec<String>),
}

/// A certificate that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Whom it names.
    pub named: Named,
    /// When it ends, in seconds since the Unix epoch.
    pub not_after: i64,
}

/// A certificate names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Nameless {
    /// It is no certificate, or an extension of it cannot be read or is there twice.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It holds a SPIFFE id beside another URI (X509-SVID, section 2).
    #[error("an X509-SVID has exactly one URI; this one has {0}")]
    SeveralUris(usize),
    /// Its SPIFFE id is none.
    #[error("{0}")]
    NotAnId(#[from] super::spiffe::NotAnId),
    /// It may sign certificates (X509-SVID, sections 4.1 and 4.3).
    #[error("a workload's certificate is no authority; this one may sign certificates or lists of revoked ones")]
    IsAuthority,
    /// It may not sign a handshake (X509-SVID, section 4.3).
    #[error("an X509-SVID has the key usage digitalSignature; this one has not")]
    MayNotSign,
}

impl Leaf {
    /// Reads the first certificate of a chain.
    ///
    /// # Errors
    /// Why it names nobody.
    pub fn read(der: &[u8]) -> Result<Self, Nameless> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| Nameless::Unreadable)?;
        let names = certificate.subject_alternative_name().map_err(|_| Nameless::Unreadable)?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        if !rest.is_empty() || names.iter().any(|name| matches!(name, GeneralName::Invalid(..))) {
            return Err(Nameless::Unreadable);
        }
        let uris: Vec<_> =
            names.iter().filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None }).collect();
        let is_svid = |uri: &&str| uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"));
        let named = match uris.as_slice() {
            [uri] if is_svid(uri) => {
                check_usage(&certificate)?;
                Named::Workload(uri.parse()?)
            }
            several if several.iter().any(is_svid) => return Err(Nameless::SeveralUris(several.len())),
            _ => {
                let dns = names
                    .iter()
                    .filter_map(|name| if let GeneralName::DNSName(dns) = name { Some(*dns) } else { None });
                Named::Hosts(dns.map(str::to_ascii_lowercase).collect())
            }
        };
        Ok(Self { named, not_after: certificate.validity().not_after.timestamp() })
    }
}

/// What an X509-SVID may be used for.
fn check_usage(certificate: &X509Certificate<'_>) -> Result<(), Nameless> {
    let constraints = certificate.basic_constraints().map_err(|_| Nameless::Unreadable)?;
    let usage = certificate.key_usage().map_err(|_| Nameless::Unreadable)?.map(|usage| usage.value);
    let is_authority = |usage: &&KeyUsage| usage.key_cert_sign() || usage.crl_sign();
    if constraints.is_some_and(|constraints| constraints.value.ca) || usage.as_ref().is_some_and(is_authority) {
        return Err(Nameless::IsAuthority);
    }
    if usage.is_some_and(KeyUsage::digital_signature) { Ok(()) } else { Err(Nameless::MayNotSign) }
}
