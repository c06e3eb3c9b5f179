//! The sweep: deletes chunks that no revision in the archive names.
//!
//! A chunk that cannot be shown to be unneeded stays: where one manifest or list cannot be read, nothing is deleted.

use super::{Archive, chunks, chunks::ChunkId};
use std::{collections::HashSet, fs, io, sync::PoisonError};

impl Archive {
    /// Deletes chunks that neither a revision in the archive names nor a recording of this process. Returns how many.
    ///
    /// # Errors
    /// A manifest or a list cannot be read, and nothing was deleted; or a chunk cannot be deleted.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let folder = chunks::folder(&self.folder);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let _one = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        // A reload that is recorded meanwhile waits for no more than one deletion.
        self.pins.lock().begin_sweep();
        let swept = self.sweep_those(entries);
        self.pins.lock().end_sweep();
        swept
    }

    fn sweep_those(&self, entries: fs::ReadDir) -> io::Result<u64> {
        let named = self.named_chunks()?;
        let mut gone = 0;
        for entry in entries {
            let entry = entry?;
            let Some(id) = chunks::named(&entry.file_name().to_string_lossy()) else { continue };
            let pins = self.pins.lock();
            if !named.contains(&id) && pins.is_free(&id) {
                fs::remove_file(entry.path())?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// The chunks that revisions name, and their lists.
    fn named_chunks(&self) -> io::Result<HashSet<ChunkId>> {
        let mut named = HashSet::new();
        for revision in self.list()? {
            let Some(manifest) = self.manifest(&revision).map_err(io::Error::other)? else { continue };
            for list in manifest.files.into_iter().flat_map(|file| file.lists) {
                // Revisions share lists as they share chunks.
                if !named.contains(&list) {
                    named.extend(self.list_of_chunks(&revision, &list).map_err(io::Error::other)?);
                    named.insert(list);
                }
            }
        }
        Ok(named)
    }
}
