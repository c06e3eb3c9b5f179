//! The review of changes before they are live: suites, differences, proofs, matrices and reports.

mod account;
mod analyses;
mod basis;
mod codegen;
pub mod diff;
mod explain;
mod hostile;
mod matrix;
mod new_system;
mod pages;
pub mod sample_policies;
mod shipped;
mod suites;
mod validate;
