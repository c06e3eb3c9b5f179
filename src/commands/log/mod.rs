//! `poort log`: the decision log on disk. One file a command of it:
//!
//! - `cat`: print the records

mod cat;

use super::{Common, Exit, output::Output};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the records as JSON Lines, oldest first
    #[command(after_help = cat::EXAMPLES)]
    Cat(cat::Arguments),
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Cat(arguments) => cat::run(arguments, output),
    }
}
