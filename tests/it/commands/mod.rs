//! The command line.

mod cli;
mod fmt;
mod ids;
mod many_policies;
