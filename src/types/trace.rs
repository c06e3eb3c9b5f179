//! Trace context (W3C): reads the caller's, and makes the key of a decision record from it.
//!
//! Authorization Decision Log 1.0.0 keys a record by `(trace_id, span_id)`. A trace id that comes in is kept; the span
//! id is new for every call. An invalid `traceparent` counts as absent and a new trace begins (W3C Trace Context,
//! section 3.2). The flags, the sampled bit among them, are carried and never changed, and decide nothing here.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, collections::BTreeSet, fmt};

/// 16 bytes that name a trace; never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// 8 bytes that name a span; never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

macro_rules! id {
    ($name:ident, $length:literal) => {
        impl $name {
            /// A new id from a cryptographically secure generator (ADL 1.0.0 asks for that).
            #[must_use]
            pub fn random() -> Self {
                loop {
                    if let Some(id) = Self::from_bytes(rand::random()) {
                        return id;
                    }
                }
            }

            /// The id with these bytes; `None` if all are zero.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $length]) -> Option<Self> {
                (bytes != [0; $length]).then_some(Self(bytes))
            }

            /// The id with this text: lowercase hexadecimal digits, two a byte.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.as_bytes();
                if digits.len() != 2 * $length {
                    return None;
                }
                let mut bytes = [0; $length];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let [high, low] = pair else { return None };
                    *byte = digit(*high)? << 4 | digit(*low)?;
                }
                Self::from_bytes(bytes)
            }

            /// The text: lowercase hexadecimal digits, two a byte.
            #[must_use]
            pub fn digits(self) -> [u8; 2 * $length] {
                let mut text = [0; 2 * $length];
                for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    if let [high, low] = pair {
                        *high = hex(byte >> 4);
                        *low = hex(byte & 15);
                    }
                }
                text
            }

            /// The bytes.
            #[must_use]
            pub const fn bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(str::from_utf8(&self.digits()).map_err(|_| fmt::Error)?)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'_, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom("no id"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

const fn hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// The key of a decision record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordIdentity {
    /// The trace of the request.
    pub trace_id: TraceId,
    /// This decision's own span.
    pub span_id: SpanId,
}

/// The place of a call in its caller's trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The key of the record that this call will leave.
    pub identity: RecordIdentity,
    /// What came in; `None` when this call begins the trace.
    pub parent: Option<Parent>,
}

/// The trace context that a caller sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The caller's span.
    pub span_id: SpanId,
    /// The flags byte; bit 0 is *sampled*.
    pub flags: u8,
    /// `tracestate`, as it came; empty if none came or it is malformed.
    pub state: String,
}

/// Longest `tracestate` that is kept. W3C Trace Context, section 3.3.1.5 asks to carry at least 512 characters.
const STATE_LIMIT: usize = 8 * 1024;

impl TraceContext {
    /// A new trace that begins with this call.
    #[must_use]
    pub fn root() -> Self {
        Self { identity: RecordIdentity { trace_id: TraceId::random(), span_id: SpanId::random() }, parent: None }
    }

    /// A child of what came in, or a new trace if that is missing or invalid.
    #[must_use]
    pub fn from_headers(traceparent: Option<&str>, tracestate: Option<&str>) -> Self {
        let Some((trace_id, span_id, flags)) = traceparent.and_then(parse_traceparent) else {
            return Self::root();
        };
        let state =
            tracestate.filter(|state| state.len() <= STATE_LIMIT && is_state(state)).unwrap_or_default().to_owned();
        Self {
            identity: RecordIdentity { trace_id, span_id: SpanId::random() },
            parent: Some(Parent { span_id, flags, state }),
        }
    }
}

/// Reads `version-traceid-parentid-flags`. A version above 00 may carry more after a further dash (section 4).
fn parse_traceparent(text: &str) -> Option<(TraceId, SpanId, u8)> {
    let text = text.trim_matches([' ', '\t']);
    let (head, rest) = text.split_at_checked(55)?;
    let mut parts = head.split('-');
    let version = parse_byte(parts.next()?)?;
    let trace_id = TraceId::parse(parts.next()?)?;
    let span_id = SpanId::parse(parts.next()?)?;
    let flags = parse_byte(parts.next()?)?;
    let well_formed = parts.next().is_none()
        && match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
    well_formed.then_some((trace_id, span_id, flags))
}

