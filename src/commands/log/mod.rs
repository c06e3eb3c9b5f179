//! `poort log`: the decision log on disk. One file a command of it:
//!
//! - `cat`: print the records
//! - `verify`, `key`: whether it is what it was, and the public key that tells

mod cat;
mod key;
mod verify;

use super::{Common, Exit, output::Output};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the records as JSON Lines, oldest first
    #[command(after_help = cat::EXAMPLES)]
    Cat(cat::Arguments),
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
        Command::Verify(arguments) => verify::run(arguments, output),
        Command::Key(arguments) => key::run(arguments, output),
    }
}
