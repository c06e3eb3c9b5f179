//! Shipping by the real binary: to receivers that fail in every way, to other vendors' receivers, through kills.

mod kills;
pub(super) mod peers;
mod receiver;

use crate::support::{Authority, Ended, Exposition, Sidecar, allowed, folder, message, repository, until};
use poort::{api::transport::Tls, record::spool::reader::Reader};
use receiver::{Listening, Reaction, Receiver, body};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tonic::Code;

/// A sink of OTLP over gRPC or HTTP. A short deadline, so that a stall costs little time.
fn otlp(name: &str, kind: &str, address: impl std::fmt::Display) -> String {
    format!("[ship.{name}]\nkind = \"{kind}\"\nendpoint = \"http://{address}\"\ntimeout = \"300ms\"\nbatch = 20\n")
}

/// Sinks over gRPC and over HTTP, each to a receiver of its own. Start it once for all: it takes longer than the rest.
struct Sinks {
    config: String,
    receivers: Vec<(String, Receiver, Listening)>,
}

impl Sinks {
    /// For each of these, one over gRPC and one over HTTP.
    async fn to(receivers: impl IntoIterator<Item = (&'static str, fn() -> Receiver)>) -> Self {
        let mut sinks = Self { config: String::new(), receivers: Vec::new() };
        for (name, receiver) in receivers {
            for kind in ["otlp-grpc", "otlp-http"] {
                let (name, receiver) = (format!("{name}-{kind}"), receiver());
                let listening = receiver.listen().await;
                sinks.config.push_str(&otlp(&name, kind, listening.address));
                sinks.receivers.push((name, receiver, listening));
            }
        }
        sinks
    }

    /// Starts poort, asks so many questions, and waits until every sink has all.
    async fn deliver(&self, count: usize) -> Sidecar {
        let sidecar = start(&self.config);
        ask(&sidecar, count).await;
        for (name, ..) in &self.receivers {
            until_drained(&sidecar, name).await;
        }
        sidecar
    }
}

/// Asks so many questions, each unlike the others, from several callers at once.
async fn ask(sidecar: &Sidecar, count: usize) {
    let client = sidecar.grpc().await;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..8 {
        let mut client = client.clone();
        callers.spawn(async move {
            for number in (caller..count).step_by(8) {
                let mut question = allowed();
                question["context"]["justification"] = format!("case {number}").into();
                client.evaluate(message(&question)).await.unwrap();
            }
        });
    }
    while let Some(asked) = callers.join_next().await {
        asked.unwrap();
    }
}

/// Waits until the sink has all that is in the log.
async fn until_drained(sidecar: &Sidecar, sink: &str) {
    let sink = format!("sink=\"{sink}\"");
    until("the end of the log at the sink", async || {
        let metrics = Exposition::of(sidecar).await;
        let taken = metrics.value("poort_ship_acknowledged", &sink);
        (taken > 0.0 && metrics.value("poort_ship_backlog", &sink) == 0.0).then_some(())
    })
    .await;
}

/// Stops poort and returns its data folder. What was in the log is shipped by then.
#[track_caller]
fn stopped(sidecar: Sidecar) -> (PathBuf, Ended) {
    let data = sidecar.data.clone();
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("after the next start"), "{}", ended.log);
    (data, ended)
}

/// The numbers in the quarantine of a sink.
fn quarantined(data: &Path, sink: &str) -> Vec<u64> {
    let text = fs::read_to_string(data.join(format!("quarantine/{sink}.jsonl"))).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect()
}

