//! The archive: keeps the files of every revision that was active, so that decisions can be replayed for as long as
//! records name it. (Authorization Decision Log 1.0.0: what a record refers to stays retrievable.)
//!
//! `data/revisions/<digest>/` holds the files of a revision of the policies or of the directory, as they were, under
//! their names. The facts of the configuration that decide are a revision too, a file a fact. What holds here:
//! - A folder with that name is complete: it is written under another name, synced, and renamed.
//! - A revision that is there is not written again.
//! - A revision whose files do not have the digest of its name is refused.
//! - Nothing waits for it: a revision is active at once, and a thread of its own writes it.
//! - A revision is renamed and synced before it is deleted, so that no power cut leaves half of it under its name.
//!
//! - `keeper`: that thread

mod keeper;

pub use keeper::Keeper;

use crate::{
    sources::{directory, policy, snapshot::Sources},
    types::revision::Revision,
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// What a revision is called while it is being written.
const UNFINISHED: &str = ".new";
/// What a revision is called while it is being deleted.
const DELETED: &str = ".old";
// The directory names people: readable for the owner and a group, as the records are.
const FILE_MODE: u32 = 0o640;
const DIR_MODE: u32 = 0o750;

/// The revisions in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    folder: PathBuf,
}

/// A revision cannot be read from the archive.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It is not in the archive.
    #[error("the revision {} is not in the archive", .0.short())]
    Missing(Revision),
    /// Its files cannot be read.
    #[error("the archive of the revision {} cannot be read: {cause}", revision.short())]
    Unreadable {
        /// The revision.
        revision: Revision,
        /// Why.
        cause: io::Error,
    },
    /// Its files do not have the digest of its name.
    #[error("the archive of the revision {} holds other files than those of that revision", .0.short())]
    Changed(Revision),
}

/// What became of a revision that was to be archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is written.
    Written,
    /// It was there.
    There,
}

impl Archive {
    /// The archive in this folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes the facts of a configuration that can change a decision, if they are not there: a file a fact.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep_configuration(&self, facts: &[(String, String)]) -> io::Result<Kept> {
        self.keep_files(&Revision::of_texts(facts), facts.iter().map(|(name, value)| (name.as_str(), value)))
    }

    /// Writes both revisions of a snapshot, if they are not there.
    ///
    /// # Errors
    /// One of them cannot be written.
    pub fn keep(&self, sources: &Sources) -> io::Result<Kept> {
        let Sources { policies, directory } = sources;
        let files = |(name, file): (_, &crate::types::problem::SourceFile)| (name, file.text.clone());
        let one = self.keep_files(&policies.revision(), policies.files().map(files))?;
        let other = self.keep_files(&directory.revision(), directory.named_files().map(files))?;
        Ok(if (one, other) == (Kept::There, Kept::There) { Kept::There } else { Kept::Written })
    }

    /// The facts of a configuration.
    ///
    /// # Errors
    /// They are not there, or are not what they were.
    pub fn configuration(&self, revision: &Revision) -> Result<Vec<(String, String)>, ArchiveError> {
        let (_, facts) = self.files(revision)?;
        if Revision::of_texts(&facts) == *revision { Ok(facts) } else { Err(ArchiveError::Changed(revision.clone())) }
    }

    /// The policies of a revision.
    ///
    /// # Errors
    /// They are not there, or are not what they were.
    pub fn policies(&self, revision: &Revision) -> Result<policy::Sources, ArchiveError> {
        let (shown, files) = self.files(revision)?;
        let sources = policy::Sources::from_texts(&shown, texts(&files));
        if sources.revision() == *revision { Ok(sources) } else { Err(ArchiveError::Changed(revision.clone())) }
    }

    /// The directory of a revision.
    ///
    /// # Errors
    /// It is not there, or is not what it was.
    pub fn directory(&self, revision: &Revision) -> Result<directory::Sources, ArchiveError> {
        let (shown, files) = self.files(revision)?;
        let sources = directory::Sources::from_texts(&shown, texts(&files));
        if sources.revision() == *revision { Ok(sources) } else { Err(ArchiveError::Changed(revision.clone())) }
    }

    fn files(&self, revision: &Revision) -> Result<(String, Vec<(String, String)>), ArchiveError> {
        let folder = self.folder.join(revision.digits());
        let read = || -> io::Result<_> {
            let mut files = Vec::new();
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                // A name that is not UTF-8 was never written here, and changes the digest.
                files.push((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
            }
            Ok(files)
        };
        match read() {
            Ok(files) => Ok((folder.display().to_string(), files)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ArchiveError::Missing(revision.clone())),
            Err(cause) => Err(ArchiveError::Unreadable { revision: revision.clone(), cause }),
        }
    }

    fn keep_files<'a, T: AsRef<str>>(
        &self,
        revision: &Revision,
        files: impl Iterator<Item = (&'a str, T)>,
    ) -> io::Result<Kept> {
        let folder = self.folder.join(revision.digits());
        if folder.is_dir() {
            return Ok(Kept::There);
        }
        let mut builder = DirBuilder::new();
        builder.mode(DIR_MODE);
        self.create(&builder)?;
        let unfinished = self.folder.join(format!("{}.{:016x}{UNFINISHED}", revision.digits(), rand::random::<u64>()));
        let write = || {
            builder.create(&unfinished)?;
            for (name, text) in files {
                write_durably(&unfinished.join(name), text.as_ref())?;
            }
            File::open(&unfinished)?.sync_all()?;
            fs::rename(&unfinished, &folder)?;
            File::open(&self.folder)?.sync_all()
        };
        let written = write();
        if written.is_err() {
            // The rest takes space and has no meaning; the next start deletes it if this cannot.
            let _left_over = fs::remove_dir_all(&unfinished);
        }
        // Another process may have written the same revision meanwhile.
        if folder.is_dir() { Ok(Kept::Written) } else { written.map(|()| Kept::Written) }
    }

    /// Makes the folder and syncs its name. Its parent holds the records, and so exists.
    fn create(&self, builder: &DirBuilder) -> io::Result<()> {
        match builder.create(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_link = fs::symlink_metadata(&self.folder)?.is_symlink();
                let refusal = "a symbolic link stands in its place, and poort follows none below its data folder";
                return if is_link { Err(io::Error::other(refusal)) } else { Ok(()) };
            }
            made => made?,
        }
        let parent = self.folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// The revisions that are there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn list(&self) -> io::Result<Vec<Revision>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            found.extend(Revision::parse(&format!("sha256:{}", entry?.file_name().to_string_lossy())));
        }
        Ok(found)
    }

    /// Renames a revision, so that the archive does not have it any more. [`Archive::empty`] deletes its files.
    ///
    /// # Errors
    /// It cannot be renamed; the archive has it as before.
    pub(super) fn take_out(&self, revision: &Revision) -> io::Result<()> {
        let digits = revision.digits();
        let name = format!("{digits}.{:016x}{DELETED}", rand::random::<u64>());
        fs::rename(self.folder.join(digits), self.folder.join(name))
    }

    /// Deletes the files of all revisions that were removed.
    ///
    /// # Errors
    /// They cannot be deleted; the next start tries it again.
    pub(super) fn empty(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()?;
        self.remove_named(&[DELETED])
    }

    /// Deletes what an earlier process began and did not finish.
    fn tidy(&self) {
        let _left_over = self.remove_named(&[UNFINISHED, DELETED]);
    }

    fn remove_named(&self, endings: &[&str]) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if endings.iter().any(|ending| name.to_string_lossy().ends_with(ending)) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn texts(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

#[cfg(test)]
mod tests;
