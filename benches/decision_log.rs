//! The decision log by itself: how long it takes to open, to search and to verify, and whether its memory stays flat while
//! nobody takes the records.
//!
//! - `cargo bench --bench decision_log` writes 200 000 records (`POORT_BENCH_RECORDS` says how many), waits until they
//!   are packed, opens the log again, finds a trace in it, and verifies it. Then it asks for 60 seconds (`POORT_SOAK_SECONDS`) while the receiver is away, as fast as it is answered
//!   or so often a second (`POORT_SOAK_RATE`), and looks at memory.
//!
//! Every answer is checked, the records are counted, and the log is verified, before a figure is shown.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

mod served;

use poort::{
    api::pb::access_evaluation_client::AccessEvaluationClient,
    pdp::{
        Clock,
        engine::{UnknownEntities, decide, translate},
    },
    record::{
        decision_log::{Config, DecisionLog, Producer, Record, RecordedRequest, RecordedResponse},
        spool::{read_index, reader::Reader, segment_files},
    },
    sources::snapshot::{Snapshot, Sources},
    types::{
        authzen::{Limits, read_evaluation},
        decision::{Answer, Evaluated, Undeclared},
        evaluation::Evaluation,
        moment::Moment,
        revision::Revision,
        trace::TraceContext,
    },
};
use served::{connect, count_records, log_bytes, on_disk, question, start_poort};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use wait4::Wait4 as _;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let short = !std::env::args().any(|argument| argument == "--bench");
    let number = |name: &str, usual: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(if short { usual / 100 } else { usual })
    };
    runtime.block_on(fill_open_verify(number("POORT_BENCH_RECORDS", 200_000)));
    runtime.block_on(soak(Duration::from_secs(number("POORT_SOAK_SECONDS", 60))));
}

/// A usual call.
struct Called {
    snapshot: Snapshot,
    evaluation: Evaluation,
    moment: Moment,
    answer: Answer,
}

impl Called {
    /// Its record, in a trace of its own.
    fn record<'a>(&'a self, trace: &'a TraceContext) -> Record<'a> {
        Record {
            trace,
            caller: None,
            identity: None,
            moment: &self.moment,
            asked: RecordedRequest::One(Cow::Borrowed(&self.evaluation)),
            decided: RecordedResponse::One(Cow::Borrowed(&self.answer)),
            model: &self.snapshot.policies.model,
            policies: &self.snapshot.policies.revision,
            directory: &self.snapshot.directory.revision,
        }
    }
}

fn called() -> Called {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = Sources::read(&root.join("policies"), &root.join("policies/directory")).unwrap();
    let snapshot = Snapshot::from_sources(&sources).0.unwrap();
    let question = br#"{"subject": {"type": "Officer", "id": "officer-0007"}, "action": {"name": "consult"},
        "resource": {"type": "Investigation", "id": "inv-0042", "properties":
            {"unit": "detectives-north", "team": "heron", "level": 3, "embargo": false}},
        "context": {"purpose": "9"}}"#;
    let evaluation = read_evaluation(question, Limits { depth: 16, batch: 1 }).unwrap();
    let moment = Clock::new(jiff::tz::TimeZone::UTC, None).now();
    let translated = translate(&snapshot, &evaluation, &moment, UnknownEntities::Deny).unwrap();
    let verdict = Arc::new(decide(&snapshot, &translated));
    assert!(verdict.decision.is_allow());
    let (revision, directory_revision) = (snapshot.policies.revision.clone(), snapshot.directory.revision.clone());
    let answer = Answer::Evaluated(Evaluated {
        verdict,
        revision,
        directory_revision,
        cached: true,
        undeclared: Undeclared::default(),
        subject: None,
        unknown: Vec::new(),
    });
    Called { snapshot, evaluation, moment, answer }
}

