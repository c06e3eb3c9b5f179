//! Sockets: TCP and Unix sockets.
//!
//! Questions and answers are police data, so plain TCP is for loopback alone unless configuration says otherwise out loud
//! ([`Plaintext::Anywhere`]).

use rustix::fs::{Access, access};
use socket2::{Domain, Type};
use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    },
    path::{Path, PathBuf},
    str::FromStr,
};
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};

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

/// Whoever reaches an address beyond this machine could ask about anybody.
#[derive(Debug, Error)]
#[error(
    "{0} is beyond this machine, and without callers whoever reaches it could ask about anybody; name the applications that may \
     ask: [callers.NAME] with `spiffe` or `certificate.dns`"
)]
pub struct AnyCaller(Address);

/// An address at which callers may not be heard as it is configured.
#[derive(Debug, Error)]
pub enum Exposed {
    /// In the clear.
    #[error(transparent)]
    InTheClear(#[from] InTheClear),
    /// By anybody.
    #[error(transparent)]
    AnyCaller(#[from] AnyCaller),
}

impl Address {
    /// Whether it is reached from this machine alone.
    fn is_local(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Whether callers that nobody recognises may be heard at this address, with TLS.
    ///
    /// # Errors
    /// They may not.
    pub fn check_local(&self) -> Result<(), AnyCaller> {
        if self.is_local() { Ok(()) } else { Err(AnyCaller(self.clone())) }
    }
}

impl Plaintext {
    /// Whether callers may be heard at this address without TLS.
    ///
    /// # Errors
    /// They may not.
    pub fn check(self, address: &Address) -> Result<(), InTheClear> {
        match self {
            Self::Loopback if !address.is_local() => Err(InTheClear(address.clone())),
            Self::Loopback | Self::Anywhere => Ok(()),
        }
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

    /// Looks whether an address could be bound, without listening on it and without making a file.
    ///
    /// # Errors
    /// Why it could not; `AddrInUse` where somebody listens there.
    pub fn check(address: &Address) -> io::Result<()> {
        match address {
            Address::Tcp(address) => {
                let socket = socket2::Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
                // As the listener does: connections of the poort before this one may still be closing.
                socket.set_reuse_address(true)?;
                socket.bind(&(*address).into())
            }
            Address::Unix(path) => {
                check_stale(path)?;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
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
    if check_stale(path)? { fs::remove_file(path) } else { Ok(()) }
}

/// Whether there is such a file. Anything else in its place is an error.
fn check_stale(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => match StdUnixStream::connect(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on this socket")),
            Err(_) => Ok(true),
        },
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is in the way")),
        Err(_) => Ok(false),
    }
}
