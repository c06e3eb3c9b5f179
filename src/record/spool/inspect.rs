//! Lists what the folder of a spool holds, without reading its records. It changes nothing, so it may run beside the
//! process that writes.

use super::{cursor, folder, segment};
use rustix::{fs::FlockOperation, io::Errno};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// The seq of its first record, also if that is not written yet.
    pub first: u64,
    /// Its path.
    pub path: PathBuf,
    /// What it takes from the disk, which for the newest is more than what is written in it.
    pub bytes: u64,
    /// When it was written last, as the file system says.
    pub modified: SystemTime,
}

/// The segments of a folder, oldest first.
///
/// # Errors
/// The folder cannot be listed.
pub fn segment_files(dir: &Path) -> io::Result<Vec<SegmentFile>> {
    let mut found = Vec::new();
    for segment::Listed { first, path } in segment::list(dir)? {
        match fs::metadata(&path) {
            Ok(metadata) => {
                found.push(SegmentFile { first, path, bytes: metadata.len(), modified: metadata.modified()? });
            }
            // It was deleted since the listing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The names of the cursors in a folder, in order.
///
/// # Errors
/// The folder cannot be listed.
pub fn cursors(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == cursor::EXTENSION) {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a process has the folder open to write.
///
/// Where none has, its lock is held shared for an instant. A process that starts in that very instant finds the folder
/// taken, and has to be started again.
///
/// # Errors
/// The lock cannot be tried.
pub fn is_taken(dir: &Path) -> io::Result<bool> {
    let lock = match super::links::open_to_read(&dir.join(folder::LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// How many bytes the disk of a folder has left for the process that asks.
///
/// # Errors
/// The file system does not say.
pub fn disk_left(dir: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(dir)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::spool::Cursor;

    #[test]
    fn segments_and_cursors_are_listed_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        for (name, bytes) in [("0000000000000010.seg", 7), ("0000000000000000.seg", 3), ("reserve", 9), ("x.seg", 1)] {
            fs::write(dir.join(name), vec![0; bytes]).unwrap();
        }
        Cursor::open(dir, "siem").unwrap();
        Cursor::open(dir, "archive").unwrap();
        let found: Vec<_> = segment_files(dir).unwrap().into_iter().map(|found| (found.first, found.bytes)).collect();
        assert_eq!(found, [(0, 3), (16, 7)]);
        assert_eq!(cursors(dir).unwrap(), ["archive", "siem"]);
        assert!(disk_left(dir).unwrap() > 0);
        assert!(segment_files(&dir.join("nowhere")).is_err());
    }

    #[test]
    fn a_lock_is_seen_while_it_is_held_and_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_taken(folder.path()).unwrap());
        let held = fs::File::create(folder.path().join(folder::LOCK)).unwrap();
        assert!(!is_taken(folder.path()).unwrap());
        rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(is_taken(folder.path()).unwrap());
        drop(held);
        assert!(!is_taken(folder.path()).unwrap());
    }
}
