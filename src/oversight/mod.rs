//! Oversight: checks decisions after they were made.
//!
//! - `replay`: decides recorded questions again, under the revisions that their records name

pub mod replay;
