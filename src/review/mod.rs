//! Before a change is live: what officers and CI see of it.
//!
//! - `suite`: tests of policies
//! - `diff`: what a change grants or takes away
//! - `proof`: what holds for all questions, by a solver
//! - `matrix`: who may do what
//! - `lint`: what is valid and unwise
//! - `conditions`: the smallest boolean parts of policies
//! - `report`: pages, tables and findings for people and for CI

pub mod conditions;
pub mod diff;
pub mod lint;
pub mod matrix;
pub mod proof;
pub mod report;
pub mod suite;
