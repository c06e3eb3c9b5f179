//! The recorder: the real disk, with a note of each call that changes it.

use crate::record::spool::files::{Disk, Files};
use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// A call that changed the disk, or what a caller or sink knows at that point.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create {
        path: PathBuf,
        file: u64,
    },
    Resize {
        file: u64,
        len: u64,
        only_grow: bool,
    },
    Write {
        file: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
    SyncFile {
        file: u64,
    },
    SyncNames,
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    /// This record was acknowledged.
    Told {
        seq: u64,
        payload: Vec<u8>,
    },
    /// A sink took all below.
    Taken(u64),
}

/// A planted fault: a call that is reported as done and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    NoDataSync,
    NoNameSync,
    CursorNotSynced,
    PackedNotSynced,
}

/// The real disk, with a note of each call.
#[derive(Debug)]
pub(super) struct Noting {
    steps: Mutex<Vec<Step>>,
    fault: Fault,
    /// The files of cursors.
    cursors: Mutex<Vec<u64>>,
    /// The files that became packed segments.
    packed: Mutex<Vec<u64>>,
}

impl Noting {
    pub(super) fn new(fault: Fault) -> Self {
        Self { steps: Mutex::default(), fault, cursors: Mutex::default(), packed: Mutex::default() }
    }

    /// What was noted up to now.
    pub(super) fn take(&self) -> Vec<Step> {
        std::mem::take(&mut self.steps.lock().unwrap())
    }

    pub(super) fn note(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    /// Makes the call, and notes it if it succeeded. What is noted in between comes before or after it as a whole.
    fn noting<T>(&self, call: impl FnOnce() -> io::Result<T>, step: impl FnOnce(&T) -> Option<Step>) -> io::Result<T> {
        let mut steps = self.steps.lock().unwrap();
        let done = call()?;
        steps.extend(step(&done));
        Ok(done)
    }
}

fn id(file: &File) -> u64 {
    file.metadata().unwrap().ino()
}

impl Files for Noting {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Disk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let file =
            self.noting(|| Disk.create(path), |file| Some(Step::Create { path: path.into(), file: id(file) }))?;
        // The file system may use a number again.
        self.packed.lock().unwrap().retain(|packed| *packed != id(&file));
        let made = |extension: &str| path.extension().is_some_and(|it| it == extension);
        if made("cursor") {
            self.cursors.lock().unwrap().push(id(&file));
        } else if made("packing") {
            self.packed.lock().unwrap().push(id(&file));
        }
        Ok(file)
    }

    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        let step = Step::Resize { file: id(file), len, only_grow: true };
        self.noting(|| Disk.allocate(file, len).or_else(|_| Disk.cut(file, len)), |()| Some(step))
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let step = |n: &usize| Some(Step::Write { file: id(file), offset, bytes: bytes[..*n].to_vec() });
        self.noting(|| Disk.write_at(file, bytes, offset), step)
    }

    fn cut(&self, file: &File, len: u64) -> io::Result<()> {
        let step = Step::Resize { file: id(file), len, only_grow: false };
        self.noting(|| Disk.cut(file, len), |()| Some(step))
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        let is_cursor = self.cursors.lock().unwrap().contains(&id(file));
        let is_forgotten = match self.fault {
            Fault::NoDataSync => !is_cursor,
            Fault::CursorNotSynced => is_cursor,
            Fault::None | Fault::NoNameSync | Fault::PackedNotSynced => false,
        };
        self.noting(|| Disk.sync_data(file), |()| (!is_forgotten).then(|| Step::SyncFile { file: id(file) }))
    }

    fn sync_all(&self, file: &File) -> io::Result<()> {
        let is_forgotten = self.fault == Fault::PackedNotSynced && self.packed.lock().unwrap().contains(&id(file));
        self.noting(|| Disk.sync_all(file), |()| (!is_forgotten).then(|| Step::SyncFile { file: id(file) }))
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.noting(|| Disk.sync_dir(dir), |()| (self.fault != Fault::NoNameSync).then_some(Step::SyncNames))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let step = Step::Rename { from: from.into(), to: to.into() };
        self.noting(|| Disk.rename(from, to), |()| Some(step))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.noting(|| Disk.remove(path), |()| Some(Step::Remove { path: path.into() }))
    }
}
