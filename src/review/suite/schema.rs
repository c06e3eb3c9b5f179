//! The JSON Schema of suites, with which editors complete and check them.
//!
//! The reader refuses what it refuses, and also checks names against the suite and the policies
//! (`tests/it/review/suites.rs`).

/// The schema (JSON Schema 2020-12), from the policy folder of the repository.
pub const SCHEMA: &str = include_str!("../../../policies/poort-tests.schema.json");
