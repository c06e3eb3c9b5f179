//! After the decision: what was decided is looked at again.
//!
//! - `replay`: a recorded decision, decided again under the revisions that its record names

pub mod replay;
