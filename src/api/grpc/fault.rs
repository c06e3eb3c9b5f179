//! The status of a call that gets no answer.

use super::convert::Malformed;
use crate::{
    api::status,
    pdp::{Pdp, Refusal, Unread},
};
use tonic::{Code, Status};

pub(super) fn refused(refusal: &Refusal) -> Status {
    Status::new(status::of(refusal).1, refusal.to_string())
}

/// What never became a question, counted.
pub(super) fn malformed(pdp: &Pdp, malformed: Malformed) -> Status {
    let status = match malformed {
        Malformed::Refused(refusal) => refused(&refusal),
        Malformed::TooDeep(message) => Status::resource_exhausted(message),
    };
    let is_limit = status.code() == Code::ResourceExhausted;
    pdp.count_unread(if is_limit { Unread::TooLarge } else { Unread::Invalid });
    status
}
