//! `poort log restored`: says that the data folder was put back from a backup, and gives the log a new name.

use super::{Common, Exit, Output, changed, key::own_origin};
use crate::record::evidence::Key;
use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  poort log restored >> auditor/log.key   after the folder was put back, before `poort serve`; prints the new public key

The records that were put back stay, and their numbers go on. But the log has another name from here on, so that what was
recorded after the backup, and is lost here, is never mixed up with what is recorded now: sinks tell records apart by name and
number, and witnesses cosign no other history of the old name. A record in the log says so, `poort.log.restored`. The key stays
the same; its line has the new name. Give that line to those who verify, and to the witnesses.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    let before = own_origin(&settings.log, output)?;
    changed::refuse_taken(&settings.log, output)?;
    let written = changed::with_log(&settings, changed::Change { restored: true, ..Default::default() }, |log| {
        log.record_restored().map(|_| ())
    });
    written.map_err(|error| {
        output.failure(&*error);
        Exit::Failed
    })?;
    let origin = own_origin(&settings.log, output)?;
    let key = Key::read(&settings.log.key_path()).map_err(|error| {
        output.failure(&error);
        Exit::Failed
    })?;
    output.tell(&format!("The log {before} goes on as {origin}."));
    output.conclude(&format!("{}\n", key.public(&origin)))?;
    Ok(Exit::Done)
}
