//! What an answer comes from: policies, schema and directory, read from files and frozen together.
//!
//! - `policy`: policies and their schema, checked and prepared for the engine
//! - `directory`: accounts, units, teams and records that the caller does not speak for
//! - `snapshot`: both, frozen together
//! - `store`: the active snapshot, replaced as a whole when files change; the archive of revisions
//! - `per_thread`: copies of what threads would otherwise share, one for each thread

pub mod directory;
pub mod per_thread;
pub mod policy;
pub mod snapshot;
pub mod store;
