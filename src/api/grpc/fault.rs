//! The status of a call that gets no answer.

use super::convert::Malformed;
use crate::{
    api::status::{Fault, Reason},
    pdp::{Pdp, Refusal, Unread},
};
use tonic::Status;

pub(super) fn refused(refusal: &Refusal) -> Status {
    Fault::from(refusal).status()
}

/// What never became a question, counted.
pub(super) fn malformed(pdp: &Pdp, malformed: Malformed) -> Status {
    let fault = match malformed {
        Malformed::Refused(refusal) => Fault::from(&refusal),
        Malformed::TooDeep(message) => Fault::new(Reason::TooLarge, message),
    };
    pdp.count_unread(if fault.reason == Reason::TooLarge { Unread::TooLarge } else { Unread::Invalid });
    fault.status()
}