fn parse_byte(text: &str) -> Option<u8> {
    let [high, low] = text.as_bytes() else { return None };
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// Whether this is a `tracestate` (W3C Trace Context, sections 3.3.1.1 to 3.3.1.3). OpenTelemetry's parser knows neither
/// white space around members, nor empty members, nor the bound on their number.
fn is_state(text: &str) -> bool {
    let mut keys = BTreeSet::new();
    let members = text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    members.into_iter().all(|member| {
        member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value) && keys.insert(key))
    }) && keys.len() <= 32
}

/// A simple key, or `tenant@system`.
fn is_key(key: &str) -> bool {
    let is_part = |part: &str, first: fn(u8) -> bool, longest: usize| {
        let rest =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/');
        part.len() <= longest && part.bytes().next().is_some_and(first) && part.bytes().all(rest)
    };
    let letter = |byte: u8| byte.is_ascii_lowercase();
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match key.split_once('@') {
        None => is_part(key, letter, 256),
        Some((tenant, system)) => is_part(tenant, letter_or_digit, 241) && is_part(system, letter, 14),
    }
}

fn is_value(value: &str) -> bool {
    let is_allowed = |byte: u8| (b' '..=b'~').contains(&byte) && !matches!(byte, b',' | b'=');
    (1..=256).contains(&value.len()) && value.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[track_caller]
    fn is_root(traceparent: &str) {
        let trace = TraceContext::from_headers(Some(traceparent), Some("a=1"));
        assert_eq!(trace.parent, None, "{traceparent}");
        assert_ne!(trace.identity.trace_id.to_string(), TRACE, "{traceparent}");
    }

    #[test]
    fn a_valid_parent_is_kept_and_the_span_is_new() {
        let trace = TraceContext::from_headers(Some(&format!("00-{TRACE}-{SPAN}-03")), Some("a=1,b=2"));
        assert_eq!(trace.identity.trace_id.to_string(), TRACE);
        assert_ne!(trace.identity.span_id.to_string(), SPAN);
        let parent = trace.parent.unwrap();
        assert_eq!((parent.span_id.to_string().as_str(), parent.flags, parent.state.as_str()), (SPAN, 3, "a=1,b=2"));
    }

    #[test]
    fn a_later_version_may_carry_more() {
        for tail in ["", "-more-of-it"] {
            let trace = TraceContext::from_headers(Some(&format!("01-{TRACE}-{SPAN}-00{tail}")), None);
            assert_eq!(trace.identity.trace_id.to_string(), TRACE);
        }
    }

    #[test]
    fn an_invalid_parent_begins_a_new_trace() {
        is_root("");
        is_root("junk");
        is_root(&format!("00-{TRACE}-{SPAN}"));
        is_root(&format!("00-{TRACE}-{SPAN}-01-more"));
        is_root(&format!("01-{TRACE}-{SPAN}-01more"));
        is_root(&format!("ff-{TRACE}-{SPAN}-01"));
        is_root(&format!("00-{}-{SPAN}-01", TRACE.to_uppercase()));
        is_root(&format!("00-{}-{SPAN}-01", "0".repeat(32)));
        is_root(&format!("00-{TRACE}-{}-01", "0".repeat(16)));
        is_root(&format!("00-{TRACE}-{SPAN}-0g"));
        is_root(&format!("00_{TRACE}-{SPAN}-01"));
        is_root(&"é".repeat(40));
    }

    #[test]
    fn a_malformed_tracestate_is_dropped_whole() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let kept = |state: &str| TraceContext::from_headers(Some(parent), Some(state)).parent.unwrap().state;
        for good in ["a=1", "a=1,b=2", "a=1 , b=2,,", "4me@sys=x/y z", "congo=t61rcWkgMzE", "a-_*/1=!"] {
            assert_eq!(kept(good), good);
        }
        let many = (0..33).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        for bad in ["a", "a=1,b", "A=1", "1a=1", "a=1,a=2", "a=", "a=b=c", "a=\u{e9}", "a=1\u{1b}[31m,b=2", &many] {
            assert_eq!(kept(bad), "", "{bad}");
        }
    }
}
