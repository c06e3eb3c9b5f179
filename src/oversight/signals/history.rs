//! The history of signals: what the records of a log say became of each.

use crate::record::decision_log::SignalRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All signals of a log, as far as its records were given.
#[derive(Debug, Default)]
pub struct History {
    signals: BTreeMap<String, Recorded>,
    /// The order in which they were opened.
    order: Vec<String>,
    settings: Option<Active>,
}

/// The settings that are active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// The digest of their files.
    pub revision: String,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
}

/// What is on record of a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Where it is now.
    pub status: Status,
    /// What it rests on, as it was told last.
    pub signal: Value,
    /// What became of it, in order.
    pub changes: Vec<Told>,
}

/// A change of a signal, as it is on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The time of the decision that brought it, in milliseconds since 1970.
    pub time: i64,
    /// What became of it.
    pub change: String,
    /// Its score then.
    pub score: f64,
    /// What a person found, where that closes it.
    pub verdict: Option<String>,
    /// The decision that allowed it, as trace and span, where a person did it.
    pub by: Option<String>,
}

/// Where a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Something new can come to it.
    Open,
    /// Somebody follows it up.
    Followed,
    /// Somebody closed it.
    Closed,
    /// Nothing new came for a time.
    Faded,
    /// Other settings became active, under which it is not followed.
    Superseded,
}

impl Status {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Open, Self::Followed, Self::Closed, Self::Faded, Self::Superseded];

    /// Whether something can become of it yet.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Followed)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Followed => "followed",
            Self::Closed => "closed",
            Self::Faded => "faded",
            Self::Superseded => "superseded",
        }
    }
}

impl History {
    /// Takes a record, made at this time. Returns the signal that it is of.
    pub fn add(&mut self, time: i64, record: SignalRecord) -> Option<&Recorded> {
        match record {
            SignalRecord::Settings { revision, .. } => {
                if self.settings.as_ref().is_none_or(|active| active.revision != revision) {
                    for of in self.signals.values_mut().filter(|it| it.status.is_open()) {
                        of.status = Status::Superseded;
                    }
                    self.settings = Some(Active { revision, since: time });
                }
                None
            }
            SignalRecord::Signal { signal, .. } => {
                let text = |member: &str| signal.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (id, change) = (text("id"), text("change"));
                let score = signal.get("score").and_then(Value::as_f64).unwrap_or_default();
                let verdict = signal.get("verdict").and_then(Value::as_str).map(str::to_owned);
                let time = signal.get("time").and_then(Value::as_i64).unwrap_or(time);
                let by = matches!(change.as_str(), "followed" | "closed").then(|| decision(&signal)).flatten();
                let told = Told { time, change, score, verdict, by };
                let is_finding = matches!(told.change.as_str(), "opened" | "raised");
                let known = self.signals.entry(id.clone()).or_insert_with(|| {
                    self.order.push(id);
                    Recorded { status: Status::Open, signal: json!({}), changes: Vec::new() }
                });
                known.status = match (told.change.as_str(), known.status) {
                    ("followed", _) | ("raised", Status::Followed) => Status::Followed,
                    ("closed", _) => Status::Closed,
                    ("faded", _) => Status::Faded,
                    _ => Status::Open,
                };
                // What else is on record of it says nothing of what it rests on.
                if is_finding || known.changes.is_empty() {
                    known.signal = signal;
                }
                known.changes.push(told);
                Some(known)
            }
        }
    }

    /// All signals, in the order in which they were opened.
    pub fn signals(&self) -> impl Iterator<Item = &Recorded> {
        self.order.iter().filter_map(|id| self.signals.get(id))
    }

    /// Those whose id begins with this.
    pub fn beginning(&self, id: &str) -> impl Iterator<Item = &Recorded> {
        self.signals().filter(move |it| it.id().starts_with(id))
    }

    /// The settings that are active. `None`: signals were never looked for beside this log.
    #[must_use]
    pub const fn settings(&self) -> Option<&Active> {
        self.settings.as_ref()
    }
}

/// The first decision that a signal rests on, as trace and span.
fn decision(signal: &Value) -> Option<String> {
    let first = signal.get("evidence")?.get(0)?;
    Some(format!("{}:{}", first.get("trace_id")?.as_str()?, first.get("span_id")?.as_str()?))
}

impl Recorded {
    /// The id of the signal.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// A member of it that is a text; empty, if it has none.
    #[must_use]
    pub fn text(&self, member: &str) -> &str {
        self.signal.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// What it is about: `account` or `record`, and the pseudonym of that.
    #[must_use]
    pub fn about(&self) -> (&'static str, &str) {
        match self.text("record") {
            "" => ("account", self.text("account")),
            record => ("record", record),
        }
    }

    /// Its sentence in the language of this tag.
    #[must_use]
    pub fn sentence(&self, language: &str) -> &str {
        let sentence = self.signal.get("sentence").and_then(|sentences| sentences.get(language));
        sentence.and_then(Value::as_str).unwrap_or_default()
    }

    /// When it was opened, in milliseconds since 1970.
    #[must_use]
    pub fn opened(&self) -> i64 {
        self.changes.first().map(|told| told.time).unwrap_or_default()
    }

    /// When something became of it last.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.changes.last().map(|told| told.time).unwrap_or_default()
    }

    /// Its score, as it was told last.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.signal.get("score").and_then(Value::as_f64).unwrap_or_default()
    }
}
