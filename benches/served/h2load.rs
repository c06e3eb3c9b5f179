//! `h2load` (Debian: `nghttp2-client`) as the client: it costs little beside what it measures.

use super::{on_disk, percentile};
use prost::Message;
use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

/// What a run found.
pub(crate) struct Run {
    pub(crate) calls: u64,
    pub(crate) per_second: f64,
    /// The length of an answer, in bytes.
    pub(crate) answer: u64,
    latencies: Vec<u64>,
}

impl Run {
    /// The latency that this share of the calls did not exceed.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        Duration::from_micros(percentile(&self.latencies, share))
    }
}

/// Connections × calls under way on each.
pub(crate) type Shape = (usize, usize);

/// Asks the same question so often, and checks that each answer came and that they are of one length.
pub(crate) fn ask(address: SocketAddr, path: &str, question: &impl Message, shape: Shape, calls: u64) -> Run {
    let folder = on_disk();
    let (body, log) = (folder.path().join("question"), folder.path().join("log"));
    let message = question.encode_to_vec();
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(&message);
    fs::write(&body, framed).unwrap();
    let output = Command::new("h2load")
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers", "-n", &calls.to_string()])
        .args(["-c", &shape.0.to_string(), "-m", &shape.1.to_string(), "-d"])
        .arg(&body)
        .arg("--log-file")
        .arg(&log)
        .arg(format!("http://{address}{path}"))
        .output()
        .expect("h2load; apt-get install nghttp2-client");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("status codes: {calls} 2xx")), "{text}");
    let (_, data) = text.split_once(") data").map(|(before, _)| before.rsplit_once('(').unwrap()).unwrap();
    let data: u64 = data.parse().unwrap();
    assert!(data.is_multiple_of(calls), "answers of several lengths: {text}");
    let line = text.lines().find(|line| line.starts_with("finished in")).unwrap();
    let rate = line.split(", ").find_map(|part| part.strip_suffix(" req/s")).unwrap().parse().unwrap();
    // Five bytes stand before each message.
    Run { calls, per_second: rate, answer: data / calls - 5, latencies: latencies(&log) }
}

/// The microseconds of each call: the third column of the log.
fn latencies(log: &Path) -> Vec<u64> {
    let text = fs::read_to_string(log).unwrap();
    let mut latencies: Vec<u64> =
        text.lines().map(|line| line.split_whitespace().nth(2).unwrap().parse().unwrap()).collect();
    latencies.sort_unstable();
    latencies
}
