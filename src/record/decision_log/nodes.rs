//! The nodes of a log's tree, for proofs: from the node file, else from the records.
//!
//! Where old records were deleted, the checkpoint before the oldest one that is kept has the roots of all that was
//! before it. These suffice for a proof about any record that is kept, and between any two sizes from there on.

use super::checkpoint;
use crate::record::{
    evidence::{BLOCK, Checkpoint, Hash, LEVEL, NodeFile, Nodes, Tree, leaf, proof},
    spool::{
        links,
        reader::{ReadError, Reader},
    },
};
use std::{
    cell::RefCell,
    collections::HashMap,
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The node file of the log in this folder, which is beside the folder.
#[must_use]
pub fn node_file(records: &Path) -> PathBuf {
    records.with_file_name("tree-nodes")
}

/// A proof cannot be made.
#[derive(Debug, Error)]
pub enum NoProof {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A node cannot be read or is gone.
    #[error("the tree of the log cannot be read: {0}")]
    Nodes(#[from] io::Error),
    /// The records are not those that were signed for.
    #[error("the first {0} records are not those that the checkpoint was signed for; `poort log verify` says which")]
    OtherRecords(u64),
}

/// Makes proofs over the log in a folder, also while another process writes it.
#[derive(Debug)]
pub struct Prover {
    nodes: LogNodes,
}

impl Prover {
    /// Opens the log.
    ///
    /// # Errors
    /// It cannot be read, or does not begin with a checkpoint.
    pub fn open(records: &Path) -> Result<Self, NoProof> {
        let file = match links::open(OpenOptions::new().read(true), &node_file(records)) {
            Ok(file) => NodeFile::read_from(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let before = before(records)?;
        let nodes =
            LogNodes { records: records.to_owned(), file, before, made: HashMap::new(), block: RefCell::default() };
        Ok(Self { nodes })
    }

    /// The path from a record to the root of a checkpoint.
    ///
    /// # Errors
    /// See [`NoProof`].
    pub fn inclusion(&mut self, seq: u64, checkpoint: &Checkpoint) -> Result<Vec<Hash>, NoProof> {
        self.checked(checkpoint, |nodes, size, root| {
            let leaf = nodes.node(0, seq)?;
            let path = proof::inclusion(nodes, seq, size)?;
            Ok(proof::includes(&path, seq, leaf, size, root).then_some(path))
        })
    }

    /// The proof that a checkpoint's tree begins with that of the first `old` records.
    ///
    /// # Errors
    /// See [`NoProof`].
    pub fn consistency(&mut self, old: u64, checkpoint: &Checkpoint) -> Result<Vec<Hash>, NoProof> {
        Ok(self.continued(old, checkpoint)?.1)
    }

    /// The root of the first `old` records, and the proof that a checkpoint's tree begins with them.
    fn continued(&mut self, old: u64, checkpoint: &Checkpoint) -> Result<(Hash, Vec<Hash>), NoProof> {
        self.checked(checkpoint, |nodes, size, root| {
            if old == 0 {
                return Ok(Some((Tree::default().root(), Vec::new())));
            }
            let before = proof::root(nodes, old)?;
            let proof = proof::consistency(nodes, old, size)?;
            Ok(proof::is_consistent(&proof, (old, before), (size, root)).then_some((before, proof)))
        })
    }

    /// The root of the first `old` records, from which a checkpoint's tree is proven to go on.
    ///
    /// # Errors
    /// See [`NoProof`].
    pub fn root(&mut self, old: u64, checkpoint: &Checkpoint) -> Result<Hash, NoProof> {
        Ok(self.continued(old, checkpoint)?.0)
    }

    /// Makes a proof that gives the signed root. Where it does not, the node file is wrong, or the records are: it is
    /// made once more from the records alone.
    fn checked<T>(
        &mut self,
        checkpoint: &Checkpoint,
        prove: impl Fn(&LogNodes, u64, Hash) -> io::Result<Option<T>>,
    ) -> Result<T, NoProof> {
        let Checkpoint { size, root, .. } = checkpoint;
        let proven = prove(&self.nodes, *size, *root)?;
        if let Some(proof) = proven {
            return Ok(proof);
        }
        self.nodes.make()?;
        prove(&self.nodes, *size, *root)?.ok_or(NoProof::OtherRecords(*size))
    }
}

/// The tree of what was deleted before the oldest record that is kept; the empty one where nothing was.
pub(super) fn before(records: &Path) -> Result<Tree, NoProof> {
    let first = Reader::open(records)?.next().transpose()?;
    let Some(first) = first.filter(|frame| frame.seq > 0) else { return Ok(Tree::default()) };
    let attested = checkpoint::read(&first.payload, None).ok().flatten();
    let tree = attested.map(|attested| attested.tree).filter(|tree| tree.size() == first.seq);
    tree.ok_or_else(|| io::Error::other("its oldest segment does not begin with a checkpoint").into())
}

/// The nodes.
#[derive(Debug)]
struct LogNodes {
    records: PathBuf,
    file: Option<NodeFile>,
    before: Tree,
    /// What was made from the records, where the file is wrong.
    made: HashMap<(u8, u64), Hash>,
    /// The leaves of the block that was read last, with the seq of the first.
    block: RefCell<(u64, Vec<Hash>)>,
}

impl LogNodes {
    /// Makes all nodes of the file from the records, and uses these from now on.
    fn make(&mut self) -> Result<(), NoProof> {
        self.file = None;
        let mut tree = self.before.clone();
        for frame in Reader::open_at(&self.records, tree.size())? {
            tree.push_telling(leaf(&frame?.payload), |level, index, hash| {
                if level >= LEVEL {
                    self.made.insert((level, index), hash);
                }
            });
        }
        Ok(())
    }

    /// A leaf, read with those of its block.
    fn leaf(&self, seq: u64) -> io::Result<Hash> {
        let mut block = self.block.borrow_mut();
        let (first, leaves) = &mut *block;
        let find = |first: u64, leaves: &[Hash]| {
            seq.checked_sub(first).and_then(|at| leaves.get(usize::try_from(at).ok()?)).copied()
        };
        if let Some(found) = find(*first, leaves) {
            return Ok(found);
        }
        let begins = seq - seq % BLOCK;
        *first = begins.max(self.before.size());
        let end = begins.saturating_add(BLOCK);
        let frames = Reader::open_at(&self.records, *first).map_err(io::Error::other)?;
        let within = frames.take_while(|frame| frame.as_ref().map_or(true, |frame| frame.seq < end));
        let read = within.map(|frame| frame.map(|frame| leaf(&frame.payload))).collect::<Result<_, _>>();
        *leaves = read.map_err(io::Error::other)?;
        find(*first, leaves).ok_or_else(|| io::Error::other(format!("record {seq} is not there")))
    }
}

impl Nodes for LogNodes {
    fn node(&self, level: u8, index: u64) -> io::Result<Hash> {
        if let Some(made) = self.made.get(&(level, index)) {
            return Ok(*made);
        }
        if let Some(kept) = self.file.as_ref().map(|file| file.node(level, index)).transpose()?.flatten() {
            return Ok(kept);
        }
        let span = |index: u64| index.checked_mul(1_u64.checked_shl(level.into())?);
        let (Some(first), Some(end)) = (span(index), index.checked_add(1).and_then(span)) else {
            return Err(io::Error::other("no log is that long"));
        };
        if end <= self.before.size() {
            let gone = || io::Error::other(format!("the records from {first} to {} are not kept any more", end - 1));
            return self.before.subtree(first, end).ok_or_else(gone);
        }
        if level == 0 { self.leaf(first) } else { proof::above(self, level, index) }
    }
}

#[cfg(test)]
mod tests;
