//! The sources of answers: files, and changes of them.

mod any_files;
pub mod bundles;
mod recorded;
mod reload;
