//! The server's certificate while poort runs: replaced without a lost connection, refused where it is bad, and its end in a metric.

use crate::support::{Authority, BareChannel, Exposition, Identity, Sidecar, allowed, message, until};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::{fs, thread};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Seconds from 1970 to the beginning of 2030 and of 2031.
const THE_YEAR_2030: f64 = 1_893_456_000.0;
const THE_YEAR_2031: f64 = 1_924_992_000.0;

fn started(identity: &Identity) -> Sidecar {
    let Identity { certificate, key } = identity;
    Sidecar::builder().config(&format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")).start()
}

async fn connect(authority: &Authority, sidecar: &Sidecar) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(sidecar.address).await.unwrap();
    authority.client("h2", None).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

/// The certificate that a new connection gets.
async fn shown(authority: &Authority, sidecar: &Sidecar) -> CertificateDer<'static> {
    let stream = connect(authority, sidecar).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

fn of(identity: &Identity) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&identity.certificate).unwrap()
}

async fn not_after(sidecar: &Sidecar, key: &str) -> f64 {
    let label = format!("certificate=\"{key}\"");
    Exposition::of(sidecar).await.value("poort_tls_not_after_seconds", &label)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_connections_get_the_new_certificate() {
    let authority = Authority::new();
    let first = authority.signs_until("localhost", 2030);
    let sidecar = started(&first);
    let before = of(&first);
    assert_eq!(shown(&authority, &sidecar).await, before);
    assert_eq!(not_after(&sidecar, "tls.certificate").await, THE_YEAR_2030);
    let mut open = BareChannel::over(connect(&authority, &sidecar).await).await.client();
    open.evaluate(message(&allowed())).await.unwrap();
    let second = authority.signs_until("localhost", 2031);
    until("the new certificate", async || (shown(&authority, &sidecar).await == of(&second)).then_some(())).await;
    open.evaluate(message(&allowed())).await.unwrap();
    assert_eq!(not_after(&sidecar, "tls.certificate").await, THE_YEAR_2031);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_without_its_key_replaces_nothing() {
    let authority = Authority::new();
    // Made before the start: poort may look at any moment, and must not find both.
    let next = authority.signs("localhost");
    let (next, next_certificate, next_key) =
        (of(&next), fs::read(&next.certificate).unwrap(), fs::read(&next.key).unwrap());
    let identity = authority.signs("localhost");
    let sidecar = started(&identity);
    let before = of(&identity);
    fs::write(&identity.certificate, &next_certificate).unwrap();
    sidecar.wait_for_line("The new certificate is refused; the one before goes on. tls:");
    assert_eq!(shown(&authority, &sidecar).await, before);
    let refused = async || Exposition::of(&sidecar).await.value("poort_tls_refused", "");
    assert_eq!(refused().await, 1.0);
    fs::remove_file(&identity.key).unwrap();
    sidecar.wait_for_line("tls.key: `");
    assert_eq!(shown(&authority, &sidecar).await, before);
    fs::write(&identity.key, &next_key).unwrap();
    until("the new certificate", async || (shown(&authority, &sidecar).await == next).then_some(())).await;
    until("the end of the refusal", async || (refused().await == 0.0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_takes_a_new_certificate_at_once() {
    let authority = Authority::new();
    let sidecar = started(&authority.signs("localhost"));
    let next = authority.signs("localhost");
    sidecar.signal(Signal::HUP);
    sidecar.wait_for_line("New connections get the new certificate.");
    assert_eq!(shown(&authority, &sidecar).await, of(&next));
}

/// The certificate is a pipe, which gives it to the start once, and to the first look after that never.
#[test]
fn a_start_does_not_wait_for_a_hung_certificate() {
    let authority = Authority::new();
    let identity = authority.signs("localhost");
    let certificate = fs::read(&identity.certificate).unwrap();
    fs::remove_file(&identity.certificate).unwrap();
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &identity.certificate, FileType::Fifo, mode, 0).unwrap();
    let pipe = identity.certificate.clone();
    let giving = thread::spawn(move || fs::write(pipe, certificate).unwrap());
    let sidecar = started(&identity);
    giving.join().unwrap();
    assert_eq!(sidecar.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_has_the_end_of_a_sinks_certificate() {
    let authority = Authority::new();
    let Identity { certificate, key } = authority.signs_until("poort", 2030);
    let ca = authority.root();
    let sidecar = Sidecar::builder()
        .config("[ship.collector]\nkind = \"otlp-grpc\"\nendpoint = \"https://localhost:9\"\n")
        .config(&format!("tls.ca = {ca:?}\ntls.certificate = {certificate:?}\ntls.key = {key:?}\n"))
        .start();
    assert_eq!(not_after(&sidecar, "ship.collector.tls.certificate").await, THE_YEAR_2030);
    authority.signs_until("poort", 2031);
    let is_told = async || not_after(&sidecar, "ship.collector.tls.certificate").await == THE_YEAR_2031;
    until("the end of the new one", async || is_told().await.then_some(())).await;
}
