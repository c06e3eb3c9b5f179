//! Start, readiness, signals, certificates, restart and stop.

mod certificates;
mod check;
mod lifecycle;
mod parting;
mod restart;
mod signals;
mod start;
mod streams;
