//! The archive: keeps the files of every revision that was active, so that decisions can be replayed for as long as
//! records name it. (Authorization Decision Log 1.0.0: what a record refers to stays retrievable.)
//!
//! `data/revisions/<digest>/` holds a revision. That of the policies, and the facts of the configuration that decide, are
//! files under their names, as they were. That of a directory is a `manifest` of chunks, which it shares with other
//! revisions: a change costs what changed. (Earlier releases kept the files of a directory too; those are still read.) What
//! holds here:
//! - A folder with that name is complete: it is written under another name, synced, and renamed. So is each chunk, before
//!   a manifest names it.
//! - A revision that is there is not written again.
//! - A revision whose files do not have the digest of its name is refused, and so is a format that is not known.
//! - Nothing waits for it: a revision is active at once, and a thread of its own writes it.
//! - A revision is renamed and synced before it is deleted, so that no power cut leaves half of it under its name. Its
//!   chunks go after it.
//! - It takes at most `archive.max` bytes. A revision for which there is no room is not kept, and that is said until it is.
//!
//! - `keeper`: that thread
//! - `recording`: a directory in chunks, made while it is read
//! - `chunks`: how files are cut, and how chunks are stored
//! - `manifest`: which chunks make up a revision
//! - `read`: revisions out of the archive
//! - `sweep`: deletes chunks that no revision names
//! - `files`: durable files and folders

mod chunks;
mod files;
mod keeper;
mod manifest;
mod read;
mod recording;
mod sweep;

pub(in crate::sources::store) use keeper::Activated;
pub use keeper::Keeper;
pub use read::ArchiveError;
pub use recording::{Recorder, Recording};

