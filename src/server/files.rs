//! Policies and directory: reads them for the first time, and looks again while poort answers.
//!
//! Both happen on threads that nothing joins. Where a file system hangs, they do not end.

use super::signals::Signals;
use crate::{
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
pub(super) async fn load(store: &Arc<Store>, signals: &mut Signals) -> Option<Result<Vec<Problem>, Vec<Problem>>> {
    let (tell, mut told) = oneshot::channel();
    let reader = store.clone();
    let spawned = thread::Builder::new().name("poort-load".to_owned()).spawn(move || tell.send(reader.load()));
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

/// Looks at the files a few times a second, and activates what changed. At a message it reads them, whatever their times say.
/// It ends after what this gives is dropped.
pub(super) fn watch(store: Arc<Store>) -> io::Result<mpsc::Sender<()>> {
    let (watching, woken) = mpsc::channel();
    let seen = store.clone();
    thread::Builder::new().name("poort-reload".to_owned()).spawn(move || {
        let mut seen = Fingerprint::default();
        loop {
            match woken.recv_timeout(INTERVAL) {
                Ok(()) => drop(store.reread()),
                Err(mpsc::RecvTimeoutError::Timeout) => drop(store.reload(&mut seen)),
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
