//! What stays of an answer: its record, on disk before the answer leaves.
//!
//! - `decision_log`: decisions as records, and the verification of a log
//! - `spool`: entries on disk, whatever they hold
//! - `owner`: the one user that may write into the data folder from the command line
//! - `evidence`: Merkle tree, checkpoints and keys that prove that no record is missing
//! - `retention`: deletes records that were kept long enough, and what only they named
//! - `shipping`: sends records to the central logging service
//! - `witness`: parties that cosign the log's checkpoints

pub mod decision_log;
pub mod evidence;
pub mod owner;
pub mod retention;
pub mod shipping;
pub mod spool;
pub mod witness;
