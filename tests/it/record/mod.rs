//! The record: the decision log, its durability, its proofs and its shipping.

mod durability;
mod formats;
mod live_signals;
mod log;
mod packed;
mod proofs;
mod redaction;
mod shipping;
mod signals;
mod stream_signals;
mod witnesses;
