//! Shipping: sends every record of the log to every sink that is configured.
//!
//! ```text
//!   log on disk ──► reader ──► window ──► one send at a time ──► reply ──► cursor moves
//!        up to the durable mark                                     └──► quarantine, for what is never taken
//! ```
//!
//! What holds here:
//! - **At least once, in order.** The cursor of a sink passes a record when the receiver took it or when it is in
//!   quarantine on disk, and never before. After a crash the rest is sent again, so receivers get some records twice;
//!   each has a key for that (`tests/property.rs::the_cursor_is_never_ahead_of_the_receiver`).
//! - **What was shipped never changes.** Only records below the durable mark are read
//!   (`tests/delivering.rs::nothing_is_sent_that_is_not_durable`).
//! - **No answer waits for a sink.** A delivery reads the log from disk, on a thread of its own; nothing on the path of a
//!   question knows of it (`tests/it/record/shipping.rs`).
//! - **A receiver that hangs delays no other.** Each send has a deadline, and each wait a bound
//!   (`tests/delivering.rs::a_send_without_an_answer_is_tried_again_after_its_deadline`).
//! - **One bad record stops no other.** It is found, put in quarantine, counted and logged; all others are delivered
//!   (`tests/refusing.rs::one_bad_record_goes_to_quarantine_and_all_others_arrive`).
//! - **No loss is silent.** Records that were deleted before a sink had them are logged and counted
//!   (`tests/delivering.rs::records_that_are_gone_are_counted_and_the_rest_goes_on`).
//!
//! A reply speaks for that receiver alone: OTLP is acknowledged hop by hop, and a collector that took a record may
//! still lose it. What proves arrival at the store is the signed checkpoint, which is shipped like any record.
//!
//! - `config`: what can be configured
//! - `source`: the records, up to the durable mark
//! - `outgoing`: a record made ready to be sent; `ocsf`: as OCSF events; `event_names`: the records that both treat apart
//! - `window`: what is sent at once, and halving it
//! - `delivery`: the loop; `waits`, `backoff`: its waits; `reply`: what answers mean
//! - `quarantine`: records that are never taken
//! - `again`, `redelivery`: what is sent again because somebody asks for it
//! - `sink`: the ways of sending
//! - `handle`: starting and stopping
//! - `status`, `waiting`: how far each sink is and why it waits, from the files
//! - `metrics`: the numbers

mod again;
mod backoff;
pub mod config;
mod delivery;
mod event_names;
mod finding;
mod handle;
mod metrics;
mod ocsf;
mod outgoing;
mod quarantine;
mod redelivery;
mod reply;
mod sink;
mod source;
mod status;
mod waiting;
mod waits;
mod window;

#[cfg(test)]
mod tests;

pub use again::{Again, ask};
pub use finding::finding;
pub use handle::{Cursors, PARTING, Shipping, StartError};
pub(in crate::record) use sink::client;
pub use sink::{
    NoConnection, SetupError, check,
    client::{Versions, client, innermost},
    connect,
};
pub use source::Source;
pub use status::{Status, status};
pub use waiting::Waiting;
