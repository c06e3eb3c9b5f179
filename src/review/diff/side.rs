//! One side of a comparison.

use crate::{
    review::proof::Guarantees,
    sources::snapshot::{Snapshot, Sources},
};

/// What is compared with another.
#[derive(Debug)]
pub struct Side {
    /// As it was named.
    pub name: String,
    /// The files.
    pub sources: Sources,
    /// What was made of them.
    pub snapshot: Snapshot,
    /// What must hold whatever its policies say.
    pub guarantees: Guarantees,
}
