//! poort

pub mod authzen;
pub mod decision;
pub mod directory;
pub mod engine;
pub mod evaluation;
pub mod policy;
pub mod problem;
pub mod revision;
pub mod snapshot;
pub mod telemetry;
pub mod trace;
