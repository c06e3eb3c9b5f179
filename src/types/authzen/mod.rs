//! Reads and writes AuthZEN 1.0 JSON: questions in, answers out, in canonical form (RFC 8785).
//!
//! Used by the HTTPS binding, by `poort evaluate` and by the decision record, whose request and response are AuthZEN JSON
//! (ADL 1.0.0, section 3). So what a caller receives, what the command prints and what the log holds cannot differ in form.
//!
//! - `addresses`: where a decision point answers over HTTP
//! - `read`: bytes to questions; every mistake names its field
//! - `write`: questions and answers to canonical bytes

pub mod addresses;
mod read;
mod write;

pub use read::{EvaluationsBody, Limits, ReadError, asks_why, read_batch, read_evaluation, read_value};
pub use write::{
    write_answer, write_answers, write_batch, write_evaluation, write_explained_answer, write_explained_answers,
    write_explanation, write_list, write_map, write_minimal_answer, write_minimal_answers, write_string, write_strings,
    write_value,
};
