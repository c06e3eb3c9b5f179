//! Keeps the node file up to date while the log is written, on a thread of its own.
//!
//! The signer has each node the moment it is complete, so nothing is read or hashed twice. What earlier processes did
//! not keep is made from the records first. A file that cannot be written costs time when a proof is made, and nothing
//! else, so it stops no log.

use super::nodes::{self, NoProof};
use crate::record::{
    evidence::{BLOCK, Hash, LEVEL, NodeFile, Tree, leaf},
    spool::{links, reader::Reader},
};
use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

/// A node that is complete: its level, its index, its hash.
pub(super) type Complete = (u8, u64, Hash);

/// Starts the thread, which ends when the sender is dropped.
///
/// # Errors
/// No thread can be had.
pub(super) fn start(records: PathBuf) -> io::Result<Sender<Complete>> {
    let (sender, complete) = channel();
    thread::Builder::new().name("poort-tree".to_owned()).spawn(move || {
        if let Err(error) = keep(&records, &complete) {
            tracing::warn!(%error, "The nodes of the log's tree are not kept, so proofs take longer until the next start.");
        }
    })?;
    Ok(sender)
}

pub(super) fn keep(records: &Path, complete: &Receiver<Complete>) -> Result<(), NoProof> {
    let Ok(mut node) = complete.recv() else { return Ok(()) };
    let mut options = OpenOptions::new();
    let file = links::open(options.read(true).write(true).create(true).truncate(false), &nodes::node_file(records))?;
    let file = NodeFile::write_to(file)?;
    // Without it the thread only competes more.
    let _usual = rustix::process::nice(19);
    // The first one that comes is of the lowest level that is kept.
    fill(records, &file, node.1)?;
    loop {
        let (level, index, hash) = node;
        file.keep(level, index, &hash)?;
        let Ok(next) = complete.recv() else { return Ok(()) };
        node = next;
    }
}

/// Makes the nodes of all blocks before this one that are not kept.
fn fill(records: &Path, file: &NodeFile, block: u64) -> Result<(), NoProof> {
    let kept = file.blocks()?;
    let end = block.saturating_mul(BLOCK);
    if kept >= block {
        return Ok(());
    }
    let before = nodes::before(records)?;
    let mut tree = tree(file, kept)?.filter(|tree| tree.size() >= before.size()).unwrap_or(before);
    for frame in Reader::open_at(records, tree.size())? {
        if tree.size() >= end {
            break;
        }
        let mut kept = Ok(());
        tree.push_telling(leaf(&frame?.payload), |level, index, hash| {
            if level >= LEVEL && kept.is_ok() {
                kept = file.keep(level, index, &hash);
            }
        });
        kept?;
    }
    Ok(())
}

/// The tree of the first blocks, from their nodes. `None` where one is not there.
fn tree(file: &NodeFile, blocks: u64) -> io::Result<Option<Tree>> {
    let mut range = Vec::new();
    let mut begins = 0_u64;
    for bit in (0_u8..48).rev().filter(|bit| blocks >> bit & 1 == 1) {
        let Some(hash) = file.node(LEVEL.saturating_add(bit), begins >> bit)? else { return Ok(None) };
        range.push(hash);
        begins = begins.saturating_add(1 << bit);
    }
    Ok(Tree::from_range(blocks.saturating_mul(BLOCK), range))
}
