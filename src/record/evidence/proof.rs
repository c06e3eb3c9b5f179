//! Inclusion and consistency proofs of RFC 6962, sections 2.1.1 and 2.1.2.
//!
//! `tlog_tiles` has the algorithms. It is a port of Go's `sumdb/tlog`, and shares its order of stored nodes. This file
//! gives it this crate's types, and the nodes of a log.
//!
//! **Invariant:** a proof verifies when it was made over the tree whose root is given, and never when it was made over
//! another (`tests/it/record/proofs.rs`, which has a verifier of its own).

use super::tree::{Hash, Tree, node};
use std::{cell::RefCell, io};
use tlog_tiles::{
    HashReader, check_record, check_tree, prove_record, prove_tree, split_stored_hash_index, tlog::Error as TlogError,
    tree_hash,
};

/// The nodes of a log's tree.
pub trait Nodes {
    /// The root of the perfect subtree of `2^level` leaves that begins with the leaf `index · 2^level`.
    ///
    /// # Errors
    /// What it is made from cannot be read, or is not kept any more.
    fn node(&self, level: u8, index: u64) -> io::Result<Hash>;
}

/// The path from a leaf to the root of the tree of `size` leaves.
///
/// # Errors
/// A node cannot be read, or the tree has no such leaf.
pub fn inclusion(nodes: &dyn Nodes, index: u64, size: u64) -> io::Result<Vec<Hash>> {
    Reading::of(nodes, |reading| prove_record(size, index, reading)).map(plain)
}

/// The proof that the tree of `size` leaves begins with all of the tree of `old` leaves.
///
/// # Errors
/// A node cannot be read, or `old` is not from 1 to `size`.
pub fn consistency(nodes: &dyn Nodes, old: u64, size: u64) -> io::Result<Vec<Hash>> {
    Reading::of(nodes, |reading| prove_tree(size, old, reading)).map(plain)
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// A node cannot be read.
pub fn root(nodes: &dyn Nodes, size: u64) -> io::Result<Hash> {
    Reading::of(nodes, |reading| tree_hash(size, reading)).map(|hash| hash.0)
}

/// Whether the tree of `size` leaves with this root has this leaf at this index.
#[must_use]
pub fn includes(path: &[Hash], index: u64, leaf: Hash, size: u64, root: Hash) -> bool {
    check_record(&wrapped(path), size, tlog_tiles::Hash(root), index, tlog_tiles::Hash(leaf)).is_ok()
}

/// Whether the tree of `size` leaves with this root begins with all of the tree of `old` leaves with that root. Every
/// tree begins with the empty one, for which there is no proof.
#[must_use]
pub fn is_consistent(proof: &[Hash], (old, old_root): (u64, Hash), (size, root): (u64, Hash)) -> bool {
    if old == 0 {
        return proof.is_empty() && old_root == Tree::default().root();
    }
    check_tree(&wrapped(proof), size, tlog_tiles::Hash(root), old, tlog_tiles::Hash(old_root)).is_ok()
}

fn plain(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn wrapped(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().copied().map(tlog_tiles::Hash).collect()
}

/// The nodes as the library asks for them. Its errors hold no I/O error, so that is kept beside.
struct Reading<'a> {
    nodes: &'a dyn Nodes,
    failed: RefCell<Option<io::Error>>,
}

impl<'a> Reading<'a> {
    fn of<T>(nodes: &'a dyn Nodes, read: impl FnOnce(&Self) -> Result<T, TlogError>) -> io::Result<T> {
        let reading = Self { nodes, failed: RefCell::default() };
        read(&reading).map_err(|error| reading.failed.take().unwrap_or_else(|| io::Error::other(error)))
    }
}

impl HashReader for Reading<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, TlogError> {
        let read = |index: &u64| {
            let (level, index) = split_stored_hash_index(*index);
            self.nodes.node(level, index).map(tlog_tiles::Hash)
        };
        indexes.iter().map(read).collect::<io::Result<Vec<_>>>().map_err(|error| {
            self.failed.replace(Some(error));
            TlogError::IndexesNotInTree
        })
    }
}

/// The node above two others, made from them.
///
/// # Errors
/// One of them cannot be read, or it is a leaf.
pub fn above(nodes: &dyn Nodes, level: u8, index: u64) -> io::Result<Hash> {
    let (Some(below), Some(left)) = (level.checked_sub(1), index.checked_mul(2)) else {
        return Err(io::Error::other("a leaf has no nodes below it"));
    };
    Ok(node(&nodes.node(below, left)?, &nodes.node(below, left.saturating_add(1))?))
}
