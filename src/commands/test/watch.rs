//! `poort test --watch`: runs the suites again whenever policies, directory or suites changed and are settled.

use super::{Arguments, Exit, Output, run_once};
use crate::{
    config::Settings,
    review::suite::FOLDER,
    sources::directory::OF_TESTS,
    sources::{
        directory::PROFILES,
        store::{Fingerprint, INTERVAL},
    },
    types::revision::Revision,
};
use std::{fs, path::Path};
use tokio::{runtime, signal, time};

/// The metadata of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    fingerprints: [Fingerprint; 2],
    /// The digest of the contents, if a file is so fresh that its times cannot tell two writes apart.
    contents: Option<Revision>,
}

impl Look {
    fn take(settings: &Settings) -> Self {
        let (policies, directory) = (&settings.store.policies, &settings.store.directory);
        let suites = policies.join(FOLDER);
        let (entities, profiles) = (policies.join(OF_TESTS), policies.join(PROFILES));
        let fingerprints = [Fingerprint::take(policies, directory), Fingerprint::take(&suites, &entities)];
        let is_fresh = fingerprints.iter().any(Fingerprint::is_too_fresh);
        let contents = is_fresh.then(|| contents(&[policies, directory, &suites, &entities, &profiles]));
        Self { fingerprints, contents }
    }

    /// Whether no change can be seen since before.
    fn is_like(&self, before: &Self) -> bool {
        let files = |look: &Self| look.fingerprints.each_ref().map(Fingerprint::settled);
        let contents = match (&self.contents, &before.contents) {
            (Some(now), Some(before)) => now == before,
            _ => true,
        };
        files(self) == files(before) && contents
    }
}

fn contents(folders: &[&Path]) -> Revision {
    let mut files = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.chain([folder.to_path_buf()]).filter(|path| path.is_file()) {
            files.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
        }
    }
    files.sort();
    Revision::of(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
}

/// Runs until Ctrl-C, and ends as the last run did.
pub(super) fn watch(arguments: &Arguments, settings: &Settings, output: &mut Output) -> Result<Exit, Exit> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        output.failure(&error);
        Exit::Failed
    })?;
    runtime.block_on(async {
        // Registered once, so that a Ctrl-C during a run is not lost.
        let mut interrupts = signal::unix::signal(signal::unix::SignalKind::interrupt()).map_err(|error| {
            output.failure(&error);
            Exit::Failed
        })?;
        loop {
            let seen = Look::take(settings);
            let exit = run_once(arguments, settings, output).unwrap_or_else(|exit| exit);
            output.tell("waiting for a change; Ctrl-C ends");
            let mut before = seen.clone();
            loop {
                tokio::select! {
                    _ = interrupts.recv() => return Ok(exit),
                    () = time::sleep(INTERVAL) => {}
                }
                let now = Look::take(settings);
                let lies_still = now.is_like(&before);
                let changed = !now.is_like(&seen);
                before = now;
                if changed && lies_still {
                    break;
                }
            }
        }
    })
}
