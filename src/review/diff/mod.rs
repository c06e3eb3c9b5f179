//! Compares two snapshots: finds what a change of policies grants and takes away.
//!
//! For each request environment, poort's decisions under both sides are proven equal, or questions are found whose
//! decisions differ. Otherwise the environment is undecided, and is never shown as equal.
//!
//! What holds here:
//! - Every difference has a question that the engine decided under both sides.
//! - Environments whose policies and types are the same on both sides need no proof: equal policies decide equally.
//!
//! - `compare`: the whole comparison
//! - `comparison`, `changes`: its result, from proofs and from files
//! - `plan`: which environments there are, and how each is compared
//! - `side`, `pairing`: what is compared, as a whole and in one environment
//! - `environment`, `causes`: compares one environment, and finds the causes of its differences
//! - `effects`: what a change of the directory changes for accounts
//! - `together`: what that and a change of policies change for the same accounts
//! - `naming`: when types and actions are named with their namespaces
//! - `read`: what policies read by name
//! - `new_questions`: those without an attribute that became optional
//! - `question`: the question that shows a difference
//! - `schema`, `policies`, `obligations`, `applications`, `directory`: the changes in files; `application_lines`: what applications
//!   may ask, in a language
//! - `review_item`: an item that reviewers may have to accept
//! - `accept`: what they accepted
//! - `group`, `account_group`: equal causes over environments
//! - `people`, `facts`, `lists`, `headline`: who can now do what, in words, with the facts that matter
//! - `report`: the results in the forms that people and CI systems read

mod accept;
mod account_group;
mod application_lines;
mod applications;
mod causes;
mod changes;
mod compare;
mod comparison;
mod directory;
mod effects;
mod environment;
mod facts;
mod group;
mod headline;
mod lists;
mod naming;
mod new_questions;
mod obligations;
mod pairing;
mod people;
mod plan;
mod policies;
mod question;
mod read;
pub mod report;
mod review_item;
#[cfg(test)]
mod sample;
mod schema;
mod side;
mod together;

pub use accept::{Accepted, Entry, Judged, Names, template};
pub use account_group::{AccountGroup, account_groups};
pub use changes::{
    AnnotationChange, ApplicationChange, Change, Effect, EntityChange, Fact, Line, ObligationChange, PolicyChange,
    SchemaChange, Spot,
};
pub use compare::{Options, compare};
pub use comparison::{
    AccountEffect, Comparison, Difference, Direction, EnvironmentChange, Note, Reached, Settled, SideName, Together,
    Whole,
};
pub use facts::Facts;
pub use group::{Cause, Group, causes, groups};
pub use headline::Headline;
pub use people::Account;
pub use question::{Policy, Question, SideAnswer};
pub use review_item::{ItemKind, ReviewItem};
pub use side::Side;
