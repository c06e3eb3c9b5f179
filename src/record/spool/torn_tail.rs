//! Torn tails, kept: what is cut from the end of a segment at a start stays beside it, for a person to look at.
//!
//! It was never acknowledged, and poort never reads it again. `<first seq>-<offset>.torn` says from which segment it is,
//! and from where in it. The newest few stay, and of each the first part.

use super::{files::Files, segment::write_all_at};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

const EXTENSION: &str = "torn";
/// How many stay: a process that is killed again and again must not fill the disk.
const MOST: usize = 8;
/// The most that is kept of one: as much as a commit of usual records holds.
const MOST_BYTES: u64 = 8 << 20;

/// Copies `len` bytes from `offset` of a segment beside it, and syncs. Returns the file.
pub(super) fn keep(
    files: &dyn Files,
    folder: &Path,
    first: u64,
    segment: &File,
    offset: u64,
    len: u64,
) -> io::Result<PathBuf> {
    let path = folder.join(format!("{first:016x}-{offset:016}.{EXTENSION}"));
    let len = usize::try_from(len.min(MOST_BYTES)).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; len];
    segment.read_exact_at(&mut bytes, offset)?;
    // One is left from an attempt that did not come to the cut.
    let _absent = files.remove(&path);
    let file = files.create(&path)?;
    write_all_at(files, &file, &bytes, 0)?;
    files.sync_all(&file)?;
    remove_old(files, folder)?;
    files.sync_dir(&File::open(folder)?)?;
    Ok(path)
}

fn remove_old(files: &dyn Files, folder: &Path) -> io::Result<()> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(EXTENSION)) {
            kept.push(path);
        }
    }
    kept.sort();
    let too_many = kept.len().saturating_sub(MOST);
    kept.iter().take(too_many).try_for_each(|path| files.remove(path))
}
