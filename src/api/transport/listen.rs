//! Sockets: TCP with or without TLS, and Unix sockets.
//!
//! Questions and answers are police data, so plain TCP is for loopback alone unless configuration says otherwise out loud
//! ([`Plaintext::Anywhere`]).

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    },
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP port. Port 0: any that is free.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("`unix:` needs a path, such as unix:/run/poort.sock".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!(
                    "`{text}` is not an address; write an IP address and a port, such as 127.0.0.1:50051, or unix:PATH"
                )
            }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where TCP without TLS is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plaintext {
    /// On loopback addresses.
    #[default]
    Loopback,
    /// On any address: something else protects the link, such as a service mesh.
    Anywhere,
}

/// Questions and answers would cross the network in the clear.
#[derive(Debug, Error)]
#[error(
    "{0} is not a loopback address, and without TLS questions and answers would cross the network in the clear; set \
     tls.certificate and tls.key, or plaintext = \"anywhere\" if something else protects the link"
)]
pub struct InTheClear(Address);

impl Plaintext {
    /// Whether callers may be heard at this address without TLS.
    ///
    /// # Errors
    /// They may not.
    pub fn check(self, address: &Address) -> Result<(), InTheClear> {
        match (self, address) {
            (Self::Loopback, Address::Tcp(tcp)) if !tcp.ip().is_loopback() => Err(InTheClear(address.clone())),
            _ => Ok(()),
        }
    }
}

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
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, or a key that is not the certificate's.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
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
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A socket that listens.
#[derive(Debug)]
pub struct Bound {
    pub(super) socket: Socket,
    address: Address,
    /// Kept for what happens when it goes.
    _file: Option<SocketFile>,
}

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A socket that listens already, such as one that a supervisor passes.
#[derive(Debug)]
pub enum Passed {
    /// A TCP port.
    Tcp(StdTcpListener),
    /// A Unix socket.
    Unix(StdUnixListener),
}

/// A socket's file, which goes when the socket does.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Nothing is lost if it stays: the next start removes it.
        let _ = fs::remove_file(&self.0);
    }
}

impl Bound {
    /// Binds an address. Must be called within a runtime.
    ///
    /// # Errors
    /// The address is taken or not allowed.
    pub fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Self::adopt(Passed::Tcp(StdTcpListener::bind(address)?)),
            Address::Unix(path) => {
                remove_stale(path)?;
                let listener = StdUnixListener::bind(path)?;
                let file = SocketFile(path.clone());
                // The user and the group of poort; applications beside it join the group.
                fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
                Ok(Self { _file: Some(file), ..Self::adopt(Passed::Unix(listener))? })
            }
        }
    }

    /// Takes over a socket that listens already. Must be called within a runtime. A Unix socket's file stays when it goes.
    ///
    /// # Errors
    /// It is not one on which connections can be accepted.
    pub fn adopt(socket: Passed) -> io::Result<Self> {
        let (address, socket) = match socket {
            Passed::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                (Address::Tcp(listener.local_addr()?), Socket::Tcp(TcpListener::from_std(listener)?))
            }
            Passed::Unix(listener) => {
                listener.set_nonblocking(true)?;
                let path = listener.local_addr()?.as_pathname().unwrap_or(Path::new("without a path")).to_owned();
                (Address::Unix(path), Socket::Unix(UnixListener::from_std(listener)?))
            }
        };
        Ok(Self { socket, address, _file: None })
    }

    /// The address that was bound, with its true port.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }
}

/// Removes the file of a socket that nobody listens on any more, as an earlier process leaves it when it is killed.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => match StdUnixStream::connect(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on this socket")),
            Err(_) => fs::remove_file(path),
        },
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is in the way")),
        Err(_) => Ok(()),
    }
}
