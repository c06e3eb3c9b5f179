//! Every call that changes the disk, in one place.
//!
//! Tests implement [`Files`] with a faulty disk: no space, short writes, errors of a sync, a power cut. Reading is not
//! here, because nothing that is read needs a fault of its own: the tests damage the bytes instead.

use rustix::{fs::FallocateFlags, io::Errno};
use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
};

/// The calls that change the disk.
pub(super) trait Files: fmt::Debug + Send + Sync {
    /// Makes one folder.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a file that must not exist yet, to read and write.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Allocates the blocks for `len` bytes and sets the length.
    fn allocate(&self, file: &File, len: u64) -> io::Result<()>;
    /// One `pwrite`, which may write less than it was given.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Sets the length of a file.
    fn cut(&self, file: &File, len: u64) -> io::Result<()>;
    /// `fdatasync`: the content, and of the metadata what is needed to read it.
    fn sync_data(&self, file: &File) -> io::Result<()>;
    /// `fsync` of a file.
    fn sync_all(&self, file: &File) -> io::Result<()>;
    /// `fsync` of a folder: the names in it.
    fn sync_dir(&self, dir: &File) -> io::Result<()>;
    /// Renames a file; one that had the new name is replaced in the same step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real disk.
#[derive(Debug)]
pub(super) struct Disk;

// Records name people and what they did: only the owner may read them, and a group that ships them.
const FILE_MODE: u32 = 0o640;
const DIR_MODE: u32 = 0o750;

impl Files for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(DIR_MODE).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
    }

    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        loop {
            match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len) {
                Err(Errno::INTR) => {}
                done => return Ok(done?),
            }
        }
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }

    fn cut(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    // The standard library repeats a sync that was interrupted. A sync must not be repeated, whatever it returned: only
    // the first result speaks for the pages. So these are the bare calls.
    fn sync_data(&self, file: &File) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(file)?)
    }

    fn sync_all(&self, file: &File) -> io::Result<()> {
        Ok(rustix::fs::fsync(file)?)
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        Ok(rustix::fs::fsync(dir)?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

/// Reads `len` bytes from `offset`, or as many as the file has there.
pub(super) fn read_full_at(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut n: usize = 0;
    while let Some(free) = bytes.get_mut(n..).filter(|free| !free.is_empty()) {
        match file.read_at(free, offset.saturating_add(n as u64)) {
            Ok(0) => break,
            Ok(read) => n = n.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(n);
    Ok(bytes)
}

/// Whether an error means "no room", which may pass by itself.
pub(super) fn is_no_room(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG))
}

/// Whether the file system cannot allocate blocks in advance.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::OPNOTSUPP | Errno::NOSYS))
}
