//! Sockets, TLS, reflection, and what HTTP and gRPC answer to what is no question.

use crate::support::{
    Authority, BareChannel, Exposition, Identity, Reply, Sidecar, Starting, allowed, channel, denied, folder, key,
    message, request, request_over,
};
use hyper::{Request, StatusCode};
use poort::api::pb::access_evaluation_client::AccessEvaluationClient;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::{fs, net::SocketAddr, path::Path};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{Code, transport::Endpoint};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

fn question() -> Request<Vec<u8>> {
    Request::post("/access/v1/evaluation")
        .header("content-type", "application/json")
        .body(allowed().to_string().into_bytes())
        .unwrap()
}

// ---- Unix sockets ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_speaks_both_bindings_to_its_group() {
    let folder = folder();
    let path = folder.path().join("poort.sock");
    let sidecar = Sidecar::builder().argument("--listen").argument(format!("unix:{}", path.display())).start();
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660);
    let reply = request_over(UnixStream::connect(&path).await.unwrap(), question()).await;
    assert_eq!((reply.status, &reply.json()["decision"]), (StatusCode::OK, &true.into()));
    let connector = tower::service_fn({
        let path = path.clone();
        move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
        }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await.unwrap();
    let answer = AccessEvaluationClient::new(channel).evaluate(message(&denied())).await.unwrap();
    assert!(!answer.into_inner().decision);
    assert_eq!(sidecar.records().len(), 2);
    assert_eq!(sidecar.stop().code, Some(0));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_cannot_take_the_place_of_a_file() {
    let folder = folder();
    let path = folder.path().join("precious");
    fs::write(&path, "data").unwrap();
    let ended = Sidecar::builder().argument("--listen").argument(format!("unix:{}", path.display())).fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("a file that is no socket is in the way"), "{}", ended.log);
    assert_eq!(fs::read_to_string(path).unwrap(), "data");
}

// ---- TLS ----

fn with_tls(server: &Identity, client_ca: Option<&Path>) -> Starting {
    let Identity { certificate, key } = server;
    let mut config = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    if let Some(path) = client_ca {
        config.push_str(&format!("client_ca = {path:?}\n"));
    }
    Sidecar::builder().config(&config)
}

async fn connect(tls: &TlsConnector, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    tls.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn tls_speaks_grpc_and_http_and_the_plain_is_refused() {
    let authority = Authority::new();
    let sidecar = with_tls(&authority.signs("localhost"), None).start();
    let stream = connect(&authority.client("http/1.1", None), sidecar.address).await.unwrap();
    let reply = request_over(stream, question()).await;
    assert_eq!((reply.status, &reply.json()["decision"]), (StatusCode::OK, &true.into()));
    let stream = connect(&authority.client("h2", None), sidecar.address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let answer = BareChannel::over(stream).await.client().evaluate(message(&denied())).await.unwrap().into_inner();
    assert!(!answer.decision);
    assert_eq!(key(&answer).1, sidecar.records()[1]["span_id"]);
    // The metadata names https by itself.
    let stream = connect(&authority.client("http/1.1", None), sidecar.address).await.unwrap();
    let metadata = request_over(stream, metadata_request()).await.json();
    assert_eq!(metadata["policy_decision_point"], format!("https://{}", sidecar.address));
    // A client that speaks without TLS is told so, and one that does not know this authority ends by itself.
    let post = b"POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    for plain in [&post[..], b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, plain).await.unwrap();
        let mut answer = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("this port takes TLS"), "{answer:?}");
    }
    let mut other = TcpStream::connect(sidecar.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut other, b"\x16\x03\x01\0\x02hi").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut other, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(sidecar.records().len(), 2);
    connect(&Authority::new().client("h2", None), sidecar.address).await.unwrap_err();
}

/// Whether a question comes through.
async fn is_heard(tls: &TlsConnector, sidecar: &Sidecar) -> bool {
    // With TLS 1.3 a client learns only after the handshake that its certificate was not accepted.
    let Ok(stream) = connect(tls, sidecar.address).await else { return false };
    let Ok((sender, connection)) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await
    else {
        return false;
    };
    tokio::spawn(connection);
    let mut sender = sender;
    let request = Request::get("http://localhost/.well-known/authzen-configuration");
    let body = http_body_util::Empty::<hyper::body::Bytes>::new();
    sender.send_request(request.body(body).unwrap()).await.is_ok_and(|response| response.status() == 200)
}

