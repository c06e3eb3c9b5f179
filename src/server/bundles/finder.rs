//! Finds bundles and trust files in the folder of a courier: what may be activated, and why the rest is refused. It changes nothing.
//!
//! **Invariant:** each file is read once, and what is activated are the bytes that were verified
//! (`src/server/bundles/tests.rs::what_is_verified_is_what_answers`).

use super::kept::TRUST_FILE;
use crate::{
    oversight::signals::live,
    sources::{
        bundle::{Bundle, Chain, Code, Config, Floor, NextTrust, Refusal, Verified, archive, choose},
        store::{CheckedBundle, Store},
    },
    types::{problem::Problem, revision::Revision},
};
use jiff::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most files of a folder that are looked at, and the most bytes: the courier's folder may be anybody's, and accounts are read on the
/// same thread.
const MOST: usize = 1_000;
const MOST_BYTES: u64 = 64 << 20;

/// What was found: what may be activated, the newest first; copies of what answers already; and what is refused, by its file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) bundles: Vec<(String, Arc<Verified>)>,
    pub(super) again: Vec<Verified>,
    pub(super) refused: Vec<(String, Refusal)>,
}

/// Whether poort starts: then what was active before may be activated again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Yes,
    No,
}

/// Knows who must have signed, and what this poort can use.
#[derive(Debug)]
pub(super) struct Finder {
    pub(super) config: Config,
    pub(super) trust: Chain,
    pub(super) store: Arc<Store>,
    /// The signals that are looked for under settings of the bundle.
    pub(super) signals: Option<live::Config>,
}

impl Finder {
    /// Verifies the bundles that are in the folder of the courier. `active` is the one that is active, by the log or in memory.
    pub(super) fn scan(&self, floor: Option<&Floor>, active: Option<&Floor>, found: &mut Found) {
        for path in self.files(".tar", found) {
            if let Some(bytes) = read(&path, found) {
                self.verify(name(&path), &bytes, floor, active, found);
            }
        }
    }

    /// Verifies the kept bundle. Returns the floor: the newer of this one and what the log calls active, since the log may have been
    /// put back from a backup, and so may the file. Whether it counts is another matter: who signed it may be removed since, and
    /// still nothing older takes its place.
    ///
    /// # Errors
    /// Neither says what was active.
    pub(super) fn resume(
        &self,
        path: &Path,
        active: Option<&Floor>,
        found: &mut Found,
    ) -> Result<Option<Floor>, Refusal> {
        let unreadable = |error| Refusal::new(Code::Archive, format!("it cannot be read: {error}"));
        let bytes = archive::read_file(path).map_err(unreadable);
        let kept = bytes.and_then(|bytes| Ok((Bundle::read(&bytes)?, bytes)));
        match kept {
            Ok((kept, bytes)) => {
                self.verify(name(path), &bytes, active, active, found);
                let kept = (kept.manifest().store == self.config.store).then(|| Floor::from(&kept));
                Ok([kept, active.cloned()].into_iter().flatten().max_by_key(|floor| floor.version))
            }
            Err(refusal) if active.is_none() => Err(refusal),
            Err(refusal) => {
                found.refused.push((name(path), refusal));
                Ok(active.cloned())
            }
        }
    }

    /// The trust files that are there, as far as they are in their form.
    pub(super) fn trust_files(&self, found: &mut Found) -> Vec<(String, NextTrust)> {
        let mut files = Vec::new();
        for path in self.files(TRUST_FILE, found) {
            let unreadable = |error| Refusal::new(Code::TrustFile, format!("it cannot be read: {error}"));
            match archive::read_file(&path).map_err(unreadable).and_then(|bytes| NextTrust::read(&bytes)) {
                Ok(next) => files.push((name(&path), next)),
                Err(refusal) => found.refused.push((name(&path), refusal)),
            }
        }
        files
    }

