//! The configuration of shipping: sinks by name, each with its kind and its bounds.

use http::{HeaderName, Uri};
use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

/// One sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    /// Names the cursor, the quarantine and the label of the metrics.
    pub name: Name,
    /// Where records go.
    pub to: Destination,
    /// As what.
    pub format: Format,
    /// Which records.
    pub records: Records,
    /// How long one send may take, from the connection to the answer.
    pub timeout: Duration,
    /// The most records in one send.
    pub batch: usize,
}

impl Sink {
    /// Ten seconds: the default of OTLP exporters. A receiver that takes longer is stalled, and what it was sent is sent
    /// again.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Some 512 KiB of usual records: large batches gain nothing more, and are far below the 4 MiB that receivers take.
    pub const DEFAULT_BATCH: usize = 512;
}

/// The name of a sink: what is safe in a file name and in a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not a name for a sink: 1 to 32 lowercase letters, digits and hyphens"))
    }
}

/// As what records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// The record itself, byte by byte as it is on disk.
    #[default]
    Adl,
    /// OCSF 1.8.0 events made from it, one a decision.
    Ocsf,
}

/// Which records a sink gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Records {
    /// All of them: only then can a store prove by itself that it has all.
    #[default]
    All,
    /// Records of decisions, which are those of the Authorization Decision Log.
    Decisions,
    /// What poort records of itself: checkpoints, gaps, changes of keys, retention, signals.
    Own,
    /// Signals of atypical use, and nothing else: for security operations.
    Signals,
}

/// Where records go.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// An OTLP receiver over gRPC.
    OtlpGrpc(Remote),
    /// An OTLP receiver over HTTP, with protobuf.
    OtlpHttp(Remote),
    /// A subject that a JetStream stream of a NATS server keeps.
    Nats(Nats),
    /// A receiver of the Shared Signals Framework, which takes signals of atypical use.
    SsfPush(Push),
    /// A file, a record a line.
    File(PathBuf),
    /// Standard output, a record a line.
    StandardOutput,
}

impl Destination {
    /// What poort shows of itself there, if anything.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        match self {
            Self::OtlpGrpc(Remote { tls, .. })
            | Self::OtlpHttp(Remote { tls, .. })
            | Self::Nats(Nats { server: NatsServer { tls, .. }, .. }) => tls.identity.as_ref(),
            Self::SsfPush(Push { remote, .. }) => remote.tls.identity.as_ref(),
            Self::File(_) | Self::StandardOutput => None,
        }
    }
}

/// An OTLP receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// Its address.
    pub endpoint: Endpoint,
    /// How it proves itself, and how poort does.
    pub tls: Tls,
    /// Headers with the files that hold their values. They are read for every send, so that a token may be replaced.
    pub headers: Vec<(HeaderName, PathBuf)>,
    /// Whether requests are compressed. It costs twelve times the work, so it is for thin links.
    pub compression: Compression,
}

/// A receiver of Security Event Tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// Where tokens go, and how it and poort prove themselves.
    pub remote: Remote,
    /// Who makes the tokens: `iss`.
    pub issuer: String,
    /// For whom they are: `aud`.
    pub audience: String,
    /// The RSA key that signs them, in PEM.
    pub key: PathBuf,
}

/// A JetStream stream, by a subject that it keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Nats {
    /// The server that has it.
    pub server: NatsServer,
    /// The subject.
    pub subject: String,
    /// The subject of what poort records of itself. Without it: the same.
    pub subject_own: Option<String>,
}

/// A NATS server.
#[derive(Debug, Clone, PartialEq)]
pub struct NatsServer {
    /// Its address.
    pub endpoint: Endpoint,
    /// How it proves itself, and how poort does.
    pub tls: Tls,
    /// A credentials file, as `nsc` writes it.
    pub credentials: Option<PathBuf>,
}

/// TLS towards a receiver: PEM files, read for every new connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The roots that may have signed the receiver's certificate. Without it: those of the system.
    pub ca: Option<PathBuf>,
    /// What poort shows of itself.
    pub identity: Option<Identity>,
}

/// A certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate with those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whether requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

/// The address of a receiver: a URL with scheme and host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// The URL.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.0
    }

    /// `https`, `nats`, …
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme_str().unwrap_or_default()
    }

    /// Whether what is sent stays on this host.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address such as https://collector.example:4317");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        if uri.scheme().is_none() || uri.host().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        // It would be shown in logs and in `--help` of other tools; there are files for that.
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("holds a user or a password; secrets do not belong in the configuration".to_owned());
        }
        Ok(Self(uri))
    }
}
