//! The end of a log as earlier processes left it, and whether this process may continue it.
//!
//! To continue a log is to sign for it: the next checkpoint covers all records that are there. So these must hold:
//!
//! - every checkpoint of the last segment is signed by the key that this process has, and speaks of the records before it
//! - nothing follows the checkpoint of an orderly end
//! - the record after those that the head covers is the checkpoint that the head holds
//! - the keys of pseudonyms that the log names are at hand
//!
//! After a crash, records may follow the last checkpoint, which no checkpoint covers. The first checkpoint of this
//! process names them as found.

use super::{checkpoint::Attested, keys::KeyChange};
use crate::record::evidence::{Checkpoint, CheckpointError, Hash, PublicKeys};

/// The end of the log, record by record.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// What the head holds.
    head: Option<Checkpoint>,
    /// The last checkpoint, with its seq.
    last: Option<(u64, Attested)>,
    /// The first thing that is wrong.
    trouble: Option<String>,
}

/// What is at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Records that no checkpoint covers, so that no process is known to have written them: from the first to below the
    /// second.
    pub(super) records: Option<(u64, u64)>,
    /// The time of the log's clock at the last checkpoint.
    pub(super) clock: Option<u64>,
}

impl Past {
    pub(super) fn new(head: Option<Checkpoint>) -> Self {
        Self { head, ..Self::default() }
    }

    /// A record, with its place and the root of the tree of those before it. `attested`: it is a checkpoint.
    pub(super) fn record(&mut self, seq: u64, root: Hash, attested: Option<Attested>, trust: Option<&PublicKeys>) {
        let trouble = self.wrong_with(seq, root, attested.as_ref(), trust);
        self.trouble = self.trouble.take().or(trouble);
        self.last = attested.map(|attested| (seq, attested)).or(self.last.take());
    }

    fn wrong_with(
        &self,
        seq: u64,
        root: Hash,
        attested: Option<&Attested>,
        trust: Option<&PublicKeys>,
    ) -> Option<String> {
        if let Some((end, _)) = self.last.as_ref().filter(|(_, last)| last.is_end()) {
            return Some(format!(
                "record {seq} follows the checkpoint of an orderly end, record {end}, so no poort wrote it, and it is not \
                 signed for. Keep this folder for inquiry (`poort log verify` and `poort log cat --all` read it as it is), and \
                 begin in another data folder"
            ));
        }
        if self.head.as_ref().is_some_and(|head| head.size == seq && attested.is_none_or(|it| it.checkpoint != *head)) {
            return Some(format!(
                "record {seq} should be the checkpoint that its file `head` holds, and is another record. Keep this folder for \
                 inquiry, and begin in another data folder"
            ));
        }
        let attested = attested?;
        if attested.checkpoint.size != seq {
            return Some(format!("record {seq} is a checkpoint of {} records", attested.checkpoint.size));
        }
        if attested.checkpoint.root != root {
            return Some(format!("the first {seq} records are not those that a checkpoint was signed for"));
        }
        match Checkpoint::open(&attested.note, trust?) {
            Err(CheckpointError::UnknownKey) => Some(format!(
                "the checkpoint at record {seq} was signed with another key than the one that is there now. Put back the key that \
                 signed it; if that one is gone, or is to be another from now on, say so with `poort log key --new`, which puts it on \
                 record"
            )),
            Err(error) => Some(format!("the checkpoint at record {seq} cannot be trusted: {error}")),
            Ok(_) => None,
        }
    }

    /// What is at the end of `size` records.
    pub(super) fn judge(self, size: u64, pseudonyms: Option<&[String]>, change: KeyChange) -> Result<Found, String> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let Some((seq, last)) = self.last else {
            return Ok(Found { records: (size > 0).then_some((0, size)), clock: None });
        };
        if let Some(pseudonyms) = pseudonyms.filter(|_| !change.pseudonyms) {
            let gone: Vec<_> = last.pseudonym_keys.iter().filter(|key| !pseudonyms.contains(key)).collect();
            if let Some(key) = gone.first() {
                let id = key.split_once(':').map_or(key.as_str(), |(id, _)| id);
                return Err(format!(
                    "the key of pseudonyms `{id}`, which records name, is not there or is another one. Put it back as a line of \
                     its file; if it is to go, say so with `poort log key --pseudonyms`, which puts it on record"
                ));
            }
        }
        let behind = seq.saturating_add(1);
        Ok(Found { records: (size > behind).then_some((behind, size)), clock: Some(last.clock) })
    }
}

#[cfg(test)]
mod tests;