    /// The files in the folder of the courier whose names end like this, the greatest names first.
    fn files(&self, ending: &str, found: &mut Found) -> Vec<PathBuf> {
        let folder = &self.config.folder;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("the folder cannot be read: {error}");
                found.refused.push((folder.display().to_string(), Refusal::new(Code::Archive, message)));
                return Vec::new();
            }
        };
        let is_one = |path: &PathBuf| name(path).ends_with(ending) && !name(path).starts_with('.');
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_one).collect();
        paths.sort();
        // Among versions of as many digits the newest has the greatest name, as `poort bundle build` and `poort trust add` name them.
        let mut left = MOST_BYTES;
        let fits = |path: &PathBuf| {
            let length = fs::metadata(path).map_or(0, |file| file.len());
            let rest = left.checked_sub(length.min(archive::LARGEST));
            left = rest.unwrap_or_default();
            rest.is_some()
        };
        paths.into_iter().rev().take(MOST).take_while(fits).collect()
    }

    fn verify(&self, file: String, bytes: &[u8], floor: Option<&Floor>, active: Option<&Floor>, found: &mut Found) {
        let is_active = |digest: &Revision| active.is_some_and(|active| active.digest == *digest);
        let verified = match Bundle::read(bytes) {
            // A key may be valid no more; that takes nothing from what is active.
            Ok(bundle) if is_active(&bundle.digest()) => {
                match (Verified::active(bytes, self.trust.newest()), self.store.bundle()) {
                    // It answers already, also where somebody that signed it was removed since: that is no refusal.
                    (Err(_), Some(active)) => Ok(active.bundle.as_ref().clone()),
                    (Ok(verified), Some(_)) => {
                        found.again.push(verified.clone());
                        Ok(verified)
                    }
                    (verified, None) => verified,
                }
            }
            Ok(bundle) => match Verified::new(bytes, self.trust.newest(), Timestamp::now()) {
                // An old file lies there, and those who signed it are gone.
                Err(_) if floor.is_some_and(|floor| bundle.manifest().version < floor.version) => return,
                verified => verified,
            },
            Err(refusal) => Err(refusal),
        };
        match verified {
            Ok(bundle) => found.bundles.push((file, Arc::new(bundle))),
            Err(refusal) => found.refused.push((file, refusal)),
        }
    }

    /// The newest bundle that may be active and that this poort can use, and all that is refused, the newest first.
    pub(super) fn choose(
        &self,
        found: Found,
        floor: Option<&Floor>,
        start: Start,
    ) -> (Option<CheckedBundle>, Vec<(String, Refusal)>) {
        let Found { bundles, again: _, mut refused } = found;
        let file_of = |bundle: &Verified| {
            let file = bundles.iter().find(|(_, found)| found.digest() == bundle.digest());
            file.map_or_else(String::new, |(file, _)| file.clone())
        };
        let choice = choose(floor, self.config.at_least, bundles.iter().map(|(_, bundle)| bundle.clone()));
        refused.extend(choice.refused.into_iter().rev().map(|(bundle, refusal)| (file_of(&bundle), refusal)));
        let refused_by = |problems: Vec<Problem>| Refusal::new(Code::Policies, lines(&problems));
        let check = |bundle: &Arc<Verified>| {
            let checked = self.store.check_bundle(bundle.clone()).map_err(refused_by)?;
            let policies = &checked.snapshot().policies;
            let signals = self.signals.as_ref().map(|signals| signals.check_settings(policies, bundle.bundle()));
            signals.transpose().map_err(refused_by)?;
            Ok(checked)
        };
        let now = Timestamp::now();
        let mut too_new = Vec::new();
        for bundle in choice.newer {
            match bundle.in_time(now).and_then(|()| check(&bundle)) {
                Ok(checked) => return (Some(checked), [too_new, refused].concat()),
                Err(refusal) => {
                    let is_over = refusal.code == Code::Expired;
                    too_new.push((file_of(&bundle), refusal));
                    // Officers replaced what is before it, so that never takes its place.
                    if is_over {
                        break;
                    }
                }
            }
        }
        refused.splice(0..0, too_new);
        // What was active before goes on being active, late or expired. It cannot be from the future, unless the clock is wrong.
        let in_time = |bundle: &Verified| {
            bundle.in_time(now).or_else(|refusal| match refusal.code {
                Code::Expired => Ok(()),
                _ => Err(refusal),
            })
        };
        let again = |same: &Arc<Verified>| in_time(same).and_then(|()| check(same));
        match choice.same.filter(|_| start == Start::Yes).map(|same| (again(&same), same)) {
            Some((Ok(checked), _)) => (Some(checked), refused),
            Some((Err(refusal), same)) => {
                refused.push((file_of(&same), refusal));
                (None, refused)
            }
            None => (None, refused),
        }
    }
}

fn read(path: &Path, found: &mut Found) -> Option<Vec<u8>> {
    let refused = |error| (name(path), Refusal::new(Code::Archive, format!("it cannot be read: {error}")));
    archive::read_file(path).map_err(|error| found.refused.push(refused(error))).ok()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn lines(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error());
    errors.map(Problem::one_line).collect::<Vec<_>>().join("\n")
}
