//! A recording: a directory in chunks, made while it is read, so that the archive has the bytes that are active, whatever
//! becomes of the files.
//!
//! It holds the chunks that the archive does not have. Chunks that the archive has are pinned as long as the recording
//! lives: no sweep deletes them.

use super::{
    chunks::{self, ChunkId, Cutter, OF_FILES, OF_LISTS},
    manifest::{File, Manifest},
};
use crate::{sources::directory::Observer, types::revision::Revision};
use std::{
    collections::{HashMap, HashSet},
    io, mem,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The chunks that recordings of this process need.
#[derive(Debug, Clone, Default)]
pub(super) struct Pins(Arc<Mutex<Pinned>>);

/// The chunks with how many recordings need each.
#[derive(Debug, Default)]
pub(super) struct Pinned {
    counts: HashMap<ChunkId, usize>,
    /// All that were needed at some moment of the sweep that runs: what it has read may be older than they are.
    in_sweep: Option<HashSet<ChunkId>>,
}

impl Pins {
    pub(super) fn lock(&self) -> MutexGuard<'_, Pinned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pinned {
    fn add(&mut self, id: &ChunkId) {
        let count = self.counts.entry(id.clone()).or_default();
        *count = count.saturating_add(1);
        if let Some(seen) = &mut self.in_sweep {
            seen.insert(id.clone());
        }
    }

    /// A sweep begins.
    pub(super) fn begin_sweep(&mut self) {
        self.in_sweep = Some(self.counts.keys().cloned().collect());
    }

    /// It ends.
    pub(super) fn end_sweep(&mut self) {
        self.in_sweep = None;
    }

    /// Whether no recording needed this chunk since the sweep began.
    pub(super) fn is_free(&self, id: &ChunkId) -> bool {
        self.in_sweep.as_ref().is_some_and(|seen| !seen.contains(id))
    }
}

/// Makes a recording of a directory that is being read.
#[derive(Debug)]
pub struct Recorder {
    archive: PathBuf,
    held: Held,
    files: Vec<File>,
    /// The names of the chunks of the file that is read.
    list: Vec<u8>,
    cutter: Cutter,
    failed: Option<io::Error>,
}

/// A directory in chunks.
#[derive(Debug)]
pub struct Recording {
    pub(super) revision: Revision,
    pub(super) manifest: Manifest,
    held: Held,
}

/// The chunks of a recording.
#[derive(Debug)]
struct Held {
    pins: Pins,
    pinned: Vec<ChunkId>,
    /// Those that the archive did not have, as they are stored.
    new: HashMap<ChunkId, Vec<u8>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut pins = self.pins.lock();
        for id in &self.pinned {
            if let Some(count) = pins.counts.get_mut(id) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    pins.counts.remove(id);
                }
            }
        }
    }
}

impl Recorder {
    pub(super) fn new(archive: PathBuf, pins: Pins) -> Self {
        let held = Held { pins, pinned: Vec::new(), new: HashMap::new() };
        let (files, list, cutter) = (Vec::new(), Vec::new(), Cutter::new(OF_FILES));
        Self { archive, held, files, list, cutter, failed: None }
    }

    /// The recording of a directory that was read to its end, and has this revision.
    ///
    /// # Errors
    /// A chunk could not be compressed.
    pub fn finish(mut self, revision: Revision) -> io::Result<Recording> {
        self.end_file();
        let Self { held, files, failed, .. } = self;
        match failed {
            Some(error) => Err(error),
            None => Ok(Recording { revision, manifest: Manifest::new(files), held }),
        }
    }

    /// Ends the file that is read: its list is cut into chunks too.
    fn end_file(&mut self) {
        let Self { archive, held, files, list, cutter, failed } = self;
        cutter.end(&mut |chunk| put(archive, held, failed, chunk, list));
        let (list, mut lists, mut cutter) = (mem::take(list), Vec::new(), Cutter::new(OF_LISTS));
        let mut each = |chunk: &[u8]| {
            put(archive, held, failed, chunk, &mut Vec::new());
            lists.push(ChunkId::of(chunk));
        };
        cutter.push(&list, &mut each);
        cutter.end(&mut each);
        if let Some(file) = files.last_mut() {
            file.lists = lists;
        }
    }
}

/// Holds a chunk if the archive does not have it, and adds its name to the list.
fn put(archive: &std::path::Path, held: &mut Held, failed: &mut Option<io::Error>, chunk: &[u8], list: &mut Vec<u8>) {
    let id = ChunkId::of(chunk);
    let name = id.path(archive);
    list.extend_from_slice(id.digits().as_bytes());
    list.push(b'\n');
    // A sweep deletes under this lock: it sees the pin, or has deleted the chunk before it is looked for.
    held.pins.lock().add(&id);
    held.pinned.push(id.clone());
    let is_there = name.exists();
    if !is_there && !held.new.contains_key(&id) {
        match chunks::pack(chunk) {
            Ok(packed) => drop(held.new.insert(id, packed)),
            Err(error) => *failed = Some(error),
        }
    }
}

impl Observer for Recorder {
    fn restart(&mut self) {
        *self = Self::new(mem::take(&mut self.archive), self.held.pins.clone());
    }

    fn file(&mut self, name: &str) {
        if !self.files.is_empty() {
            self.end_file();
        }
        self.files.push(File { name: name.to_owned(), length: 0, lists: Vec::new() });
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Self { archive, held, files, list, cutter, failed } = self;
        if let Some(file) = files.last_mut() {
            file.length = file.length.saturating_add(bytes.len() as u64);
        }
        cutter.push(bytes, &mut |chunk| put(archive, held, failed, chunk, list));
    }
}

impl Recording {
    /// The chunks that the archive may not have, as they are stored.
    pub(super) fn new_chunks(&self) -> impl Iterator<Item = (&ChunkId, &[u8])> {
        self.held.new.iter().map(|(id, packed)| (id, packed.as_slice()))
    }

    /// All chunks, those of lists too.
    pub(super) fn chunks(&self) -> impl Iterator<Item = &ChunkId> {
        self.held.pinned.iter()
    }

    /// The revision of the directory.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        &self.revision
    }
}
