//! A well-behaved caller before, during and after attacks of another process that reaches the port.
//!
//! ```text
//! cargo bench --bench attacks                                    this build
//! POORT_BENCH_BINARY=path/to/poort POORT_BENCH_POLICIES=path/to/policies cargo bench --bench attacks   another one
//! ```
//!
//! The caller asks one question after the other, each on a connection of its own, with a time limit of 30 s. Each phase takes
//! three seconds or as long as one question. Recovery is the time from the end of the attack to the first answer.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use prost::Message as _;
use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PHASE: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(30);
const QUESTION: &str = r#"{"subject":{"type":"Officer","id":"officer-0007"},"action":{"name":"consult"},"resource":{"type":"Investigation","id":"inv-0042","properties":{"unit":"detectives-north","team":"heron","level":3,"embargo":false}},"context":{"purpose":"9"}}"#;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

type Attack = fn(SocketAddr) -> Vec<TcpStream>;

fn main() {
    println!("| attack | p50, p99 before (ms) | during | after | recovery (ms) | memory before, at most (MiB) |");
    println!("|---|---|---|---|---|---|");
    let attacks: [(&str, Attack); 4] = [
        ("4 names of 700 kB", long_names),
        ("500 messages of 4 MB announced", unfinished),
        ("1 100 silent connections", silent),
        ("96 000 streamed questions, no answer read", unread),
    ];
    for (name, attack) in attacks {
        let poort = Poort::start();
        let before = asked(poort.address);
        let (memory, _) = poort.memory();
        let held = attack(poort.address);
        let during = asked(poort.address);
        drop(held);
        let ended = Instant::now();
        while ask(poort.address).is_none() {}
        let recovery = ended.elapsed().as_millis();
        let after = asked(poort.address);
        let (_, peak) = poort.memory();
        println!("| {name} | {before} | {during} | {after} | {recovery} | {memory}, {peak} |");
    }
}

struct Poort {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Poort {
    fn start() -> Self {
        let binary = env::var("POORT_BENCH_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_poort").to_owned());
        let folder = tempfile::tempdir().unwrap();
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");
        let policies = env::var("POORT_BENCH_POLICIES").unwrap_or_else(|_| own.to_owned());
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--policies", &policies]);
        command.current_dir(folder.path()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut address = None;
        for line in lines.by_ref() {
            if let Some((_, found)) = line.split_once("Listening for callers. address=") {
                address = Some(found.parse().unwrap());
            }
            if line.contains("Ready for questions.") {
                break;
            }
        }
        thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.unwrap(), _folder: folder }
    }

