//! The sinks: the ways of sending, one a file, each with the meaning of its receiver's answers.
//!
//! - `client`: HTTP and TLS towards a receiver
//! - `otlp`: records as OTLP messages
//! - `grpc`, `http`: OTLP over gRPC and over HTTP
//! - `push`: Security Event Tokens over HTTP, for signals; `set`: the tokens
//! - `nats`: NATS JetStream; `connection`: to its server; `attempts`: which records its stream can have already
//! - `json_lines`: a file or standard output

mod attempts;
pub(in crate::record) mod client;
mod connection;
mod grpc;
mod http;
mod json_lines;
mod nats;
mod otlp;
mod push;
mod set;
#[cfg(test)]
mod tests;

pub use connection::{NoConnection, check, connect};

use super::{
    config::{self, Destination},
    outgoing::Outgoing,
    reply::SendOutcome,
};
use std::path::PathBuf;
use thiserror::Error;

/// A way to send records.
pub(super) trait Sink {
    /// Sends these records and waits for the answer. It may be dropped at any await.
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome;

    /// Something went wrong: connections are closed, and files are read again.
    fn reset(&mut self);
}

/// The sink cannot start.
#[derive(Debug, Error)]
pub enum SetupError {
    /// A file that the configuration names.
    #[error("`{}`: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The settings do not make a TLS client.
    #[error("tls: {0}")]
    Tls(String),
    /// The address is not one.
    #[error("endpoint: {0}")]
    Endpoint(String),
}

impl SetupError {
    fn file(path: impl Into<PathBuf>) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        let path = path.into();
        move |error| Self::File { path, message: error.to_string() }
    }
}

/// Any sink.
#[derive(Debug)]
pub(super) enum Any {
    Grpc(grpc::Grpc),
    Http(http::Http),
    Nats(nats::JetStream),
    Push(Box<push::SsfPush>),
    Lines(json_lines::JsonLines),
}

impl Any {
    /// Makes the sink, and looks whether the files that it needs are there. It connects when there is something to send.
    /// Records below `found` were in the log already.
    pub(super) fn new(settings: &config::Sink, found: u64) -> Result<Self, SetupError> {
        let timeout = settings.timeout;
        Ok(match settings.to.clone() {
            Destination::OtlpGrpc(remote) => Self::Grpc(grpc::Grpc::new(remote, settings.format, timeout)?),
            Destination::OtlpHttp(remote) => Self::Http(http::Http::new(remote, settings.format, timeout)?),
            Destination::Nats(to) => Self::Nats(nats::JetStream::new(to, timeout, found)?),
            Destination::SsfPush(to) => Self::Push(Box::new(push::SsfPush::new(to, timeout)?)),
            Destination::File(path) => Self::Lines(json_lines::JsonLines::file(path)),
            Destination::StandardOutput => Self::Lines(json_lines::JsonLines::standard_output()),
        })
    }
}

impl Sink for Any {
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        match self {
            Self::Grpc(sink) => sink.send(batch).await,
            Self::Http(sink) => sink.send(batch).await,
            Self::Nats(sink) => sink.send(batch).await,
            Self::Push(sink) => sink.send(batch).await,
            Self::Lines(sink) => sink.send(batch).await,
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Grpc(sink) => sink.reset(),
            Self::Http(sink) => sink.reset(),
            Self::Nats(sink) => sink.reset(),
            Self::Push(sink) => sink.reset(),
            Self::Lines(sink) => sink.reset(),
        }
    }
}