use crate::{
    sources::{directory, policy, snapshot::Sources},
    types::revision::Revision,
};
use files::{DELETED, UNFINISHED, write_durably};
use recording::Pins;
use std::{
    fs::{self, File},
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// The revisions in a folder. Copies share what is known of it.
#[derive(Debug, Clone)]
pub struct Archive {
    folder: PathBuf,
    /// In bytes.
    max: u64,
    /// In bytes, as last measured, with what was written since.
    used: Arc<AtomicU64>,
    pins: Pins,
    /// One sweep at a time.
    sweeping: Arc<Mutex<()>>,
    /// Something was taken out, and its files are not all deleted yet.
    is_unswept: Arc<AtomicBool>,
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
    /// The archive in this folder, which need not exist yet. It takes at most `max` bytes.
    #[must_use]
    pub fn new(folder: PathBuf, max: u64) -> Self {
        let (used, pins, sweeping) = (Arc::default(), Pins::default(), Arc::default());
        Self { folder, max, used, pins, sweeping, is_unswept: Arc::default() }
    }

    /// Begins to record a directory that is about to be read.
    #[must_use]
    pub fn recorder(&self) -> Recorder {
        Recorder::new(self.folder.clone(), self.pins.clone())
    }

    /// Records a directory that is in memory.
    ///
    /// # Errors
    /// A chunk cannot be compressed.
    pub fn record(&self, directory: &directory::Sources) -> io::Result<Recording> {
        let mut recorder = self.recorder();
        directory.show(&mut recorder);
        recorder.finish(directory.revision())
    }

    /// Writes both revisions of a snapshot, if they are not there.
    ///
    /// # Errors
    /// One of them cannot be written.
    pub fn keep(&self, sources: &Sources) -> io::Result<Kept> {
        let one = self.keep_policies(&sources.policies)?;
        let other = self.keep_directory(&self.record(&sources.directory)?)?;
        Ok(one.and(other))
    }

    /// Writes the facts of a configuration that can change a decision, if they are not there: a file a fact.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep_configuration(&self, facts: &[(String, String)]) -> io::Result<Kept> {
        self.keep_files(&Revision::of_texts(facts), facts.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
    }

    /// Writes a revision of the policies, if it is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_policies(&self, policies: &policy::Sources) -> io::Result<Kept> {
        self.keep_files(&policies.revision(), policies.files().map(|(name, file)| (name, file.text.as_bytes())))
    }

    /// Writes a revision of the directory, if it is not there.
    ///
    /// # Errors
    /// It cannot be written, or a chunk that the archive had when it was recorded is gone.
    pub fn keep_directory(&self, recording: &Recording) -> io::Result<Kept> {
        if self.has(&recording.revision) {
            return Ok(Kept::There);
        }
        let folder = chunks::folder(&self.folder);
        self.make_folder(&folder)?;
        for (id, packed) in recording.new_chunks() {
            if !id.path(&self.folder).exists() {
                self.write_chunk(id, packed)?;
            }
        }
        // Those of an attempt that failed before this line too.
        File::open(folder)?.sync_all()?;
        if let Some(gone) = recording.chunks().find(|id| !id.path(&self.folder).exists()) {
            return Err(io::Error::other(format!("{gone}, which another process has deleted, is a part of it")));
        }
        let manifest = recording.manifest.write()?;
        self.keep_files(&recording.revision, [(manifest::FILE, manifest.as_slice())].into_iter())
    }

    fn write_chunk(&self, id: &chunks::ChunkId, packed: &[u8]) -> io::Result<()> {
        self.claim(packed.len())?;
        let unfinished = self.folder.join(format!("{:016x}{UNFINISHED}", rand::random::<u64>()));
        let written = write_durably(&unfinished, packed).and_then(|()| fs::rename(&unfinished, id.path(&self.folder)));
        if written.is_err() {
            let _left_over = fs::remove_file(&unfinished);
        }
        written
    }

    fn keep_files<'a>(
        &self,
        revision: &Revision,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> io::Result<Kept> {
        let folder = self.folder.join(revision.digits());
        if self.has(revision) {
            return Ok(Kept::There);
        }
        self.make_folder(&self.folder)?;
        let unfinished = self.folder.join(format!("{}.{:016x}{UNFINISHED}", revision.digits(), rand::random::<u64>()));
        let write = || {
            files::builder().create(&unfinished)?;
            for (name, content) in files {
                self.claim(content.len())?;
                write_durably(&unfinished.join(name), content)?;
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

    /// Takes room for so many bytes.
    fn claim(&self, bytes: usize) -> io::Result<()> {
        let after = self.used.load(Ordering::Relaxed).saturating_add(bytes as u64);
        if after > self.max {
            return Err(io::Error::other(format!(
                "the archive is full: it takes at most {} bytes (archive.max); raise that, or shorten log.keep",
                self.max
            )));
        }
        self.used.store(after, Ordering::Relaxed);
        Ok(())
    }

    fn has(&self, revision: &Revision) -> bool {
        self.folder.join(revision.digits()).is_dir()
    }

    /// The revisions that are there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Revision>> {
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

    /// Measures what the archive takes, in bytes of its files.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn measure(&self) -> io::Result<u64> {
        let used = files::size(&self.folder)?;
        self.used.store(used, Ordering::Relaxed);
        Ok(used)
    }

    /// Renames a revision, so that the archive does not have it any more. [`Archive::empty`] deletes its files.
    ///
    /// # Errors
    /// It cannot be renamed; the archive has it as before.
    pub(super) fn take_out(&self, revision: &Revision) -> io::Result<()> {
        let digits = revision.digits();
        let name = format!("{digits}.{:016x}{DELETED}", rand::random::<u64>());
        self.is_unswept.store(true, Ordering::Relaxed);
        fs::rename(self.folder.join(digits), self.folder.join(name))
    }

    /// Whether [`Archive::empty`] has something to delete.
    pub(super) fn is_unswept(&self) -> bool {
        self.is_unswept.load(Ordering::Relaxed)
    }

    /// Deletes the files of all revisions that were removed, and the chunks that they alone named.
    ///
    /// # Errors
    /// They cannot be deleted: [`Archive::is_unswept`] stays true.
    pub(super) fn empty(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()?;
        self.clear(&[DELETED])?;
        self.is_unswept.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn clear(&self, endings: &[&str]) -> io::Result<()> {
        files::remove_ending(&self.folder, endings)?;
        let swept = self.sweep();
        // What was deleted before a failure is room too.
        self.measure()?;
        swept.map(drop)
    }

    /// Deletes what an earlier process began and did not finish.
    ///
    /// # Errors
    /// The archive cannot be read, or a file not be deleted.
    fn tidy(&self) -> io::Result<()> {
        if self.folder.is_dir() {
            self.clear(&[UNFINISHED, DELETED])?;
        }
        Ok(())
    }
}

impl Kept {
    /// What became of two revisions.
    fn and(self, other: Self) -> Self {
        if (self, other) == (Self::There, Self::There) { Self::There } else { Self::Written }
    }
}

#[cfg(test)]
mod tests;
