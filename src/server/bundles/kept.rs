//! The active bundle and the trust files that were taken, in the data folder: files that hold their own proof.

use crate::sources::bundle::{Code, NextTrust, Refusal, Taken, Verified, archive};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The name of the bundle.
pub(super) const KEPT: &str = "bundle.tar";

/// The folder of trust files: each has the name of its version.
const TRUST: &str = "trust";

/// How the name of a trust file ends.
pub(super) const TRUST_FILE: &str = ".trust";

/// Writes the bundle: the old one or the new one is there, whenever poort ends.
pub(super) fn keep(data: &Path, bundle: &Verified) -> io::Result<()> {
    write(data, KEPT, &bundle.bundle().write().map_err(io::Error::other)?)
}

/// Writes a trust file in the same way.
pub(super) fn keep_trust(data: &Path, taken: &Taken) -> io::Result<()> {
    let folder = data.join(TRUST);
    if !folder.exists() {
        fs::create_dir(&folder)?;
        File::open(data)?.sync_all()?;
    }
    let version = taken.next().trust().file().version;
    write(&folder, &format!("{version}{TRUST_FILE}"), &taken.next().write().map_err(io::Error::other)?)
}

/// The trust files that were taken. One that cannot be read is an error: what it says may be newer than the rest.
pub(super) fn kept_trust(data: &Path) -> Result<Vec<(String, NextTrust)>, (PathBuf, Refusal)> {
    let folder = data.join(TRUST);
    let refused = |path: &Path, error: io::Error| {
        (path.to_owned(), Refusal::new(Code::TrustFile, format!("it cannot be read: {error}")))
    };
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(|error| refused(&folder, error))?,
    };
    let paths = entries.into_iter().map(|entry| entry.path());
    let read = |path: PathBuf| {
        let bytes = archive::read_file(&path).map_err(|error| refused(&path, error))?;
        let next = NextTrust::read(&bytes).map_err(|refusal| (path.clone(), refusal))?;
        Ok((path.display().to_string(), next))
    };
    paths.filter(|path| path.to_string_lossy().ends_with(TRUST_FILE)).map(read).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (path, unfinished) = (folder.join(name), folder.join(format!("{name}.new")));
    if archive::read_file(&path).is_ok_and(|kept| kept == bytes) {
        return Ok(());
    }
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(folder)?.sync_all()
}
