//! The legal basis of rules, as data: `@basis("wpg:8(1), sv:126jj(2)")` refers to the articles that `laws.json` of the policy
//! folder lists.
//!
//! Why a list: a text of the law changes under the rules that rest on it. The list says which version of a text was read,
//! and when; a reference to anything else is a mistake. It decides nothing, and so is in no revision, as tests and
//! guarantees are not. In a folder without it, `@basis` is free text.
//!
//! - `numbered`: numbers of articles and paragraphs, in their order
//! - `reference`: a reference as it is written
//! - `laws`: the list
//! - `rules`: the policies and guarantees with their references, and what is wrong in them
//! - `report`: the rules that rest on an article, and how many rest on each

mod laws;
mod numbered;
mod reference;
mod report;
mod rules;

pub use laws::{Article, Day, FILE, Law, Laws, Read};
pub use numbered::Numbered;
pub use reference::{LawId, Reference};
pub use report::{Asked, overview, overview_json, resting, resting_json, summary};
pub use rules::{Bases, Kind, Rule, misnamed};
