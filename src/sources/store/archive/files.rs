//! Durable files and folders of the archive.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use super::Archive;

/// What a revision or a chunk is called while it is being written.
pub(super) const UNFINISHED: &str = ".new";
/// What a revision is called while it is being deleted.
pub(super) const DELETED: &str = ".old";
// The directory names people: readable for the owner and a group, as the records are.
pub(super) const FILE_MODE: u32 = 0o640;
const DIR_MODE: u32 = 0o750;

pub(super) fn builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(DIR_MODE);
    builder
}

impl Archive {
    /// Makes a folder of the archive and syncs its name. The parent of the archive holds the records, and so exists.
    pub(super) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder != self.folder {
            self.make_folder(&self.folder)?;
        }
        match builder().create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_link = fs::symlink_metadata(folder)?.is_symlink();
                let refusal = "it is a symbolic link, and poort follows none below its data folder";
                return if is_link { Err(io::Error::other(refusal)) } else { Ok(()) };
            }
            made => made?,
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }
}

pub(super) fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Deletes what has one of these endings.
pub(super) fn remove_ending(folder: &Path, endings: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if endings.iter().any(|ending| name.to_string_lossy().ends_with(ending)) {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// The bytes of all files in a folder and in those below it; 0 if it is not there.
pub(super) fn size(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0_u64;
    for entry in entries {
        let entry = entry?;
        let of_entry = match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path())?,
            Ok(metadata) => metadata.len(),
            // A revision is deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        bytes = bytes.saturating_add(of_entry);
    }
    Ok(bytes)
}
