//! Readiness: the health service says SERVING only while the decision log takes records.

use crate::{
    api::Health,
    record::{decision_log::DecisionLog, spool::State},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Tells health and operators the state of the log, until poort is about to stop. Returns once the first state is told.
pub(super) async fn tell(
    health: Health,
    log: DecisionLog,
    seen: watch::Sender<Option<State>>,
    leaving: CancellationToken,
) -> JoinHandle<()> {
    let mut states = log.watch();
    let health_told = health.clone();
    let tell = async move |state: State| {
        health_told.set(log.allows_answers_in(&state)).await;
        log.end_gap();
        let _ = seen.send(Some(state));
    };
    let first = states.borrow_and_update().clone();
    tell(first).await;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = leaving.cancelled() => break,
                changed = states.changed() => if changed.is_err() { break }
            }
            let state = states.borrow_and_update().clone();
            tell(state).await;
        }
        health.set(false).await;
    })
}
