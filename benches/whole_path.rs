//! The whole path over gRPC: a question in, a Cedar decision, its record on disk, the answer out. Beside it, in the same
//! run, a tonic server with the same messages that answers `true` and does nothing else.
//!
//! `cargo bench` runs it. `POORT_BENCH_SECONDS` sets the seconds of each measurement (default 3).
//!
//! What is included: the client (tonic, in this process), loopback TCP, both servers as processes of their own on the same
//! cores. Before anything is timed, every kind of answer is checked; after it, the records on disk are counted against
//! the answers. The two servers take turns within each row, so that a slow moment of the machine meets both.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: it prints, and stops where something is not as it should be"
)]

use poort::api::pb::{
    self, EvaluateBatchRequest, EvaluateBatchResponse, EvaluateRequest, EvaluateResponse, EvaluateStreamRequest,
    EvaluateStreamResponse,
    access_evaluation_client::AccessEvaluationClient,
    access_evaluation_server::{AccessEvaluation, AccessEvaluationServer},
};
use prost_types::{Struct, Value, value::Kind};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};

/// Connections × calls under way on each.
const SHAPES: [(usize, usize); 3] = [(1, 1), (4, 16), (8, 32)];
/// Each row is measured this often, and the median is shown.
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if std::env::args().any(|argument| argument == "--do-nothing") {
        return runtime.block_on(do_nothing());
    }
    // `cargo test --benches` runs this too, with this flag: then it shows that it works, and times nothing worth showing.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let seconds = std::env::var("POORT_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3.0);
    let span = Duration::from_secs_f64(if short { 0.2 } else { seconds });
    runtime.block_on(compare(span, if short { 1 } else { ROUNDS }));
}

/// A server with the same messages that answers `true`.
struct Nothing;

#[tonic::async_trait]
impl AccessEvaluation for Nothing {
    async fn evaluate(&self, _: Request<EvaluateRequest>) -> Result<Response<EvaluateResponse>, Status> {
        Ok(Response::new(EvaluateResponse { decision: true, ..EvaluateResponse::default() }))
    }

    async fn evaluate_batch(
        &self,
        _: Request<EvaluateBatchRequest>,
    ) -> Result<Response<EvaluateBatchResponse>, Status> {
        Ok(Response::new(EvaluateBatchResponse::default()))
    }

    type EvaluateStreamStream = tokio_stream::Empty<Result<EvaluateStreamResponse, Status>>;

    async fn evaluate_stream(
        &self,
        _: Request<Streaming<EvaluateStreamRequest>>,
    ) -> Result<Response<Self::EvaluateStreamStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

async fn do_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("address={}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_service(AccessEvaluationServer::new(Nothing)).serve_with_incoming(incoming).await.unwrap();
}

/// A server in a process of its own, which ends with this.
struct Served {
    process: Child,
    address: SocketAddr,
    data: Option<tempfile::TempDir>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start_nothing() -> Served {
    let mut process =
        Command::new(std::env::current_exe().unwrap()).arg("--do-nothing").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("address=").expect("an address").parse().unwrap();
    Served { process, address, data: None }
}

fn start_poort() -> Served {
    let root = env!("CARGO_MANIFEST_DIR");
    // In the target folder, so that the log lies on a disk and not in memory.
    let data = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .args(["--policies", &format!("{root}/policies"), "--data"])
        .arg(data.path())
        .current_dir(data.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut address = None;
    for line in lines.by_ref() {
        let line = line.unwrap();
        if line.contains("Listening for callers.") {
            address = line.split_once("address=").map(|(_, address)| address.trim().parse().unwrap());
        }
        if line.contains("Ready for questions.") {
            break;
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    Served { process, address: address.expect("an address"), data: Some(data) }
}

/// A question about one investigation, which its team member may consult.
fn question(investigation: u64) -> EvaluateRequest {
    let text = |text: &str| Kind::StringValue(text.to_owned());
    let fields = |fields: Vec<(&str, Kind)>| Struct {
        fields: fields.into_iter().map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) })).collect(),
    };
    EvaluateRequest {
        subject: Some(pb::Subject { r#type: "Officer".into(), id: "officer-0007".into(), properties: None }),
        action: Some(pb::Action { name: "consult".into(), properties: None }),
        resource: Some(pb::Resource {
            r#type: "Investigation".into(),
            id: format!("inv-{investigation:08}"),
            properties: Some(fields(vec![
                ("unit", text("detectives-north")),
                ("team", text("heron")),
                ("level", Kind::NumberValue(3.0)),
                ("embargo", Kind::BoolValue(false)),
            ])),
        }),
        context: Some(fields(vec![("purpose", text("9"))])),
    }
}

/// How questions repeat.
#[derive(Clone, Copy)]
enum Mix {
    /// 64 questions in turn: answers come from the cache.
    Repeating,
    /// Never the same: every answer is evaluated.
    Fresh,
}

/// What a measurement found.
struct Figures {
    calls: u64,
    per_second: f64,
    latencies: Vec<Duration>,
}

impl Figures {
    fn percentile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into the sorted latencies"
        )]
        let index = ((self.latencies.len() - 1) as f64 * share) as usize;
        self.latencies[index]
    }
}

