//! The start: what is taken, what is answered before poort is ready, and what a supervisor passes and hears.

use crate::support::{BareChannel, Sidecar, allowed, channel, denied, folder, health, message, until, within};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey as _, spki::der::pem::LineEnding},
};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use std::{
    net::TcpListener,
    os::unix::net::{UnixDatagram, UnixListener},
    time::Duration,
};
use tokio::{
    net::{TcpStream, UnixStream},
    task::spawn_blocking,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

// ---- Before poort is ready ----

/// The key of the log is a pipe, so that the log is not open before the test writes the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_wait_and_operators_are_answered_before_poort_is_ready() {
    let folder = folder();
    let pipe = folder.path().join("log-key.pem");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let sidecar = Sidecar::builder().config(&format!("[log]\nkey = \"{}\"\n", pipe.display())).launch();
    let mut client = sidecar.grpc().await;
    let asked = tokio::spawn(async move { client.evaluate(message(&allowed())).await });
    assert_eq!(sidecar.operators("/healthz").await.status, 200);
    assert_eq!(sidecar.operators("/metrics").await.status, 200);
    let ready = sidecar.operators("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["log"]), (503, &"opening".into()));
    let mut probes = HealthClient::new(channel(sidecar.admin).await);
    let probed = probes.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(probed.status().as_str_name(), "NOT_SERVING");
    assert!(!asked.is_finished());
    let key = SigningKey::from_bytes(&[7; 32]).to_pkcs8_pem(LineEnding::LF).unwrap();
    spawn_blocking(move || std::fs::write(pipe, key.as_bytes())).await.unwrap().unwrap();
    assert!(within("the answer", asked).await.unwrap().unwrap().into_inner().decision);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_poort_answers_a_call_on_a_held_socket() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut client = BareChannel::over(TcpStream::connect(address).await.unwrap()).await.client();
    let asked = tokio::spawn(async move { client.evaluate(message(&allowed())).await });
    let sidecar = Sidecar::builder().socket(socket.try_clone().unwrap(), "callers").start();
    assert_eq!(sidecar.address, address);
    assert!(within("the answer", asked).await.unwrap().unwrap().into_inner().decision);
    drop(sidecar.stop());
    let mut client = BareChannel::over(TcpStream::connect(address).await.unwrap()).await.client();
    let asked = tokio::spawn(async move { client.evaluate(message(&denied())).await });
    let _next = Sidecar::builder().socket(socket, "callers").start();
    assert!(!within("the answer", asked).await.unwrap().unwrap().into_inner().decision);
}

// ---- What a supervisor passes and hears ----

#[tokio::test]
async fn a_passed_unix_socket_is_served_and_its_file_stays() {
    let folder = folder();
    let path = folder.path().join("poort.sock");
    let sidecar =
        Sidecar::builder().without_listen().socket(UnixListener::bind(&path).unwrap(), "callers").spawn_ready();
    let mut client = BareChannel::over(UnixStream::connect(&path).await.unwrap()).await.client();
    assert!(client.evaluate(message(&allowed())).await.unwrap().into_inner().decision);
    drop(sidecar.stop());
    assert!(path.exists());
}

#[tokio::test]
async fn a_passed_admin_socket_is_the_operators_port() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let sidecar = Sidecar::builder().socket(socket, "admin").start();
    assert_eq!((sidecar.admin, sidecar.operators("/readyz").await.status.as_u16()), (address, 200));
}

#[test]
fn a_passed_socket_that_cannot_be_used_exits_with_64() {
    let tcp = || TcpListener::bind("127.0.0.1:0").unwrap();
    let unnamed = Sidecar::builder().socket(tcp(), "poort.socket").fail();
    assert_eq!(unnamed.code, Some(64), "{}", unnamed.log);
    assert!(unnamed.log.contains("named `poort.socket`; name it `callers` or `admin`"), "{}", unnamed.log);
    let datagram = Sidecar::builder().socket(UnixDatagram::unbound().unwrap(), "callers").fail();
    assert_eq!(datagram.code, Some(64), "{}", datagram.log);
    assert!(datagram.log.contains("`callers` on which no connection can be accepted"), "{}", datagram.log);
    let exposed = Sidecar::builder().socket(TcpListener::bind("0.0.0.0:0").unwrap(), "callers").fail();
    assert_eq!(exposed.code, Some(64), "{}", exposed.log);
    assert!(exposed.log.contains("would cross the network in the clear"), "{}", exposed.log);
}

#[test]
fn the_supervisor_hears_of_readiness_reload_and_stop() {
    let folder = folder();
    let path = folder.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let sidecar = Sidecar::builder().variable("NOTIFY_SOCKET", path.to_str().unwrap()).start();
    assert_eq!(heard(), "READY=1\n");
    sidecar.signal(Signal::HUP);
    assert!(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(heard(), "READY=1\n");
    sidecar.stop();
    assert_eq!(heard(), "STOPPING=1\n");
}

// ---- Linger ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_taken_while_poort_lingers_until_a_second_signal() {
    let sidecar = Sidecar::builder().config("[limits]\nlinger = \"10m\"\n").start();
    let mut before = sidecar.grpc().await;
    assert_eq!(health(&sidecar, "").await, "SERVING");
    sidecar.signal(Signal::TERM);
    sidecar.wait_for_line("About to stop");
    until("NOT_SERVING", async || (health(&sidecar, "").await == "NOT_SERVING").then_some(())).await;
    let ready = sidecar.operators("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["stopping"]), (503, &true.into()));
    assert!(before.evaluate(message(&allowed())).await.unwrap().into_inner().decision);
    assert!(sidecar.grpc().await.evaluate(message(&allowed())).await.unwrap().into_inner().decision);
    assert_eq!(sidecar.records().len(), 2);
    sidecar.signal(Signal::TERM);
    let ended = spawn_blocking(|| sidecar.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.ends_with("Stopped."), "{}", ended.log);
}
