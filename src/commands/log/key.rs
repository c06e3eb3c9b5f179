//! `poort log key`: prints the public key that verifies the log, and changes keys on purpose.

use super::{
    Common, Exit, Output,
    changed::{self, Change},
};
use crate::record::{decision_log, evidence::Key};
use clap::Args;
use std::collections::BTreeSet;

pub(super) const EXAMPLES: &str = "Examples:
  poort log key                           print it
  poort log key > auditor/log.key         keep it where the log's own host cannot write
  poort log verify --key auditor/log.key
  poort log key --new >> auditor/log.key  sign with another key from now on, while no server runs

The form is that of C2SP signed notes: <name>+<key id>+<base64>. The name is the log's, so a new data folder has a new line.
A key that lies beside the log guards against everybody but its own host: keep this line, and checkpoints, elsewhere.

poort does not go on with a log under another key than the one that signed last, nor without the keys of pseudonyms that it
names. --new: another key is on purpose. The file of the key may hold it already; else poort makes one and keeps the old one
beside it. A file that the configuration names is never written. --pseudonyms: the keys in their file are all there are to be;
where there is no file, one is made. Either is a record in the log, `poort.log.key`.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// Change the key that signs, and put that on record; prints the new one
    #[arg(long)]
    new: bool,
    /// Take the keys of pseudonyms as they are now, and put that on record
    #[arg(long)]
    pseudonyms: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (settings, _) = arguments.common.settings(Default::default(), output)?;
    let key = match (arguments.new, arguments.pseudonyms) {
        (false, false) => own_key(&settings.log, output)?,
        (signing, pseudonyms) => {
            let origin = own_origin(&settings.log, output)?;
            changed::run(&settings, &origin, Change { signing, pseudonyms, restored: false }, output)?
        }
    };
    output.conclude(&format!("{key}\n"))?;
    Ok(Exit::Done)
}

/// The public key of the log on disk.
pub(super) fn own_key(log: &decision_log::Config, output: &mut Output) -> Result<String, Exit> {
    let origin = own_origin(log, output)?;
    Ok(read(log, output)?.public(&origin))
}

/// The same under each name that the log has had.
pub(super) fn own_keys(log: &decision_log::Config, output: &mut Output) -> Result<BTreeSet<String>, Exit> {
    let mut names = decision_log::origins(&log.records());
    names.insert(own_origin(log, output)?);
    let key = read(log, output)?;
    Ok(names.iter().map(|name| key.public(name)).collect())
}

fn read(log: &decision_log::Config, output: &mut Output) -> Result<Key, Exit> {
    Key::read(&log.key_path()).map_err(|error| {
        output.failure(&error);
        Exit::Failed
    })
}

/// The name of the log on disk.
pub(super) fn own_origin(log: &decision_log::Config, output: &mut Output) -> Result<String, Exit> {
    let folder = log.records();
    let origin = decision_log::origin(&folder).map_err(|error| {
        output.failure(&error);
        Exit::Failed
    })?;
    origin.ok_or_else(|| {
        output.error(&format!(
            "`{}` holds no log yet; `poort serve` begins one, and --data or `data` in the configuration says where",
            folder.display()
        ));
        Exit::Failed
    })
}
