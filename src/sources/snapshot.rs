//! The snapshot: policies, schema and directory, frozen together for decisions.
//!
//! **Invariant:** a decision reads one snapshot from start to end, so it never mixes two revisions. `pdp` takes an
//! `Arc<Snapshot>` once for a call and hands it down.

use crate::{
    sources::{
        bundle::Bundle,
        directory::{self, Directory, PROFILES},
        per_thread::PerThread,
        policy::{self, Policies},
    },
    types::{moment::PolicyAge, problem::Problem, revision::Revision},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The stack of the thread that checks files, in bytes. Only the used part takes memory.
const STACK: usize = 64 << 20;

/// The number of the next snapshot of this process.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// Policies, schema and directory of one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The policies and the schema.
    pub policies: Arc<Policies>,
    /// The accounts and what else the directory holds, valid against that schema.
    pub directory: Directory,
    /// How long its policies hold. `None`: nothing bounds it.
    pub validity: Option<Validity>,
    /// Different for any two snapshots of this process; what was decided in one is never taken for the other.
    pub generation: u64,
    /// For each thread.
    revisions: PerThread<Revisions>,
}

/// How long policies hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// When their time is over, in milliseconds since 1970. They still answer, and are late.
    pub expires: i64,
    /// From when on everything is denied.
    pub denies: i64,
}

impl Validity {
    /// How old the policies are at this moment.
    #[must_use]
    pub const fn at(&self, now: i64) -> PolicyAge {
        match () {
            () if now >= self.denies => PolicyAge::Expired,
            () if now >= self.expires => PolicyAge::Late,
            () => PolicyAge::Live,
        }
    }
}

/// The revisions that answers name.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// Of the policies.
    pub policies: Revision,
    /// Of the directory.
    pub directory: Revision,
}

/// What a snapshot is made from: the bytes of all files, read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The policy folder.
    pub policies: policy::Sources,
    /// The directory.
    pub directory: directory::Sources,
}

impl Sources {
    /// Reads the files.
    ///
    /// # Errors
    /// The files that cannot be read.
    pub fn read(policies: &Path, directory: &Path) -> Result<Self, Vec<Problem>> {
        let found = directory::Sources::read(directory).and_then(|found| found.with(policies, PROFILES));
        let (policies, directory) = both(policies, directory, found)?;
        Ok(Self { policies, directory })
    }
}

/// The policies, and the files of the directory, which are not read yet. `within` are folders of the policy folder whose
/// entities are in the directory too.
///
/// # Errors
/// The files that cannot be read.
pub fn files(
    policies: &Path,
    directory: &Path,
    within: &[&str],
) -> Result<(policy::Sources, directory::Folder), Vec<Problem>> {
    let mut within = within.iter();
    let found = within.try_fold(directory::Folder::list(directory)?, |found, folder| found.with(policies, folder));
    both(policies, directory, found)
}

/// The policies of a bundle, and the files of the directory: the profiles of the bundle, and the accounts of this folder or
/// file, or else those of the bundle.
///
/// # Errors
/// The folder cannot be read.
pub fn files_of(
    bundle: &Bundle,
    accounts: Option<&Path>,
) -> Result<(policy::Sources, directory::Folder), Vec<Problem>> {
    let shown = format!("bundle {}", bundle.manifest().version);
    let texts = || bundle.files().iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let folder = match accounts {
        Some(accounts) => directory::Folder::list(accounts)?,
        None => {
            directory::Folder::in_memory(&format!("{shown}/directory")).with_texts(&shown, "directory", "", texts())
        }
    };
    let profiles = format!("{PROFILES}/");
    Ok((policy::Sources::among(&shown, texts()), folder.with_texts(&shown, PROFILES, &profiles, texts())))
}

fn both<T>(
    policies: &Path,
    directory: &Path,
    found: Result<T, Vec<Problem>>,
) -> Result<(policy::Sources, T), Vec<Problem>> {
    match (policy::Sources::read(policies), found) {
        (Ok(policies), Ok(directory)) => Ok((policies, directory)),
        // The directory is in the policy folder, and one missing folder is one problem.
        (Err(problems), Err(_)) if !policies.exists() && directory.starts_with(policies) => Err(problems),
        (Err(mut problems), Err(more)) => {
            problems.extend(more);
            Err(problems)
        }
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
    }
}

impl Snapshot {
    /// Checks the files and freezes them. Returns all problems of all files, warnings too, and the snapshot only if
    /// none of them is an error.
    #[must_use]
    pub fn from_sources(sources: &Sources) -> (Option<Self>, Vec<Problem>) {
        Self::after(None, &sources.policies, &sources.directory, &mut directory::Unobserved)
    }

    /// The same, with an earlier snapshot, from which what did not change is taken, and a directory that is read as a
    /// stream, which `observer` sees. Returns warnings only about what was checked again.
    #[must_use]
    pub fn after(
        earlier: Option<&Self>,
        policies: &policy::Sources,
        directory: &dyn directory::Files,
        observer: &mut dyn directory::Observer,
    ) -> (Option<Self>, Vec<Problem>) {
        // Cedar recurses over expressions. Whatever `policy::bounds` accepts fits in this stack by far; it might not
        // fit in the caller's.
        std::thread::scope(|scope| {
            let build = || Self::build(earlier, policies, directory, observer);
            let built =
                std::thread::Builder::new().name("poort-load".to_owned()).stack_size(STACK).spawn_scoped(scope, build);
            built.map_err(|error| error.to_string()).and_then(|thread| {
                thread.join().map_err(|_| "the check of the files broke off; this is a fault of poort".to_owned())
            })
        })
        .unwrap_or_else(|message| (None, vec![Problem::unreadable("snapshot::internal", policies.folder(), message)]))
    }

    fn build(
        earlier: Option<&Self>,
        policies: &policy::Sources,
        files: &dyn directory::Files,
        observer: &mut dyn directory::Observer,
    ) -> (Option<Self>, Vec<Problem>) {
        let same = earlier.filter(|earlier| earlier.policies.revision == policies.revision());
        let (schema, policies, mut problems) = match same {
            Some(earlier) => (Some(earlier.policies.checked_schema()), Some(earlier.policies.clone()), Vec::new()),
            None => {
                let (schema, policies, problems) = Policies::from_sources(policies);
                (schema, policies.map(Arc::new), problems)
            }
        };
        let Some(schema) = schema else { return (None, problems) };
        // Entities are checked against the schema, and against nothing else.
        let like_minded = earlier.filter(|earlier| schema.text == earlier.policies.schema_text);
        let directory = like_minded.and_then(|earlier| {
            let directory = earlier.directory.after(files, &schema, observer)?;
            Some(if same.is_some() { directory } else { directory.for_other_policies() })
        });
        let directory = directory.or_else(|| {
            let (directory, more) = Directory::from_files(files, &schema, observer);
            problems.extend(more);
            directory
        });
        let (Some(policies), Some(directory)) = (policies, directory) else { return (None, problems) };
        (Some(Self::of(policies, directory)), problems)
    }

    /// Checked policies with another directory, which the caller has checked against their schema.
    #[must_use]
    pub fn of(policies: Arc<Policies>, directory: Directory) -> Self {
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        Self { policies, directory, validity: None, generation, revisions: PerThread::new() }
    }

    /// Its revisions, for answers of this thread.
    #[must_use]
    pub fn revisions(&self) -> &Revisions {
        let Self { policies, directory, .. } = self;
        self.revisions.get_or_init(|| Revisions {
            policies: policies.revision.per_thread(),
            directory: directory.revision.per_thread(),
        })
    }
}
