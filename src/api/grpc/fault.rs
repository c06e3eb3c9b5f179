//! The status of a call that gets no answer.

use super::convert::Malformed;
use crate::{
    api::{
        call::Spoken,
        status::{Fault, Reason},
    },
    pdp::{Pdp, Refusal, Unread},
};
use tonic::Status;

/// Why a call was refused, in the language of its answer.
pub(super) fn refused(refusal: &Refusal, spoken: Spoken) -> Status {
    let spoken = spoken.of_refusal(refusal);
    let mut status = Fault::of(refusal, spoken.language).status();
    spoken.tell_in(status.metadata_mut());
    status
}

/// What never became a question, counted.
pub(super) fn malformed(pdp: &Pdp, malformed: Malformed, spoken: Spoken) -> Status {
    let spoken = spoken.for_developers();
    let fault = match malformed {
        Malformed::Refused(refusal) => Fault::of(&refusal, spoken.language),
        Malformed::TooDeep(message) => Fault::new(Reason::TooLarge, message),
    };
    pdp.count_unread(if fault.reason == Reason::TooLarge { Unread::TooLarge } else { Unread::Invalid });
    let mut status = fault.status();
    spoken.tell_in(status.metadata_mut());
    status
}
