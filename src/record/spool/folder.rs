//! The folder and its lock: one process writes, and it notices when the folder is removed.

use super::{
    files::Files,
    links,
    segment::{Identity, still_names},
};
use rustix::{fs::FlockOperation, io::Errno};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use thiserror::Error;

pub(super) const LOCK: &str = "lock";

/// The open folder. The lock goes with it.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) dir: File,
    lock: File,
    device: u64,
}

/// The folder could not be taken.
#[derive(Debug, Error)]
pub(super) enum TakeError {
    #[error("another process holds the lock of `{}`", dir.display())]
    Held { dir: PathBuf },
    #[error("{what} `{}`", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is on another file system than before", path.display())]
    Moved { path: PathBuf },
}

impl Folder {
    /// Makes the folder if it is not there, opens it and takes the lock. Nothing is read before the lock is held.
    pub(super) fn take(files: &dyn Files, path: &Path) -> Result<Self, TakeError> {
        let failed = |what, path: &Path| {
            let path = path.to_path_buf();
            move |source| TakeError::Io { what, path, source }
        };
        create_durably(files, path).map_err(failed("cannot create", path))?;
        let dir = links::open_to_read(path).map_err(failed("cannot open", path))?;
        let device = dir.metadata().map_err(failed("cannot read", path))?.dev();
        let lock = lock(path)?;
        Ok(Self { path: path.into(), dir, lock, device })
    }

    /// What is wrong with the folder or its lock, if anything.
    pub(super) fn trouble(&self) -> Option<String> {
        let dir = self.path.display();
        if !still_names(&self.path, &self.dir) {
            return Some(format!("the folder `{dir}` was deleted or replaced"));
        }
        if !still_names(&self.path.join(LOCK), &self.lock) {
            return Some(format!("the lock of the folder `{dir}` was deleted or replaced"));
        }
        None
    }

    /// Takes the folder again after it was removed. It is made again only on the file system where it was: if the disk
    /// itself is gone, the records must not go to whatever is below its mount point.
    pub(super) fn retake(&self, files: &dyn Files) -> Result<Self, TakeError> {
        let nearest = self.path.ancestors().find_map(|path| fs::metadata(path).ok());
        let nearest = nearest.map(|metadata| Identity::of(&metadata).device);
        if nearest != Some(self.device) {
            return Err(TakeError::Moved { path: self.path.clone() });
        }
        Self::take(files, &self.path)
    }
}

/// Takes the lock of a folder, as long as the file is open.
fn lock(dir: &Path) -> Result<File, TakeError> {
    let path = dir.join(LOCK);
    let failed = |what| {
        let path = path.clone();
        move |source| TakeError::Io { what, path, source }
    };
    let lock = links::open(OpenOptions::new().write(true).create(true).truncate(false).mode(0o640), &path)
        .map_err(failed("cannot open"))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        // Its name may have been removed between the open and the lock. Then another process may lock another file.
        Ok(()) if still_names(&path, &lock) => Ok(lock),
        Ok(()) | Err(Errno::WOULDBLOCK) => Err(TakeError::Held { dir: dir.into() }),
        Err(error) => Err(failed("cannot lock")(error.into())),
    }
}

/// The lock of a folder that is no spool, for the one process that may write there.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// Another process has it, or the file system failed.
    pub fn take(dir: &Path) -> io::Result<Self> {
        lock(dir).map(|file| Self { _file: file }).map_err(io::Error::other)
    }
}

/// Makes a folder and what is missing above it. Each new name is synced, so the folder is there after a power cut.
fn create_durably(files: &dyn Files, path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    create_durably(files, parent)?;
    match files.create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        done => done?,
    }
    files.sync_dir(&File::open(parent)?)
}