    /// Now, and at most, in MiB.
    fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

impl Drop for Poort {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Asks one question; `None` if it is not answered with an allow within the limit.
fn ask(address: SocketAddr) -> Option<Duration> {
    let started = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    let length = QUESTION.len();
    let head = format!(
        "POST /access/v1/evaluation HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{QUESTION}"
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.contains("\"decision\":true").then(|| started.elapsed())
}

/// Asks for the time of a phase: p50 and p99 in milliseconds, and how many were not answered.
fn asked(address: SocketAddr) -> String {
    let started = Instant::now();
    let (mut times, mut failed) = (Vec::new(), 0);
    while started.elapsed() < PHASE {
        match ask(address) {
            Some(time) => times.push(time),
            None => failed += 1,
        }
    }
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let failed = if failed == 0 { String::new() } else { format!(" ({failed} not answered)") };
    format!("{:.2}, {:.2}{failed}", at(50), at(99))
}

fn long_names(address: SocketAddr) -> Vec<TcpStream> {
    let body = QUESTION.replace("Officer", &"a".repeat(700_000));
    let head = format!(
        "POST /access/v1/evaluation HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (0..4).map(|_| said(address, &[head.as_bytes(), body.as_bytes()].concat())).collect()
}

fn unfinished(address: SocketAddr) -> Vec<TcpStream> {
    let mut announced = vec![0];
    announced.extend_from_slice(&4_194_000_u32.to_be_bytes());
    announced.extend_from_slice(b"xxxxxxxxxx");
    let calls = (0..250).flat_map(|call| {
        let id = 1 + 2 * call;
        [frame(1, 4, id, &headers("Evaluate")), frame(0, 0, id, &announced)].concat()
    });
    let bytes = [PREFACE.to_vec(), frame(4, 0, 0, &[]), calls.collect()].concat();
    (0..2).map(|_| said(address, &bytes)).collect()
}

fn silent(address: SocketAddr) -> Vec<TcpStream> {
    (0..1100).filter_map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()).collect()
}

/// Streams whose windows have room for one byte.
fn unread(address: SocketAddr) -> Vec<TcpStream> {
    let window = [&4_u16.to_be_bytes()[..], &1_u32.to_be_bytes()].concat();
    let questions = streamed_question().repeat(200);
    let connection = |_| {
        let mut stream = said(address, &[PREFACE, &frame(4, 0, 0, &window)].concat());
        let mut server = Server::default();
        while !server.took_settings {
            server.read_from(&mut stream);
        }
        stream.write_all(&frame(4, 1, 0, &[])).unwrap();
        for call in 0..240 {
            let id = 1 + 2 * call;
            stream.write_all(&frame(1, 4, id, &headers("EvaluateStream"))).unwrap();
            for part in questions.chunks(16_000) {
                while server.window < part.len() {
                    server.read_from(&mut stream);
                }
                server.window -= part.len();
                stream.write_all(&frame(0, 0, id, part)).unwrap();
            }
        }
        stream
    };
    (0..2).map(connection).collect()
}

/// What the other side of a connection said.
struct Server {
    /// How many bytes it still takes on the connection.
    window: usize,
    /// Whether it knows how few bytes a stream takes here.
    took_settings: bool,
}

impl Default for Server {
    /// RFC 9113, section 6.9.2.
    fn default() -> Self {
        Self { window: 65_535, took_settings: false }
    }
}

impl Server {
    fn read_from(&mut self, stream: &mut TcpStream) {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).unwrap();
        match (kind, u32::from_be_bytes(id)) {
            (4, _) => self.took_settings |= flags == 1,
            (8, 0) => self.window += u32::from_be_bytes(payload.try_into().unwrap()) as usize,
            _ => {}
        }
    }
}

/// A message of `EvaluateStream` that asks the same as [`QUESTION`], with its prefix.
fn streamed_question() -> Vec<u8> {
    use poort::api::pb::{Action, EvaluateRequest, EvaluateStreamRequest, Resource, Subject};
    use prost_types::{Struct, Value, value::Kind};
    let fields = |fields: &[(&str, Kind)]| {
        let value = |kind: &Kind| Value { kind: Some(kind.clone()) };
        Some(Struct { fields: fields.iter().map(|(name, kind)| ((*name).to_owned(), value(kind))).collect() })
    };
    let text = |text: &str| Kind::StringValue(text.to_owned());
    let held = [
        ("unit", text("detectives-north")),
        ("team", text("heron")),
        ("level", Kind::NumberValue(3.0)),
        ("embargo", Kind::BoolValue(false)),
    ];
    let evaluation = EvaluateRequest {
        subject: Some(Subject { r#type: "Officer".into(), id: "officer-0007".into(), properties: None }),
        action: Some(Action { name: "consult".into(), properties: None }),
        resource: Some(Resource { r#type: "Investigation".into(), id: "inv-0042".into(), properties: fields(&held) }),
        context: fields(&[("purpose", text("9"))]),
        explain: false,
    };
    let message = EvaluateStreamRequest { id: "1".into(), evaluation: Some(evaluation), ..Default::default() };
    let message = message.encode_to_vec();
    [&[0], u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), &message].concat()
}

fn said(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a gRPC call, as literals of HPACK.
fn headers(method: &str) -> Vec<u8> {
    let path = format!("/poort.v1.AccessEvaluation/{method}");
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", &path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.into_iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}
