//! The sources of an answer: policies, schema and directory, read from files and frozen into a snapshot.
//!
//! - `policy`: policies and their schema, checked and prepared for the engine
//! - `directory`: accounts, units, teams and records, whose attributes no caller can claim
//! - `snapshot`: both, frozen together
//! - `store`: the active snapshot, replaced as a whole when files change; the archive of revisions
//! - `bundle`: policy folders that enough persons signed
//! - `per_thread`: deep copies for each thread, so that threads share no reference counts

pub mod bundle;
pub mod directory;
pub mod per_thread;
pub mod policy;
pub mod snapshot;
pub mod store;
