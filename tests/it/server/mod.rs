//! Start, readiness and stop.

mod lifecycle;
