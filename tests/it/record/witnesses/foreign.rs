//! A witness that nobody here wrote: `aics-witness`, which `tests/run` installs.

use super::{Policy, ask, begin, party::Named, watched};
use crate::support::{copy_folder, folder, repository};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

const NAME: &str = "witness.example/aics";

struct Foreign {
    key: String,
    address: SocketAddr,
    process: Child,
}

impl Foreign {
    fn start(folder: &Path, log: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let python = repository().join("target/tests/python/bin/python");
        let command = |words: &[&str]| {
            let mut command = Command::new(&python);
            command.args(["-m", "aics_witness"]).args(words).env("AICS_WITNESS_CONFIG", folder.join("witness.json"));
            command.stderr(Stdio::inherit());
            command
        };
        let said = command(&["init", "--name", NAME]).output().unwrap();
        assert!(said.status.success(), "tests/run installs it");
        let said = String::from_utf8(said.stdout).unwrap();
        let key = said.split_whitespace().find(|word| word.starts_with(NAME) && word.contains('+')).unwrap().to_owned();
        let origin = log.split('+').next().unwrap();
        assert!(command(&["add-log", "--origin", origin, "--vkey", log]).status().unwrap().success());
        let process = command(&["serve", "--listen", &address.to_string()]).spawn().unwrap();
        Self { key, address, process }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Named for Foreign {
    fn line(&self) -> (String, String) {
        ("aics".to_owned(), format!("witness aics {} http://{}\n", self.key, self.address))
    }
}

#[tokio::test]
async fn a_foreign_witness_finds_a_restored_folder() {
    let folder = folder();
    let data = folder.path().join("data");
    let key = begin(&data).await;
    let witness = Foreign::start(&folder.path().join("witness"), &key);
    let policy = Policy::new(&[&witness], 1).write(folder.path());
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 20).await;
    // The start after an orderly end is no fork for it.
    sidecar.stop();
    let backup = folder.path().join("backup");
    copy_folder(&data, &backup);
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 20).await;
    sidecar.kill();
    let sidecar = watched(&data, &policy, "").start();
    ask(&sidecar, 20).await;
    sidecar.stop();
    let ended = watched(&backup, &policy, "").fail();
    assert!(ended.code == Some(1) && ended.log.contains("put back from a backup"), "{}", ended.log);
}
