//! The node file: the roots of all perfect subtrees of 256 and more leaves, 64 bytes for 256 records.
//!
//! With it a proof from any log reads a few dozen hashes, and hashes 256 records again. It is made from the records and
//! proves nothing by itself: a proof counts when it gives the root that was signed. So it is never synced, a hash that
//! is not there is made from the records, and a file that is wrong or of another form is made again.
//!
//! A header of 32 bytes is followed by the nodes in the order of `tlog_tiles`: each after the two that it is made from.

use super::tree::Hash;
use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt as _,
};
use tlog_tiles::{stored_hash_count, stored_hash_index};

/// The lowest level that is kept: subtrees of 256 leaves.
pub const LEVEL: u8 = 8;
/// How many leaves those have.
pub const BLOCK: u64 = 1 << LEVEL;

const HEADER: &[u8; 32] = b"poort: nodes of a tree, form 1.\n";
const WIDTH: u64 = 32;

/// The file.
#[derive(Debug)]
pub struct NodeFile(File);

impl NodeFile {
    /// A file that is open to be read. `None` when it has another form.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_from(file: File) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER.len()];
        match file.read_exact_at(&mut header, 0) {
            Ok(()) => Ok((header == *HEADER).then_some(Self(file))),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A file that is open to be read and written. What has another form is replaced.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn write_to(file: File) -> io::Result<Self> {
        if let Some(own) = Self::read_from(file.try_clone()?)? {
            return Ok(own);
        }
        let own = Self(file);
        own.clear()?;
        Ok(own)
    }

    /// Forgets all nodes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn clear(&self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.write_all_at(HEADER, 0)
    }

    /// A node; `None` where it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn node(&self, level: u8, index: u64) -> io::Result<Option<Hash>> {
        let Some(place) = place(level, index) else { return Ok(None) };
        let mut hash = [0; 32];
        match self.0.read_exact_at(&mut hash, place) {
            // A part of the file that was never written.
            Ok(()) => Ok((hash != [0; 32]).then_some(hash)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a node. One of a lower level is not kept.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, level: u8, index: u64, hash: &Hash) -> io::Result<()> {
        place(level, index).map_or(Ok(()), |place| self.0.write_all_at(hash, place))
    }

    /// How many subtrees of 256 leaves it has room for, by its length.
    ///
    /// # Errors
    /// The file system does not say.
    pub fn blocks(&self) -> io::Result<u64> {
        let nodes = self.0.metadata()?.len().saturating_sub(HEADER.len() as u64) / WIDTH;
        // n blocks have from n to below 2n nodes.
        let mut blocks = nodes / 2;
        while stored_hash_count(blocks.saturating_add(1)) <= nodes {
            blocks = blocks.saturating_add(1);
        }
        Ok(blocks)
    }
}

/// Where a node is in the file. `None` for one that is not kept.
fn place(level: u8, index: u64) -> Option<u64> {
    // No log has more: the library counts with that in mind.
    let level = level.checked_sub(LEVEL).filter(|_| index < 1 << 48 && level < 56)?;
    stored_hash_index(level, index).checked_mul(WIDTH)?.checked_add(HEADER.len() as u64)
}
