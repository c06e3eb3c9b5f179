//! Witnesses that are away, slow or lying stop nothing, until the configuration says that a quorum is required.

use super::{Fake, Party, Policy, ask, begin, watched};
use crate::support::{Exposition, allowed, folder, until};
use std::{
    sync::{Mutex, mpsc},
    thread,
};

#[tokio::test]
async fn answers_end_while_a_required_quorum_is_missing() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let mut party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let policy = Policy::new(&[&party], 1).write(folder.path());
    party.go();
    // The log is older than what is allowed, and no quorum ever cosigned it.
    let sidecar = watched(&data, &policy, "required = \"1s\"\n").launch();
    sidecar.wait_for_line("Questions are not answered: no quorum of witnesses");
    let status = async || sidecar.post("/access/v1/evaluation", &allowed()).await.status;
    until("a refusal", async || (status().await == 503).then_some(())).await;
    assert!(sidecar.operators("/readyz").await.text().contains("log.witness.required"));
    let held = async || Exposition::of(&sidecar).await.value("poort_log_held", "");
    assert_eq!(held().await, 1.0);
    party.come();
    until("an answer", async || (status().await == 200).then_some(())).await;
    until("the end of the hold", async || (held().await == 0.0).then_some(())).await;
    party.go();
    until("a refusal", async || (status().await == 503).then_some(())).await;
}

#[tokio::test]
async fn a_signal_ends_a_start_that_waits_for_witnesses() {
    let folder = folder();
    let data = folder.path().join("data");
    begin(&data).await;
    let (tell, asked) = mpsc::channel();
    let tell = Mutex::new(tell);
    let silent = Fake::start(0, move |_, _| {
        tell.lock().unwrap().send(()).unwrap();
        loop {
            thread::park();
        }
    });
    let policy = Policy::new(&[&silent], 1).write(folder.path());
    let sidecar = watched(&data, &policy, "").launch();
    asked.recv().unwrap();
    sidecar.wait_for_line("Policies and directory are active.");
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("Stopped while the"), "{}", ended.log);
    assert!(!ended.log.contains("A witness does not cosign."), "it waited: {}", ended.log);
}

#[tokio::test]
async fn a_missing_witness_stops_no_answer() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let mut party = Party::start(&folder.path().join("w0"), 0, &[&key]);
    let away = Party::away(&folder.path().join("w1"), 1);
    let policy = Policy::new(&[&party, &away], 2).write(folder.path());
    let sidecar = watched(&data, &policy, "").start();
    sidecar.wait_for_line("A witness does not cosign. witness=w1");
    sidecar.evaluate(&allowed()).await;
    party.go();
    sidecar.wait_for_line("A witness does not cosign. witness=w0");
    sidecar.evaluate(&allowed()).await;
    party.come();
    sidecar.wait_for_line("A witness cosigns again. witness=w0");
    assert_eq!(sidecar.stop().code, Some(0));
}

/// A quorum of the others is found, and nothing is held.
async fn is_borne(lie: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let parties = [0, 1].map(|n| Party::start(&folder.path().join(format!("w{n}")), n, &[&key]));
    let liar = Fake::start(2, lie);
    let policy = Policy::new(&[&parties[0], &parties[1], &liar], 2).write(folder.path());
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 3).await;
    ask(&sidecar, 3).await;
    assert!(liar.asked() > 0);
    sidecar.wait_for_line("A witness does not cosign. witness=w2");
    assert_eq!(sidecar.operators("/readyz").await.status, 200);
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test]
async fn an_unproven_claim_of_a_witness_stops_nothing() {
    is_borne(|path, _| if path == "/add-checkpoint" { (409, "1000000\n".into()) } else { (404, String::new()) }).await;
}

#[tokio::test]
async fn a_witness_that_shows_a_forged_checkpoint_stops_nothing() {
    // The signature is not one of the log.
    is_borne(|path, _| match path {
        "/add-checkpoint" => (409, "1000000\n".into()),
        _ => (
            200,
            "poort/here/1\n1000000\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} poort/here/1 AAAAAAAA\n"
                .into(),
        ),
    })
    .await;
}

#[tokio::test]
async fn a_witness_that_denies_all_histories_stops_nothing() {
    is_borne(|path, body| match path {
        "/add-checkpoint" if body.starts_with("old 0\n") => (409, "1\n".into()),
        "/add-checkpoint" => (422, String::new()),
        _ => (404, String::new()),
    })
    .await;
}

#[tokio::test]
async fn a_witness_whose_cosignature_is_another_ones_counts_for_nothing() {
    is_borne(|_, body| (200, Fake::cosign(3, body))).await;
}

#[tokio::test]
async fn a_witness_that_talks_for_ever_stops_nothing() {
    is_borne(|_, _| (200, "\u{2014} witness.example/w2 AAAAAAAA\n".repeat(100_000))).await;
}
