//! Planted forks: a folder that was put back, two copies that both run, a witness that colludes.

use super::{Fake, Party, Policy, ask, begin, cosigned, files, log, watched};
use crate::support::{allowed, check, copy_folder, folder, run, until};
use poort::record::evidence::{Checkpoint, Key};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// A start on this folder must be refused because a witness knows more, and must sign nothing.
fn is_refused(data: &Path, policy: &Path) {
    let before = files(data);
    let ended = watched(data, policy, "").fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("put back from a backup") && ended.log.contains("poort log restored"), "{}", ended.log);
    assert!(ended.log.contains("is kept as"), "{}", ended.log);
    assert_eq!(files(data), before, "something was written");
}

#[tokio::test]
async fn a_folder_that_was_put_back_is_not_signed_for() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let policy = Policy::new(&[&party], 1).write(folder.path());
    let copy = |name: &str| {
        let copy = folder.path().join(name);
        copy_folder(&data, &copy);
        copy
    };
    // All but the beginning is lost; some 100 records; one.
    let mut copies = vec![copy("all")];
    for (name, calls) in [("hundred", 100), ("one", 1)] {
        let sidecar = watched(&data, &policy, "").start();
        ask(&sidecar, calls).await;
        sidecar.stop();
        copies.push(copy(name));
        let sidecar = watched(&data, &policy, "").start();
        ask(&sidecar, if name == "one" { 1 } else { 100 }).await;
        sidecar.stop();
    }
    for copy in &copies {
        is_refused(copy, &policy);
    }
    // Once that is said, it goes on under a new name, and is witnessed there.
    let restored = &copies[1];
    let (new, _) = log(&["restored", "--data", restored.to_str().unwrap()]);
    party.know(&[&key, new.trim()]);
    let sidecar = watched(restored, &policy, "").start();
    ask(&sidecar, 3).await;
    assert_eq!(sidecar.stop().code, Some(0));
    // The log itself goes on.
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 1).await;
}

#[tokio::test]
async fn two_copies_that_both_run_are_found_and_proven() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let mut party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let policy = Policy::new(&[&party], 1).write(folder.path());
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 5).await;
    sidecar.stop();
    let clone = folder.path().join("clone");
    copy_folder(&data, &clone);
    // Both start while the witness is away.
    party.go();
    let one = watched(&data, &policy, "").start();
    let other = watched(&clone, &policy, "").start();
    for sidecar in [&one, &other] {
        sidecar.evaluate(&allowed()).await;
    }
    party.come();
    // The first that is cosigned goes on; the other stops.
    let question = allowed();
    let stopped = until("a copy that stops", async || {
        for (sidecar, still) in [(&one, &other), (&other, &one)] {
            let reply = sidecar.post("/access/v1/evaluation", &question).await;
            if reply.status != 200 {
                return Some((sidecar, still));
            }
        }
        None
    })
    .await;
    let (stopped, goes_on) = stopped;
    assert_eq!(stopped.operators("/readyz").await.status, 503);
    let ready = stopped.operators("/readyz").await.text();
    assert!(ready.contains("is a copy of one that another poort writes"), "{ready}");
    ask(goes_on, 3).await;
    // Where the clone had as many records as the witness knows, two checkpoints prove it to anybody.
    let proofs = proofs(&stopped.data);
    assert!(!proofs.is_empty());
    if let [one, other] = proofs.as_slice() {
        proves(one, other, &key);
    }
}

/// What is kept of forks beside the log.
fn proofs(data: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("fork-")).collect()
}

/// These two prove a fork to anybody.
fn proves(one: &Path, other: &Path, key: &str) {
    let words = ["log", "verify-fork", one.to_str().unwrap(), other.to_str().unwrap(), "--key", key];
    let (out, _) = check(&run(words), 0);
    assert!(out.contains("was forked"), "{out}");
    check(&run(["log", "verify-fork", words[2], words[2], "--key", key]), 3);
}

#[tokio::test]
async fn another_root_of_the_same_size_is_a_proven_fork() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let signer = Key::read(&data.join("log-key.pem")).unwrap();
    let other = Mutex::new(String::new());
    // C2SP `tlog-witness`: 409 with the size, also where the old size is that of the checkpoint.
    let witness = Fake::start(0, move |path, body| {
        let mut other = other.lock().unwrap();
        if path != "/add-checkpoint" {
            return (200, other.clone());
        }
        let mut checkpoint = Checkpoint::read(body.split_once("\n\n").unwrap().1).unwrap();
        checkpoint.root[0] ^= 1;
        *other = checkpoint.sign(&signer).unwrap();
        (409, format!("{}\n", checkpoint.size))
    });
    let policy = Policy::new(&[&witness], 1).write(folder.path());
    let before = files(&data);
    let ended = watched(&data, &policy, "").fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("holds others in their place"), "{}", ended.log);
    assert_eq!(files(&data), before, "something was written");
    let proofs = proofs(&data);
    proves(&proofs[0], &proofs[1], &key);
}

#[tokio::test]
async fn a_witness_that_colludes_hides_no_fork() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let parties = [0, 1].map(|n| Party::start(&folder.path().join(format!("w{n}")), n, &[&key]));
    let colluding = Fake::cosigning_all(2);
    let policy = Policy::new(&[&parties[0], &parties[1], &colluding], 2).write(folder.path());
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 2).await;
    sidecar.stop();
    let backup = folder.path().join("backup");
    copy_folder(&data, &backup);
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 10).await;
    sidecar.stop();
    assert!(colluding.asked() > 0);
    is_refused(&backup, &policy);
    assert!(cosigned(&data) > cosigned(&backup));
}

/// Puts this back as the head of the records: a power cut may take the last one, for it is not synced.
fn put_head(data: &Path, head: &[u8]) {
    fs::write(data.join("records/head"), head).unwrap();
}

#[tokio::test]
async fn a_head_that_a_power_cut_made_old_proves_no_fork() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let policy = Policy::new(&[&party], 1).write(folder.path());
    let old = fs::read(data.join("records/head")).unwrap();
    for head in [old.clone(), vec![0; old.len()]] {
        let sidecar = watched(&data, &policy, "").start();
        ask(&sidecar, 5).await;
        sidecar.kill();
        put_head(&data, &head);
        let sidecar = watched(&data, &policy, "").start();
        ask(&sidecar, 1).await;
        let metrics = sidecar.operators("/metrics").await.text();
        assert!(!metrics.contains("outcome=\"fork\",witness=\"w0\"} 1"), "{metrics}");
        let ended = sidecar.stop();
        assert!(!ended.log.contains("does not cosign"), "{}", ended.log);
        assert_eq!(proofs(&data), [] as [PathBuf; 0]);
    }
}

#[tokio::test]
async fn a_folder_without_a_head_is_not_signed_for_unasked() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let policy = Policy::new(&[&party], 1).write(folder.path());
    let backup = folder.path().join("backup");
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 5).await;
    sidecar.kill();
    copy_folder(&data, &backup);
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 5).await;
    sidecar.stop();
    put_head(&backup, &[]);
    is_refused(&backup, &policy);
}
