//! Certificates: takes the server's and the roots of callers' again when their files change, and tells when each one ends.
//!
//! Files are polled, as those of the policies are. They are read on a thread that nothing joins: where a file system hangs, it
//! does not end.

use crate::{
    api::transport::{ReplaceableTls, Tls, not_after},
    config::Settings,
};
use opentelemetry::{
    KeyValue,
    metrics::{Gauge, Meter},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use std::{fs, io, path::PathBuf, sync::mpsc, thread, time::Duration};
use tracing::{error, info};

/// How often the files are looked at. What is the same in two looks is taken, so a certificate never meets the key of another.
const INTERVAL: Duration = Duration::from_secs(1);

/// How soon a second look follows where somebody asks.
const SOON: Duration = Duration::from_millis(100);

/// What the files of the server hold, as a digest: the key is not kept.
type Content = Option<[u8; 32]>;

/// Looks at the files once in a while, and at once where a message comes. It ends when what this returns is dropped.
pub(super) fn watch(
    settings: &Settings,
    server: Option<(Tls, ReplaceableTls)>,
    meter: &Meter,
) -> io::Result<mpsc::Sender<()>> {
    let (watching, woken) = mpsc::channel();
    let ends = meter
        .i64_gauge("poort.tls.not_after")
        .with_unit("s")
        .with_description("When a certificate ends, in seconds since 1970, by the configuration key of its file.")
        .build();
    let refused = meter
        .u64_gauge("poort.tls.refused")
        .with_description("1 while the newest files of the server's certificate are refused.")
        .build();
    refused.record(0, &[]);
    let sinks = settings.ship.iter().filter_map(|sink| {
        let identity = sink.to.identity()?;
        Some((format!("ship.{}.tls.certificate", sink.name), identity.certificate.clone()))
    });
    let sinks: Vec<_> = sinks.collect();
    let mut server = server.map(|(files, tls)| Server::new(files, tls, refused));
    let look = move |server: &mut Option<Server>| {
        if let Some(server) = server {
            server.look(&ends);
        }
        for (key, path) in &sinks {
            tell_end(&ends, key, end_of(path));
        }
    };
    let (looked, first) = mpsc::channel::<()>();
    thread::Builder::new().name("poort-tls".to_owned()).spawn(move || {
        look(&mut server);
        drop(looked);
        let mut wait = INTERVAL;
        loop {
            wait = match woken.recv_timeout(wait) {
                Ok(()) => {
                    // What was refused is read again, which tells why once more.
                    server.iter_mut().for_each(|server| server.refused = None);
                    SOON
                }
                Err(mpsc::RecvTimeoutError::Timeout) => INTERVAL,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            look(&mut server);
        }
    })?;
    // So that the metrics are there from the start, unless the file system hangs.
    let _timed_out = first.recv_timeout(INTERVAL);
    Ok(watching)
}

/// The server's certificate.
struct Server {
    files: Tls,
    tls: ReplaceableTls,
    /// What is in use.
    active: Content,
    /// What was there at the last look.
    seen: Content,
    /// What was refused.
    refused: Option<Content>,
    is_refused: Gauge<u64>,
}

impl Server {
    fn new(files: Tls, tls: ReplaceableTls, is_refused: Gauge<u64>) -> Self {
        // The first look takes the files again: nobody knows whether they changed since they were read.
        Self { files, tls, active: None, seen: None, refused: None, is_refused }
    }

    /// Takes the files if they changed.
    fn look(&mut self, ends: &Gauge<i64>) {
        let now = self.content();
        let is_settled = now == self.seen || self.active.is_none();
        self.seen = now;
        if !is_settled || self.refused == Some(now) {
            return;
        }
        if now.is_some() && now == self.active {
            self.set_refused(None);
            return;
        }
        match self.files.read() {
            Ok(read) => {
                tell_end(ends, "tls.certificate", read.not_after);
                self.tls.replace(read);
                if self.active.is_some() {
                    info!("New connections get the new certificate.");
                }
                self.active = now;
                self.set_refused(None);
            }
            Err(error) => {
                self.set_refused(Some(now));
                error!("The new certificate is refused; the one before goes on. {error}");
            }
        }
    }

    fn set_refused(&mut self, refused: Option<Content>) {
        self.is_refused.record(u64::from(refused.is_some()), &[]);
        self.refused = refused;
    }

    fn content(&self) -> Content {
        let Tls { certificate, key, client_ca, trust_domains } = &self.files;
        let mut digest = Sha256::new();
        for path in [certificate, key].into_iter().chain(client_ca).chain(trust_domains.values()) {
            digest.update(Sha256::digest(fs::read(path).ok()?));
        }
        Some(digest.finalize().into())
    }
}

fn end_of(path: &PathBuf) -> Option<i64> {
    let chain = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    not_after(&chain.ok()?)
}

fn tell_end(ends: &Gauge<i64>, key: &str, not_after: Option<i64>) {
    if let Some(not_after) = not_after {
        ends.record(not_after, &[KeyValue::new("certificate", key.to_owned())]);
    }
}
