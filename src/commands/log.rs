//! `poort log`: the decision log on disk.

use super::{Common, Exit, output::Output};
use crate::spool::reader::Reader;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print all records as JSON Lines, oldest first
    #[command(after_help = "Examples:
  poort log cat | tail -n 1
  poort log cat | grep '\"decision\":false'

Works beside a server that is writing. Exits with 1 if a record is damaged; what stands before it is printed.")]
    Cat(Cat),
}

#[derive(Debug, Args)]
pub(super) struct Cat {
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    let Command::Cat(Cat { common }) = command;
    let (settings, _) = common.settings(Default::default(), output)?;
    let folder = settings.log.records();
    let failed = |output: &mut Output, error: &dyn std::error::Error| {
        output.failure(error);
        Exit::Failed
    };
    let reader = Reader::open(&folder).map_err(|error| failed(output, &error))?;
    for frame in reader {
        let frame = frame.map_err(|error| failed(output, &error))?;
        if output.result(&frame.payload).is_err() {
            // Nobody reads on, such as `head` after its lines.
            return Ok(Exit::Done);
        }
    }
    Ok(Exit::Done)
}
