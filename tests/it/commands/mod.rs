//! The command line.

mod cli;
mod fmt;
mod many_policies;
