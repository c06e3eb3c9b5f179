//! Deletes cached proofs that are not used any more. Best effort: a failed deletion is ignored.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a proof is kept after it was last used.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Deletes proofs that were not used for 30 days, and what broken runs left unfinished.
pub(super) fn prune(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| is_proof(name) || is_unfinished(name));
        if is_ours && age(&entry.path()).is_some_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Remembers that a proof was used: by the time of its file, which is written at most once a day.
pub(super) fn used(path: &Path) {
    if age(path).is_some_and(|age| age > DAY)
        && let Ok(file) = File::options().append(true).open(path)
    {
        let _ = file.set_modified(SystemTime::now());
    }
}

fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?.modified().ok()?.elapsed().ok()
}

/// The name that `cache::Key` gives.
fn is_proof(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `.PROCESS-NUMBER`, as `Cache::put` names what it writes.
fn is_unfinished(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix('.')
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(one, other)| number(one) && number(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A file that was last used some days ago.
    fn file(folder: &TempDir, name: &str, days: u32) {
        let path = folder.path().join(name);
        fs::write(&path, "").unwrap();
        let then = SystemTime::now() - DAY * days;
        File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn only_proofs_unused_for_a_month_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (old, fresh) = ("a".repeat(64), "b".repeat(64));
        file(&folder, &old, 31);
        file(&folder, &fresh, 29);
        file(&folder, ".12-3", 31);
        file(&folder, "notes.txt", 400);
        prune(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [fresh, "notes.txt".to_owned()]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        prune(&folder.path().join("nowhere"));
    }
}
