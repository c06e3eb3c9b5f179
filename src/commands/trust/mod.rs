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
use crate::sources::bundle::{Code, NextTrust, Refusal, Trust};
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

/// A trust file and the one before it.
#[derive(Debug, Args)]
struct Pair {
    /// The next trust file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The trust file before it
    #[arg(long, value_name = "FILE", default_value = "trust.json")]
    trust: PathBuf,
}

impl Pair {
    /// The one before it, and the next one.
    fn open(&self, output: &mut Output) -> Result<(Trust, NextTrust), Exit> {
        let before = bundle::trust_file(&self.trust, output)?;
        let bytes = bundle::read(&self.file, output)?;
        Ok((before, NextTrust::read(&bytes).map_err(|refusal| self.refused(refusal, output))?))
    }

    fn refused(&self, mut refusal: Refusal, output: &mut Output) -> Exit {
        if matches!(refusal.code, Code::TrustVersion | Code::TrustFork) {
            let before = self.trust.display();
            refusal.message.push_str(&format!("; the file before it is `{before}`: name another one with --trust"));
        }
        bundle::refused(&self.file, &refusal, output)
    }
}

/// Writes a new trust file. One that is there is not written over: it may have signatures.
fn write_new(path: &Path, bytes: &[u8], output: &mut Output) -> Result<(), Exit> {
    if path.exists() {
        output.error(&format!("{}: is there already, and says who may sign", path.display()));
        return Err(Exit::Failed);
    }
    bundle::write(path, bytes, output)
}
