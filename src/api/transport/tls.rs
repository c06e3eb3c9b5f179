//! TLS of the callers' port: its files, and what is made of them.

use arc_swap::ArcSwap;
use der::{
    Decode as _, Reader as _, Tag, TagMode, TagNumber, Tagged as _,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// The files of TLS, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The server's certificate, then those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority that signs callers' certificates. If given, a caller must present one.
    pub client_ca: Option<PathBuf>,
}

/// TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("tls.{key}: `{}`: {message}", path.display())]
    File {
        /// The configuration key.
        key: &'static str,
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
        let failed = |key, path: &Path| {
            let path = path.to_owned();
            move |error: rustls::pki_types::pem::Error| TlsError::File { key, path, message: error.to_string() }
        };
        let certificates = |key, path: &Path| -> Result<Vec<CertificateDer<'static>>, TlsError> {
            let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let certificates = read.map_err(failed(key, path))?;
            if certificates.is_empty() {
                let message = "holds no certificate".to_owned();
                return Err(TlsError::File { key, path: path.to_owned(), message });
            }
            Ok(certificates)
        };
        let chain = certificates("certificate", &self.certificate)?;
        let not_after = not_after(&chain);
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(failed("key", &self.key))?;
        let setup = |error: &dyn fmt::Display| TlsError::Setup(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates("client_ca", path)? {
                    roots.add(certificate).map_err(|error| setup(&error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error| setup(&error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| setup(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Read { config, not_after })
    }
}

/// The files as they were read.
#[derive(Debug)]
pub struct Read {
    config: ServerConfig,
    /// When the certificate ends: [`not_after`].
    pub not_after: Option<i64>,
}

/// When the first of these certificates ends, in seconds since the Unix epoch. `None`: one of them has no such date.
#[must_use]
pub fn not_after(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let ends = chain.iter().map(|certificate| end(certificate).ok());
    let first = ends.collect::<Option<Vec<_>>>()?.into_iter().min()?;
    i64::try_from(first.as_secs()).ok()
}

/// When a certificate ends, since the Unix epoch: RFC 5280, section 4.1.
fn end(certificate: &[u8]) -> der::Result<Duration> {
    AnyRef::from_der(certificate)?.sequence(|certificate| {
        let tbs_certificate: AnyRef<'_> = certificate.decode()?;
        // The rest of it is the signature.
        while !certificate.is_finished() {
            certificate.decode::<AnyRef<'_>>()?;
        }
        tbs_certificate.sequence(|fields| {
            let _version = fields.context_specific::<u8>(TagNumber::N0, TagMode::Explicit)?;
            // The serial number, the algorithm of the signature, and the issuer.
            for _ in 0..3 {
                fields.decode::<AnyRef<'_>>()?;
            }
            let end = fields.sequence(|validity| {
                validity.decode::<AnyRef<'_>>()?;
                let not_after: AnyRef<'_> = validity.decode()?;
                match not_after.tag() {
                    Tag::UtcTime => Ok(not_after.decode_as::<UtcTime>()?.to_unix_duration()),
                    _ => Ok(not_after.decode_as::<GeneralizedTime>()?.to_unix_duration()),
                }
            })?;
            while !fields.is_finished() {
                fields.decode::<AnyRef<'_>>()?;
            }
            Ok(end)
        })
    })
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
