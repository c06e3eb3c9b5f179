//! The records in a line of a file that a pipeline stored: a record itself, or the bodies of an OTLP export.

use super::facts::Name;
use serde::Deserialize;
use std::borrow::Cow;

/// What a line is.
#[derive(Debug)]
pub(in crate::record::decision_log) enum Line<'a> {
    /// A record.
    Record,
    /// The bodies of log records. One that is no text is empty here: no record can be read from it.
    Export(Vec<Cow<'a, str>>),
}

/// Either form, read in one go. OTLP's JSON has names in camel case; some tools keep those of the proto files.
#[derive(Debug, Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    event_name: Option<Name<'a>>,
    #[serde(rename = "resourceLogs", alias = "resource_logs", borrow)]
    resources: Option<Vec<Resource<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Resource<'a> {
    #[serde(rename = "scopeLogs", alias = "scope_logs", default, borrow)]
    scopes: Vec<Scope<'a>>,
}

#[derive(Debug, Deserialize)]
struct Scope<'a> {
    #[serde(rename = "logRecords", alias = "log_records", default, borrow)]
    records: Vec<LogRecord<'a>>,
}

#[derive(Debug, Deserialize)]
struct LogRecord<'a> {
    #[serde(borrow)]
    body: Option<Body<'a>>,
}

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(rename = "stringValue", alias = "string_value", borrow)]
    text: Option<Name<'a>>,
}

impl<'a> Line<'a> {
    /// `None` if it is neither.
    pub(in crate::record::decision_log) fn parse(line: &'a [u8]) -> Option<Self> {
        // What is skipped is read too: JSON is text.
        let Read { event_name, resources } = serde_json::from_str(str::from_utf8(line).ok()?).ok()?;
        if event_name.is_some() {
            return Some(Self::Record);
        }
        let scopes = resources?.into_iter().flat_map(|resource| resource.scopes);
        let records = scopes.flat_map(|scope| scope.records);
        let text = |record: LogRecord<'a>| record.body.and_then(|body| body.text).map(|Name(text)| text);
        let bodies: Vec<_> = records.map(|record| text(record).unwrap_or_default()).collect();
        (!bodies.is_empty()).then_some(Self::Export(bodies))
    }
}
