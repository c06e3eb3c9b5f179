//! Which revisions in the archive may go.
//!
//! Records name the revisions that they were decided under, and a record may be on its way while its revision is replaced. So
//! a revision goes only when two things hold: at one moment nothing used it, and no record that waited for the disk then, or
//! was there already, names it. A call holds its snapshot until its record waits for the disk, so what has no snapshot any
//! more has all its records behind it, until it is activated again; that is noted.

use super::{Archive, Revisions, Store};
use crate::{sources::snapshot::Snapshot, types::revision::Revision};
use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{Arc, Weak},
};

/// A moment, and what was used then. All other revisions were idle.
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
    /// Notes which revisions are idle now: no call decides under them or can begin to. A record that names one of them is on
    /// disk, or waits for it already.
    #[must_use]
    pub fn idle(&self) -> Idle {
        let uses = &mut self.lock().uses;
        Idle { held: uses.held(), at: uses.activations }
    }

    /// Deletes the revisions that were idle then, were not activated since, and are not `named`: by no record that waited
    /// for the disk then or was there, and is left. Gives how many. Blocks on files.
    ///
    /// # Errors
    /// The archive cannot be read, or a revision not be deleted. Those before it are gone.
    pub fn forget(&self, idle: &Idle, named: &HashSet<Revision>) -> io::Result<usize> {
        let archive = Archive::new(self.config.archive.clone());
        let mut gone = 0;
        for revision in archive.list()? {
            if named.contains(&revision) || idle.held.contains(&revision) {
                continue;
            }
            // Under the lock nothing is activated; what is activated later is not found there, and is written again.
            let uses = &mut self.lock().uses;
            if uses.last.get(&revision).is_some_and(|last| *last > idle.at) {
                continue;
            }
            archive.take_out(&revision)?;
            uses.last.remove(&revision);
            gone += 1;
        }
        if gone > 0 {
            archive.empty()?;
        }
        Ok(gone)
    }
}
