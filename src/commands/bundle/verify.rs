//! `poort bundle verify`: who signed a bundle, and what is missing.

use super::{Exit, Output, open, refused};
use crate::sources::bundle::{Floor, Trust, Verified, choose};
use clap::Args;
use jiff::Timestamp;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) const EXAMPLES: &str = "Examples:
  poort bundle verify politie-nl-43.tar --trust trust.json
  poort bundle verify politie-nl-43.tar --trust trust.json --previous politie-nl-42.tar
                                       and that it follows that version
  poort bundle verify politie-nl-43.tar --trust trust.json --at 2027-01-31T00:00:00Z
                                       are they good then?

It needs no network and no data of a sidecar. Exits with 0 if signatures and times are good, and with 1 if not: the first word of
the message is the rule that it breaks. Whether a sidecar can use the policies says `poort serve --check` there.";

#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The bundle
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The trust file that counts: the first one, or the newest that was signed
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// The version before it; who signed that does not matter here
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// The moment for which that is said [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Arguments { file, trust, previous, at } = arguments;
    let trust = self::trust(trust, output)?;
    let bytes = super::read(file, output)?;
    let at = at.unwrap_or_else(Timestamp::now);
    let verified = Verified::new(&bytes, &trust, at).map_err(|refusal| refused(file, &refusal, output))?;
    verified.in_time(at).map_err(|refusal| refused(file, &refusal, output))?;
    let verified = Arc::new(verified);
    if let Some(previous) = previous {
        // Its digest alone counts: those who signed it may be removed since.
        let floor = Floor::from(&open(previous, output)?);
        if let Some((_, refusal)) = choose(Some(&floor), 0, [verified.clone()]).refused.pop() {
            return Err(refused(file, &refusal, output));
        }
    }
    let mut text =
        format!("version {} of `{}`: {}\n", verified.manifest().version, trust.file().store, verified.tally());
    for signer in &verified.tally().signers {
        text.push_str(&format!("  {} ({}) {}\n", signer.person, signer.organisation, signer.key));
    }
    output.conclude(&text)?;
    Ok(Exit::Done)
}

/// The trust file at this path, a first one or a later one.
pub(in super::super) fn trust(path: &Path, output: &mut Output) -> Result<Trust, Exit> {
    let bytes = super::read(path, output)?;
    Trust::pinned(&bytes).map_err(|message| {
        output.error(&format!("{}: {message}", path.display()));
        Exit::Usage
    })
}
