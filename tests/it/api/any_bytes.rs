//! Any bytes on the wire: each gets an answer of its protocol, and none ends anything.

use crate::{
    pdp::cedar::tape::{Tape, fixed, numbers},
    support::{BareChannel, Sidecar, allowed, parts},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use poort::api::pb;
use proptest::{prelude::*, strategy::ValueTree as _};
use prost::Message as _;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Bytes near these: some taken out, put in, changed or said twice.
fn mutated(tape: &mut Tape<'_>, bytes: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..[1, 1, 2, 4][tape.below(4)] {
        let start = tape.below(bytes.len() + 1);
        let end = (start + tape.below(12)).min(bytes.len());
        match tape.below(9) {
            0 => drop(bytes.drain(start..end)),
            1 => bytes.truncate(start),
            // One letter for another, which often leaves the form as it was.
            6.. => {
                if let Some(letter) = bytes[start..].iter_mut().find(|byte| byte.is_ascii_alphanumeric()) {
                    *letter = b'q';
                }
            }
            2 => {
                let word = tape.pick(words);
                bytes.splice(start..end, word.iter().copied());
            }
            3 => {
                let word = tape.pick(words);
                bytes.splice(start..start, word.iter().copied());
            }
            4 => {
                let twice = bytes[start..end].to_vec();
                bytes.splice(start..start, twice);
            }
            _ => {
                let random: Vec<u8> = (0..tape.below(6)).map(|_| u8::try_from(tape.below(256)).unwrap()).collect();
                bytes.splice(start..end, random);
            }
        }
    }
    bytes
}

fn random(tape: &mut Tape<'_>, most: usize) -> Vec<u8> {
    (0..tape.below(most)).map(|_| u8::try_from(tape.below(256)).unwrap()).collect()
}

/// Answers in the bytes of a gRPC body: as far as they are whole.
fn frames(mut body: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let [_, one, two, three, four, rest @ ..] = body {
        let length = u32::from_be_bytes([*one, *two, *three, *four]) as usize;
        let Some((frame, after)) = rest.split_at_checked(length) else { break };
        frames.push(frame);
        body = after;
    }
    frames
}

const JSON_WORDS: [&[u8]; 14] = [
    b"{",
    b"}",
    b"[",
    b"\"",
    b":",
    b"null",
    b"1e999",
    b"-0",
    b"\\ud800",
    b"\xff\xfe",
    b"\"decision\":true",
    b"\x00",
    b"{\"a\":{\"a\":{\"a\":[[[[[[[[[[[[[[[[[[",
    "é👩‍👩‍👧".as_bytes(),
];

const WIRE_WORDS: [&[u8]; 8] = [
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0a",
    b"\x12\x00",
    b"\x1a\x7f",
    b"\x2a\x04\x2a\x02\x0a\x00",
    b"\x00",
    b"\x0b\x0c",
    "é".as_bytes(),
];