async fn fill_open_verify(count: u64) {
    const WRITERS: u64 = 500;
    let data = on_disk();
    let config = Config { max: 1 << 40, ..Config::new(data.path().to_owned()) };
    let open = || {
        let producer = Producer::new("bench", &Revision::of([]), "bench", &BTreeMap::new());
        DecisionLog::open(&config, "bench", producer, &opentelemetry::global::meter("bench")).unwrap()
    };
    let (log, _) = open();
    let called = Arc::new(called());
    let started = Instant::now();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (log, called) = (log.clone(), called.clone());
        let own = count / WRITERS + u64::from(writer < count % WRITERS);
        writers.push(tokio::spawn(async move {
            for _ in 0..own {
                // A fresh identity, as each call has.
                log.append(called.record(&TraceContext::from_headers(None, None)), None).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let wrote = started.elapsed();
    let plain = log_bytes(data.path());
    // The newest two stay as they are.
    while segment_files(&config.records()).unwrap().iter().rev().skip(2).any(|file| read_index(file).unwrap().is_none())
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let packed = started.elapsed();
    log.close();
    drop(log);
    println!("{count} records: written in {wrote:.1?}, packed after {packed:.1?}");
    let files = segment_files(&config.records()).unwrap();
    let (packed, newest) = files.split_at(files.len().saturating_sub(2));
    if let Some(first) = newest.first().filter(|first| first.first > 0) {
        let bytes: u64 = packed.iter().map(|file| file.bytes).sum();
        println!("{} bytes a record when written; {} when packed", plain / count, bytes / first.first);
    }

    let started = Instant::now();
    let (log, recovery) = open();
    let opened = started.elapsed();
    assert!(recovery.records > count, "{recovery:?}");
    log.close();
    println!("opened again in {opened:.2?}");

    let middle = Reader::open_at(config.records(), count / 2).unwrap().next().unwrap().unwrap();
    let middle: serde_json::Value = serde_json::from_slice(&middle.payload).unwrap();
    let started = Instant::now();
    let found = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["log", "cat", "--trace", middle["trace_id"].as_str().expect("a decision"), "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(found.status.success() && found.stdout.iter().filter(|byte| **byte == b'\n').count() == 1);
    println!("found a trace in {:.2?}", started.elapsed());

    let started = Instant::now();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["log", "verify", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let used = verify.wait4().unwrap();
    assert!(used.status.success());
    println!("verified in {:.2?}, {} MiB\n", started.elapsed(), used.rusage.maxrss >> 20);
}

/// Asks while the receiver is away. What waits for it lies on disk, not in memory.
async fn soak(span: Duration) {
    const CALLERS: u32 = 16;
    /// What memory may grow by between the first fifth of the time and the end: caches fill, the allocator rounds up.
    const GROWTH_MIB: u64 = 24;
    // Nothing listens there.
    let away = "[ship.away]\nkind = \"otlp-grpc\"\nendpoint = \"http://127.0.0.1:9\"\n";
    let poort = start_poort(away, &[]);
    let until = Instant::now() + span;
    let rate = std::env::var("POORT_SOAK_RATE").ok().map(|text| text.parse::<f64>().unwrap());
    let pace = rate.map(|rate| Duration::from_secs_f64(f64::from(CALLERS) / rate));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let mut client = AccessEvaluationClient::new(connect(poort.address).await);
        callers.push(tokio::spawn(async move {
            let mut answered: u64 = 0;
            let mut ticks = pace.map(tokio::time::interval);
            while Instant::now() < until {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                let answer = client.evaluate(question(answered % 5_000, 3.0)).await.expect("an answer");
                assert!(answer.get_ref().decision);
                answered += 1;
            }
            answered
        }));
    }
    tokio::time::sleep(span / 5).await;
    let early = poort.memory();
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    let late = poort.memory();
    let records = count_records(poort.data.as_ref().unwrap().path());
    assert_eq!(records, answered, "every answer has its record");
    println!("{answered} answers in {span:?} while the receiver was away: {early} MiB at first, {late} MiB at the end");
    assert!(late <= early + GROWTH_MIB, "memory grows");
}
