//! `poort log key`: the public key that checks the log.

use super::{Common, Exit, Output};
use crate::{decision_log, evidence::Key};
use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  poort log key                           print it
  poort log key > auditor/log.key         keep it where the log's own host cannot write
  poort log verify --key auditor/log.key

The form is that of C2SP signed notes: <name>+<key id>+<base64>. The name is the log's, so a new data folder has a new line.
A key that lies beside the log guards against everybody but its own host: keep this line, and checkpoints, elsewhere.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    let key = own_key(&settings.log, output)?;
    output.conclude(&format!("{key}\n"))?;
    Ok(Exit::Done)
}

/// The public key of the log on disk.
pub(super) fn own_key(log: &decision_log::Config, output: &mut Output) -> Result<String, Exit> {
    let folder = log.records();
    let origin = decision_log::origin(&folder).map_err(|error| {
        output.failure(&error);
        Exit::Failed
    })?;
    let Some(origin) = origin else {
        output.error(&format!(
            "`{}` holds no log yet; `poort serve` begins one, and --data or `data` in the configuration says where",
            folder.display()
        ));
        return Err(Exit::Failed);
    };
    let key = Key::read(&log.key_path()).map_err(|error| {
        output.failure(&error);
        Exit::Failed
    })?;
    Ok(key.public(&origin))
}
