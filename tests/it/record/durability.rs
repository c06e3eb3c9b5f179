//! No answer without a record, through kills, full disks and changes of the data folder.

mod broken_disk;
mod slow_disk;

use crate::support::{
    BareChannel, Exposition, Sidecar, Starting, allowed, denied, folder, health, key, message, records, run, until,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use poort::{
    api::pb::{self, access_evaluation_client::AccessEvaluationClient},
    record::{
        decision_log::RecordKind,
        spool::{self, reader::Reader},
    },
};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    process::{Pid, Resource, Rlimit, prlimit},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    net::TcpStream,
    sync::Notify,
    task::{JoinSet, spawn_blocking},
};
use tonic::{Code, transport::Channel};

/// The smallest segments that there are, so that a few hundred records fill several.
const SMALL: &str = "[log]\nsegment = \"64KiB\"\n";

/// Answers that reached a client: the key of the record, and the decision.
type Heard = BTreeMap<(String, String), bool>;

/// A question unlike the others, so that not all answers come from the cache; every third is denied.
fn numbered(number: usize) -> Value {
    let mut question = if number.is_multiple_of(3) { denied() } else { allowed() };
    question["context"]["justification"] = format!("case {}", number % 50).into();
    question
}

/// What the records of a data folder say: key and decision.
#[track_caller]
fn recorded(data: &Path) -> Heard {
    let decision = |record: &Value| record["body"]["adl.core.response"]["decision"].as_bool().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = records(data);
    let count = all.len();
    let by_key: Heard =
        all.iter().map(|record| ((text(&record["trace_id"]), text(&record["span_id"])), decision(record))).collect();
    assert_eq!(by_key.len(), count, "a key is given twice");
    by_key
}

/// How many decisions were recorded; the numbers of all records begin at 0 and have no gap.
#[track_caller]
fn sequence(data: &Path) -> u64 {
    let frames: Vec<_> = Reader::open(data.join("records")).unwrap().map(Result::unwrap).collect();
    assert!(frames.iter().map(|frame| frame.seq).eq(0..frames.len() as u64));
    frames.iter().filter(|frame| RecordKind::of(&frame.payload) == RecordKind::Decision).count() as u64
}

/// Counts answers, and notifies when there are enough.
struct Tally {
    answers: AtomicUsize,
    enough: usize,
    reached: Notify,
}

impl Tally {
    fn count(&self) -> usize {
        let number = self.answers.fetch_add(1, Ordering::SeqCst);
        if number + 1 == self.enough {
            self.reached.notify_one();
        }
        number
    }
}

async fn ask_over_grpc(mut client: AccessEvaluationClient<Channel>, tally: Arc<Tally>) -> Heard {
    let mut heard = Heard::new();
    let mut number = 0;
    while let Ok(answer) = client.evaluate(message(&numbered(number))).await {
        let answer = answer.into_inner();
        heard.insert(key(&answer), answer.decision);
        number = tally.count();
    }
    heard
}

async fn ask_over_http(address: SocketAddr, tally: Arc<Tally>) -> Heard {
    let mut heard = Heard::new();
    let Ok(stream) = TcpStream::connect(address).await else { return heard };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut number = 1;
    loop {
        let request =
            Request::post("/access/v1/evaluation").header("host", "x").header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(numbered(number).to_string()))).unwrap();
        let Ok(response) = sender.send_request(request).await else { return heard };
        assert_eq!(response.status(), 200);
        let Ok(body) = response.into_body().collect().await else { return heard };
        let answer: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        let record = &answer["context"]["record"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        heard.insert((text(&record["trace_id"]), text(&record["span_id"])), answer["decision"].as_bool().unwrap());
        number = tally.count();
    }
}

/// When in the load a kill comes: not by the clock, so that it falls in the same place on any machine.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// When so many answers were heard.
    Answers(usize),
    /// When so many answers were heard and then the next segment is begun: a commit is on its way, and not yet on disk.
    NextSegment(usize),
}

/// Waits until a segment is being made.
fn until_a_segment_begins(records: &Path) {
    let unfinished = |entry: fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "new");
    while !fs::read_dir(records).unwrap().any(|entry| entry.is_ok_and(unfinished)) {
        std::thread::yield_now();
    }
}

