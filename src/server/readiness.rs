//! Readiness: the health service says SERVING only while the decision log takes records.

use crate::{
    api::Health,
    record::{decision_log::DecisionLog, spool::State},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Tells health and operators the state of the log, until poort stops.
pub(super) fn tell(
    health: Health,
    log: DecisionLog,
    seen: watch::Sender<Option<State>>,
    stopping: CancellationToken,
) -> JoinHandle<()> {
    let mut states = log.watch();
    tokio::spawn(async move {
        loop {
            let state = states.borrow_and_update().clone();
            health.set(log.allows_answers_in(&state)).await;
            log.end_gap();
            let _ = seen.send(Some(state));
            tokio::select! {
                () = stopping.cancelled() => break,
                changed = states.changed() => if changed.is_err() { break }
            }
        }
        health.set(false).await;
    })
}
