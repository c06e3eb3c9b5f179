//! `poort bundle`: signed bundles, for the officers who put policies live.
//!
//! - `build`: makes a bundle of a policy folder
//! - `sign`: signs one with `ssh-keygen`
//! - `verify`: says who signed, and what is missing
//! - `show`: says what is in one

mod build;
mod show;
mod sign;
mod verify;

pub(super) use sign::signature_of;
pub(super) use verify::trust as trust_file;

use super::{Exit, output::Output};
use crate::sources::bundle::{Bundle, Refusal, archive};
use clap::Subcommand;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a bundle of a policy folder: check it, run its tests, compare it with the version before
    #[command(after_help = build::EXAMPLES)]
    Build(build::Arguments),
    /// Show what is signed, and sign it with ssh-keygen
    #[command(after_help = sign::EXAMPLES)]
    Sign(sign::Arguments),
    /// Say who signed a bundle, and what is missing; works offline
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Arguments),
    /// Say what is in a bundle; whether it may be believed says `verify`
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    match command {
        Command::Build(arguments) => build::run(arguments, output),
        Command::Sign(arguments) => sign::run(arguments, output),
        Command::Verify(arguments) => verify::run(arguments, output),
        Command::Show(arguments) => show::run(arguments, output),
    }
}

/// The bytes of a file, read once.
pub(super) fn read(path: &Path, output: &mut Output) -> Result<Vec<u8>, Exit> {
    archive::read_file(path).map_err(|error| {
        output.error(&format!("{}: cannot be read: {error}", path.display()));
        Exit::Failed
    })
}

/// The text of a file, read once.
pub(super) fn read_text(path: &Path, output: &mut Output) -> Result<String, Exit> {
    String::from_utf8(read(path, output)?).map_err(|_| {
        output.error(&format!("{}: is not UTF-8", path.display()));
        Exit::Failed
    })
}

/// The bundle in a file.
fn open(path: &Path, output: &mut Output) -> Result<Bundle, Exit> {
    let bytes = read(path, output)?;
    Bundle::read(&bytes).map_err(|refusal| refused(path, &refusal, output))
}

pub(super) fn refused(path: &Path, refusal: &Refusal, output: &mut Output) -> Exit {
    output.error(&format!("{}: {refusal}", path.display()));
    Exit::Failed
}

/// Writes a file as a whole: a reader sees what was there before or all of this.
pub(super) fn write(path: &Path, bytes: &[u8], output: &mut Output) -> Result<(), Exit> {
    let write = || -> io::Result<()> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
        let unfinished = path.with_file_name(format!(".{name}.new"));
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(unfinished, path)
    };
    write().map_err(|error| {
        output.error(&format!("{}: cannot be written: {error}", path.display()));
        Exit::Failed
    })
}
