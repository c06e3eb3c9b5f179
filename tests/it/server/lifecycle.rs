//! From start to end: health, refused starts, and an orderly stop.

use crate::support::{BareChannel, Sidecar, allowed, channel, copied_policies, denied, folder, health, message, until};
use http_body_util::BodyExt as _;
use poort::api::pb::access_evaluation_server::SERVICE_NAME;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::{Value, json};
use std::{fs, net::SocketAddr, os::unix::net::UnixStream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::spawn_blocking,
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};

// ---- Health ----

#[tokio::test]
async fn health_knows_the_server_and_its_service() {
    let sidecar = Sidecar::builder().start();
    for service in ["", SERVICE_NAME] {
        until("SERVING", async || (health(&sidecar, service).await == "SERVING").then_some(())).await;
    }
    let mut client = HealthClient::new(sidecar.channel().await);
    let other = client.check(HealthCheckRequest { service: "poort.v1.Other".to_owned() }).await.unwrap_err();
    assert_eq!(other.code(), Code::NotFound);
}

#[tokio::test]
async fn health_is_serving_once_records_can_be_written() {
    // A limit on file sizes keeps the log from being written, until it is lifted.
    let sidecar = Sidecar::builder().wrapper(["sh", "-c", "ulimit -S -f 8 && exec \"$@\"", "sh"]).launch();
    let mut watched = Vec::new();
    // Probes without TLS come to the operators' port.
    for port in [sidecar.address, sidecar.admin] {
        for service in ["", SERVICE_NAME] {
            let mut client = HealthClient::new(channel(port).await);
            let request = HealthCheckRequest { service: service.to_owned() };
            watched.push(client.watch(request).await.unwrap().into_inner());
        }
    }
    for states in &mut watched {
        assert_eq!(states.message().await.unwrap().unwrap().status().as_str_name(), "NOT_SERVING");
    }
    assert_eq!(sidecar.operators("/readyz").await.status, 503);
    assert_eq!(sidecar.operators("/healthz").await.status, 200);
    let pid = Pid::from_raw(i32::try_from(sidecar.pid()).unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    for states in &mut watched {
        // It may say more than once that it does not serve.
        let mut heard = String::from("NOT_SERVING");
        while heard == "NOT_SERVING" {
            heard = states.message().await.unwrap().unwrap().status().as_str_name().to_owned();
        }
        assert_eq!(heard, "SERVING");
    }
    until("readiness", async || (sidecar.operators("/readyz").await.status == 200).then_some(())).await;
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
}

// ---- Starts that are refused ----

#[tokio::test]
async fn a_start_on_invalid_policies_exits_with_3() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    let text = fs::read_to_string(policies.join("bvh.cedar")).unwrap();
    fs::write(policies.join("bvh.cedar"), text.replacen("principal", "principle", 1)).unwrap();
    let ended = Sidecar::builder().policies(&policies).fail();
    assert_eq!(ended.code, Some(3), "{}", ended.log);
    for part in ["bvh.cedar:9:3]", "  principle is", "  ─────────", "the policies cannot be used: 1 problem"]
    {
        assert!(ended.log.contains(part), "no {part} in:\n{}", ended.log);
    }
    assert!(!ended.log.contains("Ready for questions."));
}

#[tokio::test]
async fn a_start_without_a_policy_folder_exits_with_3() {
    let ended = Sidecar::builder().policies("/nowhere/policies").fail();
    assert_eq!(ended.code, Some(3), "{}", ended.log);
    assert!(ended.log.contains("/nowhere/policies"), "{}", ended.log);
}

#[tokio::test]
async fn a_start_on_a_taken_port_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Sidecar::builder().argument("--listen").argument(&address).fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains(&format!("cannot listen for callers on {address}")), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_replaces_only_an_unused_socket() {
    let folder = folder();
    let path = folder.path().join("poort.sock");
    let listen = format!("unix:{}", path.display());
    let first = Sidecar::builder().argument("--listen").argument(&listen).start();
    let second = Sidecar::builder().argument("--listen").argument(&listen).fail();
    assert_eq!(second.code, Some(1), "{}", second.log);
    assert!(second.log.contains("another process listens on this socket"), "{}", second.log);
    UnixStream::connect(&path).expect("the first one is unharmed");
    first.kill();
    assert!(path.exists());
    let _third = Sidecar::builder().argument("--listen").argument(&listen).start();
    UnixStream::connect(&path).unwrap();
}

