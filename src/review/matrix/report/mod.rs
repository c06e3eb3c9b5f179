//! Reports the matrix in the forms that people and programs read.
//!
//! - `text`: for a terminal; `who_can`, `groups`, `changes`: for a terminal, who can do one thing, what groups give, what changed
//! - `words`: the words of rights, in a language
//! - `table`: CSV, a line for each cell, and JSON
//! - `applications`: what each application may ask, in all of these but CSV
//! - `page`: HTML, the yearly review

mod applications;
mod changes;
mod groups;
mod page;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod who_can;
mod words;

pub use changes::changes_text;
pub use groups::gives_text;
pub use page::html;
pub use table::{access_json, csv, csv_header, json};
pub use text::{left_out, text};
pub use who_can::who_can_text;

use super::{Changes, Gives, Matrix};

/// What a page or a document for a program is made from.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// The rights.
    pub matrix: &'a Matrix,
    /// What changed since an earlier side.
    pub changes: Option<&'a Changes>,
    /// What groups give, by the type of groups.
    pub gives: &'a [(String, Vec<Gives>)],
}

/// The signs of a right, which do not rely on colour.
const ALWAYS: &str = "✓";
const CONDITIONS: &str = "◐";

/// The name of a type or action without its namespace.
fn short(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(_, short)| short)
}
