//! The engine: decides, and does nothing else.
//!
//! Pure and synchronous: (snapshot, question, moment) in, verdict out. It has no clock, no cache and no log, so the
//! server, `poort evaluate`, the tests and the benches run the very same function.
//!
//! What holds here:
//! - A verdict equals that of `cedar_policy::Authorizer` over the full policy and entity sets, and denies wherever a policy
//!   could not be evaluated (Cedar skips such a policy, a forbid too).
//! - A question holds only what the schema declares, in the declared types. What the caller may not say is not in it.
//! - [`CheckedQuestion::key`] holds everything that the verdict depends on. Equal keys have equal verdicts, errors apart.
//!
//! - `config`: what a question means that names what is not known
//! - `translate`: AuthZEN's words to Cedar's; the only place where they meet
//! - `key`: what the verdict depends on
//! - `token`: the subject's own token, in values and in keys
//! - `mistakes`: all that is wrong with a question
//! - `undeclared`: what becomes of what the schema does not declare
//! - `values`: values into Cedar values
//! - `datetime`: datetimes as standard libraries write them
//! - `decide`: the few entities that matter, and the evaluation
//! - `obligations`: what an answer has of a verdict's obligations
//! - `world`: a question with its entities, to evaluate single policies and parts of them on

mod config;
mod datetime;
mod decide;
mod key;
mod mistakes;
mod obligations;
mod token;
mod translate;
mod undeclared;
mod values;
mod world;

pub use crate::sources::policy::Invalid;
pub use config::{Config, UnknownEntities};
pub use decide::{Applying, applying, decide, decide_in, verdict};
pub use mistakes::Mistakes;
pub use translate::{CedarRequest, CheckedQuestion, check_question, translate};
pub use undeclared::UndeclaredMembers;
pub use world::{World, WorldEvaluator};