#[tokio::test]
async fn any_bytes_on_the_wire_never_panic() {
    let sidecar = Sidecar::builder().start();
    // Far from anything that is allowed: no few bytes make a good question of it.
    let mut question = allowed();
    question["subject"] = json!({"type": "Officer", "id": "nobody that the directory has ever heard of"});
    let batch = json!({"evaluations": [{}, question, {"subject": 3}], "action": question["action"], "resource": question["resource"]});
    let message = parts(&question);
    let several = pb::EvaluateBatchRequest {
        evaluations: vec![message.clone(), pb::EvaluateRequest::default()],
        evaluations_semantic: 1,
        ..pb::EvaluateBatchRequest::default()
    };
    let streamed =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(message.clone()), ..Default::default() };
    let calls: [(&str, Vec<u8>); 3] = [
        ("Evaluate", message.encode_to_vec()),
        ("EvaluateBatch", several.encode_to_vec()),
        ("EvaluateStream", streamed.encode_to_vec()),
    ];
    let mut runner = fixed(1);
    let strategy = numbers(2_000);
    let (mut answered, mut refused) = (0, 0);
    for round in 0..60 {
        let numbers = strategy.new_tree(&mut runner).unwrap().current();
        let mut tape = numbers.tape();
        // JSON.
        for (path, body) in [("/access/v1/evaluation", &question), ("/access/v1/evaluations", &batch)] {
            let body = match tape.below(8) {
                7 => random(&mut tape, 200),
                _ => mutated(&mut tape, body.to_string().as_bytes(), &JSON_WORDS),
            };
            let reply = sidecar.post_bytes(path, body.clone()).await;
            assert!([200, 400, 413].contains(&reply.status.as_u16()), "{} {body:?}", reply.status);
            assert!(!reply.text().contains("\"decision\":true"), "{} {body:?}", reply.text());
            *(if reply.status == 200 { &mut answered } else { &mut refused }) += 1;
        }
        // gRPC. What breaks the connection breaks this one alone.
        let stream = TcpStream::connect(sidecar.address).await.unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for (method, body) in &calls {
            let body = match tape.below(8) {
                7 => random(&mut tape, 200),
                _ => mutated(&mut tape, body, &WIRE_WORDS),
            };
            let mut framed = vec![u8::from(tape.one_in(8))];
            framed.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
            framed.extend(&body);
            match tape.below(6) {
                4 => framed = random(&mut tape, 60),
                5 => framed = mutated(&mut tape, &framed, &WIRE_WORDS),
                _ => {}
            }
            let request = Request::post(format!("http://localhost/poort.v1.AccessEvaluation/{method}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(Full::new(Bytes::from(framed.clone())))
                .unwrap();
            let response = sender.send_request(request).await.unwrap();
            let mut status = response.headers().get("grpc-status").cloned();
            let body = response.into_body().collect().await.unwrap();
            status = status.or_else(|| body.trailers().and_then(|trailers| trailers.get("grpc-status").cloned()));
            let status = status.unwrap_or_else(|| panic!("no status: {method} {framed:?}"));
            // Never UNKNOWN (2) or INTERNAL (13) by poort's own hand: tonic says INTERNAL of broken frames.
            assert_ne!(status, "2", "{method} {framed:?}");
            for frame in frames(&body.to_bytes()) {
                let allowed = match *method {
                    "Evaluate" => pb::EvaluateResponse::decode(frame).unwrap().decision,
                    "EvaluateBatch" => pb::EvaluateBatchResponse::decode(frame)
                        .unwrap()
                        .evaluations
                        .iter()
                        .any(|answer| answer.decision),
                    _ => matches!(
                        pb::EvaluateStreamResponse::decode(frame).unwrap().result,
                        Some(pb::evaluate_stream_response::Result::Evaluation(answer)) if answer.decision
                    ),
                };
                assert!(!allowed, "{method} {framed:?}");
            }
            *(if status == "0" { &mut answered } else { &mut refused }) += 1;
        }
        // The bare socket.
        let head = b"POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
        let words: [&[u8]; 5] =
            [b"\r\n", b"\x00\x00\x09\x01\x05\x00\x00\x00\x01", b"transfer-encoding: chunked\r\n", b"\xff", b" "];
        let bytes = match round % 4 {
            0 => random(&mut tape, 400),
            1 => mutated(&mut tape, head, &words),
            2 => [preface.as_slice(), &random(&mut tape, 200)].concat(),
            _ => mutated(&mut tape, preface, &words),
        };
        garbage(&sidecar, &bytes).await;
    }
    for n in [20, 200] {
        let many = (0..n).map(|index| format!("x-{index}: {}\r\n", "é".repeat(2_000))).collect::<String>();
        garbage(&sidecar, format!("POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes()).await;
    }
    let request = Request::post("http://localhost/poort.v1.AccessEvaluation/Evaluate")
        .header("content-type", "application/grpc")
        .header("traceparent", "0".repeat(100_000))
        .body(tonic::body::Body::empty())
        .unwrap();
    let mut bare = BareChannel::to(&sidecar).await;
    // Refused with a status or a reset, as the library likes.
    let _ = tower::Service::call(&mut bare, request).await;

    assert!(answered > 10 && refused > 100, "answered {answered}, refused {refused}");
    for record in sidecar.records() {
        assert!(!record["body"].to_string().contains("\"decision\":true"), "{record}");
    }
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert!(!sidecar.log().contains("panicked"), "{}", sidecar.log());
}

/// Sends bytes and reads what comes back until the other side is done.
async fn garbage(sidecar: &Sidecar, bytes: &[u8]) {
    let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
    // The other side may have had enough before all of it is sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("\"decision\":true"), "{bytes:?}");
}
