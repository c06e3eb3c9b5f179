//! The streams of all sidecars in NATS JetStream: one of their decisions, and one of the signals in these.
//!
//! Several instances may read the same streams, and each finds all signals. They agree on who puts one on record by the stream of
//! signals alone: a message is taken only if its sender has read the last one (`Nats-Expected-Last-Sequence`). So there is no leader,
//! and none has to be found anew when an instance ends.
//!
//! The order of the stream of decisions is the order of all. A message about a signal is read after the decision that brought it,
//! wherever this instance is. Each instance has all messages in its own log too, once and in order.
//!
//! No durable consumer is needed: how far an instance is stands in its own state, which goes with what it knows.

use super::{
    LOOK,
    log::{Log, Position, Unavailable},
};
use crate::{
    record::{
        decision_log::{Cause, DecisionLog, SignalRecord},
        shipping::{config::NatsServer, connect, innermost},
        spool::reader::Reader,
    },
    types::revision::Revision,
};
use async_nats::jetstream::{
    self, Message,
    consumer::{
        DeliverPolicy,
        pull::{Ordered, OrderedConfig},
    },
    context::{PublishError, PublishErrorKind},
    message::PublishMessage,
    stream::{LastRawMessageErrorKind, State},
};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use std::{error::Error, time::Duration};
use tokio::{runtime::Handle, time::timeout};

/// How long the server may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the streams are.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The server.
    pub server: NatsServer,
    /// The subject to which all sidecars ship their decisions.
    pub decisions: String,
    /// The subject below which signals are: `.settings`, and one for each family. Its stream has nothing else.
    pub signals: String,
}

/// The streams, read in one order.
pub(super) struct Stream {
    config: Config,
    own: DecisionLog,
    runtime: Handle,
    open: Option<Open>,
    position: Position,
    end: u64,
    /// The last message of the stream of signals that it has or sent.
    seen: u64,
    /// The next message of the stream of signals that is not in the own log.
    copied: Option<u64>,
}

/// What is there while there is a connection.
struct Open {
    context: jetstream::Context,
    decisions: Ordered,
    signals: Ordered,
    /// A message about a signal whose decision was not read yet.
    told: Option<Told>,
}

/// The next message.
enum Received {
    Decision {
        place: u64,
        /// How many are after it.
        pending: u64,
        payload: Vec<u8>,
    },
    Told(Told),
}

/// A message of the stream of signals.
struct Told {
    place: u64,
    /// The decision after which it is.
    after: u64,
    record: SignalRecord,
    payload: Vec<u8>,
    /// Whether the stream of decisions goes so far.
    is_checked: bool,
}

impl Stream {
    pub(super) fn new(config: Config, own: DecisionLog, runtime: Handle) -> Self {
        let (open, position, end, seen, copied) = Default::default();
        Self { config, own, runtime, open, position, end, seen, copied }
    }

