//! A disk that hangs: only the callers that need it wait.

use super::{Heard, broken_disk::on_a_disk_that, numbered, recorded, until_answered};
use crate::support::{folder, key, message};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const QUESTIONS: usize = 80;

/// Questions that come one at a time are written by the threads that serve callers, and these poll the sockets too.
/// With two of them, one hangs in the sync and the other sleeps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_sync_delays_no_health_check() {
    let folder = folder();
    // The thread that writes for others syncs less often than that.
    let starting = on_a_disk_that(folder.path(), "delay_enter=4000000:when=25");
    let sidecar = starting.variable("TOKIO_WORKER_THREADS", "2").start();
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    until_answered(&mut client, &mut heard).await;
    let answers = Arc::new(AtomicUsize::new(0));
    let answered = answers.clone();
    let asking = tokio::spawn(async move {
        let mut heard = Heard::new();
        // By then one of the threads has met the sync that hangs.
        for number in 0..QUESTIONS {
            let answer = client.evaluate(message(&numbered(number))).await.unwrap().into_inner();
            heard.insert(key(&answer), answer.decision);
            answered.fetch_add(1, Ordering::SeqCst);
        }
        heard
    });
    // The longest run of health checks that were answered while no question was.
    let (mut longest, mut run, mut seen) = (0, 0, 0);
    while seen < QUESTIONS {
        assert_eq!(sidecar.operators("/healthz").await.status, 200);
        let now = answers.load(Ordering::SeqCst);
        run = if now == seen { run + 1 } else { 0 };
        (seen, longest) = (now, longest.max(run));
    }
    heard.extend(asking.await.unwrap());
    assert!(longest > 100, "at most {longest} health checks were answered while a sync hung");
    assert_eq!(sidecar.stop().code, Some(0));
    assert_eq!(recorded(folder.path()), heard);
}
