//! The commands of `clients/README.md`: a newcomer's path from the copy of a client to the restart of poort. What a command
//! would install is installed by `tests/run`; all other lines run as they are on the page.

use super::{command, installed, shell};
use crate::support::{Sidecar, Starting, folder, free_address, repository, until};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
};

#[tokio::test]
async fn the_python_example_runs_as_documented() {
    runs_as_documented("### Python and FastAPI").await;
}

#[tokio::test]
async fn the_node_example_runs_as_documented() {
    runs_as_documented("### Node and Express").await;
}

#[tokio::test]
async fn the_java_example_runs_as_documented() {
    runs_as_documented("### Java").await;
}

#[tokio::test]
async fn the_go_example_runs_as_documented() {
    runs_as_documented("### Go").await;
}

#[tokio::test]
async fn the_csharp_example_runs_as_documented() {
    runs_as_documented("### C#").await;
}

async fn runs_as_documented(heading: &str) {
    let page = fs::read_to_string(repository().join("clients/README.md")).unwrap();
    let (_, section) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let (address, data) = (free_address(), folder());
    let poort = || start(&page, &address, data.path()).start();
    let running = poort();
    let application = Application::start(block(section, "sh"), &address).await;
    let (_, ask) = page.split_once("\n### Ask\n").unwrap();
    let consoles: Vec<_> = ask.split("```console\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    let [shown, refused, stopped] = consoles[..] else { panic!("{} blocks", consoles.len()) };
    application.is_asked(shown);
    application.is_asked(refused);
    assert_eq!(running.stop().code, Some(0));
    application.is_asked(stopped);
    let _again = poort();
    let first: Vec<_> = shown.lines().take(2).collect();
    application.is_asked(&first.join("\n"));
}

/// The documented start of poort, on these addresses and data.
fn start(page: &str, address: &str, data: &Path) -> Starting {
    let (_, section) = page.split_once("\n## Try one\n").unwrap();
    let line = block(section, "sh").trim();
    let policies = line.strip_prefix("poort serve --policies ").unwrap();
    Sidecar::builder()
        .policies(repository().join(policies))
        .without_listen()
        .argument("--listen")
        .argument(address)
        .data(data)
}

/// The first block of this language.
#[track_caller]
fn block<'a>(section: &'a str, language: &str) -> &'a str {
    let (_, rest) = section.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// An example that runs.
struct Application {
    process: Child,
    port: String,
    _folder: tempfile::TempDir,
}

impl Application {
    /// Runs the lines of the page, the last of which starts the application.
    async fn start(lines: &str, poort: &str) -> Self {
        let folder = folder();
        symlink(repository().join("clients"), folder.path().join("clients")).unwrap();
        let port = free_address().split_once(':').unwrap().1.to_owned();
        let lines: Vec<_> = lines.lines().collect();
        let (last, lines) = lines.split_last().unwrap();
        let place = folder.path().join("reports");
        for line in lines {
            let here = if place.exists() { place.as_path() } else { folder.path() };
            if !is_an_installation(line, here) {
                shell(here, line);
            }
        }
        let last = last.replace("8000", &port);
        let mut start = command(&place, &format!("exec env {last}"));
        start.env("POORT", format!("http://{poort}"));
        let process = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the application", async || tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.ok()).await;
        Self { process, port, _folder: folder }
    }

    /// Runs the commands of a console and compares what they print with what the page shows.
    #[track_caller]
    fn is_asked(&self, console: &str) {
        for exchange in console.split("$ ").skip(1) {
            let (line, shown) = exchange.split_once('\n').unwrap();
            let line = line.replace("8000", &self.port);
            let output = Command::new("sh").arg("-c").arg(&line).env("no_proxy", "*").output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{line}: {text}"));
            let (mut printed, shown) = (read(&printed), read(shown));
            let refusal = printed.get("reason").and_then(Value::as_str).unwrap_or_default();
            if let Some((told, reference)) = refusal.split_once(" Reference: ") {
                assert_eq!(reference.len(), "4bf92f3577b34da6a3ce929d0e0e4736.".len(), "{refusal}");
                printed = json!({"reason": format!("{told} Reference: ….")});
            }
            assert_eq!(printed, shown, "{line}");
        }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Puts in place what a line would install, if it is such a line. `tests/run` must install each package of it.
#[track_caller]
fn is_an_installation(line: &str, place: &Path) -> bool {
    let (list, linked) = if line == "python3 -m venv venv" {
        ("", Some((installed("target/tests/python"), "venv")))
    } else if line.starts_with("venv/bin/pip install ") {
        ("tests/clients/python/requirements.txt", None)
    } else if line.starts_with("npm install ") {
        ("tests/clients/node/package.json", Some((installed("tests/clients/node/node_modules"), "node_modules")))
    } else if line.starts_with("apt-get install ") {
        ("tests/run", None)
    } else {
        return false;
    };
    if let Some((from, to)) = linked {
        symlink(from, place.join(to)).unwrap();
    }
    if !list.is_empty() {
        let listed = fs::read_to_string(repository().join(list)).unwrap();
        let words: Vec<_> = listed.split(|it: char| it.is_whitespace() || "\"=:".contains(it)).collect();
        for package in line.split(' ').skip(2) {
            assert!(words.contains(&package), "{list} does not install {package}, which clients/README.md names");
        }
    }
    true
}
