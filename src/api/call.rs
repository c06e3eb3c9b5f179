//! The call that headers describe: trace context, deadline and language. gRPC metadata and HTTP headers are read alike.

use super::peer::Peer;
use crate::{
    pdp::{Binding, Call, LONGEST_DEADLINE, Refusal, callers::token::GivenToken},
    types::{language::Language, trace::TraceContext},
};
use http::{Extensions, HeaderMap, HeaderValue, header};
use std::time::{Duration, Instant};
use tonic::metadata::{MetadataMap, MetadataValue};

/// The header, and the key of gRPC's metadata, that carries the subject's own token.
const TOKEN: &str = "poort-subject-token";

/// The call with these headers, over the connection that the extensions name. A `traceparent` that is missing, invalid or
/// there twice begins a new trace.
pub(super) fn call(headers: &HeaderMap, extensions: &Extensions, deadline: Option<Instant>, binding: Binding) -> Call {
    let peer = extensions.get::<Peer>();
    Call {
        binding,
        trace: trace(headers),
        deadline,
        caller: peer.map(|peer| peer.caller),
        identity: peer.and_then(|peer| peer.identity.clone()),
        token: GivenToken::of(headers.get_all(TOKEN).iter().map(|value| value.to_str().ok())),
        share: peer.map(|peer| peer.share.clone()),
        asks_why: false,
    }
}

fn trace(headers: &HeaderMap) -> TraceContext {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = match (parents.next().map(HeaderValue::to_str), parents.next()) {
        (Some(Ok(parent)), None) => Some(parent),
        _ => None,
    };
    // Several `tracestate` headers are one list (W3C Trace Context, section 3.3.1.1).
    let states: Vec<_> = headers.get_all("tracestate").iter().filter_map(|state| state.to_str().ok()).collect();
    let state = states.join(",");
    TraceContext::from_headers(parent, (!state.is_empty()).then_some(state.as_str()))
}

/// How much an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerContext {
    /// All that is known: policies, reason, revisions, the record.
    #[default]
    Full,
    /// What the caller needs to act on it alone: the decision, and the obligations or the fault if there are any.
    None,
}

/// What the caller prefers (`Prefer: return=minimal` or `return=representation`, RFC 7240, section 4.2), if it says.
pub(super) fn preferred(headers: &HeaderMap) -> Option<AnswerContext> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        match (name.trim().eq_ignore_ascii_case("return"), value.trim().trim_matches('"')) {
            (true, "minimal") => Some(AnswerContext::None),
            (true, "representation") => Some(AnswerContext::Full),
            _ => None,
        }
    })
}

/// The language of an answer's sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) language: Language,
    /// Whether the caller said which languages it prefers.
    is_negotiated: bool,
}

impl Spoken {
    /// That of a caller with these headers (`Accept-Language`; RFC 9110, section 12.5.4), else the usual one here.
    pub(super) fn of(headers: &HeaderMap, usual: Language) -> Self {
        let mut lists = headers.get_all(header::ACCEPT_LANGUAGE).iter().peekable();
        if lists.peek().is_none() {
            return Self { language: usual, is_negotiated: false };
        }
        let lists = lists.filter_map(|list| list.to_str().ok());
        Self { language: Language::preferred(lists, usual).unwrap_or(usual), is_negotiated: true }
    }

    /// English: what is wrong with a message is for its developer.
    pub(super) const fn for_developers(self) -> Self {
        Self { language: Language::English, ..self }
    }

    /// That of a refusal.
    pub(super) const fn of_refusal(self, refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Invalid(_)
            | Refusal::Missing(_)
            | Refusal::TooMany { .. }
            | Refusal::UnknownCaller
            | Refusal::NotPermitted(_)
            | Refusal::Token(_) => self.for_developers(),
            Refusal::Busy | Refusal::TooLarge | Refusal::Late | Refusal::NotReady | Refusal::NoRecord => self,
        }
    }

    /// Names the language in the headers of an answer, for a caller that has preferences.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        if self.is_negotiated {
            headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.tag()));
            headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
        }
    }

    /// The same in the metadata of gRPC.
    pub(super) fn tell_in(self, metadata: &mut MetadataMap) {
        if self.is_negotiated {
            metadata.insert("content-language", MetadataValue::from_static(self.language.tag()));
        }
    }
}

/// When the head of a call was read.
pub(super) fn arrival(extensions: &Extensions) -> Instant {
    extensions.get::<Peer>().map_or_else(Instant::now, |peer| peer.arrived)
}

/// The deadline that a gRPC caller sets, else the one that is usual here. It counts from the arrival of the call's head.
///
/// # Errors
/// `grpc-timeout` cannot be read.
pub(super) fn grpc_deadline(headers: &HeaderMap, extensions: &Extensions, usual: Duration) -> Result<Instant, String> {
    let timeout = match headers.get("grpc-timeout") {
        None => usual,
        Some(text) => text.to_str().ok().and_then(parse_timeout).ok_or_else(|| {
            format!("grpc-timeout: {text:?} is not a number of at most 8 digits and one of the units H M S m u n")
        })?,
    };
    Ok(arrival(extensions) + timeout.min(LONGEST_DEADLINE))
}

/// `TimeoutValue TimeoutUnit` of the gRPC protocol.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(value * 3600),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_writes_them() {
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for odd in ["", "S", "1", "-1S", "123456789S", "1s", "1.5S", "é"] {
            assert_eq!(parse_timeout(odd), None, "{odd}");
        }
    }

    #[test]
    fn of_several_preferences_the_one_about_what_is_returned_counts() {
        let prefers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| _ = headers.append("prefer", HeaderValue::from_static(value)));
            preferred(&headers)
        };
        let (full, none) = (Some(AnswerContext::Full), Some(AnswerContext::None));
        assert_eq!(prefers(&["return=minimal"]), none);
        assert_eq!(prefers(&["respond-async", "wait=10, Return = \"minimal\"; a=b, return=representation"]), none);
        assert_eq!(prefers(&["return=representation"]), full);
        for other in ["", "return", "return=", "return=maximal", "returns=minimal", "x;return=minimal"] {
            assert_eq!(prefers(&[other]), None, "{other}");
        }
    }

    #[test]
    fn two_traceparents_begin_a_new_trace_and_several_tracestates_are_one() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_static(parent));
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        assert_eq!(trace(&headers).parent.unwrap().state, "a=1,b=2");
        headers.append("traceparent", HeaderValue::from_static(parent));
        assert_eq!(trace(&headers).parent, None);
    }
}
