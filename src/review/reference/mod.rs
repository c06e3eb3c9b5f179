//! The reference of questions for a person: what to send for each action and type of resource, and which obligations can
//! come, as a page in Markdown.
//!
//! - `page`: the page
//! - `table`: its tables of values

mod page;
mod table;

pub use page::markdown;
