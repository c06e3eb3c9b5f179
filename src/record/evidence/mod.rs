//! Evidence that the log is whole: a Merkle tree over its records, and signed checkpoints of the tree.
//!
//! Everything here is a form that others have written down, so that an auditor needs no program of ours:
//!
//! - the tree: RFC 6962, section 2.1, with SHA-256; the leaf with index n is the record with seq n
//! - proofs over it: sections 2.1.1 and 2.1.2
//! - the checkpoint: C2SP `tlog-checkpoint`, a text of three lines: origin, size of the tree, root
//! - the signature: C2SP `signed-note` with Ed25519
//! - cosignatures of witnesses: C2SP `tlog-cosignature`; which of them suffice: `tlog-policy`
//! - a receipt for one record: C2SP `tlog-proof`
//!
//! What a checkpoint proves: with it and the records below its size, anybody can tell whether these are all of them,
//! unaltered and in order. What it does not prove: a key beside the log guards against all but its own host. A person
//! that can read the key can write another history and sign that. Only checkpoints that others already hold fix the
//! past: those of witnesses, for instance.
//!
//! - `tree`: the tree, in the little that is needed to go on with it
//! - `proof`: that a record is in a tree, and that a tree begins with another
//! - `node_file`: nodes of the tree on disk, so that a proof need not read the log
//! - `key`: the key that signs, and its public part
//! - `checkpoint`: the text, signed and checked
//! - `cosignature`: the keys of witnesses, and what they sign
//! - `policy`: which witnesses suffice
//! - `receipt`: the text of a receipt, and its check
//! - `secret_file`: how files with keys are made and read

mod checkpoint;
mod cosignature;
mod key;
mod node_file;
mod policy;
pub mod proof;
mod receipt;
pub mod secret_file;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{Cosignature, WitnessKey, WrongCosignature};
pub use key::{BadKey, Key, KeyError, PublicKeys};
pub use node_file::{BLOCK, LEVEL, NodeFile};
pub use policy::{BadPolicy, Policy, Witness};
pub use proof::Nodes;
pub use receipt::{NoReceipt, Receipt};
pub use tree::{Hash, Tree, leaf};
