//! Proofs that were made before, by content: a file for each, named by the digest of all that it depends on.

use super::Outcome;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The programs that made a result are part of what it depends on.
const MADE_BY: [&str; 9] = [
    env!("CARGO_PKG_VERSION"),
    include_str!("compare.rs"),
    include_str!("../proof/assumptions.rs"),
    include_str!("../proof/known.rs"),
    include_str!("../proof/meaning.rs"),
    include_str!("../proof/rule.rs"),
    include_str!("../proof/readable.rs"),
    include_str!("../proof/search.rs"),
    include_str!("../engine/decide.rs"),
];

/// A folder of results.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The results in a folder, which need not be there yet.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// An earlier result. What cannot be read, or is not what was written, counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<Outcome> {
        let text = fs::read_to_string(self.folder.join(key)).ok()?;
        let (digest, body) = text.split_once('\n')?;
        if digest != hex(body.as_bytes()) {
            return None;
        }
        serde_json::from_str(body).ok()
    }

    /// Keeps a result. That fails silently: the result is made again next time.
    pub(super) fn put(&self, key: &str, outcome: &Outcome) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let Ok(body) = serde_json::to_string(outcome) else { return };
        let text = format!("{}\n{body}", hex(body.as_bytes()));
        let unfinished = self.folder.join(format!(".{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        // Whole or not at all, also with several runs beside each other.
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&unfinished, text))
            .and_then(|()| fs::rename(&unfinished, self.folder.join(key)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
    }
}

/// The name of a result: parts with their lengths, digested.
pub(super) struct Key(Sha256);

impl Key {
    pub(super) fn new() -> Self {
        let mut key = Self(Sha256::new());
        MADE_BY.iter().for_each(|part| key.part(part));
        key
    }

    pub(super) fn part(&mut self, part: &str) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
    }

    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