fn start(config: &str) -> Sidecar {
    Sidecar::builder().config(config).start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_arrives_whatever_the_receiver_does() {
    use Reaction::{Busy, Refuse, Stall, Take, TakeAndBreak};
    fn bad() -> Receiver {
        Receiver::in_turn([
            Refuse(Code::Unavailable),
            Stall,
            Take,
            TakeAndBreak,
            Busy(Duration::from_secs(1)),
            Refuse(Code::ResourceExhausted),
            Take,
            TakeAndBreak,
            Refuse(Code::Aborted),
            Take,
        ])
    }
    let sinks = Sinks::to([("bad", bad as fn() -> Receiver), ("willing", Receiver::willing)]).await;
    let sidecar = sinks.deliver(200).await;
    let metrics = Exposition::of(&sidecar).await;
    let (data, _ended) = stopped(sidecar);
    for (name, receiver, _) in &sinks.receivers {
        let twice = receiver.check(&data, &[]);
        assert_eq!(quarantined(&data, name), [0_u64; 0]);
        if name.starts_with("willing") {
            assert_eq!(twice, 0, "{name}");
            continue;
        }
        assert!(twice > 0 && twice <= 40, "{name}: two answers were lost, and {twice} records came twice");
        for reason in ["unavailable", "deadline"] {
            let labels = format!("reason=\"{reason}\",sink=\"{name}\"");
            assert!(metrics.value("poort_ship_retries_total", &labels) >= 1.0, "{name} {reason}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_never_taken_is_quarantined() {
    fn refuses(code: Code) -> Receiver {
        Receiver::new(move |numbers| match numbers.contains(&33) {
            true => Reaction::Refuse(code),
            false => Reaction::Take,
        })
    }
    fn part() -> Receiver {
        Receiver::in_turn([Reaction::TakeInPart])
    }
    let receivers: [(_, fn() -> Receiver); 3] = [
        ("invalid", || refuses(Code::InvalidArgument)),
        ("large", || refuses(Code::ResourceExhausted)),
        ("part", part),
    ];
    let sinks = Sinks::to(receivers).await;
    let sidecar = sinks.deliver(60).await;
    let metrics = Exposition::of(&sidecar).await;
    let (data, ended) = stopped(sidecar);
    for (name, receiver, _) in &sinks.receivers {
        let kept = quarantined(&data, name);
        let counted = metrics.value("poort_ship_quarantined_total", &format!("sink=\"{name}\""));
        assert_eq!(counted, kept.len() as f64, "{name}");
        let twice = receiver.check(&data, &kept);
        if name.starts_with("part") {
            // Which one was refused is not said, so all of them are kept, and none is sent again.
            assert!(!kept.is_empty(), "{name}");
            assert_eq!(twice, 0, "{name}");
        } else {
            assert_eq!(kept, [33], "{name}");
        }
    }
    assert!(ended.log.contains("ERROR") && ended.log.contains("kept in quarantine"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_arrives_byte_for_byte() {
    let mut sinks = Sinks::to([("one", Receiver::willing as fn() -> Receiver)]).await;
    sinks.config = sinks.config.replace("batch = 20\n", "compression = \"gzip\"\n");
    let sidecar = start(&sinks.config);
    let answer = sidecar.evaluate(&allowed()).await;
    let trace_id = answer["context"]["record"]["trace_id"].as_str().unwrap();
    for (_, receiver, _) in &sinks.receivers {
        let record = until("the record", async || receiver.last_decision()).await;
        let parsed: Value = serde_json::from_str(body(&record)).unwrap();
        assert_eq!(parsed["trace_id"], trace_id);
        let hex: String = record.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, trace_id);
        assert_eq!(record.event_name, "adl.access_evaluation");
    }
    let (data, _ended) = stopped(sidecar);
    for (_, receiver, _) in &sinks.receivers {
        receiver.check(&data, &[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_refuses_poort_is_named() {
    let receiver = Receiver::new(|_| Reaction::Refuse(Code::Unauthenticated));
    let listening = receiver.listen().await;
    let sidecar = start(&otlp("test", "otlp-grpc", listening.address));
    ask(&sidecar, 10).await;
    sidecar.wait_for_line("Records wait for a person");
    assert_eq!(Exposition::of(&sidecar).await.value("poort_ship_held", "sink=\"test\""), 1.0);
    ask(&sidecar, 10).await;
    let metrics = Exposition::of(&sidecar).await;
    assert!(metrics.value("poort_ship_backlog", "sink=\"test\"") >= 20.0);
    assert_eq!(metrics.value("poort_ship_acknowledged", "sink=\"test\""), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_mutual_tls_only_who_shows_a_certificate_is_heard() {
    let authority = Authority::new();
    let (server, client) = (authority.signs("localhost"), authority.signs("poort"));
    let tls = Tls {
        certificate: server.certificate,
        key: server.key,
        client_ca: Some(authority.root()),
        trust_domains: Default::default(),
    };
    let (ca, mut config, mut receivers) = (authority.root(), String::new(), Vec::new());
    for kind in ["otlp-grpc", "otlp-http"] {
        let receiver = Receiver::willing();
        let listening = receiver.listen_on(([127, 0, 0, 1], 0).into(), Some(&tls)).await;
        let address = format!("https://localhost:{}", listening.address.port());
        let sink = |name: &str| {
            format!("[ship.{name}-{kind}]\nkind = \"{kind}\"\nendpoint = \"{address}\"\ntls.ca = {ca:?}\n")
        };
        config.push_str(&sink("known"));
        config.push_str(&format!("tls.certificate = {:?}\ntls.key = {:?}\n", client.certificate, client.key));
        config.push_str(&sink("stranger"));
        receivers.push((kind, receiver, listening));
    }
    let sidecar = start(&config);
    ask(&sidecar, 20).await;
    for (kind, ..) in &receivers {
        until_drained(&sidecar, &format!("known-{kind}")).await;
        sidecar.wait_for_line(&format!("sink=stranger-{kind} reason"));
        let metrics = Exposition::of(&sidecar).await;
        assert_eq!(metrics.value("poort_ship_acknowledged", &format!("sink=\"stranger-{kind}\"")), 0.0);
    }
    let data = sidecar.data.clone();
    let _ended = sidecar.kill();
    for (_, receiver, _) in &receivers {
        receiver.check(&data, &[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_go_to_a_file_and_ocsf_beside_them() {
    let folder = folder();
    let (lines, events) = (folder.path().join("lines"), folder.path().join("events"));
    let config = format!(
        "[ship.test]\nkind = \"json-lines\"\npath = {lines:?}\n[ship.soc]\nkind = \"json-lines\"\npath = {events:?}\nformat = \"ocsf\"\n"
    );
    let sidecar = start(&config);
    ask(&sidecar, 30).await;
    let (data, _ended) = stopped(sidecar);
    let log =
        Reader::open(data.join("records")).unwrap().map(|frame| String::from_utf8(frame.unwrap().payload).unwrap());
    let lines = fs::read_to_string(&lines).unwrap();
    assert!(lines.lines().eq(log), "the lines are not the records");
    let schema = fs::read_to_string(repository().join("tests/schemas/ocsf-1.8.0.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let events: Vec<Value> =
        fs::read_to_string(&events).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().filter(|event| event["class_uid"] == 6003).count(), 30);
    for event in &events {
        schema.validate(event).unwrap_or_else(|error| panic!("{error}: {event}"));
    }
    let uids: BTreeSet<_> = events.iter().map(|event| event["metadata"]["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), events.len());
}

#[test]
fn a_sink_without_its_files_is_refused() {
    let config = "[ship.test]\nkind = \"otlp-grpc\"\nendpoint = \"https://localhost:1\"\ntls.ca = \"missing.pem\"\n";
    let ended = Sidecar::builder().config(config).fail();
    assert_eq!(ended.code, Some(64), "{}", ended.log);
    assert!(ended.log.contains("ship.test: `missing.pem`"), "{}", ended.log);
}
