//! Caches the results of proofs by content: a file for each, named by the digest of all that it depends on.

use super::prune;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The programs that made a result are part of what it depends on.
const MADE_BY: [&str; 61] = [
    // Cedar and its analysis, with their versions.
    include_str!("../../../Cargo.lock"),
    include_str!("assumptions.rs"),
    include_str!("cedar_text.rs"),
    include_str!("check.rs"),
    include_str!("environment.rs"),
    include_str!("example.rs"),
    include_str!("fitting.rs"),
    include_str!("guarantee.rs"),
    include_str!("guard.rs"),
    include_str!("implied.rs"),
    include_str!("joined.rs"),
    include_str!("limits.rs"),
    include_str!("missing_entities.rs"),
    include_str!("meaning.rs"),
    include_str!("parents.rs"),
    include_str!("real_accounts.rs"),
    include_str!("simplify.rs"),
    include_str!("readable.rs"),
    include_str!("redundant.rs"),
    include_str!("made_up_ids.rs"),
    include_str!("prepared.rs"),
    include_str!("search.rs"),
    include_str!("solver.rs"),
    include_str!("workers.rs"),
    include_str!("../../types/texts/diff_headline.rs"),
    include_str!("../diff/causes.rs"),
    include_str!("../diff/comparison.rs"),
    include_str!("../diff/effects/expressions.rs"),
    include_str!("../diff/effects/fixed.rs"),
    include_str!("../diff/effects/place.rs"),
    include_str!("../diff/effects/reach.rs"),
    include_str!("../diff/effects/residual.rs"),
    include_str!("../diff/effects/root.rs"),
    include_str!("../diff/effects/shapes.rs"),
    include_str!("../diff/environment.rs"),
    include_str!("../diff/facts.rs"),
    include_str!("../diff/new_questions.rs"),
    include_str!("../diff/pairing.rs"),
    include_str!("../diff/plan.rs"),
    include_str!("../diff/policies.rs"),
    include_str!("../diff/question.rs"),
    include_str!("../diff/read.rs"),
    include_str!("../diff/schema.rs"),
    include_str!("../partial.rs"),
    include_str!("../../pdp/engine/config.rs"),
    include_str!("../../pdp/engine/decide.rs"),
    include_str!("../../pdp/engine/translate.rs"),
    include_str!("../../pdp/engine/values.rs"),
    include_str!("../../sources/policy/limits.rs"),
    include_str!("../../sources/policy/listed.rs"),
    include_str!("../../sources/policy/folding.rs"),
    include_str!("../../sources/policy/model.rs"),
    include_str!("../../sources/policy/footprint/mod.rs"),
    include_str!("../../sources/policy/footprint/pdp.rs"),
    include_str!("../../sources/policy/footprint/walk.rs"),
    include_str!("../../sources/policy/scope.rs"),
    include_str!("../../sources/policy/shape.rs"),
    include_str!("../../sources/policy/slices.rs"),
    include_str!("../../sources/policy/value_visitor.rs"),
    include_str!("../../types/decision/wording.rs"),
    include_str!("../../types/texts/answers.rs"),
];

/// Only its owner looks into the folder: results hold examples of real accounts.
const DIR_MODE: u32 = 0o700;

/// A folder of results.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The results in a folder, which need not exist yet.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Deletes proofs that were not used for 30 days, and what broken runs left unfinished.
    pub fn prune(&self) {
        prune::prune(&self.folder);
    }

    /// An earlier result. What cannot be read, or is not what was written, counts as absent.
    pub(crate) fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let path = self.folder.join(key);
        let text = fs::read_to_string(&path).ok()?;
        prune::used(&path);
        let (digest, body) = text.split_once('\n')?;
        if digest != hex(body.as_bytes()) {
            return None;
        }
        serde_json::from_str(body).ok()
    }

    /// Stores a result. A failure is ignored: the result is computed again next time.
    pub(crate) fn put(&self, key: &str, outcome: &impl Serialize) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let Ok(body) = serde_json::to_string(outcome) else { return };
        let text = format!("{}\n{body}", hex(body.as_bytes()));
        let unfinished = self.folder.join(format!(".{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        // Written as a whole or not at all, also by several runs at once.
        let written = DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(&self.folder)
            .and_then(|()| fs::write(&unfinished, text))
            .and_then(|()| fs::rename(&unfinished, self.folder.join(key)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
    }
}

/// The name of a result: parts with their lengths, digested.
pub(crate) struct Key(Sha256);

impl Key {
    pub(crate) fn new() -> Self {
        let mut key = Self(Sha256::new());
        MADE_BY.iter().for_each(|part| key.part(part));
        key
    }

    pub(crate) fn part(&mut self, part: &str) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
    }

    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::File,
        os::unix::fs::PermissionsExt as _,
        time::{Duration, SystemTime},
    };

    #[test]
    fn only_the_owner_looks_into_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("proofs/here"));
        cache.put(&"a".repeat(64), &1);
        for made in ["proofs", "proofs/here"] {
            let mode = fs::metadata(folder.path().join(made)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{made}");
        }
    }

    /// What a proof assumes is in one of these: with an old one, a proof that no longer holds would be believed.
    #[test]
    fn a_result_depends_on_every_file_that_makes_it() {
        for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/review/proof")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let keeps_results = ["cache.rs", "mod.rs", "prune.rs"].contains(&name);
            assert!(keeps_results || MADE_BY.contains(&text.as_str()), "{name} is not in MADE_BY");
        }
    }

    #[test]
    fn a_proof_that_is_used_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let key = "c".repeat(64);
        cache.put(&key, &1);
        let path = folder.path().join(&key);
        let then = SystemTime::now() - Duration::from_secs(31 * 24 * 60 * 60);
        File::options().append(true).open(&path).unwrap().set_modified(then).unwrap();
        assert_eq!(cache.get::<u8>(&key), Some(1));
        cache.prune();
        assert!(path.exists());
    }
}
