//! The records of signals of atypical use: what became of a signal, and under which settings they are looked for.
//!
//! | `event_name` | attribute | what it is |
//! |---|---|---|
//! | `poort.signal` | `poort.signal.cause` | the `seq` of the decision that brought it |
//! | | `poort.signal.number` | which of the signals of that decision it is, from 0 |
//! | | `poort.signal.id`, `.change`, `.family`, `.detector`, `.account` | the same as in its body |
//! | `poort.signal.settings` | `poort.signal.settings` | the digest of the settings that are active from here on |
//!
//! `body` of a signal holds all of it under `poort.signal`, with its account as a pseudonym (`signals.pseudonyms`).

use super::{DecisionLog, log_event};
use crate::{
    record::spool::{AppendError, Entry, Payload},
    types::{authzen, revision::Revision},
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
    /// The place of its record in the log.
    pub seq: u64,
    /// Which of its signals, from 0.
    pub number: u32,
}

/// A record about signals, read back.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalRecord {
    /// These settings are active from here on.
    Settings {
        /// Their digest.
        revision: String,
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
        #[derive(Deserialize)]
        struct Record {
            event_name: String,
            attributes: Attributes,
            body: Option<Body>,
        }
        #[derive(Deserialize)]
        struct Attributes {
            #[serde(rename = "poort.signal.settings")]
            settings: Option<String>,
            #[serde(rename = "poort.signal.cause")]
            seq: Option<u64>,
            #[serde(rename = "poort.signal.number")]
            number: Option<u32>,
        }
        #[derive(Deserialize)]
        struct Body {
            #[serde(rename = "poort.signal")]
            signal: Value,
        }
        let Record { event_name, attributes: Attributes { settings, seq, number }, body } =
            serde_json::from_slice(record).ok()?;
        match event_name.as_str() {
            SIGNAL_SETTINGS => Some(Self::Settings { revision: settings? }),
            SIGNAL => {
                let cause = Cause { seq: seq?, number: number? };
                Some(Self::Signal { cause, signal: body?.signal })
            }
            _ => None,
        }
    }
}

impl DecisionLog {
    /// Puts on record what became of a signal. Blocks until it is on disk. It uses no reserve: nothing is lost, since the decisions
    /// bring it again.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_signal(&self, cause: Cause, signal: &Value) -> Result<(), AppendError> {
        let Cause { seq, number } = cause;
        let mut attributes =
            BTreeMap::from([("poort.signal.cause", seq.to_string()), ("poort.signal.number", number.to_string())]);
        for (attribute, member) in [
            ("poort.signal.id", "id"),
            ("poort.signal.change", "change"),
            ("poort.signal.family", "family"),
            ("poort.signal.detector", "detector"),
            ("poort.signal.account", "account"),
        ] {
            let value = signal.get(member).and_then(Value::as_str).unwrap_or_default();
            attributes.insert(attribute, log_event::text(value));
        }
        let body = format!("{{\"{SIGNAL}\":{}}}", canonical(signal));
        self.write_signal(log_event::record(&self.producer, SIGNAL, log_event::now(), attributes, Some(&body)))
    }

    /// Puts on record that signals are looked for under these settings from here on. Blocks until it is on disk.
    ///
    /// # Errors
    /// It is not on disk.
    pub fn record_signal_settings(&self, settings: &Revision) -> Result<(), AppendError> {
        let attributes = BTreeMap::from([(SIGNAL_SETTINGS, log_event::text(settings.as_str()))]);
        self.write_signal(log_event::record(&self.producer, SIGNAL_SETTINGS, log_event::now(), attributes, None))
    }

    fn write_signal(&self, payload: Payload) -> Result<(), AppendError> {
        self.spool.submit(Entry::new(payload))?.wait().map(|_| ())
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
