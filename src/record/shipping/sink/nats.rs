//! The NATS JetStream sink: publishes each record with a name of its own. A record counts as taken when the stream says
//! that it has stored it.
//!
//! The stream must exist: how much it keeps, on which disks and for how long is its operator's choice. Within the
//! stream's window for duplicates (two minutes, unless it says otherwise) a record that is sent again is not stored
//! again, by its `Nats-Msg-Id`. A server that does not sync each write (`sync_interval: always`) may lose what it said
//! to have stored when the power goes.

use super::{
    super::{
        config::Nats,
        outgoing::{Document, Outgoing},
        reply::{Outcome, Reason, Reply, Trouble},
    },
    SetupError, Sink, client,
    grpc::innermost,
};
use async_nats::{
    ConnectError, ConnectErrorKind, ConnectOptions, Event,
    jetstream::{
        self, ErrorCode,
        context::{PublishError, PublishErrorKind},
        message::PublishMessage,
    },
};
use std::{error::Error as _, time::Duration};
use tracing::debug;

/// A subject that a JetStream stream keeps.
#[derive(Debug)]
pub(in super::super) struct JetStream {
    to: Nats,
    timeout: Duration,
    context: Option<jetstream::Context>,
}

impl JetStream {
    pub(super) fn new(to: Nats, timeout: Duration) -> Result<Self, SetupError> {
        let sink = Self { to, timeout, context: None };
        sink.options()?;
        Ok(sink)
    }

    /// From the files as they are now.
    fn options(&self) -> Result<ConnectOptions, SetupError> {
        let mut options = ConnectOptions::new()
            .name("poort")
            .connection_timeout(self.timeout)
            // What is wrong with a connection shows in the send that needs it.
            .event_callback(|event: Event| async move { debug!(%event, "NATS") });
        if self.to.endpoint.scheme() == "tls" {
            options = options.require_tls(true).tls_client_config(client::config(&self.to.tls)?);
        }
        if let Some(path) = &self.to.credentials {
            let text = std::fs::read_to_string(path).map_err(|error| SetupError::file(path)(&error))?;
            options = options.credentials(&text).map_err(|error| SetupError::file(path)(&error))?;
        }
        Ok(options)
    }

    async fn context(&mut self) -> Result<jetstream::Context, Trouble> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        let options = self.options().map_err(|error| Trouble::new(Reply::Hold, error.to_string()))?;
        let address = self.to.endpoint.to_string();
        let connected = options.connect(address.trim_end_matches('/')).await;
        let client = connected.map_err(|error| self.no_connection(&error))?;
        let mut context = jetstream::new(client);
        context.set_timeout(self.timeout);
        self.context = Some(context.clone());
        Ok(context)
    }

    /// Publishes all, then waits for each in order: the stream stores in the order of publishing.
    async fn publish(&mut self, batch: &[Outgoing]) -> Outcome {
        let context = match self.context().await {
            Ok(context) => context,
            Err(trouble) => return Outcome::none(trouble),
        };
        let mut promises = Vec::new();
        let mut failed = None;
        'all: for (index, parcel) in batch.iter().enumerate() {
            for document in parcel.documents() {
                match context.send_publish(self.to.subject.clone(), message(parcel, document)).await {
                    Ok(promise) => promises.push((index, promise)),
                    Err(error) => {
                        failed = Some((index, error));
                        break 'all;
                    }
                }
            }
        }
        for (index, promise) in promises {
            if let Err(error) = promise.await {
                return Outcome { taken: index, trouble: Some(self.trouble(&error)) };
            }
        }
        match failed {
            None => Outcome::all(batch.len()),
            Some((index, error)) => Outcome { taken: index, trouble: Some(self.trouble(&error)) },
        }
    }

    /// What it means that there is no connection.
    fn no_connection(&self, error: &ConnectError) -> Trouble {
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                let why = match &self.to.credentials {
                    Some(path) => format!("the server does not accept the credentials in `{}`", path.display()),
                    None => "the server asks for credentials; name their file as `credentials`".to_owned(),
                };
                Trouble::new(Reply::Hold, format!("{why}: {}", innermost(error)))
            }
            _ => {
                let mut why = innermost(error);
                if why.contains("peer certificate") {
                    // A receiver may get another certificate at any time, so this may pass without a change of ours.
                    why.push_str("; the roots that are trusted are those of ");
                    match &self.to.tls.ca {
                        Some(path) => why.push_str(&format!("`{}` (tls.ca)", path.display())),
                        None => why.push_str("the system; tls.ca names others"),
                    }
                }
                Trouble::retry(Reason::Transport, why)
            }
        }
    }

    /// What a refusal means.
    fn trouble(&self, error: &PublishError) -> Trouble {
        let subject = &self.to.subject;
        let said = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
        match error.kind() {
            PublishErrorKind::StreamNotFound => Trouble::new(
                Reply::Hold,
                format!(
                    "no stream of the server keeps the subject `{subject}`; make one, such as: nats stream add --subjects {subject}"
                ),
            ),
            PublishErrorKind::MaxPayloadExceeded => Trouble::new(Reply::TooLarge, error.to_string()),
            PublishErrorKind::TimedOut => Trouble::retry(Reason::Deadline, error.to_string()),
            PublishErrorKind::BrokenPipe | PublishErrorKind::MaxAckPending => {
                Trouble::retry(Reason::Transport, error.to_string())
            }
            PublishErrorKind::WrongLastMessageId | PublishErrorKind::WrongLastSequence | PublishErrorKind::Other => {
                Trouble::new(refusal(said.map(jetstream::Error::error_code)), format!("{error}: {}", reason(said)))
            }
        }
    }
}

impl Sink for JetStream {
    async fn send(&mut self, batch: &[Outgoing]) -> Outcome {
        self.publish(batch).await
    }

    fn reset(&mut self) {
        self.context = None;
    }
}

fn message(parcel: &Outgoing, document: &Document) -> PublishMessage {
    PublishMessage::build().payload(document.body.clone().into()).message_id(parcel.key(document))
}

/// What JetStream's own codes mean for a record.
fn refusal(code: Option<ErrorCode>) -> Reply {
    match code {
        Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM) => Reply::TooLarge,
        Some(
            ErrorCode::STREAM_SEALED | ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT,
        ) => Reply::Hold,
        // Full streams and clusters without a leader pass, and no code says that a record itself is bad.
        _ => Reply::Retry { reason: Reason::Unavailable, wait: None },
    }
}

fn reason(said: Option<&jetstream::Error>) -> String {
    said.map_or_else(|| "without a reason".to_owned(), ToString::to_string)
}
