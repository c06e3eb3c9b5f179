//! The policies and the directory of the configuration, for commands that need them as a sidecar would.

use super::{Exit, output::Output};
use crate::{
    config::Settings,
    sources::snapshot::{Snapshot, Sources},
    types::problem::has_errors,
};

/// Reads both. What is wrong with them is told.
pub(super) fn active(settings: &Settings, output: &mut Output) -> Result<Snapshot, Exit> {
    let (snapshot, problems) = match Sources::read(&settings.store.policies, &settings.store.directory) {
        Ok(sources) => Snapshot::from_sources(&sources),
        Err(problems) => (None, problems),
    };
    if has_errors(&problems) {
        output.problems(&problems);
    }
    snapshot.ok_or(Exit::NotValid)
}
