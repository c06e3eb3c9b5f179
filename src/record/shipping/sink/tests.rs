//! The meaning of answers, row by row, and the form of records on the wire.

use super::{
    super::{
        config::{Endpoint, Format, Records, Remote, Tls},
        outgoing::Outgoing,
        reply::{Reason, Reply},
    },
    Sink, client, grpc, http, json_lines, otlp, push, set,
};
use crate::record::spool::reader::Frame;
use ::http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::{
    collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse},
    common::v1::any_value::Value,
    logs::v1::LogRecord,
};
use prost::Message as _;
use std::{fs, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

const UNAVAILABLE: Reply = Reply::Retry { reason: Reason::Unavailable, wait: None };
const TRANSPORT: Reply = Reply::Retry { reason: Reason::Transport, wait: None };

#[test]
fn grpc_codes_mean_what_otlp_says_and_what_receivers_mean_by_them() {
    let rows = [
        (Code::Unavailable, "", UNAVAILABLE),
        (Code::DeadlineExceeded, "", UNAVAILABLE),
        (Code::Cancelled, "", UNAVAILABLE),
        (Code::Aborted, "", UNAVAILABLE),
        (Code::DataLoss, "", UNAVAILABLE),
        (Code::OutOfRange, "not in the window", UNAVAILABLE),
        (
            Code::OutOfRange,
            "Error, decoded message length too large: found 9 bytes, the limit is: 4",
            Reply::PerhapsTooLarge,
        ),
        (Code::ResourceExhausted, "", Reply::Exhausted),
        (Code::InvalidArgument, "", Reply::Refused),
        (Code::Internal, "", Reply::Refused),
        (Code::Unknown, "", Reply::Refused),
        (Code::AlreadyExists, "", Reply::Refused),
        (Code::Unauthenticated, "", Reply::Hold),
        (Code::PermissionDenied, "", Reply::Hold),
        (Code::Unimplemented, "", Reply::Hold),
        (Code::NotFound, "", Reply::Hold),
        (Code::FailedPrecondition, "", Reply::Hold),
        // The server gave no verdict; tonic made these.
        (Code::Unknown, "grpc-status header missing, mapped from HTTP status code 500", TRANSPORT),
        (Code::Internal, "grpc-status header missing, mapped from HTTP status code 400", TRANSPORT),
        (Code::Unauthenticated, "grpc-status header missing, mapped from HTTP status code 401", Reply::Hold),
    ];
    for (code, message, verdict) in rows {
        assert_eq!(grpc::trouble(&Status::new(code, message)).verdict, verdict, "{code:?} {message}");
    }
    let broken = Status::from_error(Box::new(std::io::Error::other("reset")));
    assert_eq!(grpc::trouble(&broken).verdict, TRANSPORT);
}

#[test]
fn a_grpc_server_says_how_long_to_wait() {
    let wait = Some(Duration::from_secs(7));
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        let status = Status::with_error_details(code, "busy", ErrorDetails::with_retry_info(wait));
        let expected = Reply::Retry { reason: Reason::Unavailable, wait };
        assert_eq!(grpc::trouble(&status).verdict, expected, "{code:?}");
    }
}

#[test]
fn a_yes_may_be_a_no_for_some() {
    let answer = |rejected_log_records, error_message: &str| {
        let error_message = error_message.to_owned();
        grpc::taken(Some(ExportLogsPartialSuccess { rejected_log_records, error_message }), 5)
    };
    assert_eq!(grpc::taken(None, 5).taken, 5);
    assert_eq!(answer(0, "use gzip").taken, 5);
    let partial = answer(2, "too old");
    assert_eq!((partial.taken, partial.trouble.unwrap().verdict), (0, Reply::TakenInPart));
}

#[test]
fn http_statuses_mean_what_otlp_says() {
    let judge = |status: u16, headers: &HeaderMap, body: &[u8]| {
        http::judge(StatusCode::from_u16(status).unwrap(), headers, body, 5).trouble.map(|trouble| trouble.verdict)
    };
    let none = HeaderMap::new();
    let rows = [
        (200, None),
        (400, Some(Reply::Refused)),
        (401, Some(Reply::Hold)),
        (403, Some(Reply::Hold)),
        (404, Some(Reply::Hold)),
        (405, Some(Reply::Hold)),
        (413, Some(Reply::TooLarge)),
        (415, Some(Reply::Hold)),
        (301, Some(Reply::Hold)),
        (429, Some(UNAVAILABLE)),
        (500, Some(Reply::Refused)),
        (501, Some(Reply::Refused)),
        (502, Some(UNAVAILABLE)),
        (503, Some(UNAVAILABLE)),
        (504, Some(UNAVAILABLE)),
    ];
    for (status, verdict) in rows {
        assert_eq!(judge(status, &none, b""), verdict, "{status}");
    }
    let partial = ExportLogsPartialSuccess { rejected_log_records: 1, error_message: String::new() };
    let answer = ExportLogsServiceResponse { partial_success: Some(partial) };
    assert_eq!(judge(200, &none, &answer.encode_to_vec()), Some(Reply::TakenInPart));
    // A page that accepts everything is no receiver.
    assert_eq!(judge(200, &none, b"<html>Welcome</html>"), Some(Reply::Hold));
    let after = |value: &str| HeaderMap::from_iter([(::http::header::RETRY_AFTER, value.parse().unwrap())]);
    let wait = |wait| Some(Reply::Retry { reason: Reason::Unavailable, wait });
    assert_eq!(judge(503, &after("7"), b""), wait(Some(Duration::from_secs(7))));
    assert_eq!(judge(503, &after("soon"), b""), wait(None));
    assert_eq!(judge(503, &after("Sun, 06 Nov 1994 08:49:37 GMT"), b""), wait(None), "it is over");
    let Some(Reply::Retry { wait: Some(wait), .. }) = judge(429, &after("Sat, 06 Nov 2094 08:49:37 GMT"), b"") else {
        panic!("a date is a time to wait until")
    };
    assert!(wait > Duration::from_secs(3600));
}

