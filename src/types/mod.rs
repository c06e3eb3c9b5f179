//! Plain values that all rooms share: what a question and its answer are made of, and how both are written.
//!
//! - `evaluation`: a question, in AuthZEN's words; a batch of them
//! - `decision`: an answer, with the policies that determined it
//! - `revision`: which policies, which directory
//! - `trace`: trace context (W3C), and the identity of a record
//! - `moment`: the one point in time of a decision
//! - `problem`: something wrong in a file, with its place
//! - `authzen`: AuthZEN JSON, read and written
//! - `escape`: text that a terminal, a log or a report can show safely
//! - `suggest`: "did you mean"

pub mod authzen;
pub mod decision;
pub mod escape;
pub mod evaluation;
pub mod moment;
pub mod problem;
pub mod revision;
pub mod suggest;
pub mod trace;
