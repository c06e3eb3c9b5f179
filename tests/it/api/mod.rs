//! Who listens: both bindings, their limits, and clients that others wrote.

mod answers;
mod any_bytes;
mod availability;
mod bad_input;
mod batch;
mod bindings;
mod callers;
mod clients;
pub(crate) mod description;
mod faults;
mod interop;
mod languages;
mod tokens;
mod transport;
