//! The origin of a call (BIO2 8.15.01: device or network location).
//!
//! It has two parts: what the application says of the person that asks, in the attributes of the context that the
//! schema marks with `@origin`; and the connection of the application itself, with what it proves, which cannot be forged.

use super::redact::QuestionFacts;
use crate::types::authzen;
use std::{fmt, net::SocketAddr, sync::Arc};

/// How the calling application is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Over TCP, from this address.
    Tcp(SocketAddr),
    /// Over a Unix socket, so on the same machine.
    Unix,
}

/// What the connection of a caller proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The credential: a SPIFFE id, `dns:` and a name, or `uid:` and a number.
    pub credential: String,
    /// The application whose credential it is, if it is one's.
    pub application: Option<Arc<str>>,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A socket for both versions of IP shows IPv4 addresses in the form of IPv6.
            Self::Tcp(address) => SocketAddr::new(address.ip().to_canonical(), address.port()).fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// Writes `"poort.origin":{…}` with a comma before it, if anything is known. The questions of a batch that say different
/// things have them in their contexts alone.
pub(super) fn write_origin(
    out: &mut Vec<u8>,
    questions: &[QuestionFacts],
    caller: Option<Caller>,
    identity: Option<&Identity>,
) {
    let address = shared(questions, |question| question.address.as_deref());
    let device = shared(questions, |question| question.device.as_deref());
    let caller = caller.map(|caller| caller.to_string());
    let application = identity.and_then(|identity| identity.application.as_deref());
    let credential = identity.map(|identity| identity.credential.as_str());
    let known = [
        ("address", address),
        ("application", application),
        ("caller", caller.as_deref()),
        ("credential", credential),
        ("device", device),
    ];
    let mut separator: &[u8] = b",\"poort.origin\":{";
    for (name, value) in known {
        let Some(value) = value else { continue };
        out.extend_from_slice(separator);
        authzen::write_string(out, name);
        out.push(b':');
        authzen::write_string(out, value);
        separator = b",";
    }
    if separator == b"," {
        out.push(b'}');
    }
}

/// The value that all questions share.
fn shared<'q>(questions: &'q [QuestionFacts], part: impl Fn(&'q QuestionFacts) -> Option<&'q str>) -> Option<&'q str> {
    let (first, rest) = questions.split_first()?;
    let said = part(first)?;
    rest.iter().all(|question| part(question) == Some(said)).then_some(said)
}
