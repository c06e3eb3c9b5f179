//! The cursor: how far a consumer of the records has come, on disk.
//!
//! A cursor that is older than the truth costs a second delivery and nothing else, so it is not synced each time.
//! Before a segment is deleted because every consumer has it, all cursors are synced (`retention`).

use super::{
    double_slot::{self, DoubleSlot},
    files::{Disk, Files},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub(super) const EXTENSION: &str = "cursor";

/// A durable cursor. Clones are the same cursor.
#[derive(Clone, Debug)]
pub struct Cursor {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    slots: DoubleSlot,
    position: u64,
}

impl Cursor {
    /// Opens the cursor of this name in the spool's folder, or makes one at the first record. The name is part of a
    /// file name.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub fn open(dir: &Path, name: &str) -> io::Result<Self> {
        Self::open_on(Arc::new(Disk), dir, name)
    }

    pub(super) fn open_on(files: Arc<dyn Files>, dir: &Path, name: &str) -> io::Result<Self> {
        let (slots, value) = DoubleSlot::open(files, &path_of(dir, name))?;
        let position = value.as_deref().and_then(parse).unwrap_or(0);
        Ok(Self { inner: Arc::new(Mutex::new(Inner { slots, position })) })
    }

    /// The position of a cursor, without opening it for writing. `None` when there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(dir: &Path, name: &str) -> io::Result<Option<u64>> {
        Ok(double_slot::read(&path_of(dir, name))?.as_deref().and_then(parse))
    }

    /// Whether there is a cursor of this name, at any position.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn exists(dir: &Path, name: &str) -> io::Result<bool> {
        path_of(dir, name).try_exists()
    }

    /// Removes a cursor, so that the next one of this name begins at the first record.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(dir: &Path, name: &str) -> io::Result<()> {
        Disk.remove(&path_of(dir, name))
    }

    /// All records below this seq were taken.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.lock().position
    }

    /// Moves forward. A cursor never goes back: a lower seq changes nothing.
    ///
    /// # Errors
    /// The file cannot be written; the cursor stays where it was.
    pub fn advance(&self, position: u64) -> io::Result<()> {
        let mut inner = self.lock();
        if position > inner.position {
            inner.slots.write(&position.to_le_bytes())?;
            inner.position = position;
        }
        Ok(())
    }

    /// After this, the cursor survives a power cut. Returns the position that does.
    ///
    /// # Errors
    /// The file cannot be synced.
    pub fn sync(&self) -> io::Result<u64> {
        let inner = self.lock();
        inner.slots.sync()?;
        Ok(inner.position)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.{EXTENSION}"))
}

fn parse(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_a_restart_and_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Cursor::read(folder.path(), "one").unwrap(), None);
        let cursor = Cursor::open(folder.path(), "one").unwrap();
        for (to, expected) in [(7, 7), (3, 7), (8, 8)] {
            cursor.clone().advance(to).unwrap();
            assert_eq!(cursor.position(), expected);
        }
        assert_eq!(cursor.sync().unwrap(), 8);
        assert_eq!(Cursor::open(folder.path(), "one").unwrap().position(), 8);
        assert_eq!(Cursor::read(folder.path(), "one").unwrap(), Some(8));
        assert_eq!(Cursor::open(folder.path(), "other").unwrap().position(), 0);
    }
}
