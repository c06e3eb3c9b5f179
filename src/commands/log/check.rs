//! `poort log check`: checks receipts with public keys alone.

use super::{Exit, Output, given};
use crate::{
    record::evidence::{Checkpoint, Policy, PublicKeys, Receipt},
    types::escape,
};
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  poort log check one.tlog-proof --key auditor/log.key
  poort log check receipts/*.tlog-proof --witness-policy auditor/witness.policy
                                                      with the cosignatures that the policy asks for; its `log` lines
                                                      serve as keys
  poort log check one.tlog-proof --key auditor/log.key --record | jq .

Needs no log, no data folder and no network. Exits with 3 where a receipt proves nothing.";

#[derive(Debug, Args)]
pub(in crate::commands) struct Arguments {
    /// Receipts, as `poort log prove` makes them
    #[arg(value_name = "FILE", required = true)]
    receipts: Vec<PathBuf>,
    /// A public key as `poort log key` prints it, or a file of such lines; can be given several times
    #[arg(long, value_name = "KEY", required_unless_present = "witness_policy")]
    key: Vec<String>,
    /// Which witnesses must have cosigned (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// Print the records that are proven, a line each, and nothing else
    #[arg(long)]
    record: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let policy = arguments.witness_policy.as_deref().map(|path| given::policy(path, output)).transpose()?;
    let mut lines = given::keys(&arguments.key, output)?;
    lines.extend(policy.iter().flat_map(|policy| policy.logs.iter().cloned()));
    let keys = given::public(&lines, output)?;
    let mut exit = Exit::Done;
    for path in &arguments.receipts {
        match check(path, &keys, policy.as_ref()) {
            Ok(proven) if arguments.record => output.conclude(&format!("{}\n", escape::json(&proven.record)))?,
            Ok(proven) => output.conclude(&proven.human(output))?,
            Err(why) => {
                output.error(&format!("`{}` proves nothing: {why}", path.display()));
                exit = Exit::NotValid;
            }
        }
    }
    Ok(exit)
}

/// What a receipt proves.
struct Proven {
    record: String,
    index: u64,
    checkpoint: Checkpoint,
    /// The witnesses that cosigned, with their times.
    cosigned: Vec<(String, u64)>,
}

/// What a record says of its place.
#[derive(Deserialize)]
struct Checked {
    attributes: Place,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "poort.log.seq")]
    seq: u64,
}

fn check(path: &Path, keys: &PublicKeys, policy: Option<&Policy>) -> Result<Proven, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let receipt = Receipt::parse(&text).map_err(|error| error.to_string())?;
    let checkpoint = receipt.check(keys).map_err(|error| error.to_string())?;
    let cosigned =
        policy.map(|policy| policy.cosigned(&receipt.note)).transpose().map_err(|error| error.to_string())?;
    let cosigned = cosigned.unwrap_or_default();
    if policy.is_some_and(|policy| !policy.is_met(&|place| cosigned.iter().any(|(found, _)| *found == place))) {
        return Err(format!("{} of the witnesses of the policy cosigned it, which is no quorum", cosigned.len()));
    }
    let record = String::from_utf8(receipt.record).map_err(|_| "its record is no text".to_owned())?;
    let said: Checked = serde_json::from_str(&record).map_err(|_| "its record does not say its place".to_owned())?;
    if said.attributes.seq != receipt.index {
        return Err(format!(
            "its record says that it is record {}, and is record {}",
            said.attributes.seq, receipt.index
        ));
    }
    let named = |(place, time): (usize, u64)| {
        let witness = policy.and_then(|policy| policy.witnesses.get(place));
        (witness.map(|witness| witness.name.clone()).unwrap_or_default(), time)
    };
    let cosigned = cosigned.into_iter().map(named).collect();
    Ok(Proven { record, index: receipt.index, checkpoint, cosigned })
}

impl Proven {
    fn human(&self, output: &Output) -> String {
        let Self { index, checkpoint: Checkpoint { origin, size, .. }, cosigned, .. } = self;
        let mut text =
            format!("{}\n  record     {index}\n  in         the first {size} records\n", escape::line(origin));
        for (name, time) in cosigned {
            let at = i64::try_from(*time).ok().and_then(|time| Timestamp::from_second(time).ok());
            let at = at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
            text.push_str(&format!("  cosigned   {}, {at}\n", escape::line(name)));
        }
        text.push_str(&format!("  {} this record is in the log\n", output.paint(32, "✓")));
        text
    }
}
