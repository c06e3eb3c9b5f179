//! OTLP log records, made from records.
//!
//! | record | OTLP |
//! |---|---|
//! | the whole record, byte by byte | `body`, a string |
//! | `timestamp` | `time_unix_nano` |
//! | `trace_id`, `span_id`, `event_name` | the same |
//! | `status` `Error`, or a gap | severity ERROR; all others INFO |
//! | `<trace_id>:<span_id>`; without a trace: log, number and hash | attribute `log.record.uid` |
//! | whether it is a decision's or poort's own | attribute `poort.record.kind`: `decision` or `own` |
//! | `poort.log.origin`, the number in the log | attributes `poort.log.origin`, `poort.log.seq` |
//! | `resource` | the resource's attributes |
//!
//! OTLP only carries the record: collectors may rewrite attributes, and a checkpoint speaks for exact bytes. So the body
//! is the record, and everything else is an index to it.

use super::super::{
    config::Format,
    outgoing::{Document, Outgoing},
};
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
    resource::v1::Resource,
};
use serde_json::{Map, Value};
use std::time::SystemTime;

/// A batch as one request, in order.
pub(super) fn request(batch: &[Outgoing], format: Format) -> ExportLogsServiceRequest {
    let observed = nanos_now();
    let mut resource_logs: Vec<ResourceLogs> = Vec::new();
    let mut resource = None;
    for parcel in batch.iter().filter(|parcel| !parcel.documents().is_empty()) {
        if resource != Some(&parcel.label.resource) {
            resource = Some(&parcel.label.resource);
            resource_logs.push(of_resource(&parcel.label.resource));
        }
        let scope = resource_logs.last_mut().and_then(|logs| logs.scope_logs.last_mut());
        if let Some(scope) = scope {
            let records = parcel.documents().iter().map(|document| log_record(parcel, document, format, observed));
            scope.log_records.extend(records);
        }
    }
    ExportLogsServiceRequest { resource_logs }
}

fn of_resource(resource: &Map<String, Value>) -> ResourceLogs {
    let attributes = resource.iter().map(|(name, value)| attribute(name, any(value))).collect();
    let scope = InstrumentationScope {
        name: "poort".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    ResourceLogs {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_logs: vec![ScopeLogs { scope: Some(scope), log_records: Vec::new(), schema_url: String::new() }],
        schema_url: String::new(),
    }
}

fn log_record(parcel: &Outgoing, document: &Document, format: Format, observed: u64) -> LogRecord {
    let label = &parcel.label;
    let (severity, severity_text) =
        if label.is_error() { (SeverityNumber::Error, "ERROR") } else { (SeverityNumber::Info, "INFO") };
    LogRecord {
        time_unix_nano: label.timestamp.saturating_mul(1_000_000),
        observed_time_unix_nano: observed,
        severity_number: severity.into(),
        severity_text: severity_text.to_owned(),
        body: Some(text(document.body.clone())),
        attributes: attributes(parcel, document, format),
        trace_id: bytes(label.trace_id.as_deref(), 16),
        span_id: bytes(label.span_id.as_deref(), 8),
        event_name: label.event_name.clone(),
        ..LogRecord::default()
    }
}

fn attributes(parcel: &Outgoing, document: &Document, format: Format) -> Vec<KeyValue> {
    let Outgoing { seq, label, .. } = parcel;
    let uid = match (&label.trace_id, &label.span_id, format) {
        (Some(trace), Some(span), Format::Adl) => format!("{trace}:{span}"),
        // Events of one record need a name each; checkpoints and gaps have no trace.
        _ => parcel.key(document),
    };
    let mut attributes = vec![attribute("log.record.uid", text(uid))];
    if let Some(origin) = &label.attributes.origin {
        attributes.push(attribute("poort.log.origin", text(origin.clone())));
    }
    let seq = any_value::Value::IntValue(i64::try_from(*seq).unwrap_or(i64::MAX));
    attributes.push(attribute("poort.log.seq", AnyValue { value: Some(seq) }));
    attributes.push(attribute("poort.record.kind", text(label.kind().to_owned())));
    attributes
}

fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn text(text: String) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(text)) }
}

/// A resource holds texts; another value is sent as its JSON.
fn any(value: &Value) -> AnyValue {
    text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Bytes from hexadecimal digits; none if they are not an id of this length.
fn bytes(hex: Option<&str>, length: usize) -> Vec<u8> {
    let digits = hex.unwrap_or_default().as_bytes();
    let read = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    read.collect::<Option<Vec<_>>>().filter(|bytes| bytes.len() == length).unwrap_or_default()
}

fn nanos_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
