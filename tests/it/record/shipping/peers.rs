//! Receivers of other vendors: rotel over OTLP, and NATS with JetStream. `tests/run` installs them by name.

mod nats_guarded;

use super::{Receiver, ask, otlp, start, stopped, until_drained};
use crate::support::{Exposition, Sidecar, folder, repository, run, until};
use async_nats::jetstream::{self, stream::Stream};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A process that is killed when it goes out of scope.
pub(in crate::record) struct Peer(Child);

impl Peer {
    #[track_caller]
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub(in crate::record) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file of the tests' Python environment.
#[track_caller]
fn installed(pattern: &str) -> PathBuf {
    let environment = repository().join("target/tests/python");
    let libraries = fs::read_dir(environment.join("lib")).unwrap().map(|entry| entry.unwrap().path());
    let mut places = libraries.map(|library| library.join("site-packages").join(pattern)).collect::<Vec<_>>();
    places.push(environment.join("bin").join(pattern));
    let found = places.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{pattern} is not there; tests/run installs it"))
}

// ---- rotel ----

/// A rotel that passes on to this receiver. It cannot choose free ports by itself.
async fn rotel(folder: &Path, behind: SocketAddr) -> (Peer, [SocketAddr; 2]) {
    let ports = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let mut command = Command::new(installed("rotel/rotel-agent"));
    command.args(["start", "--otlp-grpc-endpoint", &ports[0].to_string()]);
    command.args(["--otlp-http-endpoint", &ports[1].to_string(), "--exporter", "otlp"]);
    command.args(["--otlp-exporter-endpoint", &format!("http://{behind}"), "--otlp-exporter-protocol", "grpc"]);
    command.args(["--otlp-exporter-compression", "none", "--batch-timeout", "100ms"]);
    command.arg("--pid-file").arg(folder.join("pid")).arg("--log-file").arg(folder.join("log"));
    let peer = Peer::start(&mut command);
    until("rotel", async || {
        let mut open = true;
        for port in ports {
            open &= tokio::net::TcpStream::connect(port).await.is_ok();
        }
        open.then_some(())
    })
    .await;
    (peer, ports)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_keep_their_bytes_through_a_collector_of_others() {
    let folder = folder();
    let receiver = Receiver::willing();
    let listening = receiver.listen().await;
    let (_rotel, [grpc, http]) = rotel(folder.path(), listening.address).await;
    for (kind, address) in [("otlp-grpc", grpc), ("otlp-http", http)] {
        let sidecar = start(&otlp("test", kind, address).replace("300ms", "5s"));
        ask(&sidecar, 100).await;
        until_drained(&sidecar, "test").await;
        let (data, _ended) = stopped(sidecar);
        let expected = poort::record::spool::reader::Reader::open(data.join("records")).unwrap().count();
        until("what rotel passes on", async || (receiver.count() >= expected).then_some(())).await;
        receiver.check(&data, &[]);
        // The next log begins at 0 again.
        receiver.forget();
    }
}

// ---- NATS ----

pub(in crate::record) struct Nats {
    pub(in crate::record) peer: Peer,
    pub(in crate::record) address: String,
    pub(in crate::record) jetstream: jetstream::Context,
    _folder: tempfile::TempDir,
}

pub(in crate::record) async fn nats() -> Nats {
    let folder = folder();
    let (peer, address) = nats_server(folder.path(), "").await;
    let client = until("the NATS server", async || async_nats::connect(&address).await.ok()).await;
    Nats { peer, address, jetstream: jetstream::new(client), _folder: folder }
}

/// A NATS server with this configuration, and its address.
async fn nats_server(folder: &Path, config: &str) -> (Peer, String) {
    fs::write(folder.join("nats.conf"), config).unwrap();
    let mut command = Command::new(installed("nats-server"));
    command.args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir"]).arg(folder.join("store"));
    command.arg("--ports_file_dir").arg(folder).arg("--config").arg(folder.join("nats.conf"));
    let peer = Peer::start(&mut command);
    let ports = folder.join(format!("nats-server_{}.ports", peer.0.id()));
    let address = until("the port of the NATS server", async || {
        let ports: serde_json::Value = serde_json::from_slice(&fs::read(&ports).ok()?).ok()?;
        Some(ports["nats"][0].as_str()?.to_owned())
    })
    .await;
    (peer, address)
}

/// The stream that keeps the subject.
async fn stream_on(jetstream: &jetstream::Context) -> Stream {
    let config = jetstream::stream::Config {
        name: "records".to_owned(),
        subjects: vec!["poort.records".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(config).await.unwrap()
}

impl Nats {
    fn sink(&self) -> String {
        format!(
            "[ship.test]\nkind = \"nats\"\nendpoint = \"{}\"\nsubject = \"poort.records\"\ntimeout = \"1s\"\n",
            self.address
        )
    }

    async fn stream(&self) -> Stream {
        stream_on(&self.jetstream).await
    }
}

/// Checks that the stream holds the log in this data folder: each record once, in order, byte by byte.
async fn check(stream: &Stream, data: &Path) {
    let log: Vec<_> =
        poort::record::spool::reader::Reader::open(data.join("records")).unwrap().map(Result::unwrap).collect();
    let state = stream.get_info().await.unwrap().state;
    assert_eq!(state.messages, log.len() as u64);
    for frame in log {
        let stored = stream.get_raw_message(state.first_sequence + frame.seq).await.unwrap();
        assert_eq!(stored.payload, frame.payload);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_holds_each_record_once() {
    let nats = nats().await;
    let stream = nats.stream().await;
    let data = folder();
    let start = || Sidecar::builder().config(&nats.sink()).data(data.path()).start();
    let sidecar = start();
    ask(&sidecar, 300).await;
    let (_, _ended) = stopped(sidecar);
    check(&stream, data.path()).await;
    // Without its cursor it begins anew.
    fs::remove_file(data.path().join("records/test.cursor")).unwrap();
    let sidecar = start();
    ask(&sidecar, 20).await;
    until_drained(&sidecar, "test").await;
    let again = Exposition::of(&sidecar).await.value("poort_ship_records_total", "sink=\"test\"");
    assert!(again >= 320.0, "{again}");
    let (_, _ended) = stopped(sidecar);
    check(&stream, data.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_put_back_loses_no_new_record() {
    let nats = nats().await;
    let stream = nats.stream().await;
    let (data, backup) = (folder(), folder());
    let run = async |count: usize| {
        let sidecar = Sidecar::builder().config(&nats.sink()).data(data.path()).start();
        ask(&sidecar, count).await;
        until_drained(&sidecar, "test").await;
        assert_eq!(sidecar.stop().code, Some(0));
    };
    let copy = |from: &Path, to: &Path| {
        let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
        assert!(status.success());
    };
    run(5).await;
    copy(data.path(), backup.path());
    run(20).await;
    let lost = stream.get_info().await.unwrap().state.messages;
    fs::remove_dir_all(data.path()).unwrap();
    copy(backup.path(), data.path());
    run(20).await;
    // The stream holds both histories: the last records are those of the folder, byte by byte.
    let log: Vec<_> =
        poort::record::spool::reader::Reader::open(data.path().join("records")).unwrap().map(Result::unwrap).collect();
    let state = stream.get_info().await.unwrap().state;
    let new = state.messages - lost;
    assert!(new >= 20 && new <= log.len() as u64, "{new} of {}", log.len());
    for (frame, sequence) in log.iter().rev().zip((1..=state.last_sequence).rev()).take(20) {
        assert_eq!(stream.get_raw_message(sequence).await.unwrap().payload, frame.payload);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_another_sent_first_holds_the_sink() {
    let nats = nats().await;
    let stream = nats.stream().await;
    // Two spellings of one server, so that the configuration does not see it.
    let other = nats.sink().replace("ship.test", "ship.other").replace("127.0.0.1", "localhost");
    let sidecar = start(&[nats.sink(), other].concat());
    ask(&sidecar, 50).await;
    let line = sidecar.wait_for_line("Records wait for a person");
    assert!(line.contains("is sent for the first time") && line.contains("poort log restored"), "{line}");
    let metrics = Exposition::of(&sidecar).await;
    let sum = |metric: &str| metrics.series(metric).iter().map(|(_, value)| value).sum::<f64>();
    assert!(sum("poort_ship_held") >= 1.0 && sum("poort_ship_duplicates_total") >= 1.0);
    // Answers go on, and no record is stored twice.
    ask(&sidecar, 50).await;
    let stored = stream.get_info().await.unwrap().state.messages;
    assert!(stored <= sidecar.records().len() as u64 + 10, "{stored}");
}

/// Such as after `data/records` was moved away, and the quarantine left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantined_record_of_an_earlier_log_is_no_alarm() {
    let nats = nats().await;
    let _stream = nats.stream().await;
    let earlier = start(&nats.sink());
    ask(&earlier, 50).await;
    until_drained(&earlier, "test").await;
    let mut log = poort::record::spool::reader::Reader::open(earlier.data.join("records")).unwrap();
    let frame = log.nth(40).unwrap().unwrap();
    let record = String::from_utf8(frame.payload).unwrap();
    let sidecar = start(&nats.sink());
    until_drained(&sidecar, "test").await;
    fs::create_dir(sidecar.data.join("quarantine")).unwrap();
    let line = format!("{{\"seq\":{},\"record\":{record}}}\n", frame.seq);
    fs::write(sidecar.data.join("quarantine/test.jsonl"), line).unwrap();
    let (data, config) = (&sidecar.data, sidecar.folder.path().join("poort.toml"));
    let place = ["--data", data.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let asked = run([&["log", "ship", "--sink", "test", "--quarantined"][..], &place].concat());
    assert!(asked.status.success(), "{asked:?}");
    sidecar.wait_for_line("All that was asked for was sent again.");
    ask(&sidecar, 5).await;
    until_drained(&sidecar, "test").await;
    assert_eq!(Exposition::of(&sidecar).await.value("poort_ship_duplicates_total", ""), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_tells_decisions_from_own_records() {
    let nats = nats().await;
    let subjects = vec!["poort.>".to_owned()];
    let config = jetstream::stream::Config { name: "records".to_owned(), subjects, ..Default::default() };
    let stream = nats.jetstream.create_stream(config).await.unwrap();
    let folder = folder();
    let lines = folder.path().join("lines");
    let strict = format!("[ship.strict]\nkind = \"json-lines\"\npath = {lines:?}\nrecords = \"decisions\"\n");
    let sidecar = start(&[nats.sink(), "subject_own = \"poort.own\"\n".to_owned(), strict].concat());
    ask(&sidecar, 30).await;
    until_drained(&sidecar, "test").await;
    let (data, _ended) = stopped(sidecar);
    let log = poort::record::spool::reader::Reader::open(data.join("records")).unwrap().map(Result::unwrap);
    let schema = fs::read_to_string(repository().join("tests/schemas/adl-record.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let (mut decisions, mut own) = (Vec::new(), 0);
    for frame in log {
        let stored = stream.get_raw_message(frame.seq + 1).await.unwrap();
        assert_eq!(stored.payload, frame.payload);
        let record: serde_json::Value = serde_json::from_slice(&frame.payload).unwrap();
        let is_decision = record["event_name"].as_str().unwrap().starts_with("adl.");
        let kind = stored.headers.get("Poort-Kind").unwrap().as_str();
        match is_decision {
            true => assert_eq!((kind, &*stored.subject), ("decision", "poort.records")),
            false => assert_eq!((kind, &*stored.subject), ("own", "poort.own")),
        }
        if is_decision {
            decisions.push(record);
        } else {
            own += 1;
        }
    }
    assert!(decisions.len() == 30 && own >= 2, "{own}");
    // A store that takes nothing but decisions.
    let lines = fs::read_to_string(&lines).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, decisions);
    lines.iter().for_each(|line| schema.validate(line).unwrap_or_else(|error| panic!("{error}: {line}")));

    let page = fs::read_to_string(repository().join("docs/shipping.md")).unwrap();
    let program = page.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let count = (30 + own).to_string();
    let mut python = Command::new(installed("python"));
    let output = python.args(["-c", program]).env("NATS", &nats.address).env("COUNT", count).output().unwrap();
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let expected: Vec<_> = decisions
        .iter()
        .map(|record| ["event_name", "trace_id", "span_id"].map(|name| record[name].as_str().unwrap()).join(" "))
        .collect();
    assert!(out.lines().eq(&expected), "{out}{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subject_that_no_stream_keeps_is_named() {
    let nats = nats().await;
    let sidecar = start(&nats.sink());
    ask(&sidecar, 5).await;
    let line = sidecar.wait_for_line("Records wait for a person");
    assert!(line.contains("no stream of the server keeps the subject `poort.records`"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_receiver_delays_no_decision_and_gets_all_later() {
    let nats = nats().await;
    let stream = nats.stream().await;
    let sidecar = start(&nats.sink());
    ask(&sidecar, 50).await;
    until_drained(&sidecar, "test").await;
    nats.peer.signal(Signal::STOP);
    // Each of these is answered, which is the point.
    ask(&sidecar, 300).await;
    sidecar.wait_for_line("Records wait; sending is tried again.");
    let metrics = Exposition::of(&sidecar).await;
    assert!(metrics.value("poort_ship_backlog", "sink=\"test\"") >= 300.0);
    assert!(metrics.value("poort_ship_lag_seconds", "sink=\"test\"") > 0.0);
    nats.peer.signal(Signal::CONT);
    until_drained(&sidecar, "test").await;
    let (data, _ended) = stopped(sidecar);
    check(&stream, &data).await;
}