#[tokio::test]
async fn a_start_names_all_mistakes_of_its_configuration() {
    let config = "lissten = \"127.0.0.1:1\"\n[limits]\nbatch = \"many\"\n[log]\nsegment = \"2\"\n";
    let ended = Sidecar::builder().config(config).variable("POORT_LIMITS_DEPTH", "0").fail();
    assert_eq!(ended.code, Some(64), "{}", ended.log);
    for part in [
        "did you mean `listen`",
        "line 1",
        "limits.batch: `many`",
        "line 3",
        "log.segment",
        "line 5",
        "POORT_LIMITS_DEPTH",
    ] {
        assert!(ended.log.contains(part), "no {part} in:\n{}", ended.log);
    }
}

// ---- Stopping ----

/// A request over HTTP of which poort has the head and asks for the rest.
async fn half_asked(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        allowed().to_string().len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Sends the rest and reads the answer.
async fn ask_the_rest(mut stream: TcpStream) -> Value {
    stream.write_all(allowed().to_string().as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_accepted_calls_and_takes_no_more() {
    let folder = folder();
    let socket = folder.path().join("poort.sock");
    let sidecar = Sidecar::builder().argument("--listen").argument(format!("unix:{}", socket.display())).start();
    assert!(socket.exists());
    let half = half_asked(sidecar.address).await;
    sidecar.signal(Signal::TERM);
    sidecar.wait_for_line("Stopping");
    // One that comes in the very moment may be reset instead.
    let refused = async || TcpStream::connect(sidecar.address).await.err().map(|error| error.kind());
    let refused = async || refused().await.filter(|kind| *kind == std::io::ErrorKind::ConnectionRefused);
    until("a refused connection", refused).await;
    until("the end of the socket's file", async || (!socket.exists()).then_some(())).await;
    let ready = sidecar.operators("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["stopping"]), (503, &true.into()));
    assert_eq!(ask_the_rest(half).await["decision"], true);
    let data = sidecar.data.clone();
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(crate::support::records(&data).len(), 1);
    assert!(!ended.log.contains("cut off"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_an_accepted_grpc_call() {
    let sidecar = Sidecar::builder().start();
    // The message comes in two parts, and the second one after the stop.
    let mut message = prost::Message::encode_to_vec(&message(&allowed()));
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.append(&mut message);
    let rest = frame.split_off(20);
    let (parts, body) = tokio::sync::mpsc::channel::<Result<_, std::convert::Infallible>>(2);
    let part = |bytes: Vec<u8>| Ok(hyper::body::Frame::data(hyper::body::Bytes::from(bytes)));
    parts.send(part(frame)).await.unwrap();
    let body = http_body_util::StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(body));
    let request = http::Request::post("/poort.v1.AccessEvaluation/Evaluate")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::new(body))
        .unwrap();
    let mut channel = BareChannel::to(&sidecar).await;
    // Another call on the same connection, sent later, has been answered: so poort has taken this one too.
    let call = tokio::spawn(tower::Service::call(&mut channel, request));
    tokio::task::yield_now().await;
    let first = channel.client().evaluate(crate::support::message(&denied())).await.unwrap();
    assert!(!first.into_inner().decision);
    sidecar.signal(Signal::TERM);
    sidecar.wait_for_line("Stopping");
    parts.send(part(rest)).await.unwrap();
    drop(parts);
    let response = call.await.unwrap().unwrap();
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
    assert_eq!(trailers["grpc-status"], "0");
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_do_not_delay_the_stop() {
    let sidecar = Sidecar::builder().start();
    let silent = TcpStream::connect(sidecar.address).await.unwrap();
    let mut idle = sidecar.grpc().await;
    idle.evaluate(message(&allowed())).await.unwrap();
    let mut kept = TcpStream::connect(sidecar.address).await.unwrap();
    kept.write_all(b"GET /.well-known/authzen-configuration HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 15];
    kept.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");
    sidecar.signal(Signal::TERM);
    sidecar.signal(Signal::TERM);
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("grace period"), "{}", ended.log);
    drop((silent, idle, kept));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_reflection_call_does_not_delay_the_stop() {
    let sidecar = Sidecar::builder().start();
    let mut client = ServerReflectionClient::new(sidecar.channel().await);
    // Tools keep this call open for as long as they run.
    let (questions, asked) = tokio::sync::mpsc::channel(1);
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    questions.send(request).await.unwrap();
    let asked = tokio_stream::wrappers::ReceiverStream::new(asked);
    let mut answers = client.server_reflection_info(asked).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    sidecar.signal(Signal::TERM);
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("grace period"), "{}", ended.log);
    drop((questions, answers));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_health_watcher_hears_not_serving_at_the_stop() {
    let sidecar = Sidecar::builder().start();
    let mut watched = Vec::new();
    for port in [sidecar.address, sidecar.admin] {
        let mut client = HealthClient::new(channel(port).await);
        let mut states = client.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
        until("SERVING", async || {
            let state = states.message().await.unwrap().unwrap();
            (state.status().as_str_name() == "SERVING").then_some(())
        })
        .await;
        watched.push(states);
    }
    sidecar.signal(Signal::TERM);
    for states in &mut watched {
        let last = states.message().await.unwrap().map(|state| state.status().as_str_name().to_owned());
        assert_eq!(last.as_deref(), Some("NOT_SERVING"));
    }
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("grace period"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_never_ends_is_cut_after_the_grace() {
    let sidecar = Sidecar::builder().config("[limits]\ngrace = \"100ms\"\ndeadline = \"1h\"\n").start();
    let half = half_asked(sidecar.address).await;
    sidecar.signal(Signal::TERM);
    sidecar.signal(Signal::TERM);
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("The grace period ran out"), "{}", ended.log);
    assert!(ended.log.contains("connections=1"), "{}", ended.log);
    drop(half);
}

#[tokio::test]
async fn an_interrupt_from_the_keyboard_stops_it_in_order_too() {
    let sidecar = Sidecar::builder().start();
    sidecar.signal(Signal::INT);
    let ended = sidecar.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.ends_with("Stopped."), "{}", ended.log);
}

// ---- The operators' log ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_log_shows_nothing_of_questions() {
    let sidecar = Sidecar::builder().start();
    let before = sidecar.log().lines().count();
    let mut client = sidecar.grpc().await;
    let mut question = allowed();
    question["context"]["justification"] = "SECRET-1".into();
    question["resource"]["id"] = "SECRET-2".into();
    let mut unknown = question.clone();
    unknown["subject"]["id"] = "SECRET-3".into();
    let mut malformed = question.clone();
    malformed["resource"]["properties"]["level"] = "SECRET-4".into();
    let mut undeclared = question.clone();
    undeclared["context"]["SECRET-5"] = json!({"SECRET-6": 1});
    for question in [&question, &unknown, &malformed, &undeclared] {
        let _ = client.evaluate(message(question)).await;
        sidecar.post("/access/v1/evaluation", question).await;
        sidecar.post("/access/v1/evaluations", &json!({"evaluations": [question, question]})).await;
    }
    sidecar.post_bytes("/access/v1/evaluation", b"{\"SECRET-7\": ".to_vec()).await;
    sidecar.post("/SECRET-8", &question).await;
    let ended = sidecar.stop();
    assert!(!ended.log.contains("SECRET"), "{}", ended.log);
    let log: Vec<_> = ended.log.lines().skip(before).collect();
    assert!(log.iter().all(|line| !line.contains("WARN") && !line.contains("ERROR")), "{log:#?}");
    // What it says from here on: that it stops, that the log is closed, that it stopped.
    assert!(log.len() <= 4, "{log:#?}");
}
