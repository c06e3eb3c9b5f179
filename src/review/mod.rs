//! Reviews a change before it is live: tests, comparison, proofs, rights and findings, for officers and CI.
//!
//! - `suite`: runs tests of policies
//! - `diff`: finds what a change grants or takes away
//! - `proof`: proves what holds for all questions, with a solver
//! - `matrix`: lists what each account may do
//! - `account`: one account as the directory has it
//! - `basis`: finds the articles of law that rules rest on
//! - `lint`: warns of valid policies that are probably wrong
//! - `partial`: what partial evaluation takes
//! - `all_cores`: work on all cores
//! - `remedies`: what would allow a question that is denied
//! - `reference`: what to ask, for developers of applications
//! - `codegen`: builders of questions, for developers of applications
//! - `scaffold`: the files of a new system
//! - `report`: writes pages, tables and findings for people and for CI

pub mod account;
pub mod all_cores;
pub mod basis;
pub mod codegen;
pub mod diff;
pub mod lint;
pub mod matrix;
mod partial;
pub mod proof;
pub mod reference;
pub mod remedies;
pub mod report;
pub mod scaffold;
pub mod suite;
