//! TLS of the callers' port: its files, and what is made of them.

use super::client_certificates::ClientCertificates;
use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// The files of TLS, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The server's certificate, then those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority that signs callers' certificates. If given, a caller must present one.
    pub client_ca: Option<PathBuf>,
    /// The authorities that sign X509-SVIDs, by their trust domain. If there are some, a caller must present a certificate.
    pub trust_domains: BTreeMap<String, PathBuf>,
}

/// TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("tls.{key}: `{}`: {message}", path.display())]
    File {
        /// The configuration key.
        key: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The files do not fit together.
    #[error("tls: {0}")]
    Setup(String),
}

impl Tls {
    /// Reads the files, for connections that take nothing else while they are open.
    ///
    /// # Errors
    /// As [`Tls::read`].
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        Ok(TlsAcceptor::from(Arc::new(self.read()?.config)))
    }

    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, or a key that is not the certificate's.
    pub fn read(&self) -> Result<Read, TlsError> {
        let chain = certificates("certificate", &self.certificate)?;
        let not_after = not_after(&chain);
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| file("key", &self.key, &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?;
        let verifier = |key: &str, path: &PathBuf| -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(key, path)? {
                roots.add(certificate).map_err(|error| setup(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
            verifier.map_err(|error| setup(&error))
        };
        let others = self.client_ca.as_ref().map(|path| verifier("client_ca", path)).transpose()?;
        let domains = self
            .trust_domains
            .iter()
            .map(|(domain, path)| Ok((domain.clone(), verifier(&format!("trust_domains.{domain}"), path)?)));
        let callers = ClientCertificates::new(domains.collect::<Result<_, TlsError>>()?, others);
        let is_asked = callers.is_some();
        let builder = match callers {
            None => builder.with_no_client_auth(),
            Some(callers) => builder.with_client_cert_verifier(Arc::new(callers)),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| setup(&error))?;
        if is_asked {
            // A session that is resumed is not verified again: it would outlive its certificate.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Read { config, not_after })
    }
}

/// The certificates of a file: one at least.
fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| file(key, path, &error))?;
    if certificates.is_empty() { Err(file(key, path, &"holds no certificate")) } else { Ok(certificates) }
}

fn file(key: &str, path: &Path, message: &dyn fmt::Display) -> TlsError {
    TlsError::File { key: key.to_owned(), path: path.to_owned(), message: message.to_string() }
}

fn setup(error: &dyn fmt::Display) -> TlsError {
    TlsError::Setup(error.to_string())
}

/// The files as they were read.
#[derive(Debug)]
pub struct Read {
    config: ServerConfig,
    /// When the certificate ends: [`not_after`].
    pub not_after: Option<i64>,
}

/// When the first of these certificates ends, in seconds since the Unix epoch. `None`: one of them cannot be read.
#[must_use]
pub fn not_after(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let end = |certificate| Some(X509Certificate::from_der(certificate).ok()?.1.validity().not_after.timestamp());
    let ends = chain.iter().map(|certificate| end(certificate.as_ref()));
    ends.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// TLS of a port that goes on when its files are replaced: each new connection gets the newest, and open ones keep theirs.
#[derive(Debug, Clone)]
pub struct ReplaceableTls(Arc<ArcSwap<ServerConfig>>);

impl ReplaceableTls {
    /// Begins with these files.
    #[must_use]
    pub fn new(read: Read) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(read.config)))
    }

    /// Takes these files for all connections that come.
    pub fn replace(&self, read: Read) {
        self.0.store(Arc::new(read.config));
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}
