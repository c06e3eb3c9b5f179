//! The real binary: started in a folder of its own, asked, stopped, killed, and its records read.

use super::{http, policies};
use hyper::Request;
use poort::api::pb::access_evaluation_client::AccessEvaluationClient;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Condvar, Mutex, OnceLock},
    time::{Duration, Instant},
};
use tonic::transport::{Channel, Endpoint};

/// Longest that anything here is waited for. Far above what is usual, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A poort that has not been started.
pub struct Starting {
    folder: tempfile::TempDir,
    policies: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, String>,
    data: Option<PathBuf>,
    config: String,
    wrapper: Vec<OsString>,
    listen: Vec<OsString>,
    passed: Option<(OwnedFd, String)>,
}

impl Starting {
    /// Another policy folder than the repository's.
    pub fn policies(mut self, folder: impl Into<PathBuf>) -> Self {
        self.policies = folder.into();
        self
    }

    /// A further argument of `poort serve`.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// An environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The content of the configuration file.
    pub fn config(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self
    }

    /// Another data folder than one that goes with the test.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// A program that runs poort, such as `unshare -rm sh -c 'mount …; exec "$@"' sh`.
    pub fn wrapper<A: Into<OsString>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.wrapper = words.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves it to the environment or the file where callers are heard; one address must be on 127.0.0.1.
    pub fn without_listen(mut self) -> Self {
        self.listen.clear();
        self
    }

    /// Passes it this socket under this name, as systemd does.
    pub fn socket(mut self, socket: impl Into<OwnedFd>, name: &str) -> Self {
        self.passed = Some((socket.into(), name.to_owned()));
        self
    }

    /// Starts it and waits until it has logged its addresses and is ready.
    #[track_caller]
    pub fn start(self) -> Sidecar {
        let sidecar = self.launch();
        sidecar.wait_for_line("Ready for questions.");
        sidecar
    }

    /// Starts it and waits until it has logged its addresses.
    #[track_caller]
    pub fn launch(self) -> Sidecar {
        let mut sidecar = self.spawn();
        sidecar.address = sidecar.bound("callers");
        sidecar.admin = sidecar.bound("operators");
        sidecar
    }

    /// Starts it and waits until it is ready, also where no caller is heard on 127.0.0.1.
    #[track_caller]
    pub fn spawn_ready(self) -> Sidecar {
        let sidecar = self.spawn();
        sidecar.wait_for_line("Ready for questions.");
        sidecar
    }

    /// Starts it and waits until it ends by itself: a start that must not succeed.
    #[track_caller]
    pub fn fail(self) -> Ended {
        self.spawn().wait()
    }

    /// Starts it and waits for nothing.
    pub fn spawn(self) -> Sidecar {
        let Self { folder, policies, arguments, environment, data, config, wrapper, listen, passed } = self;
        let data = data.unwrap_or_else(|| folder.path().join("data"));
        let file = folder.path().join("poort.toml");
        std::fs::write(&file, config).unwrap();
        let mut words = wrapper;
        let mut stdin = Stdio::null();
        if let Some((socket, name)) = passed {
            let pass = "exec 3<&0 < /dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=$0 exec \"$@\"";
            words.extend(["sh", "-c", pass, &name].map(OsString::from));
            stdin = socket.into();
        }
        words.push(env!("CARGO_BIN_EXE_poort").into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("serve").arg("--config").arg(file).arg("--policies").arg(policies);
        command.arg("--data").arg(&data).args(listen).args(["--admin", "127.0.0.1:0"]);
        command.args(arguments).envs(environment).current_dir(folder.path());
        let mut process = command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::follow(process.stderr.take().unwrap());
        Sidecar { process, log, address: ([127, 0, 0, 1], 0).into(), admin: ([127, 0, 0, 1], 0).into(), data, folder }
    }
}

/// A poort that runs. It is killed when it goes out of scope.
pub struct Sidecar {
    process: Child,
    log: Arc<Log>,
    /// Where callers are heard.
    pub address: SocketAddr,
    /// Where operators are heard.
    pub admin: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// The folder that it runs in, which goes with the test.
    pub folder: tempfile::TempDir,
}

/// A gRPC channel to this port of it.
pub async fn channel(port: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{port}")).unwrap().connect().await.unwrap()
}

/// How a poort ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard error.
    pub log: String,
    /// The folder that it ran in, kept until a test has looked at what is left.
    _folder: tempfile::TempDir,
}

