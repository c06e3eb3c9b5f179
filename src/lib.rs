//! poort

pub mod admin;
pub mod api;
pub mod authzen;
pub mod cache;
pub mod commands;
pub mod config;
pub mod decision;
pub mod decision_log;
pub mod directory;
pub mod engine;
pub mod evaluation;
pub mod pdp;
pub mod policy;
pub mod problem;
pub mod revision;
pub mod snapshot;
pub mod spool;
pub mod store;
pub mod telemetry;
pub mod trace;
