//! Oversight: checks decisions after they were made.
//!
//! - `access_report`: who asked for data about a person, when, what and why
//! - `replay`: decides recorded questions again, under the revisions that their records name
//! - `signals`: atypical use

pub mod access_report;
pub mod replay;
pub mod signals;
