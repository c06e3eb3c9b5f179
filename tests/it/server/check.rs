//! `poort serve --check`: says what a start would, and changes nothing.

use crate::support::{Authority, Sidecar, Starting, allowed, copied_policies, folder};
use std::{fs, net::TcpListener, os::unix::net::UnixListener};

fn check() -> Starting {
    Sidecar::builder().argument("--check")
}

#[track_caller]
fn fails(starting: Starting, code: i32, part: &str) {
    let ended = starting.fail();
    assert_eq!(ended.code, Some(code), "{}", ended.log);
    assert!(ended.log.contains(part), "no {part} in:\n{}", ended.log);
}

#[test]
fn a_check_of_a_good_configuration_changes_nothing() {
    let folder = folder();
    let (data, socket) = (folder.path().join("new/data"), folder.path().join("poort.sock"));
    let listen = format!("unix:{}", socket.display());
    let ended = check().data(&data).argument("--listen").argument(listen).fail();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_check_says_what_would_keep_a_start_from_succeeding() {
    let folder = folder();
    let policies = copied_policies(folder.path());
    fs::write(policies.join("bvh.cedar"), "permit").unwrap();
    fails(check().policies(&policies), 3, "the policies cannot be used: 1 problem");
    fails(check().policies("/nowhere/policies"), 3, "/nowhere/policies");
    fails(check().config("[limits]\nbatch = \"many\"\n"), 64, "limits.batch");
    fails(check().config("[telemetry]\nlog = \"poort=loud\"\n"), 64, "telemetry.log");
    fails(check().config("[telemetry.otlp]\nendpoint = \"https://x\"\n"), 64, "https://x");
    fails(
        check().config(
            "[ship.a]\nkind = \"nats\"\nendpoint = \"nats://localhost\"\nsubject = \"a\"\ncredentials = \"gone\"\n",
        ),
        64,
        "ship.a: `gone`",
    );
    fails(check().config("[log.witness]\npolicy = \"gone\"\n"), 64, "gone");
    let policy = folder.path().join("policy");
    fs::write(&policy, "quorum nobody\n").unwrap();
    fails(check().config(&format!("[log.witness]\npolicy = {policy:?}\n")), 64, "nobody");
    let authority = Authority::new();
    let (one, other) = (authority.signs("one"), authority.signs("other"));
    let tls = format!("[tls]\ncertificate = {:?}\nkey = {:?}\n", one.certificate, other.key);
    fails(check().config(&tls), 64, "tls:");
    fails(check().config("[log]\nkey = \"gone.pem\"\n"), 1, "gone.pem");
    fails(check().config("plaintext = \"anywhere\"\n").argument("--listen").argument("192.0.2.1:1"), 1, "192.0.2.1:1");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fails(check().data(file.join("data")), 1, "the data folder cannot be used");
    fails(check().argument("--listen").argument(format!("unix:{}", file.display())), 1, "no socket is in the way");
}

/// Before a restart, the poort that is to be replaced has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_beside_a_running_poort_names_its_address() {
    let sidecar = Sidecar::builder().start();
    sidecar.evaluate(&allowed()).await;
    let socket = sidecar.folder.path().join("other.sock");
    let _listening = UnixListener::bind(&socket).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = check()
        .data(&sidecar.data)
        .without_listen()
        .argument("--listen")
        .argument(sidecar.address.to_string())
        .argument("--listen")
        .argument(format!("unix:{}", socket.display()))
        .argument("--listen")
        .argument(taken.to_string())
        .fail();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let notes = ended.log.lines().filter(|line| line.starts_with("note: "));
    assert_eq!(notes.count(), 2, "{}", ended.log);
    assert_eq!(sidecar.evaluate(&allowed()).await["decision"], true);
}

/// The key that signed the records is gone: a start would refuse the log.
#[test]
fn a_check_fails_on_a_log_without_its_key() {
    let folder = folder();
    let data = folder.path().join("data");
    Sidecar::builder().data(&data).start().stop();
    fs::remove_file(data.join("log-key.pem")).unwrap();
    fails(check().data(&data), 1, "log-key.pem");
    assert!(!data.join("log-key.pem").exists());
}
