//! The records of signals of atypical use: what became of a signal, and under which settings they are looked for.
//!
//! | `event_name` | attribute | what it is |
//! |---|---|---|
//! | `poort.signal` | `poort.signal.cause` | the `seq` of the decision that brought it, or its place in the stream of decisions |
//! | | `poort.signal.number` | which of the signals of that decision it is, from 0 |
//! | | `poort.signal.id`, `.change`, `.family`, `.detector`, `.account` | the same as in its body |
//! | `poort.signal.settings` | `poort.signal.settings` | the digest of the settings that are active from here on |
//! | | `poort.signal.after` | of those of a stream: the decision after which they are active |
//! | both | `poort.signal.place` | of those of a stream: its place in the stream of signals |
//!
//! `body` of a signal holds all of it under `poort.signal`, with its account as a pseudonym (`signals.pseudonyms`).

use super::{DecisionLog, log_event};
use crate::{
    record::spool::{AppendError, Entry},
    types::authzen,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The `event_name` of what became of a signal.
pub const SIGNAL: &str = "poort.signal";

/// The `event_name` of settings that become active.
pub const SIGNAL_SETTINGS: &str = "poort.signal.settings";

/// The decision that brought a signal. Signals are on record in the order of their causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// The place of its record in the log, or in the stream of decisions.
    pub seq: u64,
    /// Which of its signals, from 0.
    pub number: u32,
}

/// A record about signals.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalRecord {
    /// These settings are active from here on.
    Settings {
        /// Their digest.
        revision: String,
        /// The decision after which they are, where decisions are in another stream.
        after: Option<u64>,
    },
    /// What became of a signal.
    Signal {
        /// What brought it.
        cause: Cause,
        /// All of it.
        signal: Value,
    },
}

impl SignalRecord {
    /// Reads a record. `None` when it is of another kind, or has not the form of this one.
    #[must_use]
    pub fn read(record: &[u8]) -> Option<Self> {
        let Stored { event_name, attributes: Attributes { settings, after, seq, number, .. }, body } =
            serde_json::from_slice(record).ok()?;
        match event_name.as_str() {
            SIGNAL_SETTINGS => Some(Self::Settings { revision: settings?, after }),
            SIGNAL => {
                let cause = Cause { seq: seq?, number: number? };
                Some(Self::Signal { cause, signal: body?.signal })
            }
            _ => None,
        }
    }

    /// The place in the stream of signals of a record that was copied from there.
    #[must_use]
    pub fn place(record: &[u8]) -> Option<u64> {
        serde_json::from_slice::<Stored>(record).ok()?.attributes.place
    }

    /// Its `event_name`.
    const fn event_name(&self) -> &'static str {
        match self {
            Self::Settings { .. } => SIGNAL_SETTINGS,
            Self::Signal { .. } => SIGNAL,
        }
    }

    /// Its attributes, each as a JSON text.
    fn attributes(&self) -> BTreeMap<&'static str, String> {
        match self {
            Self::Settings { revision, after } => {
                let after = after.map(|after| ("poort.signal.after", after.to_string()));
                after.into_iter().chain([(SIGNAL_SETTINGS, log_event::text(revision))]).collect()
            }
            Self::Signal { cause: Cause { seq, number }, signal } => {
                let numbers = [("poort.signal.cause", seq.to_string()), ("poort.signal.number", number.to_string())];
                let named = [
                    ("poort.signal.id", "id"),
                    ("poort.signal.change", "change"),
                    ("poort.signal.family", "family"),
                    ("poort.signal.detector", "detector"),
                    ("poort.signal.account", "account"),
                ];
                let text = |member| signal.get(member).and_then(Value::as_str).unwrap_or_default();
                numbers.into_iter().chain(named.map(|(name, member)| (name, log_event::text(text(member))))).collect()
            }
        }
    }

    /// Its body as a JSON text.
    fn body(&self) -> Option<String> {
        match self {
            Self::Settings { .. } => None,
            Self::Signal { signal, .. } => Some(format!("{{\"{SIGNAL}\":{}}}", canonical(signal))),
        }
    }
}

/// What is read of a record.
#[derive(Deserialize)]
struct Stored {
    event_name: String,
    attributes: Attributes,
    body: Option<Body>,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "poort.signal.settings")]
    settings: Option<String>,
    #[serde(rename = "poort.signal.after")]
    after: Option<u64>,
    #[serde(rename = "poort.signal.cause")]
    seq: Option<u64>,
    #[serde(rename = "poort.signal.number")]
    number: Option<u32>,
    #[serde(rename = "poort.signal.place")]
    place: Option<u64>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "poort.signal")]
    signal: Value,
}

impl DecisionLog {
    /// Puts a record about signals on record; `place` is its place in the stream of signals, if it comes from there. Blocks until it
    /// is on disk. It uses no reserve: nothing is lost, since the decisions bring it again.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_signal(&self, record: &SignalRecord, place: Option<u64>) -> Result<(), AppendError> {
        let mut attributes = record.attributes();
        attributes.extend(place.map(|place| ("poort.signal.place", place.to_string())));
        let (name, body) = (record.event_name(), record.body());
        let payload = log_event::record(&self.producer, name, log_event::now(), attributes, body.as_deref());
        self.spool.submit(Entry::new(payload))?.wait().map(|_| ())
    }

    /// A record about signals as it is in the stream of signals: as in a log, without its place there.
    #[must_use]
    pub fn signal_message(&self, record: &SignalRecord) -> Vec<u8> {
        let (name, body) = (record.event_name(), record.body());
        log_event::message(&self.producer, name, log_event::now(), record.attributes(), body.as_deref())
    }
}

/// JSON in canonical form (RFC 8785), as all records have it.
fn canonical(value: &Value) -> String {
    let mut out = Vec::new();
    if let Ok(value) = authzen::read_value(value.to_string().as_bytes()) {
        authzen::write_value(&mut out, &value);
    }
    String::from_utf8(out).unwrap_or_default()
}
