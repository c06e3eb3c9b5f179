//! What callers send: certificates, questions in JSON and protobuf, and the bytes of HTTP/1.1 and HTTP/2 around them.

use crate::support::{Authority, Sidecar, allowed, message, mutate::mutate};
use poort::{
    api::pb,
    pdp::callers::Leaf,
    types::authzen::{EvaluationsBody, Limits, read_batch, read_evaluation},
};
use prost::Message;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

#[test]
fn a_question_in_json_is_read_or_refused() {
    let mut batch = allowed();
    batch["evaluations"] = serde_json::json!([{}, {"resource": {"type": "Investigation", "id": "x"}}, 3]);
    batch["options"] = serde_json::json!({"evaluations_semantic": "deny_on_first_deny"});
    let seeds = [allowed().to_string().into_bytes(), batch.to_string().into_bytes()];
    let limits = Limits { depth: 16, batch: 100 };
    mutate("json", &seeds, |bytes| {
        // What one reader takes for a question means the same to the other.
        if let (Ok(one), Ok(EvaluationsBody::One(other))) = (read_evaluation(bytes, limits), read_batch(bytes, limits))
        {
            assert_eq!(one, other);
        }
    });
}

#[test]
fn a_certificate_names_somebody_or_nobody() {
    let authority = Authority::new();
    let both =
        [authority.signs_workload("desk", "spiffe://politie.example/desk"), authority.signs("desk.politie.example")];
    let seeds = both.map(|identity| CertificateDer::from_pem_file(identity.certificate).unwrap().to_vec());
    mutate("certificate", &seeds, |bytes| drop(Leaf::read(bytes)));
}

/// Sends bytes over a connection of their own, and reads until it ends.
fn send(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // What is refused is not read to its end.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
}

/// A message with its prefix.
fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    [[0].as_slice(), &u32::try_from(bytes.len()).unwrap().to_be_bytes(), &bytes].concat()
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A call over HTTP/2, with literal headers.
fn call(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", content_type),
        ("te", "trailers"),
    ] {
        head.extend([&[0, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat());
        head.extend([&[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat());
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
    [preface, &frame(4, 0, 0, &[]), &frame(1, 4, 1, &head), &frame(0, 1, 1, body)].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_arrives_at_the_port_others_are_answered() {
    let sidecar = Sidecar::builder().config("[limits]\ndeadline = \"200ms\"\nhandshake = \"500ms\"\n").start();
    let question = allowed().to_string();
    let http = format!(
        "POST /access/v1/evaluation HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=1\r\n\
         content-length: {}\r\n\r\n{question}",
        question.len()
    );
    let evaluation = message(&allowed());
    let asked =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(evaluation.clone()), ..Default::default() };
    let seeds = [
        http.into_bytes(),
        call("/access/v1/evaluation", "application/json", question.as_bytes()),
        call("/poort.v1.AccessEvaluation/Evaluate", "application/grpc", &framed(&evaluation)),
        call("/poort.v1.AccessEvaluation/EvaluateStream", "application/grpc", &framed(&asked)),
    ];
    let address = sidecar.address;
    let mut seed = 0;
    tokio::task::spawn_blocking(move || {
        mutate("port", &seeds, |bytes| {
            seed += 1;
            // Each waits for the port; a tenth of the cases that need no port.
            if seed % 10 == 0 {
                send(address, bytes);
            }
        });
    })
    .await
    .unwrap();
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert!(!sidecar.log().contains("panicked"), "{}", sidecar.log());
    assert_eq!(sidecar.stop().code, Some(0));
}
