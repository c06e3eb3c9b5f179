//! The whole path over gRPC: a question in, a Cedar decision, its record on disk, the answer out. Beside it, in the same
//! run, a tonic server with the same messages that answers `true` and does nothing else.
//!
//! `cargo bench` runs it. `POORT_BENCH_SECONDS` sets the seconds of each measurement (default 3).
//!
//! What is included: the client (tonic, in this process), loopback TCP, both servers as processes of their own on the same
//! cores. Before anything is timed, every kind of answer is checked; after it, the records on disk are counted against
//! the answers. The servers take turns within each row, so that a slow moment of the machine meets all.
//!
//! A second poort has its log in memory (`/dev/shm`), where `fdatasync` costs nothing: the difference is what the disk takes.
//! It makes and writes every record all the same; what that takes, `cargo bench --bench parts` shows. Without room in memory
//! its rows are left out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

mod served;

use poort::api::pb::{
    EvaluateRequest, EvaluateStreamRequest, access_evaluation_client::AccessEvaluationClient,
    evaluate_stream_response::Result as Outcome,
};
use served::{
    Effort, Served, connect, cores, count_records, in_memory, log_bytes, median, nothing, percentile, policies,
    question, question_with, start_poort, start_poort_in,
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

/// Connections × calls under way on each.
const SHAPES: [(usize, usize); 3] = [(1, 1), (4, 16), (8, 32)];

/// More than the log of one row can take, at any speed that was ever seen.
const ROW_BYTES: u64 = 4 << 30;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if std::env::args().any(|argument| argument == nothing::FLAG) {
        return runtime.block_on(nothing::serve());
    }
    runtime.block_on(compare(Effort::asked()));
}

/// How questions repeat.
#[derive(Clone, Copy)]
enum Mix {
    /// 64 questions in turn: answers come from the cache.
    Repeating,
    /// Never the same, but in what no policy reads: these share an answer.
    Unread,
    /// Never the same in what policies read: every answer is evaluated.
    Fresh,
}

impl Mix {
    const ALL: [(Self, &str); 3] = [
        (Self::Repeating, "repeating"),
        (Self::Unread, "other in what no policy reads"),
        (Self::Fresh, "never the same"),
    ];

    /// A caller's question of this turn.
    fn question(self, turn: u64) -> EvaluateRequest {
        static NEXT: AtomicU64 = AtomicU64::new(1_000);
        let next = || NEXT.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Repeating => question_with(turn % 64),
            Self::Unread => question(next(), 3.0),
            Self::Fresh => question_with(next()),
        }
    }
}

/// What a measurement found.
struct Figures {
    calls: u64,
    per_second: f64,
    latencies: Vec<Duration>,
}

impl Figures {
    async fn of(tasks: Vec<JoinHandle<Vec<Duration>>>, started: Instant) -> Self {
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.unwrap());
        }
        let took = started.elapsed();
        latencies.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "a figure to show")]
        let per_second = latencies.len() as f64 / took.as_secs_f64();
        Self { calls: latencies.len() as u64, per_second, latencies }
    }

    #[expect(clippy::cast_precision_loss, reason = "a figure to show")]
    fn calls_f64(&self) -> f64 {
        self.calls.max(1) as f64
    }

    fn percentile(&self, share: f64) -> Duration {
        percentile(&self.latencies, share)
    }
}

async fn load(address: SocketAddr, (connections, streams): (usize, usize), mix: Mix, span: Duration) -> Figures {
    let started = Instant::now();
    let until = started + span;
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let channel = connect(address).await;
        for _ in 0..streams {
            let mut client = AccessEvaluationClient::new(channel.clone());
            tasks.push(tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(1 << 16);
                let mut turn = 0;
                while Instant::now() < until {
                    let question = mix.question(turn);
                    turn += 1;
                    let asked = Instant::now();
                    let answer = client.evaluate(question).await.expect("an answer");
                    assert!(answer.get_ref().decision, "a wrong answer under load");
                    latencies.push(asked.elapsed());
                }
                latencies
            }));
        }
    }
    Figures::of(tasks, started).await
}

/// The same load over one `EvaluateStream` on each connection, with so many questions under way in it.
async fn stream(address: SocketAddr, (connections, window): (usize, usize), mix: Mix, span: Duration) -> Figures {
    let started = Instant::now();
    let until = started + span;
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let mut client = AccessEvaluationClient::new(connect(address).await);
        tasks.push(tokio::spawn(async move {
            let (send, questions) = tokio::sync::mpsc::channel(window);
            let mut asked = HashMap::with_capacity(window);
            let mut latencies = Vec::with_capacity(1 << 16);
            let next = async |asked: &mut HashMap<String, Instant>, turn: usize| {
                let message = EvaluateStreamRequest {
                    id: turn.to_string(),
                    evaluation: Some(mix.question(turn as u64)),
                    ..EvaluateStreamRequest::default()
                };
                asked.insert(message.id.clone(), Instant::now());
                send.send(message).await.unwrap();
            };
            for turn in 0..window {
                next(&mut asked, turn).await;
            }
            let mut answers = client.evaluate_stream(ReceiverStream::new(questions)).await.unwrap().into_inner();
            let mut turn = window;
            while let Some(answer) = answers.message().await.unwrap() {
                let Some(Outcome::Evaluation(evaluation)) = answer.result else { panic!("no answer under load") };
                assert!(evaluation.decision, "a wrong answer under load");
                latencies.push(asked.remove(&answer.id).expect("a question of ours").elapsed());
                if Instant::now() < until {
                    next(&mut asked, turn).await;
                    turn += 1;
                } else if asked.is_empty() {
                    break;
                }
            }
            latencies
        }));
    }
    Figures::of(tasks, started).await
}

