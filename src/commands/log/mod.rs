//! `poort log`: the decision log on disk. One file a command of it:
//!
//! - `cat`: print the records
//! - `status`: what the folder says of the log
//! - `verify`, `key`: whether it is what it was, and the public key that tells
//! - `select`, `line`: which records are meant, and how a decision is shown

mod cat;
mod key;
mod line;
mod select;
mod status;
mod verify;

use super::{Common, Exit, output::Output};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the records that are asked for, oldest first
    #[command(after_help = cat::EXAMPLES)]
    Cat(Box<cat::Arguments>),
    /// Show how large the log is, how old, and how far everybody has come with it
    #[command(after_help = status::EXAMPLES)]
    Status(status::Arguments),
    /// Check that no record is missing or altered, on disk or as a pipeline stored them
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Arguments),
    /// Print the public key of the log
    #[command(after_help = key::EXAMPLES)]
    Key(key::Arguments),
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Cat(arguments) => cat::run(arguments, output),
        Command::Status(arguments) => status::run(arguments, output),
        Command::Verify(arguments) => verify::run(arguments, output),
        Command::Key(arguments) => key::run(arguments, output),
    }
}
