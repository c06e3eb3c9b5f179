//! What a refusal is called in each binding: made here for both, by one exhaustive `match`, so that they cannot drift apart.
//!
//! | what happened | HTTP | gRPC |
//! |---|---|---|
//! | malformed or incomplete | 400 | INVALID_ARGUMENT |
//! | a page of a foreign site asks (`Origin`) | 403 | |
//! | a message that did not arrive in time | 408 | DEADLINE_EXCEEDED |
//! | a message or batch above a limit | 413 | RESOURCE_EXHAUSTED |
//! | a compressed body | 415 | UNIMPLEMENTED |
//! | too many questions under way | 429 | RESOURCE_EXHAUSTED |
//! | no policies active, or no record possible | 503 | UNAVAILABLE |
//! | too late | 504 | DEADLINE_EXCEEDED |

use crate::pdp::Refusal;
use http::StatusCode;
use tonic::{Code, Status};

/// The status of a refusal in HTTP and in gRPC.
pub(super) const fn of(refusal: &Refusal) -> (StatusCode, Code) {
    match refusal {
        Refusal::Invalid(_) | Refusal::Missing(_) => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        Refusal::TooMany { .. } | Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
        Refusal::Busy => (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
        Refusal::NotReady | Refusal::NoRecord => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        Refusal::Late => (StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded),
    }
}

/// The status of a message that cannot be decoded: it names the field.
pub(super) fn of_decoding(error: &prost::DecodeError) -> Status {
    // Fields are named as in Rust, where `type` needs a prefix.
    let error = error.to_string().replace("r#", "");
    // The library's bound on nesting lies above ours, and has no kind of its own.
    if error.contains("recursion limit") {
        Status::resource_exhausted("the message is nested too deep")
    } else {
        Status::invalid_argument(error)
    }
}
