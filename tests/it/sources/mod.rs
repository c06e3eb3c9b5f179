//! The sources of answers: files, and changes of them.

mod any_files;
mod recorded;
mod reload;