/// Asks from 32 gRPC clients on 8 connections and from 4 HTTP clients, kills poort, and returns all answers.
async fn kill_under_load(sidecar: Sidecar, moment: Moment) -> Heard {
    let (Moment::Answers(enough) | Moment::NextSegment(enough)) = moment;
    let tally = Arc::new(Tally { answers: AtomicUsize::new(0), enough, reached: Notify::new() });
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let client = sidecar.grpc().await;
        for _ in 0..4 {
            clients.spawn(ask_over_grpc(client.clone(), tally.clone()));
        }
    }
    for _ in 0..4 {
        clients.spawn(ask_over_http(sidecar.address, tally.clone()));
    }
    tally.reached.notified().await;
    let records = sidecar.data.join("records");
    let killing = spawn_blocking(move || {
        if matches!(moment, Moment::NextSegment(_)) {
            until_a_segment_begins(&records);
        }
        sidecar.kill()
    });
    assert_eq!(killing.await.unwrap().code, None, "it ended before it was killed");
    clients.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_before_a_kill_has_its_record() {
    let folder = folder();
    let mut heard = Heard::new();
    let mut records_before = 0;
    for round in 0..8 {
        let sidecar = Sidecar::builder().data(folder.path()).config(SMALL).start();
        let enough = rand::random_range(30..200);
        let moment = if round % 2 == 0 { Moment::Answers(enough) } else { Moment::NextSegment(enough) };
        let now = kill_under_load(sidecar, moment).await;
        assert!(now.len() >= enough, "round {round}");
        let records_now = sequence(folder.path());
        assert!(records_now >= records_before + now.len() as u64, "round {round}, killed at {moment:?}");
        heard.extend(now);
        records_before = records_now;
    }
    let recorded = recorded(folder.path());
    for (key, decision) in &heard {
        assert_eq!(recorded.get(key), Some(decision), "{key:?}");
    }
    // And it continues as before.
    let sidecar = Sidecar::builder().data(folder.path()).config(SMALL).start();
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    assert_eq!(sequence(folder.path()), records_before + 1);
}

/// A poort whose data is on a disk of half a megabyte, half of which is taken by a file named `filler`.
fn on_a_small_disk(data: &Path, filler: u32) -> Starting {
    let script = format!(
        "mount -t tmpfs -o size=512k tmpfs \"$0\" && head -c {filler} /dev/zero > \"$0/filler\" && exec \"$@\""
    );
    let words: [OsString; 6] = ["unshare".into(), "-rm".into(), "sh".into(), "-c".into(), script.into(), data.into()];
    Sidecar::builder().data(data).config(SMALL).wrapper(words)
}

/// The data folder as the process sees it, with its own mounts.
fn seen_by(sidecar: &Sidecar) -> PathBuf {
    let process = PathBuf::from(format!("/proc/{}", sidecar.pid()));
    assert_eq!(fs::read_to_string(process.join("comm")).unwrap().trim(), "poort");
    process.join("root").join(sidecar.data.strip_prefix("/").unwrap())
}

/// Asks one after the other until there is no answer, which must be for want of a record.
async fn ask_until_unavailable(client: &mut AccessEvaluationClient<Channel>) -> Heard {
    let mut heard = Heard::new();
    loop {
        match client.evaluate(message(&numbered(heard.len()))).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                assert_eq!(answer.decision, !heard.len().is_multiple_of(3));
                heard.insert(key(&answer), answer.decision);
            }
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status}");
                assert_eq!(status.message(), "the decision log cannot be written, so nothing is decided");
                return heard;
            }
        }
        assert!(heard.len() < 5_000, "it never ends");
    }
}

