//! Loads the snapshots that records name, from the archive or from files with the same digest.

use crate::{
    pdp::{Deciding, engine},
    sources::{
        directory, policy,
        snapshot::{Snapshot, Sources},
        store::{Archive, ArchiveError},
    },
    types::{problem::Problem, revision::Revision},
};
use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::Arc,
};

/// How many snapshots are held. A log changes revisions in order, so two are usually in use at once.
const HELD: usize = 4;

/// The revisions of policies and directory.
type RevisionPair = (Revision, Revision);

/// Files outside the archive, which are used if their digest is the one that is named.
#[derive(Debug, Default)]
pub struct Local {
    policies: Option<(Revision, policy::Sources)>,
    directory: Option<(Revision, directory::Sources)>,
}

impl Local {
    /// Reads the files; those that cannot be read are not used.
    #[must_use]
    pub fn read(policies: &Path, directory: &Path) -> Self {
        let directory = directory::Sources::read(directory).and_then(|it| it.with(policies, directory::PROFILES)).ok();
        let policies = policy::Sources::read(policies).ok();
        Self {
            policies: policies.map(|sources| (sources.revision(), sources)),
            directory: directory.map(|sources| (sources.revision(), sources)),
        }
    }
}

/// Finds snapshots by their revisions.
#[derive(Debug)]
pub struct Worlds {
    archive: Archive,
    local: Local,
    /// The one that was used last is first.
    held: VecDeque<(RevisionPair, Arc<Snapshot>)>,
    /// Why others are not available.
    missing: HashMap<RevisionPair, String>,
    /// The configurations that were looked for.
    configurations: HashMap<Revision, Option<engine::Config>>,
}

impl Worlds {
    /// From this archive, or else from these files.
    #[must_use]
    pub fn new(archive: Archive, local: Local) -> Self {
        let (held, missing, configurations) = Default::default();
        Self { archive, local, held, missing, configurations }
    }

    /// The engine's configuration of this digest. `None` if it is not in the archive as it was, or of a newer version.
    pub fn configuration(&mut self, digest: &Revision) -> Option<engine::Config> {
        let Self { archive, configurations, .. } = self;
        let find = || Some(Deciding::from_parts(&archive.configuration(digest).ok()?)?.engine);
        *configurations.entry(digest.clone()).or_insert_with(find)
    }

    /// Holds a snapshot that is there already, and the one before it, which records may name yet. What was missing may be there now.
    pub fn hold(&mut self, snapshot: Arc<Snapshot>) {
        let named = (snapshot.policies.revision.clone(), snapshot.directory.revision.clone());
        self.held.retain(|(held, _)| *held != named);
        self.held.push_front((named, snapshot));
        self.held.truncate(2);
        self.missing.clear();
    }

    /// The snapshot of these revisions.
    ///
    /// # Errors
    /// Why it is not available.
    pub fn find(&mut self, named: &RevisionPair) -> Result<Arc<Snapshot>, String> {
        if let Some(place) = self.held.iter().position(|(held, _)| held == named) {
            self.held.swap(0, place);
            if let Some((_, snapshot)) = self.held.front() {
                return Ok(snapshot.clone());
            }
        }
        if let Some(why) = self.missing.get(named) {
            return Err(why.clone());
        }
        match self.load(named) {
            Ok(snapshot) => {
                let snapshot = Arc::new(snapshot);
                self.held.push_front((named.clone(), snapshot.clone()));
                self.held.truncate(HELD);
                Ok(snapshot)
            }
            Err(why) => {
                self.missing.insert(named.clone(), why.clone());
                Err(why)
            }
        }
    }

    fn load(&self, (policies, directory): &RevisionPair) -> Result<Snapshot, String> {
        let in_words = |what: &str, error: &ArchiveError| format!("{what}: {error}");
        let local = self.local.policies.as_ref().filter(|(revision, _)| revision == policies);
        let policy_sources = match local {
            Some((_, sources)) => sources.clone(),
            None => self.archive.policies(policies).map_err(|error| in_words("the policies", &error))?,
        };
        let local = self.local.directory.as_ref().filter(|(revision, _)| revision == directory);
        let directory_sources = match local {
            Some((_, sources)) => sources.clone(),
            None => self.archive.directory(directory).map_err(|error| in_words("the directory", &error))?,
        };
        let sources = Sources { policies: policy_sources, directory: directory_sources };
        let (snapshot, problems) = Snapshot::from_sources(&sources);
        snapshot.ok_or_else(|| {
            let first = problems.iter().find(|problem| problem.is_error()).map(Problem::one_line).unwrap_or_default();
            format!("the revision {} does not check in this version of poort: {first}", policies.short())
        })
    }
}
