//! Streams that poort ends: what was taken is answered, and the status is not OK.

use crate::support::{BareChannel, Sidecar, allowed, key, message, within};
use poort::api::pb;
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::task::spawn_blocking;
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_at_the_stop_ends_with_unavailable() {
    let sidecar = Sidecar::builder().start();
    let mut client = sidecar.grpc().await;
    let (questions, asked) = tokio::sync::mpsc::channel(64);
    let mut answers =
        client.evaluate_stream(tokio_stream::wrappers::ReceiverStream::new(asked)).await.unwrap().into_inner();
    // Questions come without end.
    let asking = tokio::spawn(async move {
        let mut number = 0_u64;
        let question = |number: u64| pb::EvaluateStreamRequest {
            id: number.to_string(),
            evaluation: Some(message(&allowed())),
            ..Default::default()
        };
        while questions.send(question(number)).await.is_ok() {
            number += 1;
        }
    });
    let mut heard = BTreeSet::new();
    let mut told = false;
    let status = loop {
        let answer = match answers.message().await {
            Ok(answer) => answer.unwrap(),
            Err(status) => break status,
        };
        match answer.result.unwrap() {
            pb::evaluate_stream_response::Result::Evaluation(answer) => heard.insert(key(&answer)),
            pb::evaluate_stream_response::Result::Error(error) => panic!("{error:?}"),
        };
        if heard.len() > 40 && !told {
            sidecar.signal(Signal::TERM);
            told = true;
        }
    };
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "poort stops; ask again what has no answer"));
    drop(answers);
    asking.await.unwrap();
    let data = sidecar.data.clone();
    drop(client);
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("cut off"), "{}", ended.log);
    // Each question that was taken has its record and was answered, and each answer has its record.
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let records = crate::support::records(&data);
    let recorded: BTreeSet<_> =
        records.iter().map(|record| (text(&record["trace_id"]), text(&record["span_id"]))).collect();
    assert_eq!(recorded, heard);
}

/// A stream that its caller ended is whole, so it ends with OK also while poort stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_its_caller_ended_ends_with_ok() {
    let sidecar = Sidecar::builder().start();
    let mut client = sidecar.grpc().await;
    let question = pb::EvaluateStreamRequest { evaluation: Some(message(&allowed())), ..Default::default() };
    let mut answers = client.evaluate_stream(tokio_stream::iter(vec![question; 100])).await.unwrap().into_inner();
    let mut count = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(matches!(answer.result, Some(pb::evaluate_stream_response::Result::Evaluation(_))));
        count += 1;
    }
    assert_eq!(count, 100);
}

/// A connection is closed for another one that needs its place: its streams must not look finished.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_displaced_stream_does_not_end_with_ok() {
    let sidecar = Sidecar::builder().config("[limits]\nconnections = 1\nhandshake = \"50ms\"\n").start();
    let (questions, asked) = tokio::sync::mpsc::channel(1);
    let question = pb::EvaluateStreamRequest { evaluation: Some(message(&allowed())), ..Default::default() };
    questions.send(question).await.unwrap();
    let mut client = BareChannel::to(&sidecar).await.client();
    let asked = tokio_stream::wrappers::ReceiverStream::new(asked);
    let mut answers = client.evaluate_stream(asked).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    let other = tokio::spawn({
        let mut other = sidecar.grpc().await;
        async move { other.evaluate(message(&allowed())).await }
    });
    within("the end of the stream", answers.message()).await.unwrap_err();
    other.await.unwrap().unwrap();
    drop(questions);
}
