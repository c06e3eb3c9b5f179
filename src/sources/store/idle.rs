//! Finds the revisions in the archive that may be deleted.
//!
//! Records name the revisions that they were decided under, and a revision can be replaced while such a record is not
//! on disk yet. So a revision is deleted only if at one moment nothing used it, and no record names it that was on disk
//! or queued at that moment. A call holds its snapshot until its record is queued. So once a revision has no snapshot,
//! all its records are queued or on disk, until it is activated again; activations are counted.

use super::{Revisions, Store};
use crate::{sources::snapshot::Snapshot, types::revision::Revision};
use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{Arc, Weak},
};

/// A moment, and the revisions that were in use then. All others were idle.
#[derive(Debug)]
pub struct Idle {
    held: HashSet<Revision>,
    /// How many activations there had been.
    at: u64,
}

/// The use of revisions by this process.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// The snapshots that were active and are not dropped yet.
    held: Vec<(Revisions, Weak<Snapshot>)>,
    activations: u64,
    /// The number of the last activation of each revision.
    last: HashMap<Revision, u64>,
}

impl Uses {
    pub(super) fn activate(&mut self, revisions: &Revisions, snapshot: &Arc<Snapshot>) {
        self.held.retain(|(_, snapshot)| snapshot.strong_count() > 0);
        self.held.push((revisions.clone(), Arc::downgrade(snapshot)));
        self.activations = self.activations.saturating_add(1);
        let (policies, directory) = revisions;
        for revision in [policies, directory] {
            self.last.insert(revision.clone(), self.activations);
        }
    }

    fn held(&mut self) -> HashSet<Revision> {
        self.held.retain(|(_, snapshot)| snapshot.strong_count() > 0);
        self.held.iter().flat_map(|((policies, directory), _)| [policies.clone(), directory.clone()]).collect()
    }
}

impl Store {
    /// Notes which revisions are idle now: no call decides under them or can begin to. A record that names one of them
    /// is on disk or queued.
    #[must_use]
    pub fn idle(&self) -> Idle {
        let uses = &mut self.lock().uses;
        let mut held = uses.held();
        held.insert(Revision::of_texts(&self.config.configuration));
        Idle { held, at: uses.activations }
    }

    /// Deletes the revisions that were idle then, were not activated since, and are not `named` by a record that was on
    /// disk or queued then and is kept. Returns how many. Blocks on files.
    ///
    /// # Errors
    /// The archive cannot be read, or a revision cannot be deleted. Those before it are deleted.
    pub fn forget(&self, idle: &Idle, named: &HashSet<Revision>) -> io::Result<usize> {
        let archive = &self.archive;
        let mut gone = 0;
        for revision in archive.list()? {
            if named.contains(&revision) || idle.held.contains(&revision) {
                continue;
            }
            // Nothing is activated under the lock. A revision that is activated later is not found, and is written
            // again.
            let uses = &mut self.lock().uses;
            if uses.last.get(&revision).is_some_and(|last| *last > idle.at) {
                continue;
            }
            archive.take_out(&revision)?;
            uses.last.remove(&revision);
            gone += 1;
        }
        // Also what an earlier attempt could not delete.
        if archive.is_unswept() {
            archive.empty()?;
        }
        Ok(gone)
    }
}
