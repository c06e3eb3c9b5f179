//! Files that hold secrets: made once, whole or not at all, and refused when everybody can read them.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The folder that holds the records too: for its owner, and a group that ships them.
const DIR_MODE: u32 = 0o750;

/// The file cannot be used. What is in it is never in the text of an error.
#[derive(Debug, Error)]
pub enum SecretFileError {
    /// The file cannot be read or made.
    #[error("cannot {what} {secret}, `{}`", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// What is in the file.
        secret: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "others than its owner and group can read {secret}, `{}` (mode {mode:03o}); take that away: chmod o-rwx",
        path.display()
    )]
    Exposed {
        /// What is in the file.
        secret: &'static str,
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl SecretFileError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The text of a file that poort makes itself. A symbolic link is refused, since poort follows none below its data
/// folder.
///
/// # Errors
/// As [`read`], or it is a link.
pub fn read_own(path: &Path, secret: &'static str) -> Result<String, SecretFileError> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        let source = io::Error::other(
            "it is a symbolic link, and poort follows none below its data folder: put the file itself there, or name it in \
             the configuration",
        );
        return Err(SecretFileError::Io { what: "read", secret, path: path.into(), source });
    }
    read(path, secret)
}

/// The text of a file. `secret` says what is in it, such as `the key of the log`.
///
/// # Errors
/// The file is not there, or can be read by everybody.
pub fn read(path: &Path, secret: &'static str) -> Result<String, SecretFileError> {
    let failed = |source| SecretFileError::Io { what: "read", secret, path: path.into(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(SecretFileError::Exposed { secret, path: path.into(), mode });
    }
    Ok(text)
}

/// Makes the file, for its owner alone. Returns what is in it then: another process may have made one meanwhile, which
/// stays.
///
/// # Errors
/// The file cannot be made.
pub fn make(path: &Path, secret: &'static str, text: &str) -> Result<String, SecretFileError> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(folder)?;
        // Under another name first, so that a crash leaves no half secret.
        let unfinished = path.with_extension(format!("{}.new", std::process::id()));
        // One may be left from a process of the same number. A new one is made, so no link at its place is followed.
        let _absent = fs::remove_file(&unfinished);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&unfinished, path);
        fs::remove_file(&unfinished)?;
        linked?;
        fs::File::open(folder)?.sync_all()
    };
    match write() {
        Ok(()) => Ok(text.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_own(path, secret),
        Err(source) => Err(SecretFileError::Io { what: "make", secret, path: path.into(), source }),
    }
}
