//! `poort signals`: atypical use, found in the decision log. One file a command:
//!
//! - `replay`: the signals of a log
//! - `power`: how much each reason explains
//! - `diff`: what a change of the settings changes
//! - `evaluate`: how much of known misuse is found
//! - `facts`: the flags and the walk that they share

mod diff;
mod evaluate;
mod facts;
mod power;
mod replay;

use super::{Common, Exit, language_flag::LanguageFlag, log, output::Output};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the signals of a log again: the same log and settings give the same signals
    #[command(after_help = replay::EXAMPLES)]
    Replay(Box<replay::Arguments>),
    /// Show what a change of the settings changes, in words
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Arguments),
    /// Show how much each reason explains of real accesses, and of random ones
    #[command(after_help = power::EXAMPLES)]
    Power(Box<power::Arguments>),
    /// Show how much of known misuse is found, at which number of false signals
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(Box<evaluate::Arguments>),
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Replay(arguments) => replay::run(arguments, output),
        Command::Diff(arguments) => diff::run(arguments, output),
        Command::Power(arguments) => power::run(arguments, output),
        Command::Evaluate(arguments) => evaluate::run(arguments, output),
    }
}