    /// Receives in order, with a connection that is made where there is none.
    async fn receive(&mut self) -> Result<Option<Received>, Unavailable> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        // A time-out of nothing would wait for the clock's next tick.
        if open.told.is_none()
            && let Some(message) = open.signals.next().now_or_never()
        {
            open.told = Some(self.told(received(message)?)?);
        }
        let received = match open.told.take_if(|told| told.after < self.position.next) {
            Some(told) => Some(Received::Told(told)),
            None => match timeout(LOOK, open.decisions.next()).await {
                Ok(message) => {
                    let message = received(message)?;
                    let (place, pending) = message.info().map(|info| (info.stream_sequence, info.pending))?;
                    Some(Received::Decision { place, pending, payload: message.message.payload.into() })
                }
                Err(_) => {
                    self.check(&mut open).await?;
                    None
                }
            },
        };
        self.open = Some(open);
        Ok(received)
    }

    /// Looks whether the decision of the next signal is in the stream of decisions, of which it has all that is there.
    async fn check(&self, open: &mut Open) -> Result<(), Unavailable> {
        let Some(told) = open.told.as_mut().filter(|told| !told.is_checked) else { return Ok(()) };
        let (_, state) = stream(&open.context, &self.config.decisions).await?;
        told.is_checked = true;
        if state.last_sequence < told.after {
            return Err(made_anew(&self.config.decisions, "the decision of a signal", told.after));
        }
        Ok(())
    }

    fn told(&self, message: Message) -> Result<Told, Unavailable> {
        let place = message.info()?.stream_sequence;
        let payload: Vec<u8> = message.message.payload.into();
        let record = SignalRecord::read(&payload).ok_or_else(|| {
            format!(
                "message {place} of the stream of `{}.>` is no record of a signal; that stream can have nothing else",
                self.config.signals
            )
        })?;
        let after = match &record {
            SignalRecord::Settings { after, .. } => after.unwrap_or_default(),
            SignalRecord::Signal { cause, .. } => cause.seq,
        };
        Ok(Told { place, after, record, payload, is_checked: false })
    }

    /// Keeps it in the own log, if it is not there.
    fn copy(&mut self, told: &Told) -> Result<(), Unavailable> {
        let copied = self.copied()?;
        if told.place >= copied {
            self.own.record_signal(&told.record, Some(told.place))?;
        }
        self.copied = Some(copied.max(told.place.saturating_add(1)));
        Ok(())
    }

    /// The next message that is not in the own log, as that log says.
    fn copied(&mut self) -> Result<u64, Unavailable> {
        if let Some(copied) = self.copied {
            return Ok(copied);
        }
        let mut next = 0;
        for frame in Reader::open(self.own.spool().dir())?.once() {
            next = SignalRecord::place(&frame?.payload).map_or(next, |place| place.saturating_add(1));
        }
        self.copied = Some(next);
        Ok(next)
    }

    async fn connect(&mut self) -> Result<Open, Unavailable> {
        let Config { server, decisions, signals } = &self.config;
        let context = connect(server, TIMEOUT).await?;
        let (of_decisions, state) = stream(&context, decisions).await?;
        if state.last_sequence.saturating_add(1) < self.position.next {
            return Err(made_anew(decisions, "what was read of it, up to message", self.position.next - 1));
        }
        // What a stream does not keep any more cannot be read.
        self.position.next = self.position.next.max(state.first_sequence).max(1);
        let all = format!("{signals}.>");
        let (of_signals, state) = stream(&context, &all).await?;
        self.position.signals = self.position.signals.max(state.first_sequence).max(1);
        self.seen = self.position.signals - 1;
        let known = self.position.signals.max(self.copied.unwrap_or_default()) - 1;
        if state.last_sequence < known {
            return Err(made_anew(&all, "what the own log has of it, up to message", known));
        }
        let decisions = ordered(&of_decisions, decisions, self.position.next).await?;
        let signals = ordered(&of_signals, &all, self.position.signals).await?;
        Ok(Open { context, decisions, signals, told: None })
    }

    async fn record_signal(&mut self, record: &SignalRecord, family: &str) -> Result<bool, Unavailable> {
        let Some(open) = &self.open else { return Ok(false) };
        let message = PublishMessage::build().expected_last_sequence(self.seen);
        match self.publish(open, family, record, message).await {
            Ok(place) => self.seen = place,
            // Another instance put something on record.
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => return Ok(false),
            Err(error) => return Err(self.lost(&error)),
        }
        Ok(true)
    }

    async fn record_settings(&mut self, revision: String) -> Result<bool, Unavailable> {
        let Some(open) = &self.open else { return Ok(false) };
        let (stream, state) = stream(&open.context, &self.config.decisions).await?;
        let after = match stream.get_last_raw_message_by_subject(&self.config.decisions).await {
            Ok(last) => last.sequence,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                state.first_sequence.saturating_sub(1)
            }
            Err(error) => return Err(self.lost(&error)),
        };
        let record = SignalRecord::Settings { revision, after: Some(after) };
        match self.publish(open, "settings", &record, PublishMessage::build()).await {
            Ok(_) => Ok(true),
            Err(error) => Err(self.lost(&error)),
        }
    }

    /// Sends it. Returns its place.
    async fn publish(
        &self,
        open: &Open,
        kind: &str,
        record: &SignalRecord,
        message: PublishMessage,
    ) -> Result<u64, PublishError> {
        let message = message.payload(self.own.signal_message(record).into());
        let sent = open.context.send_publish(format!("{}.{kind}", self.config.signals), message).await?;
        Ok(sent.await?.sequence)
    }

    /// The connection is made anew after this.
    fn lost(&mut self, error: &(dyn Error + 'static)) -> Unavailable {
        self.open = None;
        innermost(error).into()
    }
}

/// A stream does not have what it had.
fn made_anew(subject: &str, what: &str, place: u64) -> Unavailable {
    format!(
        "the stream of `{subject}` ends before {what} {place}, so it was made anew. Begin with a new stream of signals, and with a \
         new data folder for each instance"
    )
    .into()
}

fn received<E: Into<Unavailable>>(message: Option<Result<Message, E>>) -> Result<Message, Unavailable> {
    message.ok_or("the server sends no more messages")?.map_err(Into::into)
}

/// The stream that keeps a subject.
async fn stream(
    context: &jetstream::Context,
    subject: &str,
) -> Result<(jetstream::stream::Stream, State), Unavailable> {
    let name = context.stream_by_subject(subject).await.map_err(|error| {
        format!("no stream of the server keeps the subject `{subject}`; make one, such as: nats stream add --subjects '{subject}': {error}")
    })?;
    let stream = context.get_stream(name).await?;
    let state = stream.cached_info().state.clone();
    Ok((stream, state))
}

/// The messages of a subject, in order and without a gap, from this one on.
async fn ordered(stream: &jetstream::stream::Stream, subject: &str, from: u64) -> Result<Ordered, Unavailable> {
    let config = OrderedConfig {
        description: Some("poort signals".to_owned()),
        filter_subject: subject.to_owned(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
        ..OrderedConfig::default()
    };
    Ok(stream.create_consumer(config).await?.messages().await?)
}

impl Log for Stream {
    fn seek(&mut self, position: Position) -> bool {
        (self.position, self.open) = (position, None);
        true
    }

    fn position(&self) -> Position {
        self.position
    }

    fn end(&self) -> u64 {
        self.end
    }

    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Unavailable> {
        self.copied()?;
        match self.runtime.clone().block_on(self.receive())? {
            None => Ok(None),
            Some(Received::Decision { place, pending, payload }) => {
                self.position.next = place.saturating_add(1);
                self.end = self.position.next.saturating_add(pending);
                Ok(Some((place, payload)))
            }
            Some(Received::Told(told)) => {
                if let Err(error) = self.copy(&told) {
                    // It is read again with a new connection.
                    self.open = None;
                    return Err(error);
                }
                self.position.signals = told.place.saturating_add(1);
                self.seen = self.seen.max(told.place);
                Ok(Some((told.place, told.payload)))
            }
        }
    }

    fn record(&mut self, cause: Cause, signal: Value) -> Result<bool, Unavailable> {
        let family = signal.get("family").and_then(Value::as_str).unwrap_or("other").to_owned();
        self.runtime.clone().block_on(self.record_signal(&SignalRecord::Signal { cause, signal }, &family))
    }

    fn activate(&mut self, settings: &Revision) -> Result<bool, Unavailable> {
        self.runtime.clone().block_on(self.record_settings(settings.as_str().to_owned()))
    }
}
