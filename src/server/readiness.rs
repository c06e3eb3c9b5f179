//! Readiness: the health service says SERVING only while the decision log takes records and nothing holds it.

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
    let (mut states, mut holds) = (log.watch(), log.held());
    // It waits for the disk, and health may not.
    let (recorder, until) = (log.clone(), leaving.clone());
    tokio::spawn(async move { until.run_until_cancelled(recorder.record_damage()).await });
    let health_told = health.clone();
    let tell = async move |state: State, held: Option<String>| {
        health_told.set(log.allows_answers_in(&state)).await;
        log.end_gap();
        let _ = seen.send(Some(held.map_or(state, State::Failed)));
    };
    let first = (states.borrow_and_update().clone(), holds.borrow_and_update().clone());
    tell(first.0, first.1).await;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = leaving.cancelled() => break,
                changed = states.changed() => if changed.is_err() { break },
                changed = holds.changed() => if changed.is_err() { break }
            }
            let now = (states.borrow_and_update().clone(), holds.borrow_and_update().clone());
            tell(now.0, now.1).await;
        }
        health.set(false).await;
    })
}
