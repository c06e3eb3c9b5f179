//! What an answer comes from: files, and changes of them.

mod any_files;
mod reload;
