//! `poort log`: reads and checks the decision log on disk. One file a command:
//!
//! - `cat`: print the records
//! - `replay`, `replayed`: decide recorded questions again, and report the differences
//! - `report`: who asked for data about a person
//! - `ship`: send records to a sink again
//! - `status`: size, age and progress of the log, from its folder
//! - `verify`, `key`, `changed`: check that no record is missing or altered, print the public key, change keys
//! - `verify_fork`: check that two checkpoints prove a fork
//! - `restored`: say that the folder was put back from a backup
//! - `prove`, `check`: make receipts for single records, and check them
//! - `of_trace`: the records of one trace
//! - `given`: keys and policies that were kept elsewhere
//! - `select`, `source`, `line`: the flags that select records, where they come from, and how a decision is shown

mod cat;
mod changed;
mod check;
mod given;
mod key;
mod line;
mod of_trace;
mod prove;
mod replay;
mod replayed;
mod report;
mod restored;
mod select;
mod ship;
mod source;
mod status;
mod verify;
mod verify_fork;

pub(super) use cat::{PAUSE, is_closed};
pub(super) use line::csv;
pub(super) use of_trace::RecordsOfTrace;
pub(super) use replay::meaning;
pub(super) use select::{Select, doubt};
pub(super) use source::{Found, Received, Strays};

use super::{Common, Exit, language_flag::LanguageFlag, output::Output};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the records that are asked for, oldest first
    #[command(after_help = cat::EXAMPLES)]
    Cat(Box<cat::Arguments>),
    /// Decide recorded questions again, as they were decided or under other policies
    #[command(after_help = replay::EXAMPLES)]
    Replay(Box<replay::Arguments>),
    /// Say who asked for data about a person, when, what and why: a page or CSV
    #[command(after_help = report::EXAMPLES)]
    Report(Box<report::Arguments>),
    /// Show how large the log is, how old, and how far everybody has come with it
    #[command(after_help = status::EXAMPLES)]
    Status(status::Arguments),
    /// Send records to a sink again: from a number, or those in quarantine
    #[command(after_help = ship::EXAMPLES)]
    Ship(ship::Arguments),
    /// Check that no record is missing or altered, on disk or as a pipeline stored them
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Arguments),
    /// Make receipts: for single records, the proof that they are in the log
    #[command(after_help = prove::EXAMPLES)]
    Prove(Box<prove::Arguments>),
    /// Check receipts, with public keys alone
    #[command(after_help = check::EXAMPLES)]
    Check(check::Arguments),
    /// Check that two checkpoints prove that the log was forked
    #[command(after_help = verify_fork::EXAMPLES)]
    VerifyFork(verify_fork::Arguments),
    /// Say that the data folder was put back from a backup: the log goes on under a new name
    #[command(after_help = restored::EXAMPLES)]
    Restored(restored::Arguments),
    /// Print the public key of the log, or change its keys
    #[command(after_help = key::EXAMPLES)]
    Key(key::Arguments),
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Cat(arguments) => cat::run(arguments, output),
        Command::Replay(arguments) => replay::run(arguments, output),
        Command::Report(arguments) => report::run(arguments, output),
        Command::Status(arguments) => status::run(arguments, output),
        Command::Ship(arguments) => ship::run(arguments, output),
        Command::Verify(arguments) => verify::run(arguments, output),
        Command::Prove(arguments) => prove::run(arguments, output),
        Command::Check(arguments) => check::run(arguments, output),
        Command::VerifyFork(arguments) => verify_fork::run(arguments, output),
        Command::Restored(arguments) => restored::run(arguments, output),
        Command::Key(arguments) => key::run(arguments, output),
    }
}
