//! `poort log cat --follow`: prints every record once and in order, whatever happens to the server and its segments.

use super::{SMALL, arguments, ask, log_well};
use crate::support::{Sidecar, folder, until};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

/// A `poort log cat --follow` that runs.
struct Following {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Following {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
            .args(arguments("cat", data, &[&["--follow"], more].concat()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, heard) = (process.stdout.take().unwrap(), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        Self { process, lines }
    }

    /// Waits until it has printed what a run without `--follow` prints now, and not a line more.
    async fn until_even(&self, data: &Path, more: &[&str]) {
        let there: Vec<_> = log_well("cat", data, more).lines().map(str::to_owned).collect();
        until("the records", async || (self.lines.lock().unwrap().len() >= there.len()).then_some(())).await;
        assert_eq!(*self.lines.lock().unwrap(), there);
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The result of a process that must end by itself.
async fn end(mut process: Child) -> Output {
    until("its end", async || process.try_wait().unwrap()).await;
    process.wait_with_output().unwrap()
}

#[tokio::test]
async fn it_continues_over_new_segments_and_a_killed_server() {
    let folder = folder();
    let data = folder.path().join("data");
    let sidecar = Sidecar::builder().config(SMALL).data(&data).start();
    ask(&sidecar, 10).await;
    let all = Following::start(&data, &["--all"]);
    let denies = Following::start(&data, &["--decision", "deny"]);
    for _ in 0..3 {
        ask(&sidecar, 60).await;
        all.until_even(&data, &["--all"]).await;
    }
    sidecar.kill();
    let sidecar = Sidecar::builder().config(SMALL).data(&data).start();
    ask(&sidecar, 60).await;
    sidecar.stop();
    let sidecar = Sidecar::builder().config(SMALL).data(&data).start();
    ask(&sidecar, 10).await;
    all.until_even(&data, &["--all"]).await;
    denies.until_even(&data, &["--decision", "deny"]).await;
    assert!(poort::record::spool::segments(&data.join("records")).unwrap().len() > 4);
}

#[tokio::test]
async fn following_begins_with_the_last_records() {
    let sidecar = Sidecar::builder().config(SMALL).start();
    ask(&sidecar, 100).await;
    let before: Vec<_> = log_well("cat", &sidecar.data, &["--last", "2"]).lines().map(str::to_owned).collect();
    let tail = Following::start(&sidecar.data, &["--last", "2"]);
    until("the last two", async || (tail.lines.lock().unwrap().len() == 2).then_some(())).await;
    ask(&sidecar, 1).await;
    until("the new one", async || (tail.lines.lock().unwrap().len() == 3).then_some(())).await;
    assert_eq!(tail.lines.lock().unwrap()[..2], before);
    let mut limited = Following::start(&sidecar.data, &["--limit", "101"]);
    let ended = until("its end", async || limited.process.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn following_ends_with_its_reader() {
    let sidecar = Sidecar::builder().start();
    ask(&sidecar, 1).await;
    let start = || {
        // Where the tests run in the background of a shell, interrupts are ignored, and what they start inherits that.
        let mut command = Command::new("env");
        command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_poort")]);
        command.args(arguments("cat", &sidecar.data, &["--follow"])).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut reader = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.ends_with("}\n"), "{line}");
        (process, reader)
    };
    let (process, reader) = start();
    drop(reader);
    let ended = end(process).await;
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
    let (process, _reader) = start();
    kill_process(Pid::from_child(&process), Signal::INT).unwrap();
    let ended = end(process).await;
    assert!(!ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}
