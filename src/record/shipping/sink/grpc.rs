//! OTLP over gRPC.
//!
//! It calls the service itself. The OpenTelemetry SDK cannot carry records: it drops when its queue is full, gives up after
//! some attempts, and takes a partial success for success.

use super::{
    super::{
        config::{Compression, Format, Remote},
        outgoing::Outgoing,
        reply::{Reason, Reply, SendOutcome, Trouble},
    },
    SetupError, Sink,
    client::{Client, Versions, client, headers, innermost},
    otlp,
};
use http::Uri;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, logs_service_client::LogsServiceClient,
};
use std::{error::Error as _, time::Duration};
use tonic::{Code, Request, Status, codec::CompressionEncoding, metadata::MetadataMap};
use tonic_types::StatusExt as _;

/// An OTLP receiver over gRPC.
#[derive(Debug)]
pub(in super::super) struct Grpc {
    remote: Remote,
    format: Format,
    timeout: Duration,
    client: Option<LogsServiceClient<Client>>,
}

impl Grpc {
    pub(super) fn new(remote: Remote, format: Format, timeout: Duration) -> Result<Self, SetupError> {
        let mut sink = Self { remote, format, timeout, client: None };
        headers(&sink.remote)?;
        sink.client()?;
        Ok(sink)
    }

    fn client(&mut self) -> Result<&mut LogsServiceClient<Client>, SetupError> {
        if self.client.is_none() {
            let http = client(&self.remote, Versions::Two, self.timeout)?;
            let origin = Uri::clone(self.remote.endpoint.uri());
            let client = LogsServiceClient::with_origin(http, origin);
            self.client = Some(match self.remote.compression {
                Compression::None => client,
                Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
            });
        }
        self.client.as_mut().ok_or_else(|| SetupError::Tls("there is no client".to_owned()))
    }

    async fn try_send(&mut self, batch: &[Outgoing]) -> Result<SendOutcome, SetupError> {
        let mut request = Request::new(otlp::request(batch, self.format));
        *request.metadata_mut() = MetadataMap::from_headers(headers(&self.remote)?);
        Ok(match self.client()?.export(request).await {
            Ok(answer) => taken(answer.into_inner().partial_success, batch.len()),
            Err(status) => SendOutcome::none(trouble(&status)),
        })
    }
}

impl Sink for Grpc {
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        match self.try_send(batch).await {
            Ok(outcome) => outcome,
            Err(error) => SendOutcome::none(Trouble::new(Reply::Hold, error.to_string())),
        }
    }

    fn reset(&mut self) {
        self.client = None;
    }
}

/// What an answer without an error says.
pub(super) fn taken(partial: Option<ExportLogsPartialSuccess>, length: usize) -> SendOutcome {
    match partial {
        Some(partial) if partial.rejected_log_records > 0 => {
            let why = format!("{} rejected: {}", partial.rejected_log_records, partial.error_message);
            SendOutcome::none(Trouble::new(Reply::TakenInPart, why))
        }
        // With none rejected, the message is a hint and no more.
        _ => SendOutcome::all(length),
    }
}

/// What an error says: the table of OTLP, and what receivers mean by it.
pub(super) fn trouble(status: &Status) -> Trouble {
    let why = format!("{:?}: {}", status.code(), status.message());
    if let Some(source) = status.source() {
        return Trouble::retry(Reason::Transport, format!("{why}: {}", innermost(source)));
    }
    if is_unsaid(status) {
        return Trouble::retry(Reason::Transport, why);
    }
    let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let verdict = match status.code() {
        Code::OutOfRange if status.message().contains("too large") => Reply::PerhapsTooLarge,
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => Reply::Retry { reason: Reason::Unavailable, wait },
        Code::ResourceExhausted if wait.is_some() => Reply::Retry { reason: Reason::Unavailable, wait },
        Code::ResourceExhausted => Reply::Exhausted,
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::Unimplemented
        | Code::NotFound
        | Code::FailedPrecondition => Reply::Hold,
        Code::InvalidArgument | Code::Internal | Code::Unknown | Code::AlreadyExists | Code::Ok => Reply::Refused,
    };
    Trouble::new(verdict, why)
}

/// Whether the server gave no verdict: the answer has no `grpc-status`, and tonic made a status of what else it saw. A
/// 401 or 404 of something in between is an answer all the same.
fn is_unsaid(status: &Status) -> bool {
    let made = ["grpc-status header missing", "protocol error: missing grpc-status", "Missing response message"];
    matches!(status.code(), Code::Internal | Code::Unknown)
        && made.iter().any(|made| status.message().starts_with(made))
}
