//! Records as OCSF 1.8.0 events, for security operations.
//!
//! The record is the truth and an event is a view of it. What OCSF has no place for is left out, so these events cannot
//! be verified or replayed.
//!
//! | record | OCSF |
//! |---|---|
//! | one decision; each decision of a batch | API Activity (6003) with the profiles `security_control` and `trace` |
//! | a signal of atypical use | Detection Finding (2004), see `finding` |
//! | a gap in the log | Base Event (0), severity High |
//! | a checkpoint | nothing: it speaks for the bytes of records, which are not sent in this format |
//!
//! A deny is a successful evaluation (`status_id` 1) of what was denied (`action_id` 2). An evaluation that failed has
//! `status_id` 2, `disposition_id` 27 and `is_alert`.

#![expect(clippy::indexing_slicing, reason = "a JSON value gives null for a name that it does not have")]

use super::{
    event_names::{CHECKPOINT, COSIGNED, GAP, SIGNAL},
    finding::finding,
};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

const VERSION: &str = "1.8.0";

/// The events of a record.
pub(super) fn events(record: &str, seq: u64) -> Result<Vec<Value>, serde_json::Error> {
    let record: Value = serde_json::from_str(record)?;
    let name = text(&record["event_name"]).unwrap_or_default();
    let events = match name {
        CHECKPOINT | COSIGNED => Vec::new(),
        "adl.access_evaluation" => {
            let body = &record["body"];
            vec![decision(&record, seq, None, &body["adl.core.request"], &body["adl.core.response"])]
        }
        "adl.access_evaluations" => batch(&record, seq),
        SIGNAL => vec![of_signal(&record, seq)],
        _ => vec![base_event(&record, seq, name)],
    };
    Ok(events.into_iter().map(without_nulls).collect())
}