/// No question gets an answer over any binding, not even one that was answered before.
async fn nothing_is_answered(sidecar: &Sidecar, client: &mut AccessEvaluationClient<Channel>) {
    for number in 0..6 {
        assert_eq!(client.evaluate(message(&numbered(number))).await.unwrap_err().code(), Code::Unavailable);
        let reply = sidecar.post("/access/v1/evaluation", &numbered(number)).await;
        assert_eq!(reply.status, 503);
        assert!(reply.headers.contains_key("retry-after"));
    }
    let batch = pb::EvaluateBatchRequest { evaluations: vec![message(&allowed()); 3], ..Default::default() };
    assert_eq!(client.evaluate_batch(batch).await.unwrap_err().code(), Code::Unavailable);
    let asked =
        pb::EvaluateStreamRequest { id: "1".into(), evaluation: Some(message(&allowed())), ..Default::default() };
    let mut answers = client.evaluate_stream(tokio_stream::iter([asked])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    match answer.result.unwrap() {
        pb::evaluate_stream_response::Result::Error(error) => assert_eq!(error.code, Code::Unavailable as i32),
        pb::evaluate_stream_response::Result::Evaluation(answer) => panic!("{answer:?}"),
    }
}

async fn until_health_is(sidecar: &Sidecar, expected: &str) {
    until(&format!("health {expected}"), async || (health(sidecar, "").await == expected).then_some(())).await;
}

async fn until_answered(client: &mut AccessEvaluationClient<Channel>, heard: &mut Heard) {
    let answer = until("an answer", async || client.evaluate(message(&allowed())).await.ok()).await.into_inner();
    assert!(answer.decision);
    heard.insert(key(&answer), true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_gives_no_answers_until_there_is_room() {
    let folder = folder();
    let sidecar = on_a_small_disk(folder.path(), 256 * 1024).start();
    let data = seen_by(&sidecar);
    let mut client = sidecar.grpc().await;
    let mut heard = ask_until_unavailable(&mut client).await;
    assert!(heard.len() > 50, "{} answers", heard.len());
    nothing_is_answered(&sidecar, &mut client).await;
    until_health_is(&sidecar, "NOT_SERVING").await;
    let ready = sidecar.operators("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!((&ready.json()["ready"], &ready.json()["log"]), (&false.into(), &"full".into()));
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_log_writable", ""), 0.0);
    assert!(metrics.value("poort_calls_refused_total", "no_record") >= 12.0);
    // With the checkpoints.
    let frames = Reader::open(data.join("records")).unwrap().count();
    assert_eq!(metrics.value("poort_log_records_total", ""), frames as f64);
    // All that was answered is there, and nothing else is: what was refused left no record.
    assert_eq!(recorded(&data), heard);

    // Though there is no room, all that was recorded is attested to, in the reserve.
    let report = verified(&data);
    let last = &report["last"];
    assert_eq!((&last["occasion"], &last["size"]), (&"full".into(), &(frames as u64 - 1).into()), "{report}");

    fs::remove_file(data.join("filler")).unwrap();
    until_answered(&mut client, &mut heard).await;
    heard.extend(ask_until_unavailable(&mut client).await);
    assert_eq!(recorded(&data), heard);
    assert_eq!(sequence(&data), heard.len() as u64);
    assert_eq!(sidecar.stop().code, Some(0));
}

/// What `poort log verify` says of a log in which nothing is wrong.
#[track_caller]
fn verified(data: &Path) -> Value {
    let output =
        run(["log".as_ref(), "verify".as_ref(), "--format=json".as_ref(), "--data".as_ref(), data.as_os_str()]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}{}", String::from_utf8_lossy(&output.stderr));
    let mut reports: Vec<Value> = serde_json::from_str(&report).unwrap();
    assert_eq!(reports.len(), 1);
    reports.remove(0)["report"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_log_records_how_many_answers_it_missed() {
    let folder = folder();
    let sidecar = on_a_small_disk(folder.path(), 256 * 1024).config("failure = \"open\"\n").start();
    let data = seen_by(&sidecar);
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    until("a full disk", async || {
        until_answered(&mut client, &mut heard).await;
        (sidecar.operators("/readyz").await.json()["log"] == "full").then_some(())
    })
    .await;
    for _ in 0..10 {
        until_answered(&mut client, &mut heard).await;
    }
    assert_eq!(health(&sidecar, "").await, "SERVING", "as configuration says");
    assert_eq!(sidecar.operators("/readyz").await.status, 200);
    let gaps = |data: &Path| -> Vec<Value> {
        let frames = Reader::open(data.join("records")).unwrap().map(Result::unwrap);
        let gaps = frames.filter(|frame| RecordKind::of(&frame.payload) == RecordKind::Gap);
        gaps.map(|frame| serde_json::from_slice::<Value>(&frame.payload).unwrap()["attributes"].clone()).collect()
    };
    let began = gaps(&data);
    assert_eq!((began.len(), &began[0]["poort.gap.is_open"]), (1, &true.into()), "{began:?}");

    fs::remove_file(data.join("filler")).unwrap();
    let gap = until("the record of the gap", async || gaps(&data).get(1).cloned()).await;
    assert_eq!(gap["poort.gap.cause"], "disk_full");
    assert_eq!(gap["poort.gap.is_open"], false);
    until_answered(&mut client, &mut heard).await;
    let missing = heard.len() - recorded(&data).len();
    assert!(missing >= 10);
    assert_eq!(gap["poort.gap.count"], missing);
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_calls_unrecorded_total", ""), missing as f64);
    assert_eq!(metrics.value("poort_log_failure_open", ""), 1.0);
    assert!(gap["poort.gap.from"].as_u64().unwrap() <= gap["poort.gap.to"].as_u64().unwrap());
    verified(&data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_stay_until_every_sink_has_them() {
    let folder = folder();
    // One takes all at once; the other cannot write yet.
    let (here, later) = (folder.path().join("lines"), folder.path().join("later"));
    let sink =
        |name: &str, path: &Path| format!("[ship.{name}]\nkind = \"json-lines\"\npath = \"{}\"\n", path.display());
    let sinks = [sink("here", &here), sink("later", &later.join("lines"))].concat();
    let config = format!("{SMALL}keep = \"1s\"\ncheckpoint = \"100ms\"\n{sinks}");
    let sidecar = Sidecar::builder().config(&config).start();
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    let first = sidecar.data.join("records").join("0000000000000000.seg");
    // A checkpoint each tenth of a second shows that time passes: enough for several sweeps, which come once a second.
    until("several sweeps", async || {
        for _ in 0..40 {
            until_answered(&mut client, &mut heard).await;
        }
        (verified(&sidecar.data)["checkpoints"].as_u64().unwrap() > 60).then_some(())
    })
    .await;
    let segments = fs::read_dir(sidecar.data.join("records")).unwrap().count();
    assert!(first.exists() && segments > 6, "one sink has not taken the first record yet");
    fs::create_dir(&later).unwrap();
    until("the first segment to go", async || (!first.exists()).then_some(())).await;
    let taken = |path: &Path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let (here, later) = (taken(&here), taken(&later.join("lines")));
    assert!(here[0].contains("\"poort.log.seq\":0}") && later[0] == here[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_kept_long_enough_are_deleted_on_record() {
    let folder = folder();
    let config = format!("{SMALL}keep = \"1s\"\ncheckpoint = \"100ms\"\n");
    // Nothing waits for a sink that is not configured any more.
    fs::create_dir(folder.path().join("records")).unwrap();
    spool::Cursor::open(&folder.path().join("records"), "gone").unwrap().advance(1).unwrap();
    let sidecar = Sidecar::builder().data(folder.path()).config(&config).start();
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    let first = sidecar.data.join("records").join("0000000000000000.seg");
    until("the first segment to go", async || {
        for _ in 0..20 {
            until_answered(&mut client, &mut heard).await;
        }
        (!first.exists()).then_some(())
    })
    .await;
    until("that to be signed for", async || {
        let report = verified(&sidecar.data);
        (report["first"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    let kept = records(&sidecar.data);
    assert!(!kept.is_empty() && kept.len() < heard.len());
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    // And it continues from there.
    let data = sidecar.data.clone();
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    verified(&data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_log_is_refused_and_a_killed_one_proven() {
    let folder = folder();
    let short = format!("{SMALL}checkpoint = \"100ms\"\n");
    for round in 0..3 {
        let sidecar = Sidecar::builder().data(folder.path()).config(&short).start();
        kill_under_load(sidecar, Moment::Answers(60 + 40 * round)).await;
        verified(folder.path());
    }
    let kept = run(["log".as_ref(), "key".as_ref(), "--data".as_ref(), folder.path().as_os_str()]);
    let sidecar = Sidecar::builder().data(folder.path()).config(&short).start();
    assert_eq!(sidecar.stop().code, Some(0));
    let report = verified(folder.path());
    assert_eq!(report["last"]["occasion"], "shutdown");
    assert_eq!(report["proven"].as_u64().unwrap() + 1, report["end"].as_u64().unwrap(), "{report}");

    // The newest record is cut off, cleanly. No checksum shows it.
    let newest = *spool::segments(&folder.path().join("records")).unwrap().last().unwrap();
    let path = folder.path().join("records").join(format!("{newest:016x}.seg"));
    let whole = fs::read(&path).unwrap();
    // The header of the segment takes 24 bytes.
    let mut starts = vec![24];
    while *starts.last().unwrap() < whole.len() {
        let at = *starts.last().unwrap();
        starts.push(at + 24 + u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize);
    }
    fs::write(&path, &whole[..starts[starts.len() - 2]]).unwrap();
    let ended = Sidecar::builder().data(folder.path()).config(&short).fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("its end was cut off"), "{}", ended.log);
    let verify = |arguments: &[&str]| {
        let mut all = vec!["log", "verify", "--data", folder.path().to_str().unwrap()];
        all.extend(arguments);
        let output = run(all);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = verify(&[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("cut off: the log ends at record"), "{said}");

    // With the folder one can make a key and sign anew; with the public key that was kept, that is found.
    fs::write(&path, &whole).unwrap();
    let key = String::from_utf8(kept.stdout).unwrap();
    assert_eq!(verify(&["--key", key.trim()]).0, Some(0));
    fs::remove_file(folder.path().join("log-key.pem")).unwrap();
    let ended = Sidecar::builder().data(folder.path()).config(&short).fail();
    assert!(ended.log.contains("poort log key --new"), "{}", ended.log);
    let new = run(["log", "key", "--new", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(new.status.code(), Some(0), "{new:?}");
    let sidecar = Sidecar::builder().data(folder.path()).config(&short).start();
    assert_eq!(sidecar.stop().code, Some(0));
    let (code, said) = verify(&["--key", key.trim()]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("it is signed by no key that was given"), "{said}");
}

/// The library that gives a program another time (Debian's package `faketime`).
fn other_clock() -> PathBuf {
    let found =
        fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path().join("faketime/libfaketimeMT.so.1"));
    found.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("tests/run installs the package `faketime`"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_an_hour_delays_and_loses_nothing() {
    let folder = folder();
    let clock = folder.path().join("clock");
    let set = |offset: &str| {
        let unfinished = clock.with_extension("new");
        fs::write(&unfinished, format!("{offset}\n")).unwrap();
        fs::rename(unfinished, &clock).unwrap();
    };
    set("+0");
    let config = format!("{SMALL}keep = \"2h\"\ncheckpoint = \"200ms\"\n");
    let sidecar = Sidecar::builder()
        .variable("LD_PRELOAD", other_clock().to_str().unwrap())
        .variable("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap())
        .variable("FAKETIME_NO_CACHE", "1")
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .variable("DONT_FAKE_MONOTONIC", "1")
        .config(&config)
        .start();
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    for offset in ["+0", "+3600", "-3600", "+0"] {
        set(offset);
        for _ in 0..30 {
            until_answered(&mut client, &mut heard).await;
        }
    }
    assert_eq!(recorded(&sidecar.data), heard);
    let times: Vec<_> = sidecar.records().iter().map(|record| record["timestamp"].as_i64().unwrap()).collect();
    let jumps: Vec<_> =
        times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).filter(|jump| *jump != 0).collect();
    assert_eq!(jumps, [3, -7, 3], "the clock did jump, an hour forth, two back, and one forth");
    let report = verified(&sidecar.data);
    // The cadence is kept by a clock that does not jump: neither a burst nor a stop.
    let checkpoints = report["checkpoints"].as_u64().unwrap();
    assert!((1..200).contains(&checkpoints), "{checkpoints}");
    until("another checkpoint", async || {
        (verified(&sidecar.data)["checkpoints"].as_u64().unwrap() > checkpoints + 1).then_some(())
    })
    .await;
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filling_disk_leaves_a_record_of_every_answer() {
    let folder = folder();
    let sidecar = on_a_small_disk(folder.path(), 128 * 1024).start();
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let mut client = sidecar.grpc().await;
        clients.spawn(async move { ask_until_unavailable(&mut client).await });
    }
    let heard: Heard = clients.join_all().await.into_iter().flatten().collect();
    assert_eq!(recorded(&seen_by(&sidecar)), heard);
}

#[tokio::test]
async fn a_start_on_a_full_disk_waits_for_room() {
    let folder = folder();
    let sidecar = on_a_small_disk(folder.path(), 480 * 1024).launch();
    until("a log that is full", async || (sidecar.operators("/readyz").await.json()["log"] == "full").then_some(()))
        .await;
    assert_eq!(health(&sidecar, "").await, "NOT_SERVING");
    let mut client = sidecar.grpc().await;
    nothing_is_answered(&sidecar, &mut client).await;
    fs::remove_file(seen_by(&sidecar).join("filler")).unwrap();
    until_health_is(&sidecar, "SERVING").await;
    let mut heard = Heard::new();
    until_answered(&mut client, &mut heard).await;
    assert_eq!(recorded(&seen_by(&sidecar)), heard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_on_file_sizes_counts_as_a_full_disk() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    let pid = Pid::from_raw(i32::try_from(sidecar.pid()).unwrap());
    let limit = |current| prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    let mut client = sidecar.grpc().await;
    let mut heard = Heard::new();
    until_answered(&mut client, &mut heard).await;
    // In the middle of the segment that is being written.
    limit(Some(20_000));
    heard.extend(ask_until_unavailable(&mut client).await);
    assert!(heard.len() > 5, "{} answers", heard.len());
    nothing_is_answered(&sidecar, &mut client).await;
    until_health_is(&sidecar, "NOT_SERVING").await;
    assert_eq!(recorded(&sidecar.data), heard);

    limit(None);
    until_answered(&mut client, &mut heard).await;
    assert_eq!(recorded(&sidecar.data), heard);
    let data = sidecar.data.clone();
    let ended = sidecar.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(sequence(&data), heard.len() as u64);
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let sidecar = Sidecar::builder().start();
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
    let second = Sidecar::builder().data(&sidecar.data).fail();
    assert_eq!(second.code, Some(1), "{}", second.log);
    let folder = sidecar.data.join("records");
    assert!(second.log.contains("another poort runs in"), "{}", second.log);
    assert!(second.log.contains(&folder.display().to_string()), "{}", second.log);
    assert_eq!(sidecar.evaluate(&denied()).await["decision"], false);
    assert_eq!(sidecar.records().len(), 2);
}

#[tokio::test]
async fn a_removed_records_folder_loses_no_record() {
    let sidecar = Sidecar::builder().start();
    let mut client = sidecar.grpc().await;
    until_answered(&mut client, &mut Heard::new()).await;
    // In one step another thing has the folder's name, and then the folder is gone.
    let records = sidecar.data.join("records");
    let other = sidecar.data.join("other");
    fs::write(&other, "").unwrap();
    renameat_with(CWD, &records, CWD, &other, RenameFlags::EXCHANGE).unwrap();
    fs::remove_dir_all(&other).unwrap();
    assert!(ask_until_unavailable(&mut client).await.is_empty());
    nothing_is_answered(&sidecar, &mut client).await;
    until_health_is(&sidecar, "NOT_SERVING").await;
    let ready = sidecar.operators("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.json()["log"].as_str().unwrap().starts_with("failed: "), "{}", ready.text());

    fs::remove_file(&records).unwrap();
    let mut heard = Heard::new();
    until_answered(&mut client, &mut heard).await;
    assert_eq!(recorded(&sidecar.data), heard);
    sidecar.wait_for_line("Took the spool again");
}

#[tokio::test]
async fn a_deleted_records_folder_is_noticed() {
    let sidecar = Sidecar::builder().start();
    let mut client = sidecar.grpc().await;
    until_answered(&mut client, &mut Heard::new()).await;
    fs::remove_dir_all(sidecar.data.join("records")).unwrap();
    // What is answered from now on is in the new folder.
    let mut heard = Heard::new();
    until_answered(&mut client, &mut heard).await;
    sidecar.wait_for_line("Took the spool again");
    until_answered(&mut client, &mut heard).await;
    assert_eq!(recorded(&sidecar.data), heard);
}

/// A data folder with this many records, each in a commit of its own, and the one segment that holds them.
async fn with_records(count: usize, folder: &Path) -> PathBuf {
    let sidecar = Sidecar::builder().data(folder).start();
    for number in 0..count {
        sidecar.evaluate(&numbered(number)).await;
    }
    assert_eq!(sidecar.stop().code, Some(0));
    let mut segments = fs::read_dir(folder.join("records")).unwrap().map(|entry| entry.unwrap().path());
    segments.find(|path| path.extension().is_some_and(|extension| extension == "seg")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotten_byte_stops_the_start_by_name() {
    let folder = folder();
    let segment = with_records(4, folder.path()).await;
    let whole = records(folder.path());
    let mut bytes = fs::read(&segment).unwrap();
    // Within the second decision: after a checkpoint and the first.
    let behind = |at: usize| at + 24 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    // The header of the segment takes 24 bytes.
    let second = behind(behind(24));
    bytes[second + 24 + 100] ^= 1;
    fs::write(&segment, bytes).unwrap();

    let place = format!("`{}`", segment.display());
    let ended = Sidecar::builder().data(folder.path()).fail();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains(&place), "{}", ended.log);
    assert!(ended.log.contains(&format!("byte {second}")), "{}", ended.log);

    let cat = run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), folder.path().as_os_str()]);
    assert_eq!(cat.status.code(), Some(1));
    let told = String::from_utf8(cat.stderr).unwrap();
    assert!(told.contains(&place) && told.contains(&format!("byte {second}")), "{told}");
    let printed = String::from_utf8(cat.stdout).unwrap();
    let printed: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(printed, whole[..1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_end_is_cut_and_what_was_answered_stays() {
    let folder = folder();
    let segment = with_records(3, folder.path()).await;
    let whole = records(folder.path());
    // What a crash in the middle of a write leaves: a header that promises more than there is.
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend([200, 1, 0, 0, 9, 9, 9, 9, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, b'{', b'"']);
    fs::write(&segment, bytes).unwrap();
    let sidecar = Sidecar::builder().data(folder.path()).start();
    assert!(sidecar.wait_for_line("The decision log is open.").contains("cut_bytes=26"));
    sidecar.evaluate(&allowed()).await;
    let now = sidecar.records();
    assert_eq!(now[..3], whole);
    assert_eq!(now.len(), 4);
}

// ---- Questions that are answered too late ----

#[tokio::test]
async fn a_late_question_gets_a_record_and_no_decision() {
    let sidecar = Sidecar::builder().start();
    let mut client = BareChannel::to(&sidecar).await.client();
    for timeout in ["1n", "0m"] {
        let mut request = tonic::Request::new(message(&allowed()));
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        let status = client.evaluate(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
        let batch = pb::EvaluateBatchRequest { evaluations: vec![message(&allowed()); 2], ..Default::default() };
        let mut request = tonic::Request::new(batch);
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        let status = client.evaluate_batch(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    }
    let records = sidecar.records();
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_eq!(record["status"], "Error");
        assert_eq!(record["attributes"]["poort.outcome"], "deadline_exceeded");
        assert!(record["body"].get("adl.core.request").is_some());
        assert!(record["body"].get("adl.core.response").is_none());
    }
    let metrics = Exposition::of(&sidecar).await;
    assert_eq!(metrics.value("poort_calls_refused_total", "deadline_exceeded"), 4.0);
    assert!(metrics.series("poort_questions_total").iter().all(|(_, count)| *count == 0.0));
}

#[tokio::test]
async fn a_late_http_question_gets_no_decision() {
    let sidecar = Sidecar::builder().config("[limits]\ndeadline = \"1ms\"\n").start();
    let mut replies = Vec::new();
    for number in 0..40 {
        replies.push(sidecar.post("/access/v1/evaluation", &numbered(number)).await);
    }
    // Whether a question is decided within a millisecond depends on the machine. What counts is that answer and record
    // agree. Of a question that did not arrive in time (408) nothing is known.
    let asked: Vec<_> = replies.iter().filter(|reply| reply.status != 408).collect();
    let records = sidecar.records();
    assert_eq!(asked.len(), records.len());
    for (reply, record) in asked.iter().zip(&records) {
        let (outcome, response) = (&record["attributes"]["poort.outcome"], &record["body"]["adl.core.response"]);
        match reply.status.as_u16() {
            200 => assert_eq!((outcome, &response["decision"]), (&Value::Null, &reply.json()["decision"])),
            504 => assert_eq!((outcome, response), (&"deadline_exceeded".into(), &Value::Null)),
            status => panic!("{status}: {}", reply.text()),
        }
    }
}