#[tokio::test]
async fn a_client_authority_admits_only_its_certificates() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let sidecar = with_tls(&servers.signs("localhost"), Some(&clients.root())).start();
    assert!(is_heard(&servers.client("h2", Some(&clients.signs("desk"))), &sidecar).await);
    assert!(!is_heard(&servers.client("h2", None), &sidecar).await);
    assert!(!is_heard(&servers.client("h2", Some(&strangers.signs("desk"))), &sidecar).await);
    let stream = connect(&servers.client("h2", Some(&clients.signs("desk"))), sidecar.address).await.unwrap();
    let answer = BareChannel::over(stream).await.client().evaluate(message(&allowed())).await.unwrap();
    assert!(answer.into_inner().decision);
    assert_eq!(sidecar.records().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_without_handshake_does_not_delay_the_stop() {
    let authority = Authority::new();
    let sidecar = with_tls(&authority.signs("localhost"), None).config("[limits]\nhandshake = \"1m\"\n").start();
    let silent = TcpStream::connect(sidecar.address).await.unwrap();
    // Connections are taken in order, so when this one speaks, the silent one has been taken.
    connect(&authority.client("h2", None), sidecar.address).await.unwrap();
    let ended = tokio::task::spawn_blocking(|| sidecar.stop()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("grace period"), "{}", ended.log);
    drop(silent);
}

#[tokio::test]
async fn unusable_tls_files_are_named_at_the_start() {
    let authority = Authority::new();
    let (one, other) = (authority.signs("localhost"), authority.signs("other"));
    let empty = authority.folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let missing = authority.folder.path().join("missing.pem");
    let identity = |certificate: &Path, key: &Path| Identity { certificate: certificate.into(), key: key.into() };
    for (identity, part) in [
        (identity(&missing, &one.key), "missing.pem"),
        (identity(&empty, &one.key), "tls.certificate"),
        (identity(&one.certificate, &empty), "tls.key"),
        (identity(&one.certificate, &other.key), "tls:"),
    ] {
        let ended = with_tls(&identity, None).fail();
        assert_eq!(ended.code, Some(64), "{}", ended.log);
        assert!(ended.log.contains(part), "no {part} in {}", ended.log);
    }
}

#[tokio::test]
async fn plain_tcp_beyond_this_machine_needs_to_be_configured() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let ended = Sidecar::builder().argument("--listen").argument(address).fail();
        assert_eq!(ended.code, Some(64), "{}", ended.log);
        assert!(ended.log.contains("in the clear"), "{}", ended.log);
    }
    let sidecar =
        Sidecar::builder().argument("--listen").argument("0.0.0.0:0").config("plaintext = \"anywhere\"\n").start();
    sidecar.wait_for_line("address=0.0.0.0:");
}

// ---- gRPC beside questions ----

