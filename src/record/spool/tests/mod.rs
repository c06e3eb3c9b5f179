//! Tests of the spool, on real files with a faulty layer between.

mod alone;
mod crash_states;
mod failing;
mod faulty;
mod packing;
mod properties;
mod recovering;
mod support;
mod writing;
