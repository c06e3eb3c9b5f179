//! `poort log cat`: prints the records.

use super::{Common, Exit, Output};
use crate::{decision_log::Kind, spool::reader::Reader};
use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  poort log cat | tail -n 1
  poort log cat | grep '\"decision\":false'
  poort log cat --all > received.jsonl        with the signed checkpoints, so that it can be verified

Works beside a server that is writing. Exits with 1 if a record is damaged; what stands before it is printed.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// Print the signed checkpoints too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { all, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let folder = settings.log.records();
    let failed = |output: &mut Output, error: &dyn std::error::Error| {
        output.failure(error);
        Exit::Failed
    };
    let reader = Reader::open(&folder).map_err(|error| failed(output, &error))?;
    for frame in reader {
        let frame = frame.map_err(|error| failed(output, &error))?;
        if !all && Kind::of(&frame.payload) == Kind::Checkpoint {
            continue;
        }
        if output.result(&frame.payload).is_err() {
            // Nobody reads on, such as `head` after its lines.
            return Ok(Exit::Done);
        }
    }
    Ok(Exit::Done)
}
