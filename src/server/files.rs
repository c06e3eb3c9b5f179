//! Policies and directory: reads them for the first time, and looks again while poort answers.
//!
//! Both happen on threads that nothing joins. Where a file system hangs, they do not end.

use super::{bundles::Bundles, signals::Signals};
use crate::{
    record::decision_log::DecisionLog,
    sources::store::{Fingerprint, INTERVAL, Store},
    types::problem::Problem,
};
use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::{sync::oneshot, time::sleep};
use tracing::{error, info, warn};

/// Reads policies and directory for the first time. `None`: a signal came before that ended.
pub(super) async fn load(
    store: &Arc<Store>,
    bundles: Option<Bundles>,
    signals: &mut Signals,
) -> Option<Result<Option<Bundles>, Vec<Problem>>> {
    let (tell, mut told) = oneshot::channel();
    let reader = store.clone();
    let read = move || match bundles {
        None => reader.load().map(|_| None),
        Some(mut bundles) => bundles.start().map(|_| Some(bundles)),
    };
    let spawned = thread::Builder::new().name("poort-load".to_owned()).spawn(move || drop(tell.send(read())));
    let failed = |message: String| Err(vec![Problem::unreadable("serve::load", "policies", message)]);
    if let Err(error) = spawned {
        return Some(failed(format!("no thread can be started: {error}")));
    }
    loop {
        tokio::select! {
            loaded = &mut told => {
                return Some(loaded.unwrap_or_else(|_| failed("reading broke off; this is a fault of poort".to_owned())));
            }
            name = signals.stop() => {
                info!(signal = name, "Stopped while the policies were being read.");
                return None;
            }
            () = sleep(Duration::from_secs(5)) => {
                warn!("The policies are still being read. If their file system does not answer, this does not end.");
            }
        }
    }
}

/// Looks at the files a few times a second, those of bundles too, and activates what changed. At a message it reads them, whatever their times say.
/// It ends after what this gives is dropped.
pub(super) fn watch(store: Arc<Store>, mut bundles: Option<(Bundles, DecisionLog)>) -> io::Result<mpsc::Sender<()>> {
    let (watching, woken) = mpsc::channel();
    let seen = store.clone();
    thread::Builder::new().name("poort-reload".to_owned()).spawn(move || {
        let mut seen = Fingerprint::default();
        loop {
            // One after the other: a directory that was read for one bundle never goes with another.
            match woken.recv_timeout(INTERVAL) {
                Ok(()) => {
                    bundles.iter_mut().for_each(|(bundles, log)| bundles.look_again(log));
                    store.reread();
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bundles.iter_mut().for_each(|(bundles, log)| bundles.look(log));
                    store.reload(&mut seen);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    })?;
    tokio::spawn(async move {
        let mut hung = false;
        loop {
            sleep(Duration::from_secs(1)).await;
            let hangs = seen.hangs().is_some();
            match (hung, hangs) {
                (false, true) => error!("Reading policies or directory hangs; changes are not noticed until it ends."),
                (true, false) => info!("Policies and directory can be read again."),
                _ => {}
            }
            hung = hangs;
        }
    });
    Ok(watching)
}
