//! Start, readiness, restart and stop.

mod lifecycle;
mod restart;
mod start;
mod streams;