/// Every kind of answer is right before anything is timed.
async fn check_answers(address: SocketAddr) -> u64 {
    let mut client = AccessEvaluationClient::new(connect(address).await);
    let allowed = client.evaluate(question(0, 3.0)).await.unwrap().into_inner();
    assert!(allowed.decision && allowed.policies[0].id == "summit.team", "{allowed:?}");
    let again = client.evaluate(question(0, 3.0)).await.unwrap().into_inner();
    assert_eq!((again.decision, &again.policies), (true, &allowed.policies), "cached = fresh");
    let mut other = question(0, 3.0);
    other.subject.as_mut().unwrap().id = "officer-0008".into();
    let denied = client.evaluate(other).await.unwrap().into_inner();
    assert!(!denied.decision && denied.policies.is_empty(), "{denied:?}");
    let mut left = question(0, 3.0);
    left.subject.as_mut().unwrap().id = "nobody".into();
    let unknown = client.evaluate(left).await.unwrap().into_inner();
    assert!(!unknown.decision && unknown.reason.contains("does not know"), "{unknown:?}");
    4
}

async fn compare(Effort { span, rounds, .. }: Effort) {
    let servers = [("does nothing", nothing::start()), ("poort", start_poort("", &[]))];
    let mut answered = check_answers(servers[1].1.address).await;
    println!("one machine, {} cores shared by client and server, {rounds} × {span:?} a row, median shown\n", cores());
    println!("| connections × calls | questions | server | calls/s | p50 | p99 | of doing nothing | CPU a call |");
    println!("|---|---|---|---:|---:|---:|---:|---:|");
    for shape in SHAPES {
        for (mix, mix_name) in Mix::ALL {
            // It begins anew in each row, so that its log never takes more memory than one row.
            let unsynced = in_memory(ROW_BYTES).map(|data| start_poort_in(data, &policies(), "", &[]));
            let unsynced = unsynced.map(|served| ("poort, log in memory", served));
            let row: Vec<&(&str, Served)> = servers.iter().chain(&unsynced).collect();
            let mut measured: Vec<Vec<(Figures, Duration)>> = row.iter().map(|_| Vec::new()).collect();
            for _ in 0..rounds {
                for ((_, server), measured) in row.iter().zip(&mut measured) {
                    let before = server.cpu();
                    let figures = load(server.address, shape, mix, span).await;
                    measured.push((figures, server.cpu() - before));
                }
            }
            for ((name, _), rows) in row.iter().zip(&measured) {
                let of = |figure: fn(&(Figures, Duration)) -> f64| median(rows.iter().map(figure));
                let ratios =
                    rows.iter().zip(&measured[0]).map(|((ours, _), (base, _))| ours.per_second / base.per_second);
                let ratio = if *name == "does nothing" { String::new() } else { format!("{:.2}", median(ratios)) };
                println!(
                    "| {} × {} | {mix_name} | {name} | {:.0} | {:.2} ms | {:.2} ms | {ratio} | {:.0} µs |",
                    shape.0,
                    shape.1,
                    of(|(it, _)| it.per_second),
                    of(|(it, _)| it.percentile(0.5).as_secs_f64() * 1e3),
                    of(|(it, _)| it.percentile(0.99).as_secs_f64() * 1e3),
                    of(|(it, cpu)| cpu.as_secs_f64() * 1e6 / it.calls_f64()),
                );
            }
            let calls = |rows: &[(Figures, Duration)]| rows.iter().map(|(figures, _)| figures.calls).sum::<u64>();
            answered += calls(&measured[1]);
            if let Some((_, served)) = &unsynced {
                check_records(served, calls(&measured[2]));
            }
        }
    }
    println!(
        "\nEvaluateStream, 8 streams × 32 questions under way in each, beside 8 × 32 unary calls of doing nothing\n"
    );
    println!("| questions | answers/s | p50 | p99 | of doing nothing |\n|---|---:|---:|---:|---:|");
    for (mix, mix_name) in Mix::ALL {
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let limit = load(servers[0].1.address, (8, 32), mix, span).await;
            let figures = stream(servers[1].1.address, (8, 32), mix, span).await;
            answered += figures.calls;
            measured.push((figures, limit.per_second));
        }
        let of = |figure: fn(&(Figures, f64)) -> f64| median(measured.iter().map(figure));
        println!(
            "| {mix_name} | {:.0} | {:.2} ms | {:.2} ms | {:.2} |",
            of(|(it, _)| it.per_second),
            of(|(it, _)| it.percentile(0.5).as_secs_f64() * 1e3),
            of(|(it, _)| it.percentile(0.99).as_secs_f64() * 1e3),
            of(|(it, limit)| it.per_second / limit),
        );
    }
    let bytes = check_records(&servers[1].1, answered) / answered.max(1);
    println!("\n{answered} answers by poort, as many records on disk, {bytes} bytes a record");
}

/// Every answer has its record. Gives the bytes that these take.
fn check_records(server: &Served, answered: u64) -> u64 {
    let data = server.data.as_ref().expect("poort has a log").path();
    assert_eq!(count_records(data), answered, "every answer has its record");
    log_bytes(data)
}
