//! Test suites: files in which officers state what they expect of their policies.
//!
//! What holds here:
//! - The functions that decide for the server decide a suite's questions, at the moment that the case names.
//! - No fault is shown as passed. A case that cannot be asked as meant, an unknown account and an unknown policy are
//!   errors with their place.
//!
//! - `node`: YAML and JSON as a tree in which every node knows its place
//! - `yaml_words`: the YAML reader's errors, in words that tell what to write
//! - `case`: a suite, once it is read
//! - `read`: a suite as it is written
//! - `expand`: names and tables to single questions
//! - `cedar_tests`: suites in the JSON form of Cedar's command line
//! - `load`: the suites of a policy folder
//! - `undeclared`: members of a case that the schema does not declare
//! - `run`: questions to answers, answers against what is expected
//! - `explain`: why a case failed
//! - `coverage`: which policies applied, and which conditions were seen both ways
//! - `mutate`: which changes of the policies no case notices
//! - `schema`: the form of suites, for editors
//! - `select`: the cases that a person wants
//! - `report`: results for people and for CI

mod case;
mod cedar_tests;
mod coverage;
mod expand;
mod explain;
mod load;
pub mod mutate;
mod node;
mod read;
pub mod report;
mod run;
mod schema;
mod select;
mod undeclared;
mod yaml_words;

pub use case::{
    Case, CedarQuestion, Expected, ExpectedDecision, ExpectedObligation, Names, PlacedName, Question, Suite, When,
};
pub use coverage::{Coverage, Covered, Found, Level, Seen, Share, Threshold};
pub use load::{FOLDER, load, read_file, with_entities};
pub use run::{AskedCase, CaseOutcome, Failure, Ran, Runner, differences};
pub use schema::SCHEMA;
pub use select::Filter;
