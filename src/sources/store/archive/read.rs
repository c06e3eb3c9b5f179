//! Reads revisions out of the archive.
//!
//! **Invariant:** what is returned has the digest of its name (`tests.rs::what_is_missing_or_was_changed_is_refused`).

use super::{
    Archive,
    chunks::{self, ChunkId},
    manifest::{self, Manifest, Refused},
};
use crate::{
    sources::{directory, policy},
    types::revision::Revision,
};
use std::{fs, io};
use thiserror::Error;

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
    /// A part of it cannot be read.
    #[error("the archive of the revision {} cannot be read: {file}: {cause}", revision.short())]
    Part {
        /// The revision.
        revision: Revision,
        /// The file of the part, in the archive.
        file: String,
        /// Why.
        cause: io::Error,
    },
    /// A newer poort wrote it.
    #[error(
        "the archive of the revision {} is written by a newer poort (format {format}); use that one to read it",
        revision.short()
    )]
    Newer {
        /// The revision.
        revision: Revision,
        /// The format.
        format: String,
    },
}

impl Archive {
    /// The facts of a configuration.
    ///
    /// # Errors
    /// They are not there, or are not what they were.
    pub fn configuration(&self, revision: &Revision) -> Result<Vec<(String, String)>, ArchiveError> {
        let facts = self.files(revision)?;
        if Revision::of_texts(&facts) == *revision { Ok(facts) } else { Err(ArchiveError::Changed(revision.clone())) }
    }

    /// The policies of a revision.
    ///
    /// # Errors
    /// They are not there, or are not what they were.
    pub fn policies(&self, revision: &Revision) -> Result<policy::Sources, ArchiveError> {
        let files = self.files(revision)?;
        let sources = policy::Sources::from_texts(&self.shown(revision), texts(&files));
        if sources.revision() == *revision { Ok(sources) } else { Err(ArchiveError::Changed(revision.clone())) }
    }

    /// The directory of a revision.
    ///
    /// # Errors
    /// It is not there, or is not what it was.
    pub fn directory(&self, revision: &Revision) -> Result<directory::Sources, ArchiveError> {
        let files = match self.manifest(revision)? {
            Some(manifest) => self.put_together(revision, &manifest)?,
            None => self.files(revision)?,
        };
        let sources = directory::Sources::from_texts(&self.shown(revision), texts(&files));
        if sources.revision() == *revision { Ok(sources) } else { Err(ArchiveError::Changed(revision.clone())) }
    }

    fn shown(&self, revision: &Revision) -> String {
        self.folder.join(revision.digits()).display().to_string()
    }

    fn files(&self, revision: &Revision) -> Result<Vec<(String, String)>, ArchiveError> {
        let read = || -> io::Result<_> {
            let mut files = Vec::new();
            for entry in fs::read_dir(self.folder.join(revision.digits()))? {
                let entry = entry?;
                // A name that is not UTF-8 was never written here, and changes the digest.
                files.push((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
            }
            Ok(files)
        };
        match read() {
            Ok(files) => Ok(files),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ArchiveError::Missing(revision.clone())),
            Err(cause) => Err(ArchiveError::Unreadable { revision: revision.clone(), cause }),
        }
    }

    /// The manifest of a revision. `None` if it is not there, or is kept as files.
    pub(super) fn manifest(&self, revision: &Revision) -> Result<Option<Manifest>, ArchiveError> {
        let unreadable = |cause| ArchiveError::Unreadable { revision: revision.clone(), cause };
        let bytes = match fs::read(self.folder.join(revision.digits()).join(manifest::FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(unreadable(cause)),
        };
        match Manifest::read(&bytes) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(Refused::Newer(format)) => Err(ArchiveError::Newer { revision: revision.clone(), format }),
            Err(Refused::Damaged(cause)) => Err(unreadable(cause)),
        }
    }

    fn put_together(&self, revision: &Revision, manifest: &Manifest) -> Result<Vec<(String, String)>, ArchiveError> {
        let mut files = Vec::new();
        for manifest::File { name, length, lists } in &manifest.files {
            let mut content = Vec::new();
            for list in lists {
                for id in self.list_of_chunks(revision, list)? {
                    content.extend(self.chunk(revision, &id)?);
                }
            }
            let text = String::from_utf8(content).ok().filter(|text| text.len() as u64 == *length);
            files.push((name.clone(), text.ok_or_else(|| ArchiveError::Changed(revision.clone()))?));
        }
        Ok(files)
    }

    /// The chunks that a list names.
    pub(super) fn list_of_chunks(&self, revision: &Revision, list: &ChunkId) -> Result<Vec<ChunkId>, ArchiveError> {
        manifest::listed(&self.chunk(revision, list)?).ok_or_else(|| ArchiveError::Part {
            revision: revision.clone(),
            file: list.to_string(),
            cause: io::Error::other("is no list of chunks"),
        })
    }

    fn chunk(&self, revision: &Revision, id: &ChunkId) -> Result<Vec<u8>, ArchiveError> {
        chunks::read(&self.folder, id).map_err(|cause| ArchiveError::Part {
            revision: revision.clone(),
            file: id.to_string(),
            cause,
        })
    }
}

fn texts(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}
