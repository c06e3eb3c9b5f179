//! Tests of the spool, on real files with a faulty layer between.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and that is what it is for"
)]

mod failing;
mod faulty;
mod properties;
mod recovering;
mod support;
mod writing;
