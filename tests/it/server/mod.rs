//! Start, readiness, restart and stop.

mod lifecycle;
mod parting;
mod restart;
mod start;
mod streams;
