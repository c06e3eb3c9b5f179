//! Retention: deletes records that were kept long enough, and the revisions that only they named.
//!
//! The spool says which files may go and removes them, the decision log how old records are, the store which revisions are
//! idle. Here is when, in which order, and after which record.
//!
//! - `sweep`: records, in small steps
//! - `named_revisions`: the revisions that records name

mod named_revisions;
mod sweep;
#[cfg(test)]
mod tests;

use crate::{
    record::{decision_log::DecisionLog, shipping::Cursors},
    sources::store::{Idle, Store},
};
use named_revisions::NamedRevisions;
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use sweep::{Sweep, Swept};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Deletes what was kept for the time of `keep`, until it is stopped. `records` is the folder of the log.
pub fn start(
    log: DecisionLog,
    keep: Duration,
    cursors: Cursors,
    store: Arc<Store>,
    records: PathBuf,
    stopping: CancellationToken,
) -> JoinHandle<()> {
    let (mut sweep, mut revisions) = (Sweep::new(log, keep), Revisions::new(store, records));
    tokio::spawn(async move {
        let mut ticks = interval(sweep.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let cursors = cursors.clone();
            let step = move || {
                step(&mut sweep, &cursors, &mut revisions);
                (sweep, revisions)
            };
            let Ok(back) = tokio::task::spawn_blocking(step).await else { return };
            (sweep, revisions) = back;
        }
    })
}

fn step(sweep: &mut Sweep, cursors: &Cursors, revisions: &mut Revisions) {
    let idle = revisions.store.idle();
    match sweep.step(|| cursors.sync()) {
        Ok(Swept::Nothing) => {}
        Ok(Swept::Announced(below)) => {
            info!(below, "Records that were kept long enough will be deleted.");
            revisions.announced(idle);
        }
        Ok(Swept::Deleted { segments, below }) => {
            info!(segments, below, "Deleted records that were kept long enough.");
            match revisions.deleted() {
                Ok(0) => {}
                Ok(count) => info!(count, "Deleted revisions that no record names any more."),
                Err(error) => {
                    error!(%error, "Revisions that no record names cannot be deleted; it is tried again after the next records.");
                }
            }
        }
        Err(error) => error!(%error, "Old records cannot be deleted; it is tried again."),
    }
}

/// The revisions that go with the records that named them.
struct Revisions {
    store: Arc<Store>,
    records: PathBuf,
    named: NamedRevisions,
    idle: Option<Idle>,
}

impl Revisions {
    fn new(store: Arc<Store>, records: PathBuf) -> Self {
        Self { store, records, named: NamedRevisions::default(), idle: None }
    }

    /// It is on record that old records go. `idle` was noted before that record was submitted. So what waited for the
    /// disk then is before it in the log, and on disk too.
    fn announced(&mut self, idle: Idle) {
        self.idle = Some(idle);
    }

    /// They are gone. Deletes the revisions that nothing names any more, and returns how many.
    fn deleted(&mut self) -> io::Result<usize> {
        let Some(idle) = self.idle.take() else { return Ok(0) };
        let named = self.named.read(&self.records)?;
        self.store.forget(&idle, &named)
    }
}
