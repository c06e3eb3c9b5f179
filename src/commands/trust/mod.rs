//! `poort trust`: who may sign bundles.
//!
//! - `init`: makes the first trust file of a store
//! - `change`: makes the next one, with persons or keys more or less
//! - `sign`: signs the next one with `ssh-keygen`
//! - `verify`: says who signed it, and what is missing
//! - `differences`: what changes from one to the next

mod change;
mod differences;
mod init;
mod sign;
mod verify;

use super::{Exit, bundle, output::Output};
use crate::sources::bundle::NextTrust;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "Examples:
  poort trust export --trust trust.json > allowed_signers

With it, an auditor needs only OpenSSH:
  poort bundle show FILE --manifest | ssh-keygen -Y verify -f allowed_signers -I Anna.Voorbeeld -n poort-bundle -s SIGNATURE
A signature on a trust file is in the namespace poort-trust; `tar -xf politie-nl-2.trust` gives its text and its signatures.
OpenSSH does not look at touch, PIN and how many persons it takes; `poort bundle verify` and `poort trust verify` do.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the first trust file of a store
    #[command(after_help = init::EXAMPLES)]
    Init(init::Arguments),
    /// Make the next trust file, with persons or keys more
    #[command(after_help = change::ADD_EXAMPLES)]
    Add(change::Add),
    /// Make the next trust file, with persons or keys less, or with an end
    #[command(after_help = change::REMOVE_EXAMPLES)]
    Remove(change::Remove),
    /// Show what the next trust file changes, and sign it with ssh-keygen
    #[command(after_help = sign::EXAMPLES)]
    Sign(sign::Arguments),
    /// Say who signed the next trust file, and what is missing; works offline
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Arguments),
    /// Print the keys as allowed_signers of OpenSSH
    #[command(after_help = EXAMPLES)]
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The trust file
    #[arg(long, value_name = "FILE", default_value = "trust.json")]
    trust: PathBuf,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Init(arguments) => init::run(arguments, output),
        Command::Add(arguments) => change::add(arguments, output),
        Command::Remove(arguments) => change::remove(arguments, output),
        Command::Sign(arguments) => sign::run(arguments, output),
        Command::Verify(arguments) => verify::run(arguments, output),
        Command::Export(Export { trust }) => {
            let lines = bundle::trust_file(trust, output)?.allowed_signers();
            output.conclude(&lines)?;
            Ok(Exit::Done)
        }
    }
}

/// The next trust file at this path.
fn open(path: &Path, output: &mut Output) -> Result<NextTrust, Exit> {
    let bytes = bundle::read(path, output)?;
    NextTrust::read(&bytes).map_err(|refusal| bundle::refused(path, &refusal, output))
}

/// Writes a new trust file. One that is there is not written over: it may have signatures.
fn write_new(path: &Path, bytes: &[u8], output: &mut Output) -> Result<(), Exit> {
    if path.exists() {
        output.error(&format!("{}: is there already, and says who may sign", path.display()));
        return Err(Exit::Failed);
    }
    bundle::write(path, bytes, output)
}
