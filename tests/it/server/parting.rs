//! The stop where receivers are away: what they did not take is sent after the next start, and they hold up nothing.
//!
//! Each deadline is longer than a test waits for an end, so a stop that waited for one would fail the test.

use crate::support::{Sidecar, Starting, allowed, folder};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{ffi::OsString, net::TcpListener};
use tokio::task::spawn_blocking;

const LIMITS: &str = "[limits]\ngrace = \"10m\"\n";

fn sink(endpoint: impl std::fmt::Display) -> String {
    format!("[ship.gone]\nkind = \"otlp-grpc\"\nendpoint = \"http://{endpoint}\"\ntimeout = \"5m\"\n")
}

async fn stops_soon(config: &str) {
    does_stop_soon(Sidecar::builder().config(LIMITS).config(config)).await;
}

async fn does_stop_soon(starting: Starting) {
    let sidecar = starting.start();
    sidecar.evaluate(&allowed()).await;
    let ended = spawn_blocking(|| sidecar.stop()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("the rest is sent after the next start"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_refuses_connections_does_not_delay_the_stop() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    stops_soon(&sink(free)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_sink_does_not_delay_the_stop() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    stops_soon(&sink(silent.local_addr().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_collector_does_not_delay_the_stop() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let collector = format!("[telemetry.otlp]\nendpoint = \"http://{address}\"\ntimeout = \"60s\"\n");
    stops_soon(&(sink(address) + &collector)).await;
}

/// The file of names is a pipe that nobody writes, so the look-up of the sink's name never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_look_up_of_a_name_does_not_delay_the_stop() {
    let folder = folder();
    let names = folder.path().join("hosts");
    mknodat(CWD, &names, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let words: [OsString; 6] = ["unshare".into(), "-rm".into(), "sh".into(), "-c".into(), script.into(), names.into()];
    does_stop_soon(Sidecar::builder().config(LIMITS).config(&sink("localhost:4317")).wrapper(words)).await;
}
