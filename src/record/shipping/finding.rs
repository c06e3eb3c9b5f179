//! A signal of atypical use as an OCSF 1.8.0 Detection Finding (class 2004), for a SIEM.
//!
//! A finding has ids and numbers, and nothing of what a question was about. Its severity says how unlike the usual the use was; it
//! says nothing of a person.

#![expect(clippy::indexing_slicing, reason = "a JSON value gives null for a name that it does not have")]

use crate::types::build;
use serde_json::{Value, json};

/// The class: Detection Finding.
const CLASS: u32 = 2_004;

/// A signal, in the form of `poort signals replay --format json`, as one event.
#[must_use]
pub fn finding(signal: &Value) -> Value {
    let change = signal["change"].as_str().unwrap_or_default();
    let activity = match change {
        "opened" => 1,
        "raised" | "followed" => 2,
        _ => 3,
    };
    // 1 new, 2 in progress, 4 resolved.
    let status = match change {
        "opened" | "raised" => 1,
        "followed" => 2,
        _ => 4,
    };
    // 2 true positive, 5 benign, 7 insufficient data.
    let verdict = match signal["verdict"].as_str() {
        None => Value::Null,
        Some("misuse") => json!(2),
        Some("unclear") => json!(7),
        Some(_) => json!(5),
    };
    let score = signal["score"].as_f64().unwrap_or_default();
    // 2 low, 3 medium, 4 high; risk levels are one less.
    let severity = if score < 3.0 {
        2
    } else if score < 6.0 {
        3
    } else {
        4
    };
    let (id, detector, family, sentence) =
        (&signal["id"], &signal["detector"], &signal["family"], &signal["sentence"]["en"]);
    // What people do with it says nothing of what was found.
    let is_found = matches!(change, "opened" | "raised");
    let pattern = pattern(family.as_str().unwrap_or_default(), detector.as_str().unwrap_or_default());
    // 1 rule, 3 statistical.
    let analytic = if pattern.is_none() { 1 } else { 3 };
    let evidence = signal["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut finding = json!({
        "activity_id": activity,
        "category_uid": CLASS / 1_000,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "time": signal["time"],
        "severity_id": severity,
        "risk_level_id": severity - 1,
        "risk_score": (score * 10.0).clamp(0.0, 100.0).round() as u32,
        "confidence_id": 1,
        "status_id": status,
        "is_alert": activity == 1,
        "message": sentence,
        "metadata": {
            "version": "1.8.0",
            "product": {"name": "poort", "vendor_name": "poort", "version": build::VERSION},
            "correlation_uid": id,
        },
        "finding_info": {
            "uid": id,
            "title": format!("Atypical use: {}", detector.as_str().unwrap_or_default()),
            "desc": sentence,
            "types": [family],
            "analytic": {"name": detector, "uid": detector, "type_id": analytic, "version": signal["settings"]},
        },
        "evidences": evidence.iter().map(|one| evidence_of(one, signal)).collect::<Vec<_>>(),
    });
    if !verdict.is_null() {
        finding["verdict_id"] = verdict;
        finding["metadata"]["profiles"] = json!(["incident"]);
    }
    if let (Some((kind, pattern)), Some(members)) = (pattern.filter(|_| is_found), finding.as_object_mut()) {
        let anomaly = |value: &Value| {
            json!([{
                "observation_parameter": detector,
                "observation_type": kind,
                "observed_pattern": pattern,
                "observations": [{"value": format!("{:.2}", value.as_f64().unwrap_or_default()), "count": 1}],
            }])
        };
        let mut anomalies = anomaly(&signal["observed"]);
        let circumstances = signal["circumstances"].as_array().into_iter().flatten().map(circumstance);
        anomalies.as_array_mut().into_iter().for_each(|all| all.extend(circumstances.clone()));
        let peers = &signal["peers"];
        let name = format!("{} ({})", peers["name"].as_str().unwrap_or_default(), peers["accounts"]);
        let analysis = json!([{
            "analysis_targets": [{"name": signal["account"], "type": "Account"}, {"name": name, "type": "Peers"}],
            "anomalies": anomalies,
            "baselines": anomaly(&signal["expected"]),
        }]);
        members.insert("anomaly_analyses".to_owned(), analysis);
    }
    finding
}

/// What was seen, in OCSF's words, by the family of the signal and its detector. `None`: a rule compares nothing.
fn pattern(family: &str, detector: &str) -> Option<(&'static str, &'static str)> {
    match family {
        _ if detector == "enumeration" => Some(("Sequence Analysis", "HIGH_VOLUME")),
        _ if detector == "disclosure" => Some(("Volume Analysis", "SURGE")),
        "reason" => Some(("Frequency Analysis", "UNSEEN")),
        "volume" => Some(("Volume Analysis", "HIGH_VOLUME")),
        "denial" => Some(("Sequence Analysis", "HIGH_VOLUME")),
        _ => None,
    }
}

/// What made the act say more, in OCSF's words.
fn circumstance(name: &Value) -> Value {
    let (kind, pattern) = match name.as_str() {
        Some("hour") => ("Time Pattern Analysis", "OFF_HOURS"),
        _ => ("Frequency Analysis", "RARE"),
    };
    json!({
        "observation_parameter": name,
        "observation_type": kind,
        "observed_pattern": pattern,
        "observations": [{"value": name, "count": 1}],
    })
}

fn evidence_of(one: &Value, signal: &Value) -> Value {
    let mut evidence = json!({
        "name": format!("record {}", one["seq"]),
        "api": {"operation": "access_evaluation"},
        "data": one,
    });
    // A signal is about an account, or about a record.
    match &signal["account"] {
        Value::Null => evidence["resources"] = json!([{"uid": signal["record"]}]),
        account => evidence["user"] = json!({"uid": account}),
    }
    evidence
}
