//! `poort trust verify`: what the next trust file changes, who signed it, and what is missing.

use super::{Exit, Output, Pair, differences::differences};
use crate::sources::bundle::told;
use clap::Args;
use jiff::Timestamp;

pub(super) const EXAMPLES: &str = "Examples:
  poort trust verify politie-nl-2.trust
  poort trust verify politie-nl-3.trust --trust politie-nl-2.trust
  poort trust verify politie-nl-2.trust --at 2027-01-31T00:00:00Z      are its keys good then?

It needs no network and no data of a sidecar. It shows what changes, and counts twice: the persons of the file before it, and those of
its own. Exits with 0 if a sidecar with the file before it takes it, and with 1 if not: the first word of the message is the rule that it
breaks.";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    pair: Pair,
    /// The moment for which that is said [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub(super) fn run(Arguments { pair, at }: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let (before, next) = pair.open(output)?;
    output.tell(&differences(before.file(), next.trust().file()));
    let times = [at.unwrap_or_else(Timestamp::now)];
    let counted = next.verify(&before, &times).and_then(|_| next.tallies(&before, &times));
    let tallies = counted.map_err(|refusal| pair.refused(refusal, output))?;
    let (version, store) = (next.trust().file().version, &before.file().store);
    output.conclude(&format!("version {version} for `{store}` may be taken\n{}\n", told(&before, &tallies)))?;
    Ok(Exit::Done)
}
