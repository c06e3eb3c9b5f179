//! Witnesses for the tests: the real one, one that answers as it is told, and policies of them.

use crate::support::{check, run};
use poort::record::evidence::{Checkpoint, Key};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// A witness, which may be away.
pub(super) struct Party {
    folder: PathBuf,
    name: String,
    address: SocketAddr,
    process: Option<Child>,
}

impl Party {
    /// A witness of these logs, in this folder.
    pub(super) fn start(folder: &Path, number: usize, logs: &[&str]) -> Self {
        let mut party = Self::away(folder, number);
        party.know(logs);
        party.come();
        party
    }

    /// Gives it the keys of the logs that it knows.
    pub(super) fn know(&self, logs: &[&str]) {
        fs::write(self.folder.join("logs.keys"), logs.join("\n")).unwrap();
    }

    /// A witness that does not run, with an address at which nobody answers.
    pub(super) fn away(folder: &Path, number: usize) -> Self {
        fs::create_dir_all(folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { folder: folder.to_owned(), name: format!("w{number}"), address, process: None }
    }

    fn arguments(&self) -> Vec<String> {
        let data = self.folder.join("data");
        ["--name", &format!("witness.example/{}", self.name), "--data", data.to_str().unwrap()]
            .map(str::to_owned)
            .into()
    }

    /// Its public key.
    pub(super) fn key(&self) -> String {
        let arguments = ["witness".to_owned(), "key".to_owned()].into_iter().chain(self.arguments());
        check(&run(arguments.collect::<Vec<_>>()), 0).0.trim().to_owned()
    }

    /// Starts it, at its address.
    pub(super) fn come(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poort"));
        command.args(["witness", "serve", "--listen", &self.address.to_string()]).args(self.arguments());
        command.arg("--logs").arg(self.folder.join("logs.keys"));
        let mut process = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let said: Vec<_> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.contains("Listening on")).collect();
        assert!(process.try_wait().unwrap().is_none(), "{said:?}");
        thread::spawn(move || lines.for_each(drop));
        self.process = Some(process);
    }

    /// Kills it.
    pub(super) fn go(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn line(&self) -> String {
        format!("witness {} {} http://{}/\n", self.name, self.key(), self.address)
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        self.go();
    }
}

/// What a witness answers that is no witness: a status and a text.
pub(super) type Answers = dyn Fn(&str, &str) -> (u16, String) + Send + Sync;

/// A server that answers as it is told. It gets the path and the body.
pub(super) struct Fake {
    name: String,
    key: String,
    address: SocketAddr,
    asked: Arc<AtomicU64>,
}

impl Fake {
    pub(super) fn start(number: usize, answers: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let (counter, answers): (_, Arc<Answers>) = (asked.clone(), Arc::new(answers));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (counter, answers) = (counter.clone(), answers.clone());
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    let (mut path, mut length) = (String::new(), 0);
                    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                        let lower = line.to_ascii_lowercase();
                        match lower.strip_prefix("content-length: ") {
                            Some(text) => length = text.parse().unwrap(),
                            None if path.is_empty() => path = line.split(' ').nth(1).unwrap().to_owned(),
                            None => {}
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    let (status, text) = answers(&path, str::from_utf8(&body).unwrap());
                    let head =
                        format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
                    let _ = reader.get_mut().write_all(format!("{head}{text}").as_bytes());
                    counter.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        let key = Self::key(number).public_witness(&format!("witness.example/w{number}"));
        Self { name: format!("w{number}"), key, address, asked }
    }

    /// One that cosigns everything, whatever it cosigned before.
    pub(super) fn cosigning_all(number: usize) -> Self {
        Self::start(number, move |_, body| (200, Self::cosign(number, body)))
    }

    /// What it cosigns of a submission.
    pub(super) fn cosign(number: usize, body: &str) -> String {
        let note = body.split_once("\n\n").unwrap().1;
        assert!(Checkpoint::read(note).is_ok(), "{note}");
        Self::key(number).cosign(&format!("witness.example/w{number}"), note, 1_790_000_000).unwrap()
    }

    fn key(number: usize) -> Key {
        Key::from_seed([u8::try_from(number).unwrap() + 100; 32])
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Who can be in a policy.
pub(super) trait Named {
    /// Its line.
    fn line(&self) -> (String, String);
}

impl Named for Party {
    fn line(&self) -> (String, String) {
        (self.name.clone(), Self::line(self))
    }
}

impl Named for Fake {
    fn line(&self) -> (String, String) {
        (self.name.clone(), format!("witness {} {} http://{}\n", self.name, self.key, self.address))
    }
}

/// A policy: so many of these.
pub(super) struct Policy {
    text: String,
    quorum: String,
}

impl Policy {
    pub(super) fn new(parties: &[&dyn Named], threshold: usize) -> Self {
        let (names, lines): (Vec<_>, Vec<_>) = parties.iter().map(|party| party.line()).unzip();
        let quorum = format!("group all-of-them {threshold} {}\nquorum all-of-them\n", names.join(" "));
        Self { text: lines.concat(), quorum }
    }

    pub(super) fn log(mut self, key: &str) -> Self {
        self.text = format!("log {key}\n{}", self.text);
        self
    }

    pub(super) fn write(self, folder: &Path) -> PathBuf {
        let path = folder.join("witness.policy");
        fs::write(&path, format!("{}{}", self.text, self.quorum)).unwrap();
        path
    }
}
