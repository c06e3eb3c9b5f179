//! A signal in JSON: one line, with the same bytes for the same signal.

use super::{
    follow_up::Verdict,
    signal::{About, Evidence, Signal},
};
use crate::types::{language::Language, trace::RecordIdentity};
use serde_json::{Value, json};

/// A signal as one line.
#[must_use]
pub fn json(signal: &Signal) -> Value {
    let Signal { id, change, time, about, detector, family, score, threshold, .. } = signal;
    let Signal { days, observed, of, expected, surprise, peers, accounts, evidence, tried, verdict, settings, .. } =
        signal;
    let circumstances: Vec<_> = signal.circumstances.iter().map(|it| it.name()).collect();
    let of_record = |one: &Evidence| {
        let Evidence { seq, record: RecordIdentity { trace_id, span_id }, item } = one;
        json!({"seq": seq, "trace_id": trace_id.to_string(), "span_id": span_id.to_string(), "item": item})
    };
    let evidence: Vec<_> = evidence.iter().map(of_record).collect();
    // Logarithms differ in their last digits between machines. A whole number is written as one, as canonical JSON has it.
    let rounded = |number: f64| match (number * 100.0).round() / 100.0 {
        whole if whole.fract() == 0.0 => json!(whole as i64),
        number => json!(number),
    };
    json!({
        "id": id,
        "change": change.name(),
        "time": time,
        "account": if let About::Account(name) = about { Some(name) } else { None },
        "record": if let About::Record(name) = about { Some(name) } else { None },
        "detector": detector.name(),
        "family": family.name(),
        "score": rounded(*score),
        "threshold": rounded(*threshold),
        "days": days,
        "observed": rounded(*observed),
        "of": of.map(rounded),
        "expected": rounded(*expected),
        "surprise": rounded(*surprise),
        "peers": {"name": peers, "accounts": accounts},
        "circumstances": circumstances,
        "evidence": evidence,
        "tried": tried.iter().map(|reason| &*reason.id).collect::<Vec<_>>(),
        "verdict": verdict.map(Verdict::name),
        "settings": settings.as_str(),
        "sentence": {
            "en": signal.sentence(Language::English),
            "nl": signal.sentence(Language::Dutch),
        },
    })
}
