//! The reserve: a small file with its blocks allocated, for when the disk is full.
//!
//! A full disk must not silence the log altogether: what was recorded is still attested to, and a gap is still
//! recorded. When no segment can be made, the reserve becomes one by a rename, which takes no room.

use super::{
    files::{Files, is_unsupported},
    links,
    segment::{still_names, write_all_at},
    segment_header,
};
use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

const NAME: &str = "reserve";
const UNFINISHED: &str = "new";

/// The reserve of a folder.
#[derive(Debug)]
pub(super) struct Reserve {
    bytes: u64,
    file: Option<File>,
}

impl Reserve {
    /// A reserve of which nothing is on disk yet.
    pub(super) fn new(bytes: u64) -> Self {
        Self { bytes, file: None }
    }

    /// What it takes from the disk now.
    pub(super) fn held(&self) -> u64 {
        if self.file.is_some() { self.bytes } else { 0 }
    }

    /// The size of the segment that it becomes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the file, if it is not there.
    pub(super) fn keep(&mut self, files: &dyn Files, folder: &Path, dir: &File) -> io::Result<()> {
        let path = path_of(folder);
        if self.file.as_ref().is_some_and(|file| still_names(&path, file)) {
            return Ok(());
        }
        self.file = None;
        // Nothing but a header is ever written to it under this name, so one of the right size is as good as new.
        if let Ok(file) = links::open(OpenOptions::new().read(true).write(true), &path)
            && file.metadata()?.len() == self.bytes
        {
            self.file = Some(file);
            return Ok(());
        }
        let unfinished = path.with_extension(UNFINISHED);
        let _absent = files.remove(&unfinished);
        let file = files.create(&unfinished)?;
        let make = || {
            match files.allocate(&file, self.bytes) {
                Err(error) if is_unsupported(&error) => files.cut(&file, self.bytes)?,
                done => done?,
            }
            files.sync_all(&file)?;
            files.rename(&unfinished, &path)?;
            files.sync_dir(dir)
        };
        if let Err(error) = make() {
            let _left_over = files.remove(&unfinished);
            return Err(error);
        }
        self.file = Some(file);
        Ok(())
    }

    /// Gives it the header and the name of the segment that begins with `first`, and syncs that. `None` when there is no
    /// reserve.
    pub(super) fn take(
        &mut self,
        files: &dyn Files,
        folder: &Path,
        first: u64,
        to: &Path,
        dir: &File,
    ) -> io::Result<Option<File>> {
        let path = path_of(folder);
        let Some(file) = self.file.take().filter(|file| still_names(&path, file)) else {
            return Ok(None);
        };
        write_all_at(files, &file, &segment_header::encode(first), 0)?;
        files.sync_all(&file)?;
        files.rename(&path, to)?;
        files.sync_dir(dir)?;
        Ok(Some(file))
    }
}

fn path_of(folder: &Path) -> PathBuf {
    folder.join(NAME)
}
