//! A disk that fails or becomes read-only: the caller gets `UNAVAILABLE`, and every answer that left has its record.

use super::{
    Heard, SMALL, ask_until_unavailable, nothing_is_answered, recorded, seen_by, sequence, until_answered,
    until_health_is, verified,
};
use crate::support::{Sidecar, Starting, folder};
use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};
use tokio::task::JoinSet;

/// A poort on a disk whose `fdatasync` does this so often, as `strace` counts in each thread. It runs as the child itself and
/// not below `strace`.
pub(super) fn on_a_disk_that(data: &Path, does: &str) -> Starting {
    let found = Command::new("strace").arg("--version").stdout(Stdio::null()).status();
    assert!(found.is_ok_and(|status| status.success()), "tests/run installs the package `strace`");
    let inject = format!("inject=fdatasync:{does}");
    let words =
        ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject];
    Sidecar::builder().data(data).config(SMALL).wrapper(words)
}

/// All syncs are those of the thread that writes: with one thread for callers, none of them writes itself.
fn on_a_failing_disk(data: &Path, when: &str) -> Starting {
    on_a_disk_that(data, &format!("error=EIO:when={when}")).variable("TOKIO_WORKER_THREADS", "1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_cannot_sync_gives_no_answer() {
    let folder = folder();
    let sidecar = on_a_failing_disk(folder.path(), "40+").start();
    let mut client = sidecar.grpc().await;
    let mut heard = ask_until_unavailable(&mut client).await;
    assert!(heard.len() > 10, "{} answers", heard.len());
    nothing_is_answered(&sidecar, &mut client).await;
    until_health_is(&sidecar, "NOT_SERVING").await;
    assert!(sidecar.log().contains("cannot sync"), "{}", sidecar.log());
    assert_eq!(sidecar.kill().code, None);

    let sidecar = Sidecar::builder().data(folder.path()).config(SMALL).start();
    let mut client = sidecar.grpc().await;
    until_answered(&mut client, &mut heard).await;
    assert_eq!(recorded(folder.path()), heard, "nothing that was refused has a record");
    assert_eq!(sequence(folder.path()), heard.len() as u64);
    assert_eq!(sidecar.stop().code, Some(0));
    verified(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_answers_no_waiting_caller() {
    let folder = folder();
    let sidecar = on_a_failing_disk(folder.path(), "30..33").start();
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let mut client = sidecar.grpc().await;
        clients.spawn(async move { ask_until_unavailable(&mut client).await });
    }
    let mut heard: Heard = clients.join_all().await.into_iter().flatten().collect();
    assert!(heard.len() > 10, "{} answers", heard.len());
    // No restart is needed.
    until_health_is(&sidecar, "SERVING").await;
    until_answered(&mut sidecar.grpc().await, &mut heard).await;
    assert_eq!(sidecar.stop().code, Some(0));
    assert_eq!(recorded(folder.path()), heard);
    assert_eq!(sequence(folder.path()), heard.len() as u64);
    verified(folder.path());
}

/// A poort whose data is on a disk of its own, which a test may make read-only.
fn on_a_disk_of_its_own(data: &Path) -> Starting {
    let script = "mount -t tmpfs -o size=8m tmpfs \"$0\" && exec \"$@\"";
    let words: [OsString; 6] = ["unshare".into(), "-rm".into(), "sh".into(), "-c".into(), script.into(), data.into()];
    Sidecar::builder().data(data).config(SMALL).wrapper(words)
}

/// Runs a command where the process sees its disks.
#[track_caller]
fn beside(sidecar: &Sidecar, script: &str) {
    let process = sidecar.pid().to_string();
    let words = ["--target", &process, "--user", "--mount", "--preserve-credentials", "sh", "-ec", script];
    let status = Command::new("nsenter").args(words).arg(&sidecar.data).status().unwrap();
    assert!(status.success(), "{script}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_disk_gives_no_answer() {
    let folder = folder();
    let sidecar = on_a_disk_of_its_own(folder.path()).start();
    let data = seen_by(&sidecar);
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    until_answered(&mut client, &mut heard).await;
    // The file that is open stays writable, as the kernel has it; no other can be made or changed.
    beside(&sidecar, "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"");
    heard.extend(ask_until_unavailable(&mut client).await);
    nothing_is_answered(&sidecar, &mut client).await;
    until_health_is(&sidecar, "NOT_SERVING").await;
    let ready = sidecar.operators("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.json()["log"].as_str().unwrap().contains("Read-only file system"), "{}", ready.text());
    assert_eq!(recorded(&data), heard);

    beside(&sidecar, "mount -o remount,bind,rw \"$0\"");
    until_health_is(&sidecar, "SERVING").await;
    until_answered(&mut client, &mut heard).await;
    assert_eq!(recorded(&data), heard);
    assert_eq!(sequence(&data), heard.len() as u64);
    verified(&data);
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn a_start_on_an_unwritable_disk_fails() {
    let folder = folder();
    let sidecar = Sidecar::builder().data(folder.path()).config(SMALL).start();
    let mut heard = Heard::new();
    until_answered(&mut sidecar.grpc().await, &mut heard).await;
    assert_eq!(sidecar.stop().code, Some(0));
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let data = folder.path().as_os_str().to_owned();
    let words: [OsString; 6] = ["unshare".into(), "-rm".into(), "sh".into(), "-c".into(), script.into(), data];
    let ended = Sidecar::builder().data(folder.path()).config(SMALL).wrapper(words).fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("Read-only file system"), "{}", ended.log);
    assert!(ended.log.contains(&folder.path().display().to_string()), "{}", ended.log);
    assert_eq!(recorded(folder.path()), heard);
}
