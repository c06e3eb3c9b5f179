//! A signal as an OCSF 1.8.0 Detection Finding (class 2004), for a SIEM.
//!
//! A finding has ids and numbers, and nothing of what a question was about. Its severity says how unlike the usual the use was; it
//! says nothing of a person.

use super::signal::{Change, Detector, Evidence, Family, Signal};
use crate::types::{build, language::Language, trace::RecordIdentity};
use serde_json::{Value, json};

/// The class: Detection Finding.
const CLASS: u32 = 2_004;

/// A signal as one event.
#[must_use]
pub fn ocsf(signal: &Signal) -> Value {
    let Signal { id, change, time, account, detector, family, score, observed, expected, .. } = signal;
    let Signal { peers, accounts, evidence, settings, .. } = signal;
    let activity = match change {
        Change::Opened => 1,
        Change::Raised => 2,
        Change::Faded => 3,
    };
    // 2 low, 3 medium, 4 high; risk levels are one less.
    let severity = if *score < 3.0 {
        2
    } else if *score < 6.0 {
        3
    } else {
        4
    };
    let sentence = signal.sentence(Language::English);
    // 1 rule, 3 statistical.
    let analytic = if matches!(detector, Detector::Rule(_)) { 1 } else { 3 };
    let mut finding = json!({
        "activity_id": activity,
        "category_uid": CLASS / 1_000,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "time": time,
        "severity_id": severity,
        "risk_level_id": severity - 1,
        "risk_score": (score * 10.0).clamp(0.0, 100.0).round() as u32,
        "confidence_id": 1,
        "status_id": if *change == Change::Faded { 4 } else { 1 },
        "is_alert": *change == Change::Opened,
        "message": sentence,
        "metadata": {
            "version": "1.8.0",
            "product": {"name": "poort", "vendor_name": "poort", "version": build::VERSION},
            "correlation_uid": id,
        },
        "finding_info": {
            "uid": id,
            "title": format!("Atypical use: {}", detector.name()),
            "desc": sentence,
            "types": [family.name()],
            "analytic": {"name": detector.name(), "uid": detector.name(), "type_id": analytic, "version": settings.as_str()},
        },
        "evidences": evidence.iter().map(|one| evidence_of(one, account)).collect::<Vec<_>>(),
    });
    if let (Some(pattern), Some(members)) = (pattern(*family), finding.as_object_mut()) {
        let anomaly = |value: f64| {
            json!([{
                "observation_parameter": detector.name(),
                "observation_type": pattern.0,
                "observed_pattern": pattern.1,
                "observations": [{"value": format!("{value:.2}"), "count": 1}],
            }])
        };
        let analysis = json!([{
            "analysis_targets": [{"name": account, "type": "Account"}, {"name": format!("{peers} ({accounts})"), "type": "Peers"}],
            "anomalies": anomaly(*observed),
            "baselines": anomaly(*expected),
        }]);
        members.insert("anomaly_analyses".to_owned(), analysis);
    }
    finding
}

/// What was seen, in OCSF's words. `None`: a rule compares nothing.
const fn pattern(family: Family) -> Option<(&'static str, &'static str)> {
    match family {
        Family::Reason => Some(("Frequency Analysis", "UNSEEN")),
        Family::Volume => Some(("Volume Analysis", "HIGH_VOLUME")),
        Family::Denial => Some(("Sequence Analysis", "HIGH_VOLUME")),
        Family::Exact => None,
    }
}

fn evidence_of(Evidence { seq, record, item }: &Evidence, account: &str) -> Value {
    let RecordIdentity { trace_id, span_id } = record;
    json!({
        "name": format!("record {seq}"),
        "api": {"operation": "access_evaluation"},
        "user": {"uid": account},
        "data": {"seq": seq, "trace_id": trace_id.to_string(), "span_id": span_id.to_string(), "item": item},
    })
}
