//! Plain values that all wings share: questions, answers and what names them, with their JSON and their texts.
//!
//! - `evaluation`: a question, in AuthZEN's words; a batch of them
//! - `decision`: an answer, with the policies that determined it
//! - `revision`: the digests that name policies and directory
//! - `trace`: trace context (W3C), and the identity of a record
//! - `language`: the languages of texts for people, and content negotiation
//! - `moment`: the one point in time of a decision
//! - `entity_id`: the id of an entity as a person types it
//! - `problem`: a mistake in a file, with its place
//! - `authzen`: AuthZEN JSON, read and written
//! - `build`: the version, the commit and the digest of this program
//! - `escape`: makes text safe for a terminal, a log or a report
//! - `suggest`: the similar name for "did you mean"
//! - `texts`: the table of poort's own sentences, in each language

pub mod authzen;
pub mod build;
pub mod decision;
pub mod entity_id;
pub mod escape;
pub mod evaluation;
pub mod language;
pub mod moment;
pub mod problem;
pub mod revision;
pub mod suggest;
pub mod texts;
pub mod trace;
