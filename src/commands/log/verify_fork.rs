//! `poort log verify-fork`: checks that two checkpoints prove a fork of a log.

use super::{Exit, Output, given};
use crate::{record::evidence::Checkpoint, types::escape};
use clap::Args;
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort log verify-fork data/fork-48211.note mine.note --key auditor/log.key
  poort log verify-fork witness/logs/…/checkpoint witness/logs/…/refused-48211-97b55c04 --key auditor/log.key

A log has one history. So two checkpoints of one size with different roots, both signed by its key, prove that whoever has the
key wrote two: nobody else can have made them. Exits with 0 when they do, and with 3 when they prove nothing.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// A signed checkpoint
    #[arg(value_name = "CHECKPOINT")]
    one: PathBuf,
    /// Another one
    #[arg(value_name = "CHECKPOINT")]
    other: PathBuf,
    /// A public key as `poort log key` prints it, or a file of such lines; can be given several times
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let lines = given::keys(&arguments.key, output)?;
    let keys = given::public(&lines, output)?;
    let mut open = |path: &Path| {
        let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
        read.and_then(|note| Checkpoint::open(&note, &keys).map_err(|error| error.to_string())).map_err(|error| {
            output.error(&format!("`{}` is no checkpoint that can be used: {error}", path.display()));
            Exit::NotValid
        })
    };
    let (one, other) = (open(&arguments.one)?, open(&arguments.other)?);
    let why = if one.origin != other.origin {
        format!("they are of two logs, {} and {}", one.origin, other.origin)
    } else if one.size != other.size {
        let larger = one.size.max(other.size);
        format!(
            "they are of {} and {} records, and one history can have both. A checkpoint of {larger} records of the other \
             history would tell",
            one.size, other.size
        )
    } else if one.root == other.root {
        "they are of one history".to_owned()
    } else {
        let origin = escape::line(&one.origin);
        output.conclude(&format!("{origin} was forked: its key signed two histories of {} records\n", one.size))?;
        return Ok(Exit::Done);
    };
    output.error(&format!("no fork is proven: {why}"));
    Err(Exit::NotValid)
}
