//! The JSON Schema of suites, with which editors complete and check them as they are written.
//!
//! What it refuses, the reader refuses too; the reader also knows what names stand for, and what the policies have
//! (`tests/it/review/suites.rs`).

/// The schema, JSON Schema 2020-12, as it lies in `schemas/` of the repository.
pub const SCHEMA: &str = include_str!("../../../policies/poort-tests.schema.json");