async fn load(address: SocketAddr, (connections, streams): (usize, usize), mix: Mix, span: Duration) -> Figures {
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
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
                    let investigation = match mix {
                        Mix::Repeating => turn % 64,
                        Mix::Fresh => NEXT.fetch_add(1, Ordering::Relaxed),
                    };
                    turn += 1;
                    let asked = Instant::now();
                    let answer = client.evaluate(question(investigation)).await.expect("an answer");
                    assert!(answer.get_ref().decision, "a wrong answer under load");
                    latencies.push(asked.elapsed());
                }
                latencies
            }));
        }
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    let took = started.elapsed();
    latencies.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a figure to show")]
    let per_second = latencies.len() as f64 / took.as_secs_f64();
    Figures { calls: latencies.len() as u64, per_second, latencies }
}

async fn connect(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect().await.unwrap()
}

/// Every kind of answer is right before anything is timed.
async fn check_answers(address: SocketAddr) -> u64 {
    let mut client = AccessEvaluationClient::new(connect(address).await);
    let allowed = client.evaluate(question(0)).await.unwrap().into_inner();
    assert!(allowed.decision && allowed.policies[0].id == "summit.team", "{allowed:?}");
    let again = client.evaluate(question(0)).await.unwrap().into_inner();
    assert_eq!((again.decision, &again.policies), (true, &allowed.policies), "cached = fresh");
    let mut other = question(0);
    other.subject.as_mut().unwrap().id = "officer-0008".into();
    let denied = client.evaluate(other).await.unwrap().into_inner();
    assert!(!denied.decision && denied.policies.is_empty(), "{denied:?}");
    let mut left = question(0);
    left.subject.as_mut().unwrap().id = "nobody".into();
    let unknown = client.evaluate(left).await.unwrap().into_inner();
    assert!(!unknown.decision && unknown.reason.contains("does not know"), "{unknown:?}");
    4
}

/// The records on disk, one for each answer.
fn count_records(served: &Served) -> u64 {
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["log", "cat", "--data"])
        .arg(served.data.as_ref().expect("poort has a log").path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines().count() as u64;
    assert!(process.wait().unwrap().success());
    lines
}

async fn compare(span: Duration, rounds: usize) {
    let (nothing, poort) = (start_nothing(), start_poort());
    let nothing = Arc::new(nothing);
    let mut answered = check_answers(poort.address).await;
    println!("one machine, {} cores shared by client and server, {rounds} × {span:?} a row, median shown\n", cores());
    println!("| connections × calls | questions | server | calls/s | p50 | p99 | of doing nothing |");
    println!("|---|---|---|---:|---:|---:|---:|");
    for shape in SHAPES {
        for (mix, name) in [(Mix::Repeating, "repeating"), (Mix::Fresh, "never the same")] {
            let mut pairs = Vec::new();
            for _ in 0..rounds {
                let base = load(nothing.address, shape, mix, span).await;
                let ours = load(poort.address, shape, mix, span).await;
                answered += ours.calls;
                pairs.push((base, ours));
            }
            let ratio = median(pairs.iter().map(|(base, ours)| ours.per_second / base.per_second));
            let row = |server: &str, figures: Vec<&Figures>, ratio: String| {
                println!(
                    "| {} × {} | {name} | {server} | {:.0} | {:.2} ms | {:.2} ms | {ratio} |",
                    shape.0,
                    shape.1,
                    median(figures.iter().map(|it| it.per_second)),
                    median(figures.iter().map(|it| it.percentile(0.5).as_secs_f64() * 1e3)),
                    median(figures.iter().map(|it| it.percentile(0.99).as_secs_f64() * 1e3)),
                );
            };
            row("does nothing", pairs.iter().map(|(base, _)| base).collect(), String::new());
            row("poort", pairs.iter().map(|(_, ours)| ours).collect(), format!("{ratio:.2}"));
        }
    }
    let records = count_records(&poort);
    assert_eq!(records, answered, "every answer has its record");
    println!("\n{answered} answers by poort, {records} records on disk");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
