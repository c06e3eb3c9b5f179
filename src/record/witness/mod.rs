//! Witnesses: parties that cosign the checkpoints of logs, and never two histories of one (C2SP `tlog-witness`).
//!
//! poort has both sides. A log sends each new checkpoint to its witnesses, beside the path of answers, with the proof
//! that it continues what each cosigned last. And `poort witness serve` is a small witness for the logs of others.
//!
//! What holds here:
//! - **No answer waits for a witness.** One that is away, slow or wrong costs a line in the operators' log, until
//!   `log.witness.required` has passed without a quorum.
//! - **A folder that is older than what a witness cosigned is not signed for**: witnesses are asked before the log opens
//!   ([`Witnesses::before_start`]).
//! - **Only what is on disk is sent**, so no crash makes a log look rewound (`tests/it/record/witnesses/kills.rs`).
//! - **A lie stops nothing**: see `round`.
//! - A witness keeps a checkpoint before it answers, and cosigns none that does not continue it (`store`).
//!
//! - `config`: the policy's file and the bounds
//! - `wire`: the text of a submission
//! - `client`, `round`, `watch`: one witness, all of them about one checkpoint, and the log's whole life
//! - `cosigned_file`: the last checkpoint that a quorum cosigned
//! - `store`, `serve`: a witness: what it remembers, and its HTTP
//! - `age`: how long ago a quorum cosigned
//! - `metrics`: the numbers

mod age;
mod client;
mod config;
mod cosigned_file;
mod metrics;
mod round;
mod serve;
mod store;
mod watch;
mod wire;

pub use config::{Config, PolicyError};
pub use cosigned_file::read_cosigned;
pub use serve::serve;
pub use store::{Store, StoreError};
pub use watch::{Forked, WitnessError, Witnesses};
