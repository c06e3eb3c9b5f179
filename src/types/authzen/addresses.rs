//! The addresses at which a decision point answers over HTTP: AuthZEN's (Authorization API 1.0, sections 9 and 10), and those
//! of the descriptions of its questions.

/// One question (POST).
pub const EVALUATION: &str = "/access/v1/evaluation";
/// Several questions (POST).
pub const EVALUATIONS: &str = "/access/v1/evaluations";
/// The metadata of the decision point.
pub const METADATA: &str = "/.well-known/authzen-configuration";
/// The JSON Schema of a question.
pub const SCHEMA: &str = "/.well-known/authzen-evaluation-schema.json";
/// The OpenAPI document of all these.
pub const OPENAPI: &str = "/openapi.json";
