//! Tests of poort from outside: the real binary, real clients, real files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "tests"
)]

mod analyses;
mod answers;
mod availability;
mod bad_input;
mod batch;
mod bounded;
mod cedar;
mod cli;
mod clients;
mod concealed;
mod cost;
mod diff;
mod diff_accounts;
mod diff_brute_force;
mod diff_kinds;
mod diff_reports;
mod diff_review;
mod diff_sides;
mod durability;
mod fmt;
mod fuzz;
mod hostile;
mod layers;
mod lifecycle;
mod listed;
mod log;
mod manifest;
mod many_policies;
mod matrix;
mod pages;
mod properties;
mod readme;
mod recipes;
mod reload;
mod sample_policies;
mod shipped;
mod shipping;
mod suites;
mod support;
mod telemetry;
mod transport;
mod undeclared;
mod validate;
