//! Callers that say nothing, never finish, or do not take their answers: others are answered all the same.

use crate::support::{
    Authority, BareChannel, Exposition, Sidecar, allowed, copied_policies, folder, message, request, until, within,
};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    Request,
    body::{Bytes, Frame, Incoming},
    client::conn::http2,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use poort::api::pb;
use prost::Message as _;
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use std::{convert::Infallible, fs, net::SocketAddr, process::Command};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    sync::mpsc,
    task::spawn_blocking,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request as Call};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// What a connection can say without asking anything.
fn beginnings() -> [Vec<u8>; 5] {
    [
        Vec::new(),
        PREFACE[..8].to_vec(),
        PREFACE.to_vec(),
        [PREFACE, EMPTY_SETTINGS].concat(),
        b"POST /access/v1/evaluation HTTP/1.1\r\nhost: loc".to_vec(),
    ]
}

/// A connection that said this.
async fn that_said(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Reads until the other side ends the connection.
#[track_caller]
fn end_of<S: AsyncRead + Unpin>(mut stream: S) -> impl Future<Output = Vec<u8>> {
    within("the end of the connection", async move {
        let mut read = Vec::new();
        // A connection that is reset has ended too.
        let _ = stream.read_to_end(&mut read).await;
        read
    })
}

async fn closed(sidecar: &Sidecar, reason: &str) -> f64 {
    let label = format!("port=\"callers\",reason=\"{reason}\"");
    Exposition::of(sidecar).await.value("poort_connections_closed_total", &label)
}

// ---- Connections ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_caller_displaces_a_silent_connection() {
    let config = "[limits]\nconnections = 8\nhandshake = \"10m\"\nidle = \"10m\"\n";
    let sidecar = Sidecar::builder().config(config).start();
    for beginning in beginnings() {
        let mut held = Vec::new();
        for _ in 0..12 {
            held.push(that_said(sidecar.address, &beginning).await);
        }
        let answer = sidecar.evaluate(&allowed()).await;
        assert_eq!(answer["decision"], true, "{:?}", String::from_utf8_lossy(&beginning));
    }
    assert!(closed(&sidecar, "displaced").await > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_that_is_used_keeps_its_place() {
    let config = "[limits]\nconnections = 4\nhandshake = \"10m\"\nidle = \"10m\"\n";
    let sidecar = Sidecar::builder().config(config).start();
    let mut client = BareChannel::to(&sidecar).await.client();
    let mut held = Vec::new();
    for _ in 0..8 {
        client.evaluate(message(&allowed())).await.unwrap();
        held.push(that_said(sidecar.address, b"").await);
    }
    client.evaluate(message(&allowed())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_call_is_closed() {
    let folder = folder();
    let socket = folder.path().join("poort.sock");
    let sidecar = Sidecar::builder()
        .argument("--listen")
        .argument(format!("unix:{}", socket.display()))
        .config("[limits]\nhandshake = \"200ms\"\n")
        .start();
    for beginning in beginnings() {
        end_of(that_said(sidecar.address, &beginning).await).await;
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(&beginning).await.unwrap();
        end_of(stream).await;
    }
    until("the count", async || (closed(&sidecar, "silent").await == 10.0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_idle_after_a_call_is_closed() {
    let sidecar = Sidecar::builder().config("[limits]\nidle = \"200ms\"\n").start();
    let asked = b"GET /.well-known/authzen-configuration HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = end_of(that_said(sidecar.address, asked).await).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    // The head of a second request that does not end.
    let half = [asked.as_slice(), b"GET / HTTP/1.1\r\nho"].concat();
    end_of(that_said(sidecar.address, &half).await).await;
    let mut client = BareChannel::to(&sidecar).await.client();
    client.evaluate(message(&allowed())).await.unwrap();
    until("the end of an idle connection", async || {
        let open = Exposition::of(&sidecar).await.value("poort_connections", "port=\"callers\"");
        (open == 0.0 && closed(&sidecar, "idle").await == 3.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_silent_around_its_handshake_is_closed() {
    let authority = Authority::new();
    let server = authority.signs("localhost");
    let tls = format!("[tls]\ncertificate = '{}'\nkey = '{}'\n", server.certificate.display(), server.key.display());
    let sidecar = Sidecar::builder().config(&format!("{tls}[limits]\nhandshake = \"200ms\"\n")).start();
    end_of(TcpStream::connect(sidecar.address).await.unwrap()).await;
    let stream = TcpStream::connect(sidecar.address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let stream = authority.client("h2", None).connect(name, stream).await.unwrap();
    end_of(stream).await;
    until("the count", async || (closed(&sidecar, "silent").await == 2.0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_said_nothing_do_not_hold_up_the_stop() {
    let config = "[limits]\nhandshake = \"10m\"\nidle = \"10m\"\ngrace = \"10m\"\n";
    let sidecar = Sidecar::builder().config(config).start();
    let mut held = Vec::new();
    for beginning in beginnings() {
        held.push(that_said(sidecar.address, &beginning).await);
    }
    sidecar.signal(Signal::TERM);
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("cut off"), "{}", ended.log);
}

// ---- Messages ----

/// A gRPC call over this connection with a body that is sent by hand.
async fn call<S>(stream: S, method: &str, window: Option<u32>) -> (mpsc::Sender<Bytes>, Incoming, http::HeaderMap)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (bytes, body) = mpsc::channel::<Bytes>(1024);
    let body = futures_util::StreamExt::map(ReceiverStream::new(body), |bytes| Ok::<_, Infallible>(Frame::data(bytes)));
    let request = Request::post(format!("http://localhost/poort.v1.AccessEvaluation/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(StreamBody::new(body))
        .unwrap();
    let sent = tokio::spawn(within("an answer", async move { sender.send_request(request).await.unwrap() }));
    // A stream is answered with its head at once, a single question once it is there.
    if method == "EvaluateStream" {
        let (head, answers) = sent.await.unwrap().into_parts();
        return (bytes, answers, head.headers);
    }
    bytes.send(announced()).await.unwrap();
    let (head, answers) = sent.await.unwrap().into_parts();
    (bytes, answers, head.headers)
}

/// The beginning of a message of 4 MB.
fn announced() -> Bytes {
    let mut message = vec![0];
    message.extend_from_slice(&4_194_000_u32.to_be_bytes());
    message.extend_from_slice(&[0x0a; 10]);
    message.into()
}

/// A message with its prefix.
fn framed(message: &impl prost::Message) -> Bytes {
    let encoded = message.encode_to_vec();
    [&[0], u32::try_from(encoded.len()).unwrap().to_be_bytes().as_slice(), &encoded].concat().into()
}

fn peak_memory(sidecar: &Sidecar) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", sidecar.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_never_sent_ends_at_its_deadline() {
    let sidecar = Sidecar::builder().config("[limits]\ndeadline = \"300ms\"\n").start();
    let before = peak_memory(&sidecar);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let stream = TcpStream::connect(sidecar.address).await.unwrap();
        calls.spawn(async move { call(stream, "Evaluate", None).await.2 });
    }
    for headers in calls.join_all().await {
        assert_eq!(headers["grpc-status"], "4", "{headers:?}");
    }
    // 400 MB were announced.
    let grown = peak_memory(&sidecar) - before;
    assert!(grown < 100_000, "{grown} kB");
    let refused = Exposition::of(&sidecar).await.value("poort_calls_refused_total", "reason=\"deadline_exceeded\"");
    assert_eq!(refused, 100.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_message_has_a_deadline_from_its_first_byte() {
    let sidecar = Sidecar::builder().config("[limits]\ndeadline = \"300ms\"\n").start();
    let stream = TcpStream::connect(sidecar.address).await.unwrap();
    let (bytes, answers, _) = call(stream, "EvaluateStream", None).await;
    let asked =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(message(&allowed())), ..Default::default() };
    let whole = framed(&asked);
    // In pieces, and two in one piece.
    bytes.send(whole.slice(..3)).await.unwrap();
    bytes.send(whole.slice(3..20)).await.unwrap();
    bytes.send([&whole[20..], &whole[..], &whole[..7]].concat().into()).await.unwrap();
    let answers = within("the end of the stream", answers.collect()).await.unwrap();
    assert_eq!(answers.trailers().unwrap()["grpc-status"], "4");
    let mut body = answers.to_bytes();
    let mut n_answers = 0;
    while body.len() > 5 {
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        let answer = pb::EvaluateStreamResponse::decode(body.slice(5..5 + length)).unwrap();
        assert!(matches!(answer.result, Some(pb::evaluate_stream_response::Result::Evaluation(it)) if it.decision));
        body = body.slice(5 + length..);
        n_answers += 1;
    }
    assert_eq!(n_answers, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_beyond_the_budget_are_refused_until_others_are_answered() {
    let config = "[limits]\nmessage = \"64KiB\"\nunread = \"128KiB\"\ndeadline = \"10m\"\n";
    let sidecar = Sidecar::builder().config(config).start();
    // Two messages of 58 kB of which all but the end is sent. A call takes 4 KiB besides its message.
    let mut unfinished = vec![0];
    unfinished.extend_from_slice(&58_000_u32.to_be_bytes());
    unfinished.resize(58_000, 0);
    let mut held = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(sidecar.address).await.unwrap();
        let (bytes, answers, _) = call(stream, "EvaluateStream", None).await;
        bytes.send(unfinished.clone().into()).await.unwrap();
        held.push((bytes, answers));
    }
    until("the bytes of the messages", async || {
        let bytes = Exposition::of(&sidecar).await.value("poort_messages_bytes", "");
        (bytes == f64::from(2 * (58_000 + 4096))).then_some(())
    })
    .await;
    let mut large = allowed();
    large["resource"]["id"] = "x".repeat(10_000).into();
    let refused = async || {
        let reply = sidecar.post("/access/v1/evaluation", &large).await;
        (reply.status == 429).then(|| reply.text())
    };
    assert!(until("a refusal", refused).await.contains("too many bytes"));
    let mut client = BareChannel::to(&sidecar).await.client();
    assert_eq!(client.evaluate(message(&large)).await.unwrap_err().code(), Code::ResourceExhausted);
    // Small ones still fit.
    client.evaluate(message(&allowed())).await.unwrap();
    drop(held);
    until("room", async || client.evaluate(message(&large)).await.ok()).await;
}

// ---- Answers ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_nobody_reads_keeps_no_places() {
    let config = "[limits]\nconcurrent = 300\nbatch = 10\nshare = 1\ndeadline = \"500ms\"\nhandshake = \"10m\"\n";
    let sidecar = Sidecar::builder().config(config).start();
    let asked =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(message(&allowed())), ..Default::default() };
    let stream = TcpStream::connect(sidecar.address).await.unwrap();
    let (bytes, mut answers, _) = call(stream, "EvaluateStream", Some(1000)).await;
    let question = framed(&asked);
    for _ in 0..400 {
        bytes.send(question.clone()).await.unwrap();
    }
    until("256 answers, and no place taken", async || {
        let seen = Exposition::of(&sidecar).await;
        let answered = seen.value("poort_questions_total", "decision=\"allow\"");
        (answered >= 256.0 && seen.value("poort_questions_under_way", "") == 0.0).then_some(())
    })
    .await;
    // It took them no further: the rest waits for the caller.
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    // The caller takes answers again, too late.
    until("the end of the stream", async || {
        let seen = Exposition::of(&sidecar).await;
        (seen.value("poort_calls_refused_total", "reason=\"untaken\"") == 1.0).then_some(())
    })
    .await;
    let trailers = loop {
        if let Ok(trailers) = within("a frame", answers.frame()).await.unwrap().unwrap().into_trailers() {
            break trailers;
        }
    };
    assert_eq!(trailers["grpc-status"], "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_no_answer_is_taken_is_closed() {
    let sidecar = Sidecar::builder().config("[limits]\nhandshake = \"300ms\"\n").start();
    // Windows of no byte: SETTINGS_INITIAL_WINDOW_SIZE is 0.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let mut head = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/access/v1/evaluation"),
        (":authority", "localhost"),
        ("content-type", "application/json"),
    ] {
        head.extend_from_slice(&[0, u8::try_from(name.len()).unwrap()]);
        head.extend_from_slice(name.as_bytes());
        head.push(u8::try_from(value.len()).unwrap());
        head.extend_from_slice(value.as_bytes());
    }
    let frame = |kind: u8, flags: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    };
    let question = allowed().to_string();
    let asked = [PREFACE, settings, &frame(1, 4, &head), &frame(0, 1, question.as_bytes())].concat();
    end_of(that_said(sidecar.address, &asked).await).await;
    until("the count", async || (closed(&sidecar, "untaken").await == 1.0).then_some(())).await;
    assert_eq!(sidecar.records().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_takes_at_most_its_share() {
    // 10 of 1 000: what one stream has under way is more than the one, and less than the other.
    let config = "[limits]\nconcurrent = 1000\nbatch = 10\nshare = 0.01\n";
    let sidecar = Sidecar::builder().config(config).start();
    let mut client = BareChannel::to(&sidecar).await.client();
    let asked =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(message(&allowed())), ..Default::default() };
    // So many that more than ten are under way at once, at some time.
    let asked = tokio_stream::iter(vec![asked; 5000]);
    let mut answers = client.evaluate_stream(Call::new(asked)).await.unwrap().into_inner();
    let (mut given, mut refused) = (0, 0);
    while let Some(answer) = within("an answer", answers.message()).await.unwrap() {
        match answer.result.unwrap() {
            pb::evaluate_stream_response::Result::Evaluation(_) => given += 1,
            pb::evaluate_stream_response::Result::Error(error) => {
                assert_eq!(error.code, Code::ResourceExhausted as i32);
                // Unlike what is too large, it can be asked again.
                let kinds: Vec<_> = error.details.iter().map(|detail| detail.type_url.rsplit('.').next()).collect();
                assert_eq!(kinds, [Some("RetryInfo"), Some("ErrorInfo")]);
                refused += 1;
            }
        }
    }
    assert_eq!(given + refused, 5000);
    assert!(refused > 0);
}

// ---- Descriptors, files, threads ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_leave_room_below_the_raised_descriptor_limit() {
    let sidecar = Sidecar::builder().wrapper(["prlimit", "--nofile=160:300"]).start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", sidecar.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["300", "300"]);
    assert!(sidecar.log().contains("connections=172"), "{}", sidecar.log());
    let mut held = Vec::new();
    for _ in 0..300 {
        held.extend(TcpStream::connect(sidecar.address).await);
    }
    assert_eq!(sidecar.operators("/readyz").await.status, 200);
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert!(!sidecar.log().contains("could not be taken"), "{}", sidecar.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_special_file_is_refused_and_delays_no_reload() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let sidecar = Sidecar::builder().policies(&policies).start();
    let pipe = policies.join("pipe.cedar");
    let zero = policies.join("directory/zero.json");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let told = async |what: &str| {
        let ready = sidecar.operators("/readyz").await;
        (ready.status == 200 && ready.text().contains(what)).then_some(())
    };
    until("the pipe in /readyz", async || told("pipe.cedar: cannot be read: is a named pipe").await).await;
    fs::remove_file(&pipe).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
    until("the device in /readyz", async || told("zero.json: cannot be read: is a device").await).await;
    fs::remove_file(&zero).unwrap();
    until("the good files again", async || told("\"status\":\"ok\"").await).await;
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_file_system_is_reported_and_delays_no_stop() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let hangs = policies.join("zzz.cedar");
    // Opening this file takes an hour, as on a network mount that is gone.
    let path = hangs.display().to_string();
    let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &path];
    let delays = ["-e", "trace=openat", "-e", "inject=openat:delay_enter=3600000000"];
    let sidecar = Sidecar::builder().policies(&policies).wrapper([wrapper.as_slice(), &delays].concat()).start();
    fs::write(&hangs, "// Nothing yet.\n").unwrap();
    until("the hanging file in /readyz", async || {
        let ready = sidecar.operators("/readyz").await;
        (ready.json()["reload"]["status"] == "hangs").then(|| assert_eq!(ready.status, 200))
    })
    .await;
    assert_eq!(Exposition::of(&sidecar).await.value("poort_reload_hanging", ""), 1.0);
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    // The process that strace runs, not strace.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", sidecar.pid())).unwrap();
    let stopped = Command::new("kill").arg("-TERM").args(children.split_whitespace()).status().unwrap();
    assert!(stopped.success());
    sidecar.wait_for_line("Stopped.");
    // strace does not let go of a call that it delays.
    Command::new("kill").arg("-KILL").args(children.split_whitespace()).status().unwrap();
    sidecar.kill();
}

#[tokio::test]
async fn operators_are_answered_by_threads_of_their_own() {
    let sidecar = Sidecar::builder().start();
    let tasks = fs::read_dir(format!("/proc/{}/task", sidecar.pid())).unwrap();
    let names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap());
    assert!(names.into_iter().any(|name| name.trim() == "poort-operators"));
}

// ---- Browsers ----

#[tokio::test]
async fn a_page_of_a_foreign_site_is_answered_nothing() {
    let sidecar = Sidecar::builder().start();
    let metadata = |name: &str, value: &str| {
        Request::get("/.well-known/authzen-configuration").header(name, value).body(Vec::new()).unwrap()
    };
    let foreign = request(sidecar.address, metadata("origin", "http://evil.example")).await;
    assert_eq!(foreign.status, 403, "{}", foreign.text());
    let own = request(sidecar.address, metadata("origin", "http://localhost:3000")).await;
    assert_eq!(own.status, 200);
    let rebound = request(sidecar.address, metadata("host", "evil.example")).await.json();
    assert_eq!(rebound["policy_decision_point"], format!("http://{}", sidecar.address));
}

#[tokio::test]
async fn a_compressed_body_gets_415_and_its_reason() {
    let sidecar = Sidecar::builder().start();
    let compressed = Request::post("/access/v1/evaluation")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(vec![0x1f, 0x8b])
        .unwrap();
    let reply = request(sidecar.address, compressed).await;
    assert_eq!(reply.status, 415);
    assert!(reply.text().contains("Content-Encoding"), "{}", reply.text());
}
