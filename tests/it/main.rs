//! Tests of poort from outside: the real binary, real clients, real files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "tests"
)]

mod api;
mod clients;
mod commands;
mod fuzz;
mod house;
mod pdp;
mod record;
mod review;
mod server;
mod sources;
mod support;
mod telemetry;