impl Sidecar {
    /// A poort on the repository's own policies, on free ports.
    pub fn builder() -> Starting {
        Starting {
            folder: super::folder(),
            policies: policies(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            data: None,
            config: String::new(),
            wrapper: Vec::new(),
            listen: ["--listen", "127.0.0.1:0"].map(Into::into).into(),
            passed: None,
        }
    }

    #[track_caller]
    fn bound(&self, whom: &str) -> SocketAddr {
        let line = self.wait_for_line(&format!("Listening for {whom}. address=127"));
        line.split_once("address=").unwrap().1.trim().parse().unwrap()
    }

    /// Waits for a line of its log, also one that is already there.
    #[track_caller]
    pub fn wait_for_line(&self, part: &str) -> String {
        self.log.wait_for(part)
    }

    /// Waits for a line of its log, and says whether it ended before that.
    #[track_caller]
    pub fn ends_before(&self, part: &str) -> bool {
        self.log.find(part).is_none()
    }

    /// Its log up to now.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A gRPC client over a connection of its own.
    pub async fn grpc(&self) -> AccessEvaluationClient<Channel> {
        AccessEvaluationClient::new(self.channel().await)
    }

    /// A gRPC connection.
    pub async fn channel(&self) -> Channel {
        channel(self.address).await
    }

    /// Posts JSON to the callers' port.
    pub async fn post(&self, path: &str, body: &Value) -> http::Reply {
        self.post_bytes(path, body.to_string().into_bytes()).await
    }

    /// Posts bytes as JSON to the callers' port.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> http::Reply {
        let request = Request::post(path).header("content-type", "application/json").body(body).unwrap();
        http::request(self.address, request).await
    }

    /// The answer to one question over HTTP, which must be given.
    #[track_caller]
    pub fn evaluate(&self, question: &Value) -> impl Future<Output = Value> {
        let reply = self.post("/access/v1/evaluation", question);
        async move {
            let reply = reply.await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        }
    }

    /// Gets a page of the operators' port.
    pub async fn operators(&self, path: &str) -> http::Reply {
        http::request(self.admin, Request::get(path).body(Vec::new()).unwrap()).await
    }

    /// All records on disk, each checked against the schema of the Authorization Decision Log.
    #[track_caller]
    pub fn records(&self) -> Vec<Value> {
        records(&self.data)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Stops it in order.
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Kills it, as a crash would.
    #[track_caller]
    pub fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        let start = Instant::now();
        let code = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not end:\n{}", self.log());
            // The log ends when the process does, so this waits for that and not for a time.
            self.log.wait_for_end(Duration::from_millis(200));
        };
        self.log.wait_for_end(PATIENCE);
        let log = self.log();
        let folder = std::mem::replace(&mut self.folder, super::folder());
        Ended { code, log, _folder: folder }
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All records of decisions in a data folder, as `poort log cat` prints them, each checked against the schema.
#[track_caller]
pub fn records(data: &Path) -> Vec<Value> {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let schema = serde_json::from_str(include_str!("../../schemas/adl-record.schema.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    let output = run(["log".as_ref(), "cat".as_ref(), "--data".as_ref(), data.as_os_str()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // The log has records of poort's own too.
    text.lines()
        .filter(|line| !line.contains("\"event_name\":\"poort."))
        .map(|line| {
            let record = serde_json::from_str(line).unwrap();
            schema.validate(&record).unwrap_or_else(|error| panic!("{error}: {line}"));
            record
        })
        .collect()
}

/// Runs a command of poort to its end.
#[track_caller]
pub fn run<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    run_with_input(arguments, b"")
}

/// What a command wrote to standard output and to standard error, if it ended with this code.
#[track_caller]
pub fn check(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, told) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{told}");
    (out, told)
}

/// Runs a command of poort to its end with this on standard input.
#[track_caller]
pub fn run_with_input<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_poort"))
        .args(arguments)
        .current_dir(super::repository())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_owned();
    // A process that ends without reading breaks the pipe; its exit code tells.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// The lines of a log as they come.
#[derive(Default)]
struct Log {
    state: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
}

impl Log {
    fn follow(stream: std::process::ChildStderr) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let followed = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                followed.state.lock().unwrap().0.push(line);
                followed.changed.notify_all();
            }
            followed.state.lock().unwrap().1 = true;
            followed.changed.notify_all();
        });
        log
    }

    fn text(&self) -> String {
        self.state.lock().unwrap().0.join("\n")
    }

    #[track_caller]
    fn wait_for(&self, part: &str) -> String {
        self.find(part).unwrap_or_else(|| panic!("no line with `{part}`:\n{}", self.text()))
    }

    /// The first line with this, once it is there. `None`: the log ended without it.
    #[track_caller]
    fn find(&self, part: &str) -> Option<String> {
        let start = Instant::now();
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(line) = state.0.iter().find(|line| line.contains(part)) {
                return Some(line.clone());
            }
            if state.1 {
                return None;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "no line with `{part}` yet:\n{}", state.0.join("\n"));
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn wait_for_end(&self, longest: Duration) {
        let start = Instant::now();
        let mut state = self.state.lock().unwrap();
        while !state.1 && start.elapsed() < longest {
            state = self.changed.wait_timeout(state, longest.saturating_sub(start.elapsed())).unwrap().0;
        }
    }
}