/// One event a decision: items that were not decided, because an earlier one settled the batch, have none. A batch that
/// failed as a whole has one an item.
fn batch(record: &Value, seq: u64) -> Vec<Value> {
    let request = &record["body"]["adl.core.request"];
    let answers = record["body"]["adl.core.response"]["evaluations"].as_array();
    let items = request["evaluations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let decided = answers.map_or(items.len(), Vec::len);
    let whole = |item: &Value| {
        let part = |name: &str| (name.to_owned(), item.get(name).unwrap_or(&request[name]).clone());
        Value::Object(["subject", "action", "resource", "context"].into_iter().map(part).collect())
    };
    let events = items.iter().take(decided).enumerate().map(|(index, item)| {
        let answer = answers.and_then(|answers| answers.get(index)).unwrap_or(&Value::Null);
        decision(record, seq, Some(index), &whole(item), answer)
    });
    events.collect()
}

fn decision(record: &Value, seq: u64, index: Option<usize>, request: &Value, response: &Value) -> Value {
    let (subject, action, resource) = (&request["subject"], &request["action"], &request["resource"]);
    let (attributes, context) = (&record["attributes"], &request["context"]);
    let failed = record["status"] == "Error";
    let activity = activity(text(&action["name"]).unwrap_or_default());
    let outcome = Disposition::of(response["decision"].as_bool(), failed);
    let revision = &attributes["adl.core.policies"]["policies"]["revision"];
    json!({
        "activity_id": activity, "activity_name": action["name"],
        "category_uid": 6, "category_name": "Application Activity",
        "class_uid": 6003, "class_name": "API Activity",
        "type_uid": 600_300 + activity,
        "time": record["timestamp"],
        "severity_id": if failed { 3 } else { 1 }, "severity": if failed { "Medium" } else { "Informational" },
        "status_id": if failed { 2 } else { 1 }, "status": if failed { "Failure" } else { "Success" },
        "status_detail": attributes["poort.outcome"],
        "message": response["context"]["reason"],
        "action_id": outcome.action_id, "action": outcome.action,
        "disposition_id": outcome.disposition_id, "disposition": outcome.disposition,
        "is_alert": failed,
        "actor": {"user": user(subject, &response["context"]["subject"])},
        "api": {
            "operation": action["name"],
            "service": {"name": attributes["poort.pdp"]["application"]},
            "request": {"uid": record["span_id"]},
        },
        "resources": [{
            "uid": resource["id"], "type": resource["type"], "role_id": 1, "role": "Target",
        }],
        "src_endpoint": source(record, subject, context),
        "authorizations": authorizations(response, revision),
        "policy": {"uid": "policies", "version": revision},
        "trace": {
            "uid": record["trace_id"],
            "flags": attributes.get("poort.trace.flags").map(|flags| [flags]),
            "span": {
                "uid": record["span_id"], "parent_uid": record["parent_span_id"],
                "start_time": record["timestamp"], "end_time": record["timestamp"],
                "status_code": record["status"],
            },
        },
        "metadata": metadata(record, seq, index, &["security_control", "trace"]),
        "unmapped": {
            "purpose": context["purpose"], "justification": context["justification"],
            "recipient": context["recipient"], "legal_basis": context["legal_basis"],
            "policy_errors": errors(response),
        },
    })
}

/// The answer that the application got.
struct Disposition {
    action_id: u8,
    action: &'static str,
    disposition_id: u8,
    disposition: &'static str,
}

impl Disposition {
    fn of(decision: Option<bool>, failed: bool) -> Self {
        let (action_id, action) = match decision {
            Some(true) => (1, "Allowed"),
            Some(false) => (2, "Denied"),
            None => (0, "Unknown"),
        };
        let (disposition_id, disposition) = match decision {
            _ if failed => (27, "Error"),
            Some(true) => (1, "Allowed"),
            Some(false) => (26, "Unauthorized"),
            None => (0, "Unknown"),
        };
        Self { action_id, action, disposition_id, disposition }
    }
}

/// The activity of the class that is nearest to an action; the event has the action's own name too.
fn activity(action: &str) -> u32 {
    let name = action.rsplit([':', '/', '#']).next().unwrap_or_default().trim_matches('"');
    match name.to_ascii_lowercase().as_str() {
        "collect" | "request" => 1,
        "consult" | "combine" | "compare" | "disclose" | "match" | "read" | "search" | "watch" => 2,
        "alter" | "approve" | "change" | "publish" => 3,
        "destroy" | "erase" => 4,
        _ => 99,
    }
}

/// `named` is what the answer names of the subject, such as its profile: groups, since OCSF's user has no such name.
fn user(subject: &Value, named: &Value) -> Value {
    let kind = text(&subject["type"]).unwrap_or_default().to_ascii_lowercase();
    let is_service = ["service", "service-account", "system"].iter().any(|service| kind.ends_with(service));
    let group = |(kind, name): (&String, &Value)| json!({"type": kind, "name": name});
    json!({
        "uid": subject["id"], "type": subject["type"], "type_id": if is_service { 4 } else { 1 },
        "groups": named.as_object().map(|named| named.iter().map(group).collect::<Value>()),
        "org": {"name": subject["properties"]["organisation"].as_str()},
    })
}

/// Where the question came from (BIO2 8.15.01), as far as the caller says.
fn source(record: &Value, subject: &Value, context: &Value) -> Value {
    let properties = &subject["properties"];
    let location = text(&context["location"]).or_else(|| text(&properties["ip_address"]));
    let device = text(&context["device"]).or_else(|| text(&properties["device_id"]));
    json!({
        "ip": location.filter(|location| location.parse::<IpAddr>().is_ok()),
        "uid": device,
        // The application runs beside this sidecar.
        "svc_name": record["attributes"]["poort.pdp"]["application"],
        "instance_uid": text(&record["resource"]["service.instance.id"]).unwrap_or("unknown"),
    })
}

fn authorizations(response: &Value, revision: &Value) -> Value {
    let decision = if response["decision"] == true { "allow" } else { "deny" };
    let policies = response["context"]["policies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let authorization = |policy: &Value| {
        json!({
            "decision": decision,
            "policy": {"uid": policy["id"], "name": policy["title"], "version": revision, "is_applied": true},
        })
    };
    policies.iter().map(authorization).collect()
}

fn errors(response: &Value) -> Option<&Value> {
    Some(&response["context"]["errors"]).filter(|errors| errors.as_array().is_some_and(|errors| !errors.is_empty()))
}

/// The finding of a signal, with its place in the log.
fn of_signal(record: &Value, seq: u64) -> Value {
    let signal = &record["body"][SIGNAL];
    let mut event = finding(signal);
    let mut metadata = metadata(record, seq, None, &[]);
    metadata["profiles"] = event["metadata"]["profiles"].clone();
    metadata["correlation_uid"] = signal["id"].clone();
    event["metadata"] = metadata;
    event
}

/// The event of a record that is no decision: a gap above all, and kinds that later versions add.
fn base_event(record: &Value, seq: u64, name: &str) -> Value {
    let is_gap = name == GAP;
    json!({
        "activity_id": 99, "activity_name": name,
        "category_uid": 0, "category_name": "Uncategorized",
        "class_uid": 0, "class_name": "Base Event",
        "type_uid": 99,
        "time": record["timestamp"],
        "severity_id": if is_gap { 4 } else { 1 }, "severity": if is_gap { "High" } else { "Informational" },
        "status_id": if is_gap { 2 } else { 1 }, "status": if is_gap { "Failure" } else { "Success" },
        "message": if is_gap { "Events were not recorded." } else { name },
        "metadata": metadata(record, seq, None, &[]),
        "unmapped": {"attributes": record["attributes"], "body": record["body"]},
    })
}

fn metadata(record: &Value, seq: u64, index: Option<usize>, profiles: &[&str]) -> Value {
    let (attributes, resource) = (&record["attributes"], &record["resource"]);
    let origin = text(&attributes["poort.log.origin"]);
    let name = match (text(&record["trace_id"]), text(&record["span_id"])) {
        (Some(trace), Some(span)) => format!("{trace}:{span}"),
        _ => format!("{}:{seq}", origin.unwrap_or_default()),
    };
    json!({
        "version": VERSION,
        "product": {"name": "poort", "vendor_name": "poort", "version": resource["service.version"]},
        "profiles": if profiles.is_empty() { Value::Null } else { json!(profiles) },
        "uid": index.map_or_else(|| name.clone(), |index| format!("{name}:{index}")),
        "correlation_uid": record["trace_id"],
        "sequence": seq,
        "event_code": record["event_name"],
        "log_name": "decisions",
        "log_provider": origin,
        "tenant_uid": resource["organisation.oin"],
    })
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// What is not there is left out, also what holds nothing else.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_nulls(value)));
            let is_there = |(_, value): &(String, Value)| match value {
                Value::Null => false,
                Value::Object(fields) => !fields.is_empty(),
                _ => true,
            };
            Value::Object(fields.filter(is_there).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