async fn reflected(sidecar: &Sidecar, asked: MessageRequest) -> MessageResponse {
    let mut client = ServerReflectionClient::new(sidecar.channel().await);
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn reflection_names_the_services_and_describes_them() {
    let sidecar = Sidecar::builder().start();
    let MessageResponse::ListServicesResponse(list) =
        reflected(&sidecar, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list")
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    for name in ["grpc.health.v1.Health", "poort.v1.AccessEvaluation"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    let symbol = MessageRequest::FileContainingSymbol("poort.v1.AccessEvaluation.Evaluate".to_owned());
    let MessageResponse::FileDescriptorResponse(files) = reflected(&sidecar, symbol).await else {
        panic!("no description")
    };
    let described = files.file_descriptor_proto.iter().any(|file| {
        let file: prost_types::FileDescriptorProto = prost::Message::decode(file.as_slice()).unwrap();
        file.package() == "poort.v1" && file.service.iter().any(|service| service.method.len() == 3)
    });
    assert!(described);
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_unimplemented_for_grpc() {
    let sidecar = Sidecar::builder().start();
    for path in ["/poort.v1.AccessEvaluation/Guess", "/poort.v1.Other/Evaluate"] {
        let mut grpc = tonic::client::Grpc::new(sidecar.channel().await);
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        let path = http::uri::PathAndQuery::from_static(path);
        let status = grpc.unary(tonic::Request::new(()), path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{status}");
        assert!(status.message().contains("has Evaluate, EvaluateBatch and EvaluateStream"), "{status}");
    }
    assert!(sidecar.records().is_empty());
}

// ---- HTTP beside questions ----

fn metadata_request() -> Request<Vec<u8>> {
    Request::get("/.well-known/authzen-configuration").header("host", "pdp.example").body(Vec::new()).unwrap()
}

async fn sent(sidecar: &Sidecar, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Reply {
    let mut builder = Request::builder().method(method).uri(path).header("x-request-id", "id-1");
    if let Some(kind) = content_type {
        builder = builder.header("content-type", kind);
    }
    request(sidecar.address, builder.body(body.to_vec()).unwrap()).await
}

#[tokio::test]
async fn a_faulty_request_gets_its_http_status_and_request_id() {
    let sidecar = Sidecar::builder().start();
    let json = Some("application/json");
    let asked = allowed().to_string().into_bytes();
    let (one, many) = ("/access/v1/evaluation", "/access/v1/evaluations");
    for (method, path, kind, body, status) in [
        ("POST", one, json, asked.as_slice(), 200),
        ("POST", one, Some("application/json; charset=utf-8"), &asked, 200),
        ("POST", one, Some("text/plain"), &asked, 400),
        ("POST", one, Some("application/jsonp"), &asked, 400),
        ("POST", one, None, &asked, 400),
        ("POST", one, json, b"", 400),
        ("POST", one, json, b"{\"subject\": ", 400),
        ("POST", many, json, b"[]", 400),
        ("GET", one, None, b"", 405),
        ("PUT", many, json, &asked, 405),
        ("POST", "/.well-known/authzen-configuration", json, b"{}", 405),
        ("GET", "/", None, b"", 404),
        ("POST", "/access/v1/evaluation/", json, &asked, 404),
        ("POST", "/access/v2/evaluation", json, &asked, 404),
    ] {
        let reply = sent(&sidecar, method, path, kind, body).await;
        let what = format!("{method} {path} {kind:?}: {} {}", reply.status, reply.text());
        assert_eq!(reply.status, status, "{what}");
        assert_eq!(reply.headers["x-request-id"], "id-1", "{what}");
        if [400, 404].contains(&status) || (status == 405 && path != "/.well-known/authzen-configuration") {
            assert_eq!(reply.headers["content-type"], "application/json", "{what}");
            assert!(reply.json().as_str().is_some_and(|message| message.len() > 10), "{what}");
        }
        if status == 405 {
            assert!(reply.headers.contains_key("allow"), "{what}");
        }
    }
    assert_eq!(sidecar.records().len(), 2);
    // Without one, none is made up.
    let reply = sidecar.post(one, &allowed()).await;
    assert!(!reply.headers.contains_key("x-request-id"));
    assert_eq!(reply.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let sidecar = Sidecar::builder().config("[limits]\nmessage = \"2KiB\"\n").start();
    let mut large = allowed();
    large["context"]["justification"] = "x".repeat(4000).into();
    let reply = sidecar.post("/access/v1/evaluation", &large).await;
    assert_eq!(reply.status, 413);
    // In chunks, so that no length is declared.
    let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
    let body = large.to_string();
    let asked = format!(
        "POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    let status = sidecar.grpc().await.evaluate(message(&large)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(sidecar.records().is_empty());
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
}

#[tokio::test]
async fn the_authzen_metadata_names_the_endpoints() {
    let sidecar = Sidecar::builder().start();
    let reply = request(sidecar.address, metadata_request()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "application/json");
    let metadata = reply.json();
    // A name that the caller made up is not repeated.
    let base = format!("http://{}", sidecar.address);
    assert_eq!(metadata["policy_decision_point"], base);
    assert_eq!(metadata["access_evaluation_endpoint"], format!("{base}/access/v1/evaluation"));
    assert_eq!(metadata["access_evaluations_endpoint"], format!("{base}/access/v1/evaluations"));
    let public = Sidecar::builder().config("public_url = \"https://poort.politie.example/\"\n").start();
    let metadata = request(public.address, metadata_request()).await.json();
    assert_eq!(metadata["policy_decision_point"], "https://poort.politie.example");
    assert_eq!(metadata["access_evaluation_endpoint"], "https://poort.politie.example/access/v1/evaluation");
}

#[tokio::test]
async fn each_port_serves_only_its_own() {
    let sidecar = Sidecar::builder().start();
    let asked = Request::post("/access/v1/evaluation").body(allowed().to_string().into_bytes()).unwrap();
    assert_eq!(request(sidecar.admin, asked).await.status, 404);
    let mut asked = AccessEvaluationClient::new(channel(sidecar.admin).await);
    let status = asked.evaluate(message(&allowed())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
    assert!(status.message().contains("questions are for the callers' port"), "{status}");
    assert_eq!(sidecar.operators("/healthz").await.text(), "ok\n");
    assert_eq!(sidecar.operators("/").await.status, 404);
    for path in ["/metrics", "/readyz", "/healthz"] {
        assert_eq!(sent(&sidecar, "GET", path, None, b"").await.status, 404, "{path}");
    }
    let metrics = Exposition::of(&sidecar).await;
    assert!(metrics.series("poort_questions_total").iter().all(|(_, count)| *count == 0.0));
    let ready = sidecar.operators("/readyz").await.json();
    assert_eq!(
        (&ready["ready"], &ready["log"], &ready["reload"]["status"]),
        (&true.into(), &Value::from("writable"), &Value::from("ok"))
    );
}
