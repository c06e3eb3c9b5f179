//! Reports the matrix in the forms that people and programs read.
//!
//! - `text`: for a terminal
//! - `table`: CSV, a line for each cell, and JSON
//! - `page`: HTML

mod page;
mod table;
mod text;

pub use page::html;
pub use table::{csv, csv_header, json};
pub use text::{groups_text, text};

/// The signs of a right, which do not rely on colour.
const ALWAYS: &str = "✓";
const CONDITIONS: &str = "◐";
const NEVER: &str = "·";

/// The name of a type or action without its namespace.
fn short(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(_, short)| short)
}
