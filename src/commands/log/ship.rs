//! `poort log ship`: asks for records to be sent to a sink again.

use super::{Common, Exit, Output, changed};
use crate::record::{
    shipping::{self, Again},
    spool,
};
use clap::Args;
use std::io;

pub(super) const EXAMPLES: &str = "Examples:
  poort log ship --sink stream --from 120000    all records from this number to those that the sink had
  poort log ship --sink soc --quarantined       those that the sink refused, from quarantine/soc.jsonl

It leaves a request in the data folder. A server that has the log open takes it within a second; else the next one does.
Newer records of that sink wait until it is served, and those of other sinks do not. What is sent again arrives twice at a
receiver that had it. What is refused again is in quarantine again; after --from twice, if it was there before. Records that
log.keep has deleted are not there any more.

Sinks are those of the configuration: give it the one of the server with --config.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// The sink
    #[arg(long, value_name = "NAME")]
    sink: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The number of the first record
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// The records in quarantine
    #[arg(long)]
    quarantined: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { sink, what, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let (records, data) = (settings.log.records(), &settings.log.data);
    let Some(sink) = settings.ship.iter().find(|known| known.name.as_str() == sink) else {
        let known = settings.ship.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "has none".to_owned() } else { format!("has {known}") };
        output.error(&format!("--sink: there is no sink `{sink}`; the configuration {known}"));
        return Err(Exit::Usage);
    };
    let failed = |output: &mut Output, what: &str, error: io::Error| {
        output.error(&format!("cannot {what}: {error}"));
        Exit::Failed
    };
    let states = shipping::status(data, &records, std::slice::from_ref(sink));
    let states = states.map_err(|error| failed(output, "read how far the sink is", error))?;
    let (had, quarantined) = states.first().map_or((0, 0), |it| (it.acknowledged.unwrap_or(0), it.quarantined));
    let (again, what) = match what.from {
        None if quarantined == 0 => {
            output.error(&format!("nothing of `{}` is in quarantine", sink.name));
            return Err(Exit::Failed);
        }
        None => (Again::Quarantine, format!("{quarantined} records in quarantine")),
        Some(from) if from >= had => {
            output.error(&format!(
                "--from: `{}` has not had record {from} yet, and gets it without a request",
                sink.name
            ));
            return Err(Exit::Usage);
        }
        Some(from) => {
            let oldest = spool::segments(&records).map_err(|error| failed(output, "read the log", error))?;
            let oldest = oldest.first().copied().unwrap_or(0);
            if from < oldest {
                output.error(&format!("--from: record {from} is deleted; the oldest that is kept is {oldest}"));
                return Err(Exit::Usage);
            }
            let count = had.saturating_sub(from);
            (Again::From(from), format!("{count} records, from {from} to {}", had.saturating_sub(1)))
        }
    };
    changed::refuse_other_user(&settings.log, output)?;
    let before = shipping::ask(data, &sink.name, again);
    let before = before.map_err(|error| failed(output, "leave the request", error))?;
    let is_taken = spool::is_taken(&records).map_err(|error| failed(output, "look at the lock of the log", error))?;
    let when = if is_taken { "by the server that has the log open" } else { "when `poort serve` starts" };
    let replaced =
        if before.is_some() { "\nAn earlier request was not served yet, and this one replaces it." } else { "" };
    output.conclude(&format!("To `{}` again, {when}: {what}.{replaced}\n", sink.name))?;
    Ok(Exit::Done)
}
