//! An outgoing record: read once from its JSON, however often it is sent.

use super::{
    config::{Format, Records},
    event_names::{DECISIONS, GAP, SIGNAL},
    ocsf,
};
use crate::record::{evidence::leaf, spool::reader::Frame};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A record with what is sent of it.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) seq: u64,
    /// The record as it is on disk, for the quarantine.
    pub(super) record: String,
    /// What is sent: the record itself; or as many events as it holds decisions; or nothing, if the format has no place
    /// for it. With an error, nothing ever can be.
    pub(super) documents: Result<Vec<Document>, String>,
    /// What the record says about itself.
    pub(super) label: Label,
    /// Whether it comes from the quarantine: then it was sent before, and may be of an earlier log, with numbers of its own.
    pub(super) is_from_quarantine: bool,
}

/// One thing that is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    /// Its bytes, on one line.
    pub(super) body: String,
    /// Which of the events of the record it is, if it is not the record itself.
    pub(super) part: Option<usize>,
}

/// What a record says about itself, without its body.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Label {
    pub(super) event_name: String,
    pub(super) trace_id: Option<String>,
    pub(super) span_id: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub(super) timestamp: u64,
    pub(super) status: Option<String>,
    pub(super) attributes: Own,
    pub(super) resource: Map<String, Value>,
}

/// The attributes that are looked at.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Own {
    /// The log: the same number in two logs means two records.
    #[serde(rename = "poort.log.origin")]
    pub(super) origin: Option<String>,
}

impl Label {
    /// Whether it is the record of a decision. Others are poort's own, and no records of the Authorization Decision Log.
    pub(super) fn is_decision(&self) -> bool {
        self.event_name.starts_with(DECISIONS)
    }

    /// Whether a sink for these gets it.
    fn is_for(&self, records: Records) -> bool {
        match records {
            Records::All => true,
            Records::Decisions => self.is_decision(),
            Records::Own => !self.is_decision(),
            Records::Signals => self.event_name == SIGNAL,
        }
    }

    /// The kind, for receivers.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_decision() { "decision" } else { "own" }
    }

    /// Whether something went wrong: no decision was made, or records are missing.
    pub(super) fn is_error(&self) -> bool {
        self.status.as_deref() == Some("Error") || self.event_name == GAP
    }
}

impl Outgoing {
    /// Makes a record ready. Of one that the sink does not get, nothing is sent.
    pub(super) fn pack(frame: Frame, format: Format, records: Records) -> Self {
        let Frame { seq, payload, .. } = frame;
        let record = match String::from_utf8(payload) {
            Ok(record) => record,
            Err(error) => {
                let record = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let documents = Err("the record is not text".to_owned());
                return Self { seq, record, documents, label: Label::default(), is_from_quarantine: false };
            }
        };
        let (label, documents) = match serde_json::from_str::<Label>(&record) {
            Ok(label) if !label.is_for(records) => (label, Ok(Vec::new())),
            Ok(label) => (label, documents(&record, seq, format)),
            Err(error) => (Label::default(), Err(format!("the record cannot be read: {error}"))),
        };
        Self { seq, record, documents, label, is_from_quarantine: false }
    }

    /// What is sent.
    pub(super) fn documents(&self) -> &[Document] {
        self.documents.as_deref().unwrap_or_default()
    }

    /// Roughly how many bytes a send of it takes.
    pub(super) fn weight(&self) -> usize {
        /// Ids, times and attributes around a body.
        const AROUND: usize = 300;
        self.documents().iter().map(|document| document.body.len().saturating_add(AROUND)).sum()
    }

    /// A name of a document that no other has, and that it has again when it is sent again. It holds the beginning of
    /// the hash that the record has in the log's tree: a folder that was put back from a backup gives the same numbers
    /// to other records.
    pub(super) fn key(&self, document: &Document) -> String {
        let origin = self.label.attributes.origin.as_deref().unwrap_or_default();
        let [a, b, c, d, e, f, g, h, ..] = leaf(self.record.as_bytes());
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        match document.part {
            None => format!("{origin}:{}:{hash:016x}", self.seq),
            Some(part) => format!("{origin}:{}:{hash:016x}:{part}", self.seq),
        }
    }
}

fn documents(record: &str, seq: u64, format: Format) -> Result<Vec<Document>, String> {
    let events = match format {
        Format::Adl => return Ok(vec![Document { body: record.to_owned(), part: None }]),
        Format::Ocsf => ocsf::events(record, seq).map_err(|error| format!("cannot be made into OCSF: {error}"))?,
    };
    let numbered = events.into_iter().enumerate();
    Ok(numbered.map(|(part, event)| Document { body: event.to_string(), part: Some(part) }).collect())
}