fn parcel(seq: u64, record: &str) -> Outgoing {
    Outgoing::pack(Frame { seq, base: seq, payload: record.into() }, Format::Adl, Records::All)
}

const DECISION: &str = r#"{"attributes":{"poort.log.origin":"here","poort.log.seq":7},"body":{},"event_name":"adl.access_evaluation","resource":{"organisation.oin":"1","service.name":"poort"},"span_id":"00f067aa0ba902b7","status":"Unset","timestamp":1790000000123,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#;
const FAILED: &str = r#"{"attributes":{},"event_name":"adl.access_evaluation","span_id":"00f067aa0ba902b8","status":"Error","timestamp":1,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#;
const GAP: &str =
    r#"{"attributes":{"poort.log.origin":"here","poort.log.seq":9},"event_name":"poort.log.gap","timestamp":2}"#;

fn attribute(record: &LogRecord, key: &str) -> Option<Value> {
    let found = record.attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.clone()?.value
}

#[test]
fn a_record_travels_byte_by_byte_with_an_index_beside_it() {
    let batch = [parcel(7, DECISION), parcel(8, FAILED), parcel(9, GAP)];
    let request = otlp::request(&batch, Format::Adl);
    let [with_resource, without] = request.resource_logs.as_slice() else { panic!("{request:?}") };
    let resource = with_resource.resource.as_ref().unwrap();
    let names: Vec<_> = resource.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(names, ["organisation.oin", "service.name"]);
    let [decision] = with_resource.scope_logs[0].log_records.as_slice() else { panic!("{with_resource:?}") };
    let [failed, gap] = without.scope_logs[0].log_records.as_slice() else { panic!("{without:?}") };
    let body = |record: &LogRecord| record.body.clone().unwrap().value.unwrap();
    for (record, text) in [(decision, DECISION), (failed, FAILED), (gap, GAP)] {
        assert_eq!(body(record), Value::StringValue(text.to_owned()));
    }
    assert_eq!(decision.time_unix_nano, 1_790_000_000_123_000_000);
    assert!(decision.observed_time_unix_nano > decision.time_unix_nano);
    assert_eq!(decision.event_name, "adl.access_evaluation");
    assert_eq!(decision.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    assert_eq!(decision.span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    let text = |text: &str| Some(Value::StringValue(text.to_owned()));
    let uid = "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7";
    assert_eq!(attribute(decision, "log.record.uid"), text(uid));
    assert_eq!(attribute(decision, "poort.log.origin"), text("here"));
    assert_eq!(attribute(decision, "poort.log.seq"), Some(Value::IntValue(7)));
    assert_eq!((decision.severity_number, decision.severity_text.as_str()), (9, "INFO"));
    assert_eq!((failed.severity_number, gap.severity_number), (17, 17));
    let Some(Value::StringValue(uid)) = attribute(gap, "log.record.uid") else { panic!("{gap:?}") };
    assert!(uid.starts_with("here:9:") && uid.len() == 7 + 16, "{uid}");
    assert!(gap.trace_id.is_empty());
    let kinds = [decision, failed, gap].map(|record| attribute(record, "poort.record.kind"));
    assert_eq!(kinds, [text("decision"), text("decision"), text("own")]);
}

#[test]
fn answers_to_a_token_mean_what_rfc_8935_says() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "7".parse().unwrap());
    let wait = Some(Duration::from_secs(7));
    let later = Reply::Retry { reason: Reason::Unavailable, wait };
    let rows = [
        (400, r#"{"err":"invalid_request","description":"no"}"#, Reply::Refused),
        (400, r#"{"err":"invalid_issuer"}"#, Reply::Hold),
        (400, r#"{"err":"invalid_key"}"#, Reply::Hold),
        (400, r#"{"err":"authentication_failed"}"#, Reply::Hold),
        (400, "", Reply::Hold),
        (401, "", Reply::Hold),
        (404, "", Reply::Hold),
        (301, "", Reply::Hold),
        // A page of a proxy takes everything and keeps nothing.
        (200, "<html>", Reply::Hold),
        (429, "", later),
        (500, "", later),
        (503, "", later),
    ];
    for (status, body, expected) in rows {
        let judged = push::judge(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes());
        assert_eq!(judged.unwrap_err().verdict, expected, "{status} {body}");
    }
    assert_eq!(push::judge(StatusCode::ACCEPTED, &headers, b""), Ok(()));
}

#[test]
fn a_token_tells_what_becomes_of_the_risk() {
    let rows = [
        (("opened", 2.9, None), None),
        (("opened", 3.0, None), Some((Some("LOW"), "MEDIUM"))),
        (("opened", 6.0, None), Some((Some("LOW"), "HIGH"))),
        (("raised", 8.0, None), Some((None, "HIGH"))),
        (("followed", 8.0, None), None),
        (("closed", 8.0, Some("justified")), Some((Some("HIGH"), "LOW"))),
        (("closed", 4.0, Some("unclear")), Some((Some("MEDIUM"), "LOW"))),
        (("closed", 8.0, Some("misuse")), None),
        (("faded", 4.0, None), Some((Some("MEDIUM"), "LOW"))),
    ];
    for ((change, score, verdict), expected) in rows {
        let signal = serde_json::json!({"change": change, "score": score, "verdict": verdict});
        assert_eq!(set::levels(&signal), expected, "{signal}");
    }
}

#[test]
fn a_sink_gets_the_records_that_it_is_configured_for() {
    let signal = r#"{"event_name":"poort.signal","timestamp":1,"attributes":{},"body":{"poort.signal":{}}}"#;
    let rows = [
        (Records::All, [1, 1, 1, 1]),
        (Records::Decisions, [1, 1, 0, 0]),
        (Records::Own, [0, 0, 1, 1]),
        (Records::Signals, [0, 0, 0, 1]),
    ];
    for (records, expected) in rows {
        let count = |record: &str| {
            let frame = Frame { seq: 0, base: 0, payload: record.into() };
            Outgoing::pack(frame, Format::Adl, records).documents().len()
        };
        assert_eq!([DECISION, FAILED, GAP, signal].map(count), expected, "{records:?}");
    }
    // What cannot be read is set aside by every sink, not passed by some.
    let broken = Frame { seq: 0, base: 0, payload: b"{}}".to_vec() };
    assert!(Outgoing::pack(broken, Format::Adl, Records::Own).documents.is_err());
}

#[tokio::test]
async fn lines_are_whole_after_a_crash_and_go_on_after_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    // A crash in the middle of a line that is longer than one look backwards.
    let torn = "x".repeat(200_000);
    fs::write(&path, format!("whole\n{torn}")).unwrap();
    let mut sink = json_lines::JsonLines::file(path.clone());
    assert_eq!(sink.send(&[parcel(7, DECISION)]).await.taken, 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("whole\n{DECISION}\n"));
    fs::rename(&path, folder.path().join("lines.1")).unwrap();
    assert_eq!(sink.send(&[parcel(8, FAILED), parcel(9, GAP)]).await.taken, 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{FAILED}\n{GAP}\n"));
    fs::remove_file(&path).unwrap();
    assert_eq!(sink.send(&[parcel(7, DECISION)]).await.taken, 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{DECISION}\n"));
}

#[tokio::test]
async fn lines_that_cannot_be_written_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = json_lines::JsonLines::file(folder.path().join("missing/lines"));
    let trouble = sink.send(&[parcel(7, DECISION)]).await.trouble.unwrap();
    assert_eq!(trouble.verdict, Reply::Retry { reason: Reason::Io, wait: None });
    // The kernel's own full disk.
    let mut sink = json_lines::JsonLines::file("/dev/full".into());
    let trouble = sink.send(&[parcel(7, DECISION)]).await.trouble.unwrap();
    assert_eq!(trouble.verdict, Reply::Retry { reason: Reason::Io, wait: None });
}

#[test]
fn a_header_value_comes_from_its_file_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let remote = Remote {
        endpoint: "http://localhost".parse::<Endpoint>().unwrap(),
        tls: Tls::default(),
        headers: vec![("authorization".parse().unwrap(), path.clone())],
        compression: Default::default(),
    };
    assert!(client::headers(&remote).unwrap_err().to_string().contains("token"), "it is not there yet");
    fs::write(&path, "Bearer s3cret\n").unwrap();
    let headers = client::headers(&remote).unwrap();
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert!(!format!("{headers:?} {remote:?}").contains("s3cret"));
    fs::write(&path, "two\nlines s3cret").unwrap();
    assert!(!client::headers(&remote).unwrap_err().to_string().contains("s3cret"));
}
