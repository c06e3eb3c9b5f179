//! Detects changes of files by polling them a few times a second.
//!
//! A poll takes some hundred microseconds for a folder of a hundred files. It works on network mounts, in containers,
//! and when an orchestrator swaps a folder through a symbolic link. Kernel notifications miss all three, so they would
//! need polling as well.

use crate::sources::directory::PROFILES;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The interval between polls. A change is read when two polls in a row find the same. So it is active after two
/// intervals and the time to check it: well within a second.
pub const INTERVAL: Duration = Duration::from_millis(200);

/// Where two writes can fall into one tick of a file system's clock, a file's times do not tell them apart. Files that
/// changed this short ago are looked into again.
const FRESH: Duration = Duration::from_secs(2);

/// The metadata of the files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fingerprint {
    files: BTreeMap<PathBuf, File>,
    /// Whether the newest change of a file was within [`FRESH`] when this was taken.
    fresh: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// Takes the metadata of all files of a policy folder and a directory.
    #[must_use]
    pub fn take(policies: &Path, directory: &Path) -> Self {
        let mut files = BTreeMap::new();
        for path in [policies, directory, &policies.join(PROFILES)] {
            look(path, &mut files);
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                look(&entry.path(), &mut files);
            }
        }
        let newest = files
            .values()
            .map(|file| {
                let seconds = u64::try_from(file.changed.0).unwrap_or(0);
                Duration::new(seconds, u32::try_from(file.changed.1).unwrap_or(0))
            })
            .max()
            .unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { files, fresh: now.saturating_sub(newest) < FRESH }
    }

    /// The same as a later poll would have it, when no file is fresh any more: for comparing two polls of the same
    /// files.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { files: self.files.clone(), fresh: false }
    }

    /// Whether a file changed so shortly before this was taken that a further change could look the same.
    #[must_use]
    pub const fn is_too_fresh(&self) -> bool {
        self.fresh
    }
}

fn look(path: &Path, files: &mut BTreeMap<PathBuf, File>) {
    // Follows links: what counts is what would be read.
    let Ok(metadata) = fs::metadata(path) else { return };
    files.insert(
        path.to_owned(),
        File {
            inode: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        },
    );
}
