//! The NATS JetStream sink: publishes each record with a name of its own. A record counts as taken when the stream says
//! that it has stored it.
//!
//! The stream must exist: how much it keeps, on which disks and for how long is its operator's choice. A server that
//! does not sync each write (`sync_interval: always`) may lose what it said to have stored when the power goes.
//!
//! Within the stream's window for duplicates (two minutes, unless it says otherwise) a message is not stored again, by
//! its `Nats-Msg-Id`. The id names log, number, hash and subject. So the server answers `duplicate` only for a record
//! that it has, byte by byte, on that subject, and no answer of this kind hides a loss.
//!
//! | the record was sent before by | a `duplicate` means |
//! |---|---|
//! | an attempt of this process whose answer was lost | what was expected: taken |
//! | perhaps an earlier process: it was in the log when this one started | taken, and logged once: after a crash, or in a folder that was put back |
//! | any process: it is from the quarantine | taken |
//! | nobody that this process knows of | another process sends the same log: [`Reply::Duplicate`] |
//!
//! The last happens to machines that were copied or set back with their memory, and to two sinks on one subject. The
//! sink waits then. Cursors cannot replace this: they go back with the folder.

use super::{
    super::{
        config::Nats,
        outgoing::{Document, Outgoing},
        reply::{Reason, Reply, SendOutcome, Trouble},
    },
    SetupError, Sink,
    attempts::{Attempts, end_of},
    connection::{NoConnection, check, connect},
};
use async_nats::jetstream::{
    self, ErrorCode,
    context::{PublishError, PublishErrorKind},
    message::PublishMessage,
};
use std::{error::Error as _, time::Duration};
use tracing::warn;

/// The header that says whether a record is a decision's or poort's own.
const KIND: &str = "Poort-Kind";

/// A subject that a JetStream stream keeps.
#[derive(Debug)]
pub(in super::super) struct JetStream {
    to: Nats,
    timeout: Duration,
    context: Option<jetstream::Context>,
    attempts: Attempts,
    /// Records below this were in the log at the start; 0 once it was logged that the stream has some of them.
    found: u64,
}

impl JetStream {
    /// Records below `found` may have been sent by an earlier process.
    pub(super) fn new(to: Nats, timeout: Duration, found: u64) -> Result<Self, SetupError> {
        check(&to.server)?;
        Ok(Self { to, timeout, context: None, attempts: Attempts::after(found), found })
    }

    async fn context(&mut self) -> Result<jetstream::Context, Trouble> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        let connected = connect(&self.to.server, self.timeout).await;
        let context = connected.map_err(|error| match error {
            NoConnection::Setup(_) | NoConnection::Refused(_) => Trouble::new(Reply::Hold, error.to_string()),
            NoConnection::Failed(_) => Trouble::retry(Reason::Transport, error.to_string()),
        })?;
        self.context = Some(context.clone());
        Ok(context)
    }

    /// Publishes all, then waits for each in order: the stream stores in the order of publishing.
    async fn publish(&mut self, batch: &[Outgoing]) -> SendOutcome {
        let context = match self.context().await {
            Ok(context) => context,
            Err(trouble) => return SendOutcome::none(trouble),
        };
        let end = end_of(batch);
        let before = self.attempts.begin(end);
        let mut promises = Vec::new();
        let mut failed = None;
        'all: for (index, parcel) in batch.iter().enumerate() {
            for document in parcel.documents() {
                let subject = self.subject(parcel);
                match context.send_publish(subject.to_owned(), message(parcel, document, subject)).await {
                    Ok(promise) => promises.push((index, parcel, promise)),
                    Err(error) => {
                        failed = Some((index, self.trouble(&error, subject)));
                        break 'all;
                    }
                }
            }
        }
        for (index, parcel, promise) in promises {
            let seq = parcel.seq;
            match promise.await {
                Ok(answer) if answer.duplicate && parcel.is_from_quarantine => {}
                Ok(answer) if answer.duplicate && seq >= before => {
                    self.attempts.alarm(seq);
                    return SendOutcome { taken: index, trouble: Some(foreign(seq, &answer.stream)) };
                }
                Ok(answer) if answer.duplicate => self.tell(seq, &answer.stream),
                Ok(_) => {}
                Err(error) => {
                    let trouble = self.trouble(&error, self.subject(parcel));
                    return SendOutcome { taken: index, trouble: Some(trouble) };
                }
            }
        }
        match failed {
            None => {
                if end > 0 {
                    self.attempts.taken(end);
                }
                SendOutcome::all(batch.len())
            }
            Some((index, trouble)) => SendOutcome { taken: index, trouble: Some(trouble) },
        }
    }

    /// The subject of a record.
    fn subject(&self, parcel: &Outgoing) -> &str {
        match &self.to.subject_own {
            Some(own) if !parcel.label.is_decision() => own,
            _ => &self.to.subject,
        }
    }

    /// Logs once that records of an earlier process are in the stream.
    fn tell(&mut self, seq: u64, stream: &str) {
        if seq < self.found {
            self.found = 0;
            warn!(
                subject = self.to.subject,
                stream,
                seq,
                "An earlier process sent records that are sent again, and the stream keeps them once. After a crash this is \
                 usual. If the data folder was put back from a backup, run `poort log restored`."
            );
        }
    }

    /// What a refusal means.
    fn trouble(&self, error: &PublishError, subject: &str) -> Trouble {
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
    async fn send(&mut self, batch: &[Outgoing]) -> SendOutcome {
        self.publish(batch).await
    }

    fn reset(&mut self) {
        self.context = None;
    }
}

fn message(parcel: &Outgoing, document: &Document, subject: &str) -> PublishMessage {
    // A stream may keep several subjects, and each has consumers of its own.
    let id = format!("{}@{subject}", parcel.key(document));
    PublishMessage::build().payload(document.body.clone().into()).message_id(id).header(KIND, parcel.label.kind())
}

/// The stream has what nobody sent before.
fn foreign(seq: u64, stream: &str) -> Trouble {
    let why = format!(
        "the stream `{stream}` has record {seq} already, and it is sent for the first time: another sink or process sends \
         this log too. Stop the other one. If this machine or its data folder was copied or set back, run `poort log restored`"
    );
    Trouble::new(Reply::Duplicate, why)
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
