//! A server in a process of its own, and questions to it: what the benches of the whole path share.

#![allow(dead_code, reason = "each bench uses what it needs of it")]
#![allow(clippy::allow_attributes, reason = "what a bench does not use differs from bench to bench")]

pub(crate) mod cerbos;
pub(crate) mod h2load;
pub(crate) mod nothing;
pub(crate) mod picture;
pub(crate) mod sets;

use poort::api::pb::{self, EvaluateRequest};
use prost_types::{Struct, Value, value::Kind};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tonic::transport::{Channel, Endpoint};

/// How long and how often a bench measures.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// One measurement.
    pub(crate) span: Duration,
    /// The median of so many is shown.
    pub(crate) rounds: usize,
    /// `cargo test --benches` runs benches without the flag: then they show that they work, and no figure worth showing.
    pub(crate) short: bool,
}

impl Effort {
    /// As the command line and `POORT_BENCH_SECONDS` (default 3) ask.
    pub(crate) fn asked() -> Self {
        let short = !std::env::args().any(|argument| argument == "--bench");
        let seconds = std::env::var("POORT_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3.0);
        let span = Duration::from_secs_f64(if short { 0.2 } else { seconds });
        Self { span, rounds: if short { 1 } else { 3 }, short }
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The latency that this share of the calls did not exceed; the latencies are sorted.
pub(crate) fn percentile<T: Copy>(latencies: &[T], share: f64) -> T {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into the sorted latencies"
    )]
    let index = ((latencies.len() - 1) as f64 * share) as usize;
    latencies[index]
}

/// A server, which ends with this.
pub(crate) struct Served {
    pub(crate) process: Child,
    pub(crate) address: SocketAddr,
    /// poort's data folder.
    pub(crate) data: Option<tempfile::TempDir>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    /// The processor time that it has used.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // The name of the program, in brackets, may hold anything; user and system time are fields 14 and 15.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        // Linux counts in hundredths of a second, whatever its own clock does.
        Duration::from_millis(ticks * 10)
    }

    /// The memory that it holds, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

/// A folder in the target folder, so that a log lies on a disk and not in memory.
pub(crate) fn on_disk() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A folder in memory with room for so many bytes, where a sync costs nothing. `None` where there is none.
pub(crate) fn in_memory(bytes: u64) -> Option<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let has_room = poort::record::spool::disk_left(memory).is_ok_and(|left| left > bytes);
    has_room.then(|| tempfile::Builder::new().prefix("bench-").tempdir_in(memory).unwrap())
}

/// The repository's policies.
pub(crate) fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// Starts poort with the repository's policies.
pub(crate) fn start_poort(config: &str, variables: &[(&str, &str)]) -> Served {
    start_poort_with(&policies(), config, variables)
}

/// Starts poort with the policies in this folder.
pub(crate) fn start_poort_with(policies: &Path, config: &str, variables: &[(&str, &str)]) -> Served {
    start_poort_in(on_disk(), policies, config, variables)
}

/// Starts poort with this data folder and the policies in that one.
pub(crate) fn start_poort_in(
    data: tempfile::TempDir,
    policies: &Path,
    config: &str,
    variables: &[(&str, &str)],
) -> Served {
    let file = data.path().join("poort.toml");
    fs::write(&file, config).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config"])
        .arg(&file)
        .arg("--policies")
        .arg(policies)
        .arg("--data")
        .arg(data.path())
        .current_dir(data.path())
        .envs(variables.iter().copied())
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

/// A question that differs from those of other numbers in what the policies read: the justification. It is allowed.
pub(crate) fn question_with(number: u64) -> EvaluateRequest {
    let mut question = question(number, 3.0);
    let justification = Value { kind: Some(Kind::StringValue(format!("case {number}"))) };
    let context = question.context.get_or_insert_default();
    context.fields.insert("justification".to_owned(), justification);
    question
}

/// A question about one investigation, which its team member may consult up to level 3. The policies read the level, and not
/// which investigation it is.
pub(crate) fn question(investigation: u64, level: f64) -> EvaluateRequest {
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
                ("level", Kind::NumberValue(level)),
                ("embargo", Kind::BoolValue(false)),
            ])),
        }),
        context: Some(fields(vec![("purpose", text("9"))])),
        explain: false,
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect().await.unwrap()
}

/// The records of decisions on disk.
pub(crate) fn count_records(data: &Path) -> u64 {
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(["log", "cat", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let decisions = lines.filter(|line| line.as_ref().unwrap().contains("\"event_name\":\"adl.")).count() as u64;
    assert!(process.wait().unwrap().success());
    decisions
}

/// The bytes that the segments of a log hold.
pub(crate) fn log_bytes(data: &Path) -> u64 {
    let entries = fs::read_dir(data.join("records")).unwrap().map(|entry| entry.unwrap().path());
    let segments = entries.filter(|path| path.extension().is_some_and(|extension| extension == "seg"));
    segments.map(|path| fs::metadata(path).unwrap().len()).sum()
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
