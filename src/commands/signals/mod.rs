//! `poort signals`: atypical use, found in the decision log. One file a command:
//!
//! - `list`: the signals on record, and those that come
//! - `show`: one of them
//! - `ask`: what people do with one
//! - `explain`: the reasons of a decision
//! - `status`: which settings are active, and how many signals there are
//! - `replay`: the signals of a log, made again
//! - `power`: how much each reason explains
//! - `tune`: how many signals there are under several budgets
//! - `diff`: what a change of the settings changes
//! - `evaluate`: how much of known misuse is found
//! - `simulate`: what a made-up force would see
//! - `facts`: the flags and the walk of those that look for signals
//! - `recorded`: the same of those that read what is on record

mod ask;
mod diff;
mod evaluate;
mod explain;
mod facts;
mod list;
mod power;
mod recorded;
mod replay;
mod show;
mod simulate;
mod status;
mod tune;

use super::{Common, Exit, language_flag::LanguageFlag, log, output::Output, serve};
use clap::Subcommand;

const SERVE: &str = "Examples:
  poort signals serve --config signals.toml         with the streams that `signals.stream` names
  poort signals serve --config signals.toml --check before a start: would it?

It is `poort serve` with streams in the place of its own log: it answers what people ask about signals, keeps all signals in its
log and ships them. Several can run side by side: each finds all signals, and each signal is in the stream once. See docs/signals.md.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look for signals in what all sidecars decide: a server that reads the streams to which they ship
    #[command(after_help = SERVE)]
    Serve(Box<serve::Arguments>),
    /// List the signals on record
    #[command(after_help = list::LIST)]
    List(list::Arguments),
    /// Show what becomes of signals, as it comes
    #[command(after_help = list::FOLLOW)]
    Follow(list::Following),
    /// Show a signal, what became of it, and the decisions that it rests on
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
    /// Follow a signal up, where the policies allow that
    #[command(after_help = ask::TAKE)]
    Take(ask::Arguments),
    /// Close a signal with a verdict, where the policies allow that
    #[command(after_help = ask::CLOSE)]
    Close(ask::Closing),
    /// See whose a signal is, where the policies allow that
    #[command(after_help = ask::REVEAL)]
    Reveal(ask::Arguments),
    /// Say which reasons a decision had, and which it had not
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<explain::Arguments>),
    /// Say under which settings signals are looked for, and how many there are
    #[command(after_help = status::EXAMPLES)]
    Status(status::Arguments),
    /// Make the signals of a log again: the same log and settings give the same signals
    #[command(after_help = replay::EXAMPLES)]
    Replay(Box<replay::Arguments>),
    /// Show what a change of the settings changes, in words
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Arguments),
    /// Show how much each reason explains of real accesses, and of random ones
    #[command(after_help = power::EXAMPLES)]
    Power(Box<power::Arguments>),
    /// Show how many signals a log has under several budgets
    #[command(after_help = tune::EXAMPLES)]
    Tune(Box<tune::Arguments>),
    /// Show how much of known misuse is found, at which number of false signals
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(Box<evaluate::Arguments>),
    /// Show what a made-up force would see: in a quiet month, in a large operation, and of planted misuse
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(Box<simulate::Arguments>),
}

pub(super) fn run(command: Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Serve(arguments) => serve::run_over_streams(*arguments, output),
        Command::List(arguments) => list::run(&arguments, output),
        Command::Follow(arguments) => list::follow(&arguments, output),
        Command::Show(arguments) => show::run(&arguments, output),
        Command::Take(arguments) => ask::take_up(&arguments, output),
        Command::Close(arguments) => ask::close(&arguments, output),
        Command::Reveal(arguments) => ask::reveal(&arguments, output),
        Command::Explain(arguments) => explain::run(&arguments, output),
        Command::Status(arguments) => status::run(&arguments, output),
        Command::Replay(arguments) => replay::run(&arguments, output),
        Command::Diff(arguments) => diff::run(&arguments, output),
        Command::Power(arguments) => power::run(&arguments, output),
        Command::Tune(arguments) => tune::run(&arguments, output),
        Command::Evaluate(arguments) => evaluate::run(&arguments, output),
        Command::Simulate(arguments) => simulate::run(&arguments, output),
    }
}
