//! Start, readiness, signals, certificates, restart, stop, and the examples of `deploy/`.

mod certificates;
mod check;
mod deploy;
mod ephemeral;
mod lifecycle;
mod parting;
mod restart;
mod signals;
mod start;
mod streams;
